//! Clusters of an earlier document that are not in this one, in which objects of the mesh remain.

use std::collections::BTreeMap;

use futures::future::join_all;
use shared::api::Intent;
use shared::check::{Finding, Severity, code};

use crate::cluster::{Kubeconfig, Look, Parent, RetryPolicy};
use crate::members::MemberCluster;

/// Clusters of earlier documents.
#[derive(Default)]
pub(super) struct Former {
    /// Clusters that have, or may have, objects of the mesh, with their contexts.
    pub(super) clusters: BTreeMap<String, String>,
    /// Findings about these clusters.
    pub(super) findings: Vec<Finding>,
}

/// Reads the clusters that the records in this document's clusters name, and looks for a record of the mesh in each.
pub(super) async fn look(
    kubeconfig: &Kubeconfig,
    mesh: &str,
    members: &[MemberCluster],
    looks: &BTreeMap<String, Look>,
    intent: Intent,
) -> Former {
    let mut named = BTreeMap::new();
    for parent in looks.values().filter_map(|look| look.parent.as_ref()) {
        named.extend(parent.clusters.clone());
    }
    // A cluster with a new name or a new context is still in the document.
    named.retain(|name, context| {
        let mut members = members.iter();
        !members.any(|member| member.name == *name || member.context == *context)
    });
    let found = join_all(named.values().map(|context| async move {
        let connection = kubeconfig.connect(context, RetryPolicy::PLAN).await?;
        Parent::read(&connection, mesh).await
    }))
    .await;
    let mut former = Former::default();
    for ((name, context), found) in named.into_iter().zip(found) {
        let state = match found {
            Ok(None) => continue,
            Ok(Some(_)) => "its objects remain".to_owned(),
            Err(why) => format!("its objects may remain, because it cannot be read: {why}"),
        };
        former
            .findings
            .push(finding(&name, &context, &state, intent));
        former.clusters.insert(name, context);
    }
    former
}

fn finding(name: &str, context: &str, state: &str, intent: Intent) -> Finding {
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
