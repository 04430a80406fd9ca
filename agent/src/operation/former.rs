//! Clusters of an earlier document that are not in this one, in which objects of the mesh remain.

use std::collections::BTreeMap;

use shared::api::Intent;
use shared::check::{Finding, Severity, code};

use super::observed::AllObserved;
use crate::members::MemberCluster;

/// A cluster of an earlier document that has, or may have, objects of the mesh.
pub(super) struct FormerCluster {
    pub(super) name: String,
    pub(super) context: String,
    /// Why it cannot be read; `None` if it has a record of the mesh.
    pub(super) unread: Option<String>,
}

/// The clusters to look into, with their contexts: those that the records in this document's clusters name.
pub(super) fn recorded(
    members: &[MemberCluster],
    clusters: &AllObserved,
) -> BTreeMap<String, String> {
    let looks = clusters.values().filter_map(|one| one.as_ref().ok());
    let mut named = BTreeMap::new();
    for parent in looks.filter_map(|one| one.look.parent.as_ref()) {
        named.extend(parent.clusters.clone());
    }
    // A cluster with a new name or a new context is still in the document.
    named.retain(|name, context| {
        let mut members = members.iter();
        !members.any(|member| member.name == *name || member.context == *context)
    });
    named
}

/// The names and contexts of the clusters.
pub(super) fn with_contexts(clusters: Vec<FormerCluster>) -> BTreeMap<String, String> {
    let clusters = clusters.into_iter();
    clusters.map(|one| (one.name, one.context)).collect()
}

impl FormerCluster {
    pub(super) fn finding(&self, intent: Intent) -> Finding {
        let Self {
            name,
            context,
            unread,
        } = self;
        let state = match unread {
            None => "its objects remain".to_owned(),
            Some(why) => format!("its objects may remain, because it cannot be read: {why}"),
        };
        let (severity, hint) = match intent {
            Intent::Apply => (
                Severity::Warning,
                format!(
                    "run `fedmesh-agent remove` with a document that has the same metadata.name and only {name} in \
                    spec.clusters"
                ),
            ),
            Intent::Remove => (
                Severity::Hint,
                "add it to spec.clusters to remove its objects too".to_owned(),
            ),
        };
        Finding {
            code: code::FORMER_CLUSTER.id.to_owned(),
            severity,
            path: "spec.clusters".to_owned(),
            message: format!(
                "cluster {name} (context {context}) of an earlier apply is not in this document: {state}"
            ),
            hint,
            fix: None,
        }
    }
}
