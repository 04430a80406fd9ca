//! Operations on clusters for the command line and the HTTP API: observe, plan, apply.

mod blocked;
mod dns_findings;
mod former;
mod identities;
mod observing;
mod planning;
mod taking_over;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use shared::Mesh;
use shared::api::{Clusters, Event, Intent, Report};
use shared::check::Finding;
use shared::facts::Facts;
use shared::mesh;
use shared::plan::Plan;
use shared::plan::decisions::Decisions;
use tokio::sync::mpsc::UnboundedSender;

pub use crate::apply::target::ApplyOptions;
pub use blocked::Blocked;
pub(crate) use identities::wrong_contexts;

use crate::apply::{self, target::Target};
use crate::budget::Budget;
use crate::cluster::{self, Connection, Kubeconfig, KubeconfigError};
use crate::lock::{Leases, LockError, LockOptions};
use crate::members::{MemberCluster, members};
use crate::stop::Stop;
use planning::{Planning, Purpose};

/// The entry point for all work on clusters. The kubeconfig is read for each operation, so that added contexts are
/// available at once.
#[derive(Debug, Clone)]
pub struct Operations {
    kubeconfig: Option<Arc<PathBuf>>,
    budget: Budget,
}

/// A plan with everything that is needed to apply it.
#[derive(Debug)]
pub struct Planned {
    /// Warnings and hints about the document and the clusters.
    pub findings: Vec<Finding>,
    /// The planned steps.
    pub plan: Plan,
    /// The observed facts of the clusters.
    pub facts: Facts,
    /// By cluster; clusters that could not be read have none.
    targets: BTreeMap<String, Target>,
}

impl Planned {
    /// The connection to a cluster, if it could be read.
    pub(crate) fn connection(&self, cluster: &str) -> Option<&Connection> {
        self.targets
            .get(cluster)
            .map(|target| &target.look.connection)
    }
}

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The document has errors; contains all findings, including those about the clusters.
    #[error("the document has errors")]
    Findings(Vec<Finding>),
    /// There is no kubeconfig, or it cannot be read.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The name of a mesh to remove is not a DNS label.
    #[error(
        "metadata.name is not a DNS label, but a removal needs the name that the mesh was applied with"
    )]
    NoName,
    /// Argo CD or Flux applies the manifests.
    #[error(
        "with the engine {}, Argo CD or Flux applies the manifests from a Git repository, not fedmesh",
        .0.as_str()
    )]
    HandedOver(mesh::Target),
}

impl Operations {
    /// Operations with the contexts of a kubeconfig; `None` for those of `KUBECONFIG` (which may name several files),
    /// or of `~/.kube/config`.
    pub fn new(kubeconfig: Option<PathBuf>) -> Self {
        Self {
            kubeconfig: kubeconfig.map(Arc::new),
            budget: Budget::default(),
        }
    }

    /// Probes all contexts, each with a timeout of seconds.
    pub async fn clusters(&self) -> Clusters {
        match self.read() {
            Ok(kubeconfig) => Clusters {
                error: None,
                contexts: cluster::probe(&kubeconfig).await,
            },
            Err(error) => Clusters {
                error: Some(error.to_string()),
                contexts: Vec::new(),
            },
        }
    }

    /// Plans an apply or a removal without changing anything. A removal only needs the name of the mesh and the
    /// contexts of the clusters, so the document may have other errors.
    ///
    /// # Errors
    /// The manifests are applied from a Git repository, and the plan is not a removal.
    pub async fn plan(&self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        self.plan_with(mesh, intent, &Decisions::default()).await
    }

    /// [`Operations::plan`] with decisions.
    ///
    /// # Errors
    /// As [`Operations::plan`].
    pub async fn plan_with(
        &self,
        mesh: &Mesh,
        intent: Intent,
        decisions: &Decisions,
    ) -> Result<Planned, PlanError> {
        self.plan_for(Purpose::CarryOut, mesh, intent, decisions)
            .await
    }

    /// [`Operations::plan_with`] for users who may only read: permissions to change objects are not reviewed.
    ///
    /// # Errors
    /// As [`Operations::plan`].
    pub async fn status(
        &self,
        mesh: &Mesh,
        intent: Intent,
        decisions: &Decisions,
    ) -> Result<Planned, PlanError> {
        self.plan_for(Purpose::Status, mesh, intent, decisions)
            .await
    }

    async fn plan_for(
        &self,
        purpose: Purpose,
        mesh: &Mesh,
        intent: Intent,
        decisions: &Decisions,
    ) -> Result<Planned, PlanError> {
        expect_not_handed_over(mesh, intent)?;
        let kubeconfig = self.read()?;
        let members = members(&kubeconfig, mesh).await;
        let planning = Planning {
            budget: &self.budget,
            kubeconfig: &kubeconfig,
            members,
            decisions,
            purpose,
        };
        planning.plan(mesh, intent).await
    }

