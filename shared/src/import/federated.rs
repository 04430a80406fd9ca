//! Which cluster gets which object: by its file or heading, or, for the objects of federation-v2
//! v0.0.4, by the placement that goes with a template, with the values of its override.
//!
//! Faults that the federation's controller passes over in silence are told, and what was meant is taken.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::ImportError;
use super::objects::{self, Object, field, list, texts};
use super::overrides;
use crate::check::{Findings, code};

const PRIMITIVES: &str = "primitives.federation.k8s.io";
/// Most bytes, as JSON, that all copies of all templates may have together.
const MAX_COPIED: usize = 256 * 1024 * 1024;
/// Where nothing says which cluster objects are for.
const ONLY_CLUSTER: &str = "cluster1";

/// Every object, and which cluster gets it.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Names of the clusters, in the order of the document.
    pub(super) clusters: Vec<String>,
    /// The cluster that holds the records, and the federation's objects, where that is known.
    pub(super) hub: Option<usize>,
    /// Whether the objects are those of a federation.
    pub(super) federated: bool,
    /// The objects; those in a federated form come as the clusters get them.
    pub(super) objects: Vec<Object>,
    /// For each of them, the index of its cluster.
    pub(super) places: Vec<usize>,
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
}

/// Template, placement and override of one object.
#[derive(Default)]
struct Parts {
    template: Option<Object>,
    placement: Option<Object>,
    r#override: Option<Object>,
}

/// Kind without `Federated`, namespace and name.
type Id = (String, String, String);

pub(super) fn spread(objects: Vec<Object>, findings: &mut Findings) -> Result<World, ImportError> {
    let mut parts: BTreeMap<Id, Parts> = BTreeMap::new();
    let mut order: Vec<Id> = Vec::new();
    let mut plain = Vec::new();
    for object in objects {
        let federated = object.kind().strip_prefix("Federated");
        // Of a namespace only the placement is the federation's.
        let is_part = |kind: &&str| object.group() == PRIMITIVES && *kind != "NamespacePlacement";
        let Some(kind) = federated.filter(is_part) else {
            plain.push(object);
            continue;
        };
        let (kind, part) = ["Placement", "Override"]
            .into_iter()
            .find_map(|part| Some((kind.strip_suffix(part)?, part)))
            .unwrap_or((kind, "Template"));
        let id = (
            kind.to_owned(),
            object.namespace().to_owned(),
            object.name().to_owned(),
        );
        let entry = parts.entry(id.clone()).or_insert_with(|| {
            order.push(id);
            Parts::default()
        });
        let slot = match part {
            "Placement" => &mut entry.placement,
            "Override" => &mut entry.r#override,
            _ => &mut entry.template,
        };
        if let Some(earlier) = slot.replace(object) {
            findings.warning(
                code::IMPORT_CONTRADICTS,
                &earlier.place(),
                "it is given twice; the last one is taken".into(),
                "keep one of the two".into(),
            );
        }
    }
    misnamed(&mut parts, &order, findings);

    let federated = !parts.is_empty();
    let mut world = World {
        clusters: if federated {
            placed_clusters(&parts)
        } else {
            Vec::new()
        },
        federated,
        ..World::default()
    };
    let hub = if federated {
        hub(&plain, &parts, &world.clusters, findings)
    } else {
        None
    };
    let versions = versions(&plain);
    let mut left = MAX_COPIED;
    let named = plain.iter().find_map(|object| object.cluster.clone());
    for object in plain {
        let cluster = match (federated, &object.cluster) {
            (true, _) => hub.unwrap_or_default(),
            (false, Some(name)) => index(&mut world.clusters, name),
            (false, None) => {
                unnamed(&object, named.as_deref(), findings);
                index(
                    &mut world.clusters,
                    named.as_deref().unwrap_or(ONLY_CLUSTER),
                )
            }
        };
        world.places.push(cluster);
        world.objects.push(object);
    }
    for id in order {
        let Some(parts) = parts.remove(&id) else {
            continue;
        };
        let copied = parts.copied_bytes();
        left = left
            .checked_sub(copied)
            .ok_or(ImportError::TooManyCopies(copied))?;
        for (cluster, object) in spread_one(&id, parts, &versions, findings) {
            let cluster = index(&mut world.clusters, &cluster);
            world.places.push(cluster);
            world.objects.push(object);
        }
    }
    if world.clusters.is_empty() {
        world.clusters.push(ONLY_CLUSTER.to_owned());
    }
    world.hub = hub;
    Ok(world)
}

