//! The id of a plan: a digest of its effects.
//!
//! Times of other managers' writes, and fields that they have added, do not change the effects of an apply, so they are
//! not part of it.

use serde::Serialize;

use super::{Action, ClusterPlan, Conflict, Step};
use crate::kubernetes::object::{Key, Wave};
use crate::text::digest;

/// `sha256:<hex>`; see [`super::Plan::id`].
pub(super) fn of(mesh: &str, clusters: &[ClusterPlan]) -> String {
    let clusters: Vec<Cluster<'_>> = clusters.iter().map(Cluster::of).collect();
    // Only derived types without maps, so serializing them as JSON cannot fail.
    let content = serde_json::to_vec(&clusters).unwrap_or_default();
    digest::of_parts([mesh.as_bytes(), content.as_slice()])
}

#[derive(Serialize)]
struct Cluster<'a> {
    name: &'a str,
    context: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    steps: Vec<Effect<'a>>,
}

impl<'a> Cluster<'a> {
    fn of(plan: &'a ClusterPlan) -> Self {
        Self {
            name: &plan.name,
            context: &plan.context,
            error: plan.error.as_deref(),
            steps: plan.steps.iter().map(Effect::of).collect(),
        }
    }
}

/// The effect of a step.
#[derive(Serialize)]
struct Effect<'a> {
    object: &'a Key,
    wave: Wave,
    action: Action,
    #[serde(skip_serializing_if = "str::is_empty")]
    diff: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<Owned<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> Effect<'a> {
    fn of(step: &'a Step) -> Self {
        // No `..`: a new field is either part of the id or left out on purpose.
        let Step {
            object,
            wave,
            action,
            diff,
            conflicts,
            message,
            drift: _,
            decision: _,
        } = step;
        Self {
            object,
            wave: *wave,
            action: *action,
            diff,
            conflicts: conflicts.iter().map(Owned::of).collect(),
            // The server's message about a refused object may vary.
            message: message.as_deref().filter(|_| !action.is_skipped()),
        }
    }
}

/// A field with its owner.
#[derive(Serialize)]
struct Owned<'a> {
    manager: &'a str,
    field: &'a str,
}

impl<'a> Owned<'a> {
    fn of(conflict: &'a Conflict) -> Self {
        Self {
            manager: &conflict.manager,
            field: &conflict.field,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, ClusterPlan, Conflict, Step};
    use super::of;
    use crate::kubernetes::object::{Key, Wave};
    use crate::plan::drift::Drift;

    #[test]
    fn only_effects_change_the_id() {
        let key = Key {
            group: String::new(),
            kind: "Service".into(),
            namespace: "shop".into(),
            name: "orders".into(),
        };
        let mut step = Step::new(key, Wave::Services, Action::Conflict);
        step.conflicts = vec![Conflict {
            manager: "kubectl-edit".into(),
            field: ".spec.selector".into(),
            ..Conflict::default()
        }];
        let id = |step: &Step| {
            let cluster = ClusterPlan {
                name: "north".into(),
                context: "north".into(),
                error: None,
                decision: None,
                cause: None,
                steps: vec![step.clone()],
            };
            of("demo", &[cluster])
        };
        let before = id(&step);
        let mut later = step.clone();
        later.conflicts[0].time = Some("2026-01-01T00:00:00Z".into());
        later.conflicts[0].operation = Some("Update".into());
        later.drift = vec![Drift {
            field: ".spec.x".into(),
            manager: "other".into(),
            time: None,
        }];
        assert_eq!(id(&later), before);
        step.conflicts[0].manager = "other".into();
        assert_ne!(id(&step), before);
    }
}
