//! Import of engines: from an engine's objects to those that it propagates, with the clusters and differences of each.
//!
//! An engine's module removes the objects that only carry others; other configuration, such as definitions and
//! policies, stays, and is compared with that of the document's engine.

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

/// Limit of all copies of all templates together, in bytes as JSON.
const MAX_COPIED: usize = 256 * 1024 * 1024;
/// Additional bytes of a copy.
const COPY: usize = 64;

/// An object for some clusters.
#[derive(Debug)]
pub(super) struct Carried {
    /// The common part of the clusters; its file and cluster are those of the carrying object.
    pub(super) object: Object,
    /// Names of the clusters, without duplicates.
    clusters: Vec<String>,
    /// The differences of some clusters, by name.
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

    /// The object of each of its clusters.
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

/// The content of an engine's objects.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// The engine; `None` if each cluster has its own objects.
    pub(super) target: Option<Target>,
    pub(super) carried: Vec<Carried>,
    /// Clusters in the orders of lists.
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

/// The remaining size of copies: a short text can request many copies of a long one.
struct Budget {
    left: usize,
}

impl Budget {
    /// Reserves bytes for a number of copies.
    fn take(&mut self, bytes: usize, copies: usize) -> Result<(), ImportError> {
        let desired = bytes.saturating_add(COPY).saturating_mul(copies);
        self.left = self
            .left
            .checked_sub(desired)
            .ok_or(ImportError::TooManyCopies(desired))?;
        Ok(())
    }
}

fn bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// Replaces an engine's objects by those that they carry.
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

/// Removes and returns the objects that match, in order.
fn take(objects: &mut Vec<Object>, which: impl Fn(&Object) -> bool) -> Vec<Object> {
    let (taken, left) = std::mem::take(objects).into_iter().partition(which);
    *objects = left;
    taken
}

/// A federated object as an object of its target kind.
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

/// The API version of each kind in the type configurations, whose target is in `field`.
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
