//! The cluster of each object: by its file or heading, or by an engine's propagation.

use std::collections::BTreeMap;

use super::ImportError;
use super::order;
use super::read::{KUSTOMIZE, NotAManifest};
use crate::check::{Findings, code};
use crate::engine;
use crate::manifests::{Budget, Carried, Expanded, Given, Object};
use crate::mesh::Target;

/// The cluster of objects without one.
const ONLY_CLUSTER: &str = "cluster1";

/// All objects, with their clusters.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Names of the clusters, in the order of the document.
    pub(super) clusters: Vec<String>,
    /// The cluster of an engine's hub, if known.
    pub(super) hub: Option<usize>,
    /// The engine that propagates objects, if any.
    pub(super) target: Option<Target>,
    /// The objects; those that an engine propagates as in their clusters.
    pub(super) objects: Vec<Object>,
    /// For each of them, the index of its cluster.
    pub(super) places: Vec<usize>,
}

/// The clusters, in the order of their discovery.
#[derive(Default)]
struct Clusters {
    names: Vec<String>,
    indices: BTreeMap<String, usize>,
}

impl Clusters {
    fn index(&mut self, name: &str) -> usize {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        self.names.push(name.to_owned());
        self.indices.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

impl World {
    /// All objects of a kind with their clusters.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = (usize, &Object)> {
        self.all().filter(move |(_, object)| object.is(kind))
    }

    /// All objects with their clusters.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Object)> {
        self.places.iter().copied().zip(&self.objects)
    }

    /// The DNS domain of a cluster; `None` without objects there.
    pub(super) fn domain(&self, index: usize) -> Option<&str> {
        let mut here = self.all().filter(|(cluster, _)| *cluster == index);
        here.next().map(|(_, object)| &*object.domain)
    }

    /// Sets the DNS domains of the clusters, in their order; those without one keep the default.
    pub(super) fn set_domains(&mut self, domains: &[Option<String>]) {
        for (place, object) in self.places.iter().zip(&mut self.objects) {
            if let Some(domain) = domains.get(*place).and_then(Option::as_ref) {
                object.domain = domain.clone().into();
            }
        }
    }

    /// The objects of each cluster.
    pub(super) fn by_cluster(&self) -> Vec<Vec<&Object>> {
        let mut all = vec![Vec::new(); self.clusters.len()];
        for (cluster, object) in self.all() {
            all[cluster].push(object);
        }
        all
    }

    /// Orders the clusters such that it agrees with the lists of their indices.
    pub(super) fn order(&mut self, lists: &[Vec<usize>]) {
        let order = order::agreed(self.clusters.len(), lists);
        let mut now = vec![0; order.len()];
        for (place, &before) in order.iter().enumerate() {
            now[before] = place;
        }
        self.clusters = order
            .iter()
            .map(|&before| self.clusters[before].clone())
            .collect();
        self.hub = self.hub.map(|hub| now[hub]);
        for place in &mut self.places {
            *place = now[*place];
        }
    }
}

pub(super) fn spread(mut given: Given, findings: &mut Findings) -> Result<World, ImportError> {
    let (target, Expanded { carried, orders }) = expand(&mut given, findings)?;
    let plain = given.objects;
    let mut clusters = Clusters::default();
    let mut world = World {
        target,
        ..World::default()
    };
    let mut carriers = carried.iter().map(|one| &one.object).chain(&plain);
    let home = carriers.find_map(|object| object.cluster.clone());
    let has_hub = target.is_some_and(Target::has_hub);
    if has_hub {
        for (cluster, object) in carried.into_iter().flat_map(Carried::copies) {
            world.places.push(clusters.index(&cluster));
            world.objects.push(object);
        }
        world.hub = hub(home.as_deref(), &clusters, findings);
        // Karmada also propagates the records, to their one cluster.
        let records = world
            .of_kind("DNSEndpoint")
            .map(|(cluster, _)| cluster)
            .next();
        let at = world.hub.or(records).unwrap_or_default();
        let places = plain.iter().map(|_| at);
        // In front, as in the files.
        world.places.splice(0..0, places);
        world.objects.splice(0..0, plain);
    } else {
        place_plain(plain, &mut clusters, &mut world, findings);
        for (cluster, object) in carried.into_iter().flat_map(Carried::copies) {
            world.places.push(clusters.index(&cluster));
            world.objects.push(object);
        }
    }
    if clusters.names.is_empty() {
        clusters.index(ONLY_CLUSTER);
    }
    let lists: Vec<Vec<usize>> = orders
        .iter()
        .map(|list| {
            let known = list.iter();
            known
                .filter_map(|name| clusters.indices.get(name).copied())
                .collect()
        })
        .collect();
    world.clusters = clusters.names;
    world.order(&lists);
    Ok(world)
}

/// Replaces the objects of engines by those that they carry; the engine is the first that has any.
fn expand(
    given: &mut Given,
    findings: &mut Findings,
) -> Result<(Option<Target>, Expanded), ImportError> {
    let mut found = None;
    let mut expanded = Expanded::default();
    let mut budget = Budget::default();
    for target in Target::all() {
        if let Some(one) = engine::of(target).expand(given, &mut budget, findings)? {
            found.get_or_insert(target);
            expanded.carried.extend(one.carried);
            expanded.orders.extend(one.orders);
        }
    }
    for patch in &given.patches {
        let one = NotAManifest::object(&patch.file, "a JSON patch");
        let hint = KUSTOMIZE.to_owned();
        findings.0.push(NotAManifest { hint, ..one }.skipped());
    }
    Ok((found, expanded))
}

/// Assigns objects that no engine propagates, if there is no hub for them.
fn place_plain(
    plain: Vec<Object>,
    clusters: &mut Clusters,
    world: &mut World,
    findings: &mut Findings,
) {
    let named = plain.iter().find_map(|object| object.cluster.clone());
    for object in plain {
        let cluster = object.cluster.as_deref().or_else(|| {
            unnamed(&object, named.as_deref(), findings);
            named.as_deref()
        });
        world
            .places
            .push(clusters.index(cluster.unwrap_or(ONLY_CLUSTER)));
        world.objects.push(object);
    }
}

/// Reports an object without a cluster while others have one; `named` is the first of theirs.
fn unnamed(object: &Object, named: Option<&str>, findings: &mut Findings) {
    if let Some(named) = named
        && object.kind() != "Mesh"
    {
        findings.warning(
            code::ASSUMED,
            &object.place(),
            "the cluster of the object is unknown".into(),
            format!(
                "move it into the folder of its cluster; it is imported as an object of {named}"
            ),
        );
    }
}

/// The cluster of the engine's own objects, if their files set it.
fn hub(name: Option<&str>, clusters: &Clusters, findings: &mut Findings) -> Option<usize> {
    let name = name?;
    let hub = clusters.indices.get(name).copied();
    if hub.is_none() {
        findings.warning(
            code::ASSUMED,
            "spec.dns.cluster",
            format!("no object is placed in `{name}`, the cluster of the hub's objects"),
            "set `spec.dns.cluster`, which is the first cluster in the document".into(),
        );
    }
    hub
}
