//! The heart of the core: one template, the clusters that get it, and what differs in each.
//!
//! Everything that is rendered becomes a [`Placed`]; an engine turns it into its own objects.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::object::Object;

/// One object for some clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// What the clusters have in common.
    pub template: Object,
    /// What it is about, such as `httpbin.default` or `gateway`; objects of one wave and subject
    /// stand in one file.
    pub subject: String,
    /// Indices of the clusters that get it, ascending.
    pub clusters: Vec<usize>,
    /// What some of them get otherwise; each key is one of `clusters`.
    pub differences: BTreeMap<usize, Vec<Difference>>,
    /// Whether an engine with a hub leaves it on the hub as it is, instead of spreading it.
    pub stays_on_hub: bool,
}

/// A field that has another value in one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The way to the field through nested objects, such as `["spec", "endpoints"]`; never through
    /// lists, since the dotted paths of old engines know none.
    pub path: Vec<&'static str>,
    /// Its value there.
    pub value: Value,
}

impl Difference {
    /// The way as a JSON pointer (RFC 6901), such as `/spec/endpoints`. No field of it has a character
    /// that would have to be escaped.
    pub fn pointer(&self) -> String {
        self.path.iter().flat_map(|field| ["/", field]).collect()
    }
}

impl Placed {
    /// What one cluster gets otherwise than the template has it; `None` if it does not get the object.
    pub fn differences_in(&self, cluster: usize) -> Option<&[Difference]> {
        self.clusters.binary_search(&cluster).ok()?;
        Some(self.differences.get(&cluster).map_or(&[], Vec::as_slice))
    }

    /// The object as one cluster gets it; `None` if it does not.
    pub fn in_cluster(&self, cluster: usize) -> Option<Object> {
        let differences = self.differences_in(cluster)?;
        let mut object = self.template.clone();
        for difference in differences {
            set(&mut object.body, &difference.path, difference.value.clone());
        }
        Some(object)
    }

    /// Builds one from what some fields are in each cluster, at least one of them: the template
    /// carries the values that most clusters have, and of as many those of the first; the others
    /// differ where theirs are others.
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
            clusters,
            differences: BTreeMap::new(),
            stays_on_hub: false,
        }
    }

    /// Left on the hub by engines that have one.
    #[must_use]
    pub fn on_hub(mut self) -> Self {
        self.stays_on_hub = true;
        self
    }
}

/// The values that most clusters have.
fn usual(clusters: &[(usize, Vec<Value>)]) -> Vec<Value> {
    let mut counts: Vec<(&Vec<Value>, usize)> = Vec::new();
    for (_, values) in clusters {
        match counts.iter_mut().find(|(known, _)| *known == values) {
            Some((_, count)) => *count += 1,
            None => counts.push((values, 1)),
        }
    }
    // Of the largest the first, where `max_by_key` takes the last.
    let usual = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    usual.map(|(values, _)| values.clone()).unwrap_or_default()
}

/// Sets a nested field, making the objects on the way where there are none.
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
            unreachable!("paths are written beside the templates that they point into");
        };
        at = next;
    }
    at.insert((*last).to_owned(), value);
}
