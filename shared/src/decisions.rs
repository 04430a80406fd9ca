//! What a person decides about a plan beside the document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::object::Key;
use crate::plan::Plan;

/// Decisions that a plan takes into account; part of what its id stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Decisions {
    /// Objects of nobody who says so that become the mesh's, as `Kind/namespace/name`; see
    /// [`crate::object::Key::reference`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub adopt: BTreeSet<String>,
    /// The name that the mesh was applied under before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Clusters, by name, that have been replaced: their contexts lead to other clusters than at the last
    /// apply.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub replaced: BTreeSet<String>,
    /// Clusters, by name, whose last known addresses are withdrawn. Addresses that can be looked up stay.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub forget_addresses: BTreeSet<String>,
    /// Fields that are taken over from other managers, as [`field_of`] writes them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub take_over: BTreeSet<String>,
}

impl Decisions {
    /// Whether a field is to be taken over; it is given as a conflict names it, such as `.spec.hosts`.
    pub fn takes_over(&self, object: &Key, field: &str) -> bool {
        !self.take_over.is_empty() && self.take_over.contains(&field_of(object, field))
    }

    /// Those of [`Decisions::take_over`] that name no field in conflict.
    pub fn nothing_to_take_over<'a>(&'a self, plan: &Plan) -> Vec<&'a str> {
        let mut unused: BTreeSet<&str> = self.take_over.iter().map(String::as_str).collect();
        for (_, step) in plan.steps() {
            for conflict in &step.conflicts {
                unused.remove(field_of(&step.object, &conflict.field).as_str());
            }
        }
        unused.into_iter().collect()
    }
}

/// `Kind/namespace/name:.spec.field`, as a person names a field of an object in an option.
pub fn field_of(object: &Key, field: &str) -> String {
    format!("{}:{field}", object.reference())
}
