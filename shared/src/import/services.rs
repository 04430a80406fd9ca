//! The shared services: a VirtualService at a gateway that routes to a Service of the cluster; or, if gateways do not
//! see requests, the services that [`mutual`] finds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::external::is_egress;
use super::locality;
use super::locals::{self, LocalService};
use super::mutual;
use super::names::{At, Names};
use super::ports;
use super::routes;
use super::virtual_services::SECTIONS;
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::DEFAULT_NAMESPACE;
use crate::manifests::{Object, field, list, texts};
use crate::mesh::Service;

/// A service, as far as it is known.
pub(super) struct Found {
    pub(super) service: Service,
    /// Its backend in each of the clusters that run it.
    pub(super) places: Vec<LocalService>,
    /// The locality preferences in the rules of its names.
    pub(super) locality: locality::Found,
    /// The first two labels, `<first>.<second>`, of its published names, without duplicates.
    pub(super) prefixes: Vec<(String, String)>,
    /// Trust domains that its callers accept.
    pub(super) trust_domains: BTreeSet<String>,
}

impl Found {
    fn namespace(&self) -> &str {
        self.service
            .namespace
            .as_deref()
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    pub(super) fn id(&self) -> (String, String) {
        (self.service.name.clone(), self.namespace().to_owned())
    }

    /// Indices of the clusters that run it, ascending.
    pub(super) fn clusters(&self) -> BTreeSet<usize> {
        self.places.iter().map(|place| place.cluster).collect()
    }
}

/// Finds the service of an object.
pub(super) struct Index {
    /// By name and namespace of the backend in any cluster.
    ids: BTreeMap<(String, String), usize>,
    /// By the first two labels of its published names.
    prefixes: BTreeMap<(String, String), usize>,
    /// By its vanity name.
    hostnames: BTreeMap<String, usize>,
}

impl Index {
    pub(super) fn new(services: &[Found]) -> Self {
        let all = || services.iter().enumerate();
        Self {
            ids: all()
                .flat_map(|(index, one)| {
                    let places = one.places.iter();
                    places.map(move |place| (place.service.clone(), index))
                })
                .collect(),
            prefixes: all()
                .flat_map(|(index, one)| {
                    one.prefixes
                        .iter()
                        .map(move |prefix| (prefix.clone(), index))
                })
                .collect(),
            hostnames: all()
                .filter_map(|(index, one)| Some((one.service.hostname.clone()?, index)))
                .collect(),
        }
    }

    /// The service of this name.
    pub(super) fn named(&self, name: &str, namespace: &str) -> Option<usize> {
        let id = (name.to_owned(), namespace.to_owned());
        self.ids.get(&id).copied()
    }

    /// The local service of a host in an object.
    pub(super) fn local(&self, host: &Value, object: &Object) -> Option<usize> {
        self.ids.get(&local(host, object)?).copied()
    }

