//! Decisions of the user about a plan, in addition to the document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kubernetes::object::Key;
use crate::plan::Plan;

/// Decisions that a plan takes into account; its id covers them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Decisions {
    /// Objects without a recorded owner that the mesh adopts, as `Kind/namespace/name`; see
    /// [`crate::kubernetes::object::Key::reference`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub adopt: BTreeSet<String>,
    /// The former name of the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Names of clusters that were replaced: their contexts lead to other clusters than at the last apply.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub replaced: BTreeSet<String>,
    /// Names of clusters whose last known addresses are withdrawn. Addresses that can be looked up stay.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub forget_addresses: BTreeSet<String>,
    /// Fields to take over from other managers, in the form of [`field_of`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub take_over: BTreeSet<String>,
}

impl Decisions {
    /// Whether a field is to be taken over; it has the form of a conflict, such as `.spec.hosts`.
    pub fn takes_over(&self, object: &Key, field: &str) -> bool {
        !self.take_over.is_empty() && self.take_over.contains(&field_of(object, field))
    }

    /// Those of [`Decisions::take_over`] that match no field in conflict.
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

/// `Kind/namespace/name:.spec.field`, the form of a field in options.
pub fn field_of(object: &Key, field: &str) -> String {
    format!("{}:{field}", object.reference())
}

/// One of the [`Decisions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// Adopt the object with this [reference](crate::kubernetes::object::Key::reference), wherever it exists.
    Adopt(String),
    /// The former name of the mesh.
    RenamedFrom(String),
    /// The cluster of this name was replaced.
    Replaced(String),
    /// Withdraw the last known addresses of the cluster of this name.
    ForgetAddresses(String),
}

impl Decisions {
    /// Each decision, in the order of the fields.
    pub fn all(&self) -> Vec<Decision> {
        let of = |names: &BTreeSet<String>, decision: fn(String) -> Decision| {
            let names = names.iter().cloned();
            names.map(decision).collect::<Vec<Decision>>()
        };
        let renamed = self.renamed_from.iter().cloned();
        let mut all = of(&self.adopt, Decision::Adopt);
        all.extend(renamed.map(Decision::RenamedFrom));
        all.extend(of(&self.replaced, Decision::Replaced));
        all.extend(of(&self.forget_addresses, Decision::ForgetAddresses));
        all
    }

    /// Adds a decision. A mesh has one former name: a new one replaces it.
    pub fn add(&mut self, decision: Decision) {
        match decision {
            Decision::Adopt(object) => {
                self.adopt.insert(object);
            }
            Decision::RenamedFrom(mesh) => self.renamed_from = Some(mesh),
            Decision::Replaced(cluster) => {
                self.replaced.insert(cluster);
            }
            Decision::ForgetAddresses(cluster) => {
                self.forget_addresses.insert(cluster);
            }
        }
    }

    /// Withdraws a decision.
    pub fn withdraw(&mut self, decision: &Decision) {
        match decision {
            Decision::Adopt(object) => {
                self.adopt.remove(object);
            }
            Decision::RenamedFrom(mesh) => {
                self.renamed_from = self.renamed_from.take().filter(|name| name != mesh);
            }
            Decision::Replaced(cluster) => {
                self.replaced.remove(cluster);
            }
            Decision::ForgetAddresses(cluster) => {
                self.forget_addresses.remove(cluster);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Decisions};

    #[test]
    fn decisions_are_added_listed_and_withdrawn() {
        let all = [
            Decision::Adopt("Service/web/orders".into()),
            Decision::RenamedFrom("old".into()),
            Decision::Replaced("north".into()),
            Decision::ForgetAddresses("south".into()),
        ];
        let mut decisions = Decisions::default();
        for decision in all.iter().rev() {
            decisions.add(decision.clone());
        }
        assert_eq!(decisions.all(), all);
        decisions.withdraw(&Decision::RenamedFrom("other".into()));
        assert_eq!(decisions.all(), all);
        for decision in &all {
            decisions.withdraw(decision);
            assert!(!decisions.all().contains(decision));
        }
        assert_eq!(decisions, Decisions::default());
    }
}
