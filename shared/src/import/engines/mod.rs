//! The engines read backwards: from the objects by which an engine spreads others to those others, with
//! the clusters that get each and what differs there.
//!
//! An engine's module takes out what only carries; what the engine is told besides, such as definitions and
//! policies, stays as it is, and is compared with what the document's engine would be told.

mod change;
mod karmada;
mod kustomize;
mod ocm;
mod overrides;
mod v1alpha1;
mod v1beta1;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::ImportError;
use super::objects::{self, Given, Object, field};
use crate::check::Findings;
use crate::mesh::Target;
use change::Change;

/// Most bytes, as JSON, that all copies of all templates may have together.
const MAX_COPIED: usize = 256 * 1024 * 1024;
/// What a copy takes besides.
const COPY: usize = 64;

/// An object for some clusters.
#[derive(Debug)]
pub(super) struct Carried {
    /// What the clusters have in common; its file and cluster are those of the object that carried it.
    pub(super) object: Object,
    /// Their names, each once.
    clusters: Vec<String>,
    /// What some of them get otherwise, by name.
    changes: BTreeMap<String, Vec<Change>>,
}

impl Carried {
    fn new(object: Object, mut clusters: Vec<String>) -> Self {
        let mut seen = BTreeSet::new();
        clusters.retain(|cluster| seen.insert(cluster.clone()));
        Self {
            object,
            clusters,
            changes: BTreeMap::new(),
        }
    }

    /// The object as each of its clusters gets it.
    pub(super) fn copies(self) -> impl Iterator<Item = (String, Object)> {
        let Self {
            object,
            clusters,
            changes,
        } = self;
        clusters.into_iter().map(move |cluster| {
            let mut copy = object.clone();
            for change in changes.get(&cluster).into_iter().flatten() {
                change.apply(&mut copy.value);
            }
            (cluster, copy)
        })
    }
}

/// What the engines carry.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// The engine; `None` where each cluster gets its own objects.
    pub(super) target: Option<Target>,
    pub(super) carried: Vec<Carried>,
    /// Clusters in the orders in which lists have them.
    pub(super) orders: Vec<Vec<String>>,
}

impl Expanded {
    fn add(&mut self, target: Target, one: Carried) {
        self.target.get_or_insert(target);
        if one.clusters.len() > 1 {
            self.orders.push(one.clusters.clone());
        }
        self.carried.push(one);
    }
}

/// What may still be copied: a short text can ask for many copies of a long one.
struct Budget {
    left: usize,
}

impl Budget {
    /// Takes bytes for a number of copies.
    fn take(&mut self, bytes: usize, copies: usize) -> Result<(), ImportError> {
        let wanted = bytes.saturating_add(COPY).saturating_mul(copies);
        self.left = self
            .left
            .checked_sub(wanted)
            .ok_or(ImportError::TooManyCopies(wanted))?;
        Ok(())
    }
}

fn bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// Takes what engines carry out of the objects.
pub(super) fn expand(given: &mut Given, findings: &mut Findings) -> Result<Expanded, ImportError> {
    let mut expanded = Expanded::default();
    let mut budget = Budget { left: MAX_COPIED };
    let objects = &mut given.objects;
    v1alpha1::expand(objects, &mut expanded, &mut budget, findings)?;
    v1beta1::expand(objects, &mut expanded, &mut budget, findings)?;
    karmada::expand(objects, &mut expanded, &mut budget, findings)?;
    ocm::expand(objects, &mut expanded, findings);
    kustomize::expand(given, &mut expanded, &mut budget, findings)?;
    Ok(expanded)
}

/// Takes the objects of which something holds, in their order.
fn take(objects: &mut Vec<Object>, which: impl Fn(&Object) -> bool) -> Vec<Object> {
    let (taken, left) = std::mem::take(objects).into_iter().partition(which);
    *objects = left;
    taken
}

/// An object of a federation's kind as the kind that it stands for.
fn template(of: &Object, kind: &str, api_version: String) -> Object {
    let mut value = field(&of.value, &["spec", "template"]).clone();
    if !value.is_object() {
        value = json!({});
    }
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
    for name in ["name", "namespace"] {
        value["metadata"][name] = of.value["metadata"][name].clone();
    }
    Object::new(of.file.clone(), of.cluster.clone(), value)
}

/// The API version that type configurations, whose target stands in `field`, name for each kind.
fn versions(objects: &[Object], target: &str) -> BTreeMap<String, String> {
    objects
        .iter()
        .filter(|object| object.kind() == "FederatedTypeConfig")
        .filter_map(|object| {
            let target = field(&object.value, &["spec", target]);
            let text = |name: &str| target[name].as_str().map(str::to_owned);
            let (kind, version) = (text("kind")?, text("version")?);
            let api_version = match target["group"].as_str() {
                Some(group) if !group.is_empty() => format!("{group}/{version}"),
                _ => objects::api_version(&kind, &version),
            };
            Some((kind, api_version))
        })
        .collect()
}
