//! The sample workloads among the Deployments, the rules of bookinfo, and other images than the pinned ones.

use std::collections::BTreeMap;

use serde_json::Value;

use super::dns;
use super::services::{Found, is_at_gateway, local};
use super::world::World;
use crate::defaults::{DEFAULT_NAMESPACE, EXTERNAL_DNS_IMAGE, HTTPBIN_IMAGE, SLEEP_IMAGE};
use crate::manifests::{Object, field, list};
use crate::mesh::{Bookinfo, BookinfoProgram, BookinfoRoutes, Images, Sample, Service};

/// The samples of the document, and their settings.
pub(super) struct Samples {
    pub(super) placed: Vec<Sample>,
    pub(super) bookinfo: Option<Bookinfo>,
    /// Images other than the default.
    pub(super) images: Option<Images>,
    /// The namespaces of bookinfo, the same as its page's in each cluster.
    namespaces: Vec<String>,
}

impl Samples {
    pub(super) fn find(world: &World, services: &[Found]) -> Self {
        let mut images = Images::default();
        let mut placed = Vec::new();
        if let Some(found) = httpbin(world, services) {
            placed.push(Sample::Httpbin);
            images.httpbin = image(found, HTTPBIN_IMAGE);
        }
        if let Some(found) = deployment(
            world,
            Sample::Sleep.as_str(),
            namespace(Sample::Sleep, services),
        ) {
            placed.push(Sample::Sleep);
            images.sleep = image(found, SLEEP_IMAGE);
        }
        let namespace = namespace(Sample::Bookinfo, services);
        let programs = BookinfoProgram::ALL.into_iter();
        let programs: Option<Vec<_>> = programs
            .map(|program| Some((program, deployment(world, program.as_str(), namespace)?)))
            .collect();
        let mut bookinfo = None;
        if let Some(programs) = programs {
            placed.push(Sample::Bookinfo);
            let others = programs
                .into_iter()
                .filter_map(|(program, object)| Some((program, image(object, &program.image())?)));
            images.bookinfo = others.collect();
            bookinfo = routes(world, namespace).map(|routes| Bookinfo {
                routes: Some(routes),
            });
        }
        let page = services.iter().map(|one| &one.service);
        let mut page = page.filter(|one| Some(one.name.as_str()) == Sample::Bookinfo.service());
        let namespaces = match page.next() {
            Some(page) => places(page)
                .into_iter()
                .map(|(_, it)| it.to_owned())
                .collect(),
            None => vec![DEFAULT_NAMESPACE.to_owned()],
        };
        let mut deployments = dns::deployments(world);
        images.external_dns = deployments
            .next()
            .and_then(|(_, object)| image(object, EXTERNAL_DNS_IMAGE));
        Self {
            placed,
            bookinfo,
            images: (images != Images::default()).then_some(images),
            namespaces,
        }
    }

    /// Whether a DestinationRule belongs to a rule of bookinfo.
    pub(super) fn has_rule_for(&self, object: &Object) -> bool {
        let rules = self.bookinfo.as_ref().and_then(|bookinfo| bookinfo.routes);
        let Some((name, namespace)) = local(field(&object.value, &["spec", "host"]), object) else {
            return false;
        };
        let mut rules = rules.iter().flat_map(|routes| routes.rules());
        self.namespaces.contains(&namespace) && rules.any(|(service, _)| *service == name)
    }
}

/// The namespace of a sample, as rendered.
fn namespace(sample: Sample, services: &[Found]) -> &str {
    let name = sample.service();
    let mut services = services.iter().map(|one| &one.service);
    services
        .find(|one| name == Some(one.name.as_str()))
        .and_then(|one| one.namespace.as_deref())
        .unwrap_or(DEFAULT_NAMESPACE)
}

fn deployment<'a>(world: &'a World, name: &str, namespace: &str) -> Option<&'a Object> {
    let mut deployments = world.of_kind("Deployment").map(|(_, object)| object);
    deployments.find(|one| one.name() == name && one.namespace() == namespace)
}

/// The routes that match the VirtualServices of bookinfo's services.
fn routes(world: &World, namespace: &str) -> Option<BookinfoRoutes> {
    let mut given: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
    for (_, object) in world.of_kind("VirtualService") {
        let hosts = list(field(&object.value, &["spec", "hosts"]));
        let service = BookinfoProgram::ALL.iter().find(|program| {
            let service = (program.service().to_owned(), namespace.to_owned());
            hosts
                .iter()
                .any(|host| local(host, object).as_ref() == Some(&service))
        });
        if let (Some(service), false) = (service, is_at_gateway(object)) {
            given.insert(service.service(), shares(object));
        }
    }
    BookinfoRoutes::ALL.into_iter().find(|routes| {
        let desired = routes.rules().iter();
        let desired: BTreeMap<&str, Vec<(&str, u64)>> = desired
            .map(|(service, versions)| {
                let versions = versions.iter();
                (
                    *service,
                    versions
                        .map(|(version, share)| (*version, u64::from(*share)))
                        .collect(),
                )
            })
            .collect();
        desired == given
    })
}

/// The subsets of all requests; empty if some go elsewhere.
fn shares(object: &Object) -> Vec<(&str, u64)> {
    let [only] = list(field(&object.value, &["spec", "http"])) else {
        return Vec::new();
    };
    let destinations = list(&only["route"]);
    destinations
        .iter()
        .filter_map(|one| {
            let subset = field(one, &["destination", "subset"]).as_str()?;
            // A single destination needs no weight.
            let weight = match &one["weight"] {
                Value::Null if destinations.len() == 1 => 100,
                weight => weight.as_u64()?,
            };
            Some((subset, weight))
        })
        .collect()
}

/// The httpbin that the document shares, or the one in `default`.
fn httpbin<'a>(world: &'a World, services: &[Found]) -> Option<&'a Object> {
    let shared = services
        .iter()
        .map(|one| &one.service)
        .find(|one| Some(one.name.as_str()) == Sample::Httpbin.service());
    let places = match shared {
        Some(shared) => places(shared),
        None => vec![(Sample::Httpbin.as_str(), DEFAULT_NAMESPACE)],
    };
    places
        .into_iter()
        .find_map(|(name, namespace)| deployment(world, name, namespace))
}

/// Names and namespaces of a service in the clusters.
fn places(service: &Service) -> Vec<(&str, &str)> {
    let (name, namespace) = (service.name.as_str(), service.namespace.as_deref());
    let overrides = service.overrides.iter();
    let others = overrides.map(|one| {
        (
            one.name.as_deref().unwrap_or(name),
            one.namespace.as_deref().or(namespace),
        )
    });
    let all = others.chain([(name, namespace)]);
    all.map(|(name, namespace)| (name, namespace.unwrap_or(DEFAULT_NAMESPACE)))
        .collect()
}

/// The image of an object of fedmesh. The rendered ports, commands and flags match one program and its version, so
/// images of other tools' objects would not fit.
fn image(object: &Object, default: &str) -> Option<String> {
    let ours = object.is_ours();
    let image = dns::container(object)["image"].as_str()?;
    (ours && image != default).then(|| image.to_owned())
}

/// The last part of an image's name, without tag and digest.
pub(super) fn program(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}
