//! Objects that an engine's manifests carry, with the clusters and differences of each.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Change;
use super::object::Object;

/// Limit of all copies of all templates together, in bytes as JSON.
const MAX_COPIED: usize = 256 * 1024 * 1024;
/// Additional bytes of a copy.
const COPY: usize = 64;

/// An object for some clusters.
#[derive(Debug)]
pub struct Carried {
    /// The common part of the clusters; its file and cluster are those of the carrying object.
    pub object: Object,
    /// Names of the clusters, without duplicates.
    pub clusters: Vec<String>,
    /// The differences of some clusters, by name.
    pub changes: BTreeMap<String, Vec<Change>>,
}

impl Carried {
    /// An object for some clusters, without differences.
    pub fn new(object: Object, mut clusters: Vec<String>) -> Self {
        let mut seen = BTreeSet::new();
        clusters.retain(|cluster| seen.insert(cluster.clone()));
        Self {
            object,
            clusters,
            changes: BTreeMap::new(),
        }
    }

    /// The object of each of its clusters.
    pub fn copies(self) -> impl Iterator<Item = (String, Object)> {
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
pub struct Expanded {
    /// The objects.
    pub carried: Vec<Carried>,
    /// Clusters in the orders of lists.
    pub orders: Vec<Vec<String>>,
}

impl Expanded {
    /// Adds an object, whose list of clusters has an order.
    pub fn add(&mut self, one: Carried) {
        if one.clusters.len() > 1 {
            self.orders.push(one.clusters.clone());
        }
        self.carried.push(one);
    }

    /// `None` without objects: no manifest is of the engine.
    pub fn found(self) -> Option<Self> {
        (!self.carried.is_empty()).then_some(self)
    }
}

/// The remaining size of copies: a short text can request many copies of a long one.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

/// The copies of objects exceed the limit: the number of bytes of the last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the objects, copied for clusters and delegations, are too large: {0} more bytes exceed the limit"
)]
pub struct TooManyCopies(pub usize);

impl Default for Budget {
    fn default() -> Self {
        Self { left: MAX_COPIED }
    }
}

impl Budget {
    /// Reserves bytes for a number of copies.
    ///
    /// # Errors
    /// The limit is exceeded.
    pub fn take(&mut self, bytes: usize, copies: usize) -> Result<(), TooManyCopies> {
        let desired = bytes.saturating_add(COPY).saturating_mul(copies);
        self.left = self
            .left
            .checked_sub(desired)
            .ok_or(TooManyCopies(desired))?;
        Ok(())
    }
}