    /// The service that has a host as a published name.
    pub(super) fn published(&self, host: &str, names: &Names) -> Option<usize> {
        let name = names.read(host)?;
        match (name.prefix, name.at) {
            (Some((first, second)), _) => self.prefixes.get(&(first.to_owned(), second.to_owned())),
            (None, At::Vanity(label)) => self.hostnames.get(label),
            (None, _) => None,
        }
        .copied()
    }
}

/// Name and namespace of a gateway, instead of the service's, at the start of its published names.
pub(super) struct Gateway {
    pub(super) service: String,
    pub(super) namespace: String,
}

/// All services, in the order of the manifests.
pub(super) fn find(world: &World, names: &Names, findings: &mut Findings) -> Vec<Found> {
    let mut services: Vec<Found> = Vec::new();
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let entries = ports::Entries::new(world);
    for (cluster, object) in world.of_kind("VirtualService") {
        if !is_at_gateway(object) {
            continue;
        }
        let Some(service) = destination(object) else {
            continue;
        };
        let index = *known.entry(service.clone()).or_insert_with_key(|service| {
            services.push(begin(pair(service)));
            services.len() - 1
        });
        let found = &mut services[index];
        if !found.places.iter().any(|place| place.cluster == cluster) {
            let (at, id) = ((cluster, object), pair(&service));
            let usual = found.places.first().map(|place| &place.ports[..]);
            let known = usual.unwrap_or_default();
            let ports = ports::find(world, at, &entries, id, known, findings);
            if usual.is_none() {
                let http = object.routes("http");
                let port = ports::of_requests(object, id, &ports);
                found.service.routes = routes::routes(http, id, port, object);
            }
            found.places.push(LocalService {
                cluster,
                service,
                ports,
            });
        }
        for host in texts(field(&object.value, &["spec", "hosts"])) {
            let Some(read) = names.read(host) else {
                continue;
            };
            match (read.prefix, read.at) {
                (Some((first, second)), _) => {
                    let prefix = (first.to_owned(), second.to_owned());
                    if !found.prefixes.contains(&prefix) {
                        found.prefixes.push(prefix);
                    }
                }
                (None, At::Vanity(label)) if found.service.hostname.is_none() => {
                    found.service.hostname = Some(label.to_owned());
                }
                (None, _) => {}
            }
        }
    }
    mutual::find(world, names, &entries, &mut services);
    let mut services = locals::join(services);
    // A record of the gateway belongs to the only service.
    if let [only] = &mut services[..]
        && only.service.hostname.is_none()
    {
        let mut records = world.of_kind("ServiceDNSRecord");
        only.service.hostname = records.find_map(|(_, record)| {
            let prefix = field(&record.value, &["spec", "dnsPrefix"]).as_str()?;
            Some(prefix.to_owned())
        });
    }
    for found in &mut services {
        let clusters = found.clusters();
        if clusters.len() < world.clusters.len() {
            let clusters = clusters.iter();
            let clusters = clusters.map(|&index| world.clusters[index].clone());
            found.service.clusters = Some(clusters.collect());
        }
    }
    services
}

/// A service of which only the name is known.
pub(super) fn begin((name, namespace): (&str, &str)) -> Found {
    Found {
        service: Service {
            name: name.to_owned(),
            namespace: (namespace != DEFAULT_NAMESPACE).then(|| namespace.to_owned()),
            ..Service::default()
        },
        places: Vec::new(),
        locality: locality::Found::default(),
        prefixes: Vec::new(),
        trust_domains: BTreeSet::new(),
    }
}

/// Whether it handles requests from outside of the cluster.
pub(super) fn is_at_gateway(object: &Object) -> bool {
    let mut gateways = texts(field(&object.value, &["spec", "gateways"]));
    gateways.any(|gateway| gateway != "mesh") && !is_egress(object)
}

/// The Service, name and namespace, of a VirtualService at a gateway: the one that most of its routes go to, or the one
/// of its own name, if it is fedmesh's or the gateway answers all requests itself.
pub(super) fn destination(object: &Object) -> Option<(String, String)> {
    if object.is_ours() {
        return Some((object.name().to_owned(), object.namespace().to_owned()));
    }
    let mut counted: Vec<((String, String), usize)> = Vec::new();
    let mut elsewhere = false;
    for one in destinations(object) {
        let Some(service) = local(&one["host"], object) else {
            elsewhere = true;
            continue;
        };
        match counted.iter_mut().find(|(known, _)| *known == service) {
            Some((_, times)) => *times += 1,
            None => counted.push((service, 1)),
        }
    }
    // The first of equal ones.
    let most = counted.into_iter().rev().max_by_key(|(_, times)| *times);
    match most {
        Some((service, _)) => Some(service),
        None if elsewhere || !answers_itself(object) => None,
        None => Some((object.name().to_owned(), object.namespace().to_owned())),
    }
}

/// Whether the gateway answers all requests itself, instead of a Service or the routes of a delegate.
fn answers_itself(object: &Object) -> bool {
    let mut routes = routes_of(object).peekable();
    let is_answer =
        |route: &Value| route["redirect"].is_object() || route["directResponse"].is_object();
    routes.peek().is_some() && routes.all(is_answer)
}

/// The routes of all protocols.
fn routes_of(object: &Object) -> impl Iterator<Item = &Value> {
    let sections = SECTIONS.into_iter();
    sections.flat_map(|section| object.routes(section))
}

fn destinations(object: &Object) -> impl Iterator<Item = &Value> {
    routes_of(object)
        .flat_map(|route| list(&route["route"]))
        .map(|one| &one["destination"])
}

/// Name and namespace of a Service of the cluster, from a host in an object there; `None` for other hosts. Istio
/// completes only names without dots (`ResolveShortnameToFQDN` in `pilot/pkg/model/config.go`).
pub(super) fn local(host: &Value, object: &Object) -> Option<(String, String)> {
    let host = host.as_str()?;
    if !host.contains('.') && !host.is_empty() && host != "*" {
        return Some((host.to_owned(), object.namespace().to_owned()));
    }
    let (service, domain) = in_full(host)?;
    (domain == object.domain).then_some(service)
}

/// Name and namespace of a Service, and the DNS domain of its cluster, from its full host; `None` for other hosts.
pub(super) fn in_full(host: &str) -> Option<((String, String), &str)> {
    let mut labels = host.splitn(4, '.');
    let (name, namespace) = (labels.next()?, labels.next()?);
    let good = !name.is_empty() && name != "*" && labels.next() == Some("svc");
    let domain = labels.next().filter(|_| good)?;
    Some(((name.to_owned(), namespace.to_owned()), domain))
}

/// The same, borrowed.
pub(super) fn pair(owned: &(String, String)) -> (&str, &str) {
    (&owned.0, &owned.1)
}

/// The start of published names, if that is not the service: the gateway.
pub(super) fn naming(
    world: &World,
    names: &Names,
    services: &[Found],
    findings: &mut Findings,
) -> Option<Gateway> {
    let prefixes = || services.iter().flat_map(|one| &one.prefixes);
    let own = services.iter().any(|one| one.prefixes.contains(&one.id()));
    let record = world.of_kind("ServiceDNSRecord").map(|(_, one)| one).next();
    let (first, second) = match (prefixes().next(), record) {
        (Some(prefix), _) => pair(prefix),
        (None, Some(record)) => (record.name(), record.namespace()),
        (None, None) => return None,
    };
    if own {
        return None;
    }
    if services.len() > 1 {
        findings.warning(
            code::IMPORT_CONTRADICTS,
            "spec.dns.naming",
            format!(
                "names start with the gateway `{first}.{second}`, which can identify only one service"
            ),
            "use the new names in callers: the document gives each service its own names".into(),
        );
        return None;
    }
    if let Some(record) = record {
        accepted_or_not(names, record, services, findings);
    }
    let (service, namespace) = record.map_or((first, second), |one| (one.name(), one.namespace()));
    Some(Gateway {
        service: service.to_owned(),
        namespace: namespace.to_owned(),
    })
}

/// Gateways must accept the names that a ServiceDNSRecord publishes, or calls are not answered.
fn accepted_or_not(names: &Names, record: &Object, services: &[Found], findings: &mut Findings) {
    let name = field(&record.value, &["spec", "externalName"]).as_str();
    let name = name.unwrap_or(record.name());
    let federation = names.federation.as_deref();
    let federation = federation.unwrap_or(crate::defaults::DEFAULT_FEDERATION);
    let full = |name: &str, namespace: &str| {
        format!("{name}.{namespace}.{federation}.svc.{}", names.suffix)
    };
    let accepted = services.iter().flat_map(|one| &one.prefixes);
    let other = accepted
        .map(pair)
        .find(|prefix| *prefix != (name, record.namespace()));
    if let Some((first, second)) = other {
        findings.warning(
            code::IMPORT_CONTRADICTS,
            &record.place(),
            format!(
                "the record publishes `{}`, but gateways accept `{}`",
                full(name, record.namespace()),
                full(first, second)
            ),
            "check which one callers use: the document has one name for both".into(),
        );
    }
}
