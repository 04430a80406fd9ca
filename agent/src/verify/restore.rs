//! Restores Deployments that an interrupted drill has left without replicas.

use std::collections::BTreeSet;

use futures::future::FutureExt as _;
use shared::Mesh;
use shared::defaults::DEFAULT_NAMESPACE;
use shared::name::Label;
use shared::verify::{Cause, Check, Family, Outcome};

use super::round::{AT_ONCE, some_at_once};
use super::workloads::{self, Taken};
use crate::operation::ObservedMesh;

/// A Deployment that an earlier drill has left at zero replicas.
#[derive(Debug, Clone)]
pub struct InterruptedDrill {
    /// The cluster.
    pub cluster: String,
    taken: Taken,
}

impl InterruptedDrill {
    /// The row of a report.
    pub(super) fn check(&self) -> Check {
        let mut check = Check::new(Family::Objects);
        check.cluster.clone_from(&self.cluster);
        check.host = format!("Deployment {}", self.taken.id());
        check.expected = format!("{} replicas", self.taken.replicas);
        "0 replicas".clone_into(&mut check.seen.text);
        let cause = Cause::DrillLeft {
            cluster: self.cluster.clone(),
            object: check.host.clone(),
            replicas: self.taken.replicas,
        };
        check.with(Outcome::Failed, &cause)
    }
}

impl std::fmt::Display for InterruptedDrill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Deployment {} in cluster {} ({} replicas before the drill)",
            self.taken.id(),
            self.cluster,
            self.taken.replicas
        )
    }
}

/// Finds them in the namespaces of the services. Namespaces without access are skipped.
pub async fn left_behind(observed: &ObservedMesh, mesh: &Mesh) -> Vec<InterruptedDrill> {
    let namespaces: BTreeSet<&str> = mesh
        .spec
        .services
        .iter()
        .flat_map(|service| {
            let overrides = service.overrides.iter();
            let others = overrides.filter_map(|one| one.namespace.as_deref());
            let own = service.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
            others.chain([own])
        })
        // The namespace becomes part of a path.
        .filter(|namespace| Label::new(namespace).is_ok())
        .collect();
    let name = mesh.metadata.name.as_str();
    let mut tasks = Vec::new();
    for cluster in &mesh.spec.clusters {
        for &namespace in &namespaces {
            tasks.push(in_namespace(observed, &cluster.name, name, namespace).boxed());
        }
    }
    some_at_once(AT_ONCE, tasks).await.concat()
}

async fn in_namespace(
    observed: &ObservedMesh,
    cluster: &str,
    mesh: &str,
    namespace: &str,
) -> Vec<InterruptedDrill> {
    let Some(connection) = observed.connection(cluster) else {
        return Vec::new();
    };
    match workloads::left_behind(connection, mesh, namespace).await {
        Ok(all) => all
            .into_iter()
            .map(|taken| InterruptedDrill {
                cluster: cluster.to_owned(),
                taken,
            })
            .collect(),
        Err(error) => {
            let error = error.in_context(connection.context(), "list Deployment");
            tracing::debug!("cannot look for Deployments of an earlier drill: {error}");
            Vec::new()
        }
    }
}

/// Restores the replicas of one Deployment.
///
/// # Errors
/// The request fails; the error has the context.
pub async fn restore(observed: &ObservedMesh, left: &InterruptedDrill) -> Result<(), String> {
    let connection = observed
        .connection(&left.cluster)
        .ok_or_else(|| format!("cluster {} was not observed", left.cluster))?;
    workloads::give_back(connection, &left.taken).await
}
