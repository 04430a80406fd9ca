//! Clusters of an earlier document that are not in this one: what was applied to them stays there.

use std::collections::BTreeMap;

use futures::future::join_all;
use shared::api::Intent;
use shared::check::{Finding, Severity, code};

use crate::cluster::{Kubeconfig, Look, Parent, Patience};
use crate::place::Place;

/// What is left of earlier documents.
#[derive(Default)]
pub(super) struct Former {
    /// Clusters that have, or may have, something of the mesh, with their contexts.
    pub(super) clusters: BTreeMap<String, String>,
    /// What is to be said of them.
    pub(super) findings: Vec<Finding>,
}

/// Goes by the clusters that the records in this document's clusters name, and looks for a record
/// there.
pub(super) async fn look(
    kubeconfig: &Kubeconfig,
    mesh: &str,
    places: &[Place],
    looks: &BTreeMap<String, Look>,
    intent: Intent,
) -> Former {
    let mut named = BTreeMap::new();
    for parent in looks.values().filter_map(|look| look.parent.as_ref()) {
        named.extend(parent.clusters.clone());
    }
    // One that has another name or another context now is the same cluster.
    named.retain(|name, context| {
        let mut places = places.iter();
        !places.any(|place| place.name == *name || place.context == *context)
    });
    let found = join_all(named.values().map(|context| async move {
        let connection = kubeconfig.connect(context, Patience::PLAN).await?;
        Parent::read(&connection, mesh).await
    }))
    .await;
    let mut former = Former::default();
    for ((name, context), found) in named.into_iter().zip(found) {
        let state = match found {
            Ok(None) => continue,
            Ok(Some(_)) => "what was applied there stays".to_owned(),
            Err(why) => format!("whether anything is left there is not known: {why}"),
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
                "to take it out, give `fedmesh-agent remove` a document with the same metadata.name and \
                 {name} alone in spec.clusters"
            ),
        ),
        Intent::Remove => (
            Severity::Hint,
            "add it to spec.clusters to remove the mesh from there too".to_owned(),
        ),
    };
    Finding {
        code: code::FORMER_CLUSTER.id.to_owned(),
        severity,
        path: "spec.clusters".to_owned(),
        message: format!(
            "{name} (context {context}) was applied to and is not in this document: {state}"
        ),
        hint,
        fix: None,
    }
}