    /// The plan of a verification. If fedmesh does not apply the manifests, it has no desired objects. Missing
    /// permissions are reported by the checks that need them.
    pub(crate) async fn look(&self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let kubeconfig = self.read()?;
        let members = members(&kubeconfig, mesh).await;
        let planning = Planning {
            budget: &self.budget,
            kubeconfig: &kubeconfig,
            members,
            decisions: &Decisions::default(),
            purpose: Purpose::Verify,
        };
        planning.apply(mesh).await
    }

    /// Claims the Leases of a mesh; other runs see `command`, such as `apply`. A caller that has shown a plan must plan
    /// again with the result, and compare.
    ///
    /// # Errors
    /// Another run changes the mesh.
    pub async fn lock(
        &self,
        mesh: &Mesh,
        decisions: &Decisions,
        command: &str,
        options: LockOptions<'_>,
    ) -> Result<Locked, LockError> {
        let kubeconfig = self.read()?;
        let members = members(&kubeconfig, mesh).await;
        let names = std::iter::once(&mesh.metadata.name).chain(&decisions.renamed_from);
        let mut leases = Vec::new();
        for name in names {
            leases.push(Leases::claim(name, command, &members, options).await?);
        }
        Ok(Locked {
            budget: self.budget.clone(),
            kubeconfig,
            members,
            decisions: decisions.clone(),
            leases,
        })
    }

    pub(crate) fn read(&self) -> Result<Kubeconfig, KubeconfigError> {
        Kubeconfig::read(self.kubeconfig.as_deref().map(PathBuf::as_path))
    }
}

/// The only writer of a mesh in its clusters, until [`Locked::release`]. Dropped without it, the Leases expire.
pub struct Locked {
    budget: Budget,
    kubeconfig: Kubeconfig,
    members: Vec<MemberCluster>,
    decisions: Decisions,
    /// The Leases of the mesh, then of its previous name.
    leases: Vec<Leases>,
}

impl Locked {
    /// [`Operations::plan`] while no other run changes the mesh.
    ///
    /// # Errors
    /// As [`Operations::plan`].
    pub async fn plan(&self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        let planning = Planning {
            budget: &self.budget,
            kubeconfig: &self.kubeconfig,
            members: self.members.clone(),
            decisions: &self.decisions,
            purpose: Purpose::CarryOut,
        };
        let mut planned = planning.plan(mesh, intent).await?;
        // Without changes, a missing permission to write a Lease is not an error.
        planned.plan.block(|cluster| {
            let mut leases = self.leases.iter();
            let missing = leases.find_map(|leases| leases.missing(&cluster.context));
            missing.filter(|_| cluster.has_changes()).map(str::to_owned)
        });
        Ok(planned)
    }

    /// Applies a plan, and releases the Leases. If one cluster is blocked, nothing is changed in any, unless the
    /// options allow it. It continues if the caller drops the events or the report. After `stop`, requests in progress
    /// are completed and no further ones are started.
    pub async fn apply(
        self,
        planned: Planned,
        options: ApplyOptions,
        stop: &Stop,
        events: UnboundedSender<Event>,
    ) -> Report {
        // The other connections only read.
        let Planned {
            findings: _,
            plan,
            facts: _,
            mut targets,
        } = planned;
        for target in targets.values_mut() {
            if let Some(leases) = self.leases.first() {
                leases.guard(&mut target.look.connection);
            }
        }
        let report = apply::apply(plan, targets, options, &self.budget, stop, events).await;
        self.release().await;
        report
    }

    /// Releases the Leases.
    pub async fn release(self) {
        for leases in self.leases {
            leases.release().await;
        }
    }
}

/// Fails if fedmesh does not apply the document.
///
/// # Errors
/// The manifests are applied from a Git repository.
pub fn expect_not_handed_over(mesh: &Mesh, intent: Intent) -> Result<(), PlanError> {
    if intent == Intent::Apply && is_handed_over(mesh) {
        return Err(PlanError::HandedOver(engine_of(mesh)));
    }
    Ok(())
}

/// Whether others apply the manifests, from a Git repository.
pub(crate) fn is_handed_over(mesh: &Mesh) -> bool {
    engine_of(mesh).is_applied_by_others()
}

/// The name of the engine.
pub(crate) fn engine_of(mesh: &Mesh) -> mesh::Target {
    mesh.spec.target.unwrap_or_default()
}
