//! The names of kinds in a plan.

use std::collections::{BTreeMap, BTreeSet};

use shared::plan::Plan;

/// Kind and group, in sort order.
pub(super) type Kind<'a> = (&'a str, &'a str);

/// Kinds with the same name in several groups, such as Gateway of Istio and of the Gateway API, which are shown with
/// their groups.
pub(super) struct Ambiguous<'a>(BTreeSet<&'a str>);

impl<'a> Ambiguous<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, step) in plan.steps() {
            let groups = groups.entry(&step.object.kind).or_default();
            groups.insert(&step.object.group);
        }
        let several = groups.into_iter().filter(|(_, groups)| groups.len() > 1);
        Self(several.map(|(kind, _)| kind).collect())
    }

    /// The kind, with its group if the kind alone is ambiguous.
    pub(super) fn name(&self, (kind, group): Kind<'_>) -> String {
        if self.0.contains(kind) && !group.is_empty() {
            format!("{kind}.{group}")
        } else {
            kind.to_owned()
        }
    }
}
