//! Rendered objects: one template, its clusters, and the differences in each.
//!
//! Rendering produces [`Placed`]s; an engine converts them to its own objects.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::kubernetes::object::Object;
use crate::origin::Origin;

/// One object for some clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The common part of all clusters.
    pub template: Object,
    /// The subject, such as `httpbin.default` or `gateway`; objects of one wave and subject share a file.
    pub subject: String,
    /// The part of the document that it derives from.
    pub origin: Origin,
    /// Indices of the object's clusters, ascending.
    pub clusters: Vec<usize>,
    /// The differences in some clusters; each key is one of `clusters`.
    pub differences: BTreeMap<usize, Vec<Difference>>,
    /// Whether an engine with a hub keeps it on the hub, instead of propagating it.
    pub stays_on_hub: bool,
}

/// A field that has another value in one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The path to the field through nested objects, such as `["spec", "endpoints"]`; never through lists, which the
    /// dotted paths of old engines do not support.
    pub path: Vec<&'static str>,
    /// Its value there.
    pub value: Value,
}

impl Difference {
    /// The path as a JSON pointer (RFC 6901), such as `/spec/endpoints`. No field has a character that needs an escape.
    pub fn pointer(&self) -> String {
        self.path.iter().flat_map(|field| ["/", field]).collect()
    }
}

impl Placed {
    /// The differences between one cluster's object and the template; `None` if the cluster does not have the object.
    pub fn differences_in(&self, cluster: usize) -> Option<&[Difference]> {
        self.clusters.binary_search(&cluster).ok()?;
        Some(self.differences.get(&cluster).map_or(&[], Vec::as_slice))
    }

    /// The object of one cluster; `None` if it does not have it.
    pub fn in_cluster(&self, cluster: usize) -> Option<Object> {
        let differences = self.differences_in(cluster)?;
        let mut object = self.template.clone();
        for difference in differences {
            set(&mut object.body, &difference.path, difference.value.clone());
        }
        Some(object)
    }

    /// Creates one from the values of some fields in each cluster, at least one of them: the template has the most
    /// frequent values, the first of equally frequent ones; the other clusters have differences.
    pub fn with_fields(
        template: Object,
        subject: impl Into<String>,
        paths: &[&[&'static str]],
        clusters: Vec<(usize, Vec<Value>)>,
    ) -> Self {
        let mut placed = Self::same(
            template,
            subject,
            clusters.iter().map(|(cluster, _)| *cluster).collect(),
        );
        let usual = usual(&clusters);
        for (cluster, values) in clusters {
            let differences: Vec<Difference> = paths
                .iter()
                .zip(values)
                .zip(&usual)
                .filter(|((_, value), usual)| value != *usual)
                .map(|((path, value), _)| Difference {
                    path: path.to_vec(),
                    value,
                })
                .collect();
            if !differences.is_empty() {
                placed.differences.insert(cluster, differences);
            }
        }
        for (path, value) in paths.iter().zip(usual) {
            set(&mut placed.template.body, path, value);
        }
        placed
    }

    /// The same object in each of the clusters.
    pub fn same(template: Object, subject: impl Into<String>, clusters: Vec<usize>) -> Self {
        Self {
            template,
            subject: subject.into(),
            origin: Origin::default(),
            clusters,
            differences: BTreeMap::new(),
            stays_on_hub: false,
        }
    }

    /// Sets the part of the document that it derives from.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Keeps it on the hub with engines that have one.
    #[must_use]
    pub fn on_hub(mut self) -> Self {
        self.stays_on_hub = true;
        self
    }
}

/// The most frequent values.
fn usual(clusters: &[(usize, Vec<Value>)]) -> Vec<Value> {
    let mut counts: Vec<(&Vec<Value>, usize)> = Vec::new();
    for (_, values) in clusters {
        match counts.iter_mut().find(|(known, _)| *known == values) {
            Some((_, count)) => *count += 1,
            None => counts.push((values, 1)),
        }
    }
    // The first of the largest; `max_by_key` alone returns the last.
    let usual = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    usual.map(|(values, _)| values.clone()).unwrap_or_default()
}

/// Sets a nested field, and creates missing objects on the path.
fn set(body: &mut Map<String, Value>, path: &[&'static str], value: Value) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut at = body;
    for parent in parents {
        let next = at
            .entry(*parent)
            .or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(next) = next else {
            unreachable!("paths match the templates, which are defined with them");
        };
        at = next;
    }
    at.insert((*last).to_owned(), value);
}