impl Parts {
    /// What the copies for all clusters have together, in bytes.
    fn copied_bytes(&self) -> usize {
        let bytes = |object: &Option<Object>| match object {
            Some(object) => object.value.to_string().len(),
            None => 0,
        };
        let clusters = match &self.placement {
            Some(placement) => list(field(&placement.value, &["spec", "clusterNames"])).len(),
            None => 0,
        };
        bytes(&self.template).saturating_mul(clusters) + bytes(&self.r#override)
    }
}

/// Tells of an object that is for no cluster while others are; `named` is the first of theirs.
fn unnamed(object: &Object, named: Option<&str>, findings: &mut Findings) {
    if let Some(named) = named
        && object.kind() != "Mesh"
    {
        findings.warning(
            code::ASSUMED,
            &object.place(),
            "nothing says which cluster it is for".into(),
            format!("it is taken for one of {named}; move it into its cluster's folder"),
        );
    }
}

fn index(clusters: &mut Vec<String>, name: &str) -> usize {
    if let Some(index) = clusters.iter().position(|cluster| cluster == name) {
        return index;
    }
    clusters.push(name.to_owned());
    clusters.len() - 1
}

/// The clusters in the order in which the longest placement has them, if no other contradicts it;
/// else by name.
fn placed_clusters(parts: &BTreeMap<Id, Parts>) -> Vec<String> {
    let placements = parts.values().filter_map(|one| one.placement.as_ref());
    let lists: Vec<Vec<&str>> = placements
        .map(|object| texts(field(&object.value, &["spec", "clusterNames"])).collect())
        .collect();
    let all: BTreeSet<&str> = lists.iter().flatten().copied().collect();
    let longest = lists.iter().max_by_key(|list| list.len());
    let agreed = longest.filter(|longest| {
        let at = |name: &&str| longest.iter().position(|one| one == name);
        longest.len() == all.len()
            && lists
                .iter()
                .all(|list| list.windows(2).all(|pair| at(&pair[0]) < at(&pair[1])))
    });
    match agreed {
        Some(names) => names.iter().map(|&name| name.to_owned()).collect(),
        None => all.into_iter().map(str::to_owned).collect(),
    }
}

/// The cluster of the federation's own objects, if their files say so.
fn hub(
    plain: &[Object],
    parts: &BTreeMap<Id, Parts>,
    clusters: &[String],
    findings: &mut Findings,
) -> Option<usize> {
    let templates = parts.values().filter_map(|one| one.template.as_ref());
    let mut named = templates
        .chain(plain)
        .filter_map(|object| object.cluster.as_ref());
    let name = named.next()?;
    let hub = clusters.iter().position(|cluster| cluster == name);
    if hub.is_none() {
        findings.warning(
            code::ASSUMED,
            "spec.dns.cluster",
            format!("no placement has {name}, the cluster of the federation's objects"),
            "the document has the first one in its place; correct it".into(),
        );
    }
    hub
}

/// The version of each kind of Istio's that the federation is told to write.
fn versions(plain: &[Object]) -> BTreeMap<String, String> {
    plain
        .iter()
        .filter(|object| object.kind() == "FederatedTypeConfig")
        .filter_map(|object| {
            let target = field(&object.value, &["spec", "target"]);
            let text = |name: &str| target[name].as_str().map(str::to_owned);
            Some((text("kind")?, text("version")?))
        })
        .collect()
}

/// Placements and overrides of a kind that has no template: the only template of the same name is meant.
fn misnamed(parts: &mut BTreeMap<Id, Parts>, order: &[Id], findings: &mut Findings) {
    for id in order {
        let Some(one) = parts.get(id).filter(|one| one.template.is_none()) else {
            continue;
        };
        let meant: Vec<&Id> = parts
            .iter()
            .filter(|(other, parts)| {
                let free = (one.placement.is_none() || parts.placement.is_none())
                    && (one.r#override.is_none() || parts.r#override.is_none());
                free && parts.template.is_some() && (&other.1, &other.2) == (&id.1, &id.2)
            })
            .map(|(other, _)| other)
            .collect();
        let meant = match meant[..] {
            [only] => Some(only.clone()),
            _ => None,
        };
        let Some(one) = parts.remove(id) else {
            continue;
        };
        for (object, part) in [(&one.placement, "Placement"), (&one.r#override, "Override")] {
            let Some(object) = object else { continue };
            let hint = match &meant {
                Some((kind, ..)) => format!(
                    "Federated{kind}{part} is meant, which is the kind that goes with Federated{kind}; it is taken as that"
                ),
                None => format!("give it a template, Federated{}, or remove it", id.0),
            };
            findings.warning(
                code::FEDERATED_FAULT,
                &object.place(),
                format!(
                    "there is no Federated{} of this name that it could belong to",
                    id.0
                ),
                hint,
            );
        }
        if let Some(entry) = meant.and_then(|meant| parts.get_mut(&meant)) {
            entry.placement = entry.placement.take().or(one.placement);
            entry.r#override = entry.r#override.take().or(one.r#override);
        }
    }
}

fn spread_one(
    (kind, ..): &Id,
    parts: Parts,
    versions: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Vec<(String, Object)> {
    let Some(template) = parts.template else {
        return Vec::new();
    };
    let clusters = match &parts.placement {
        Some(placement) => texts(field(&placement.value, &["spec", "clusterNames"])).collect(),
        None => Vec::new(),
    };
    if clusters.is_empty() {
        findings.warning(
            code::FEDERATED_FAULT,
            &template.place(),
            "no placement names a cluster that gets it".into(),
            format!("list its clusters in clusterNames of a Federated{kind}Placement"),
        );
    }
    let overrides = match &parts.r#override {
        Some(r#override) => overrides::values(r#override, &clusters, findings),
        None => BTreeMap::new(),
    };
    let mut value = field(&template.value, &["spec", "template"]).clone();
    if !value.is_object() {
        value = json!({});
    }
    let version = versions.get(kind).map_or("", String::as_str);
    value["apiVersion"] = objects::api_version(kind, version).into();
    value["kind"] = kind.as_str().into();
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
    for name in ["name", "namespace"] {
        value["metadata"][name] = template.value["metadata"][name].clone();
    }
    clusters
        .into_iter()
        .map(|cluster| {
            let mut value = value.clone();
            for (path, new) in overrides.get(cluster).into_iter().flatten() {
                overrides::set(&mut value, path, new);
            }
            let object = Object {
                file: template.file.clone(),
                cluster: Some(cluster.to_owned()),
                value,
            };
            (cluster.to_owned(), object)
        })
        .collect()
}
