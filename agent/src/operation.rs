//! Operations on clusters for the command line and the HTTP API: observe, plan, apply.

mod dns_findings;
mod document;
mod former;
mod gateway_findings;
mod identities;
mod node_findings;
mod observed;
mod observing;
mod planning;
mod taking_over;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use shared::Mesh;
use shared::api::{Clusters, Event, Intent, Report, Status};
use shared::check::Finding;
use shared::mesh;
use shared::plan::Plan;
use shared::plan::decisions::Decisions;
use shared::plan::guard::MassDeletion;
use shared::resolved::Resolved;
use tokio::sync::mpsc::UnboundedSender;

pub use crate::apply::approved::{ApplyOptions, ApprovedPlan, Blocked};
pub(crate) use identities::wrong_contexts;

use crate::apply::approved;
use crate::apply::{self, target::Target};
use crate::budget::Budget;
use crate::cluster::{self, Connection, Kubeconfig, KubeconfigError};
use crate::lock::{Leases, LockError, LockOptions};
use crate::members::{MemberCluster, members};
use crate::stop::Stop;
use observing::{Observing, Purpose};

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
    /// The clusters whose last known addresses can be withdrawn.
    pub withdrawable: BTreeSet<String>,
    /// The planned steps.
    pub plan: Plan,
    /// The document, checked with the addresses of its gateways; `None` for a removal, whose document may have errors.
    pub resolved: Option<Arc<Resolved>>,
    /// By cluster; clusters that could not be read have none.
    targets: BTreeMap<String, Target>,
}

impl Planned {
    /// Whether it applies or removes the mesh.
    fn intent(&self) -> Intent {
        match self.resolved {
            Some(_) => Intent::Apply,
            None => Intent::Remove,
        }
    }

    /// The deletions that must be confirmed.
    pub fn mass_deletion(&self) -> Option<MassDeletion> {
        approved::mass_deletion(&self.plan, self.intent())
    }

    /// Checks that the plan may be applied with these options, before it is approved.
    ///
    /// # Errors
    /// See [`Blocked`].
    pub fn allow(&self, options: ApplyOptions) -> Result<(), Blocked> {
        approved::allow(&self.plan, self.intent(), options)
    }

    /// Approves the plan for [`Locked::apply`].
    ///
    /// # Errors
    /// See [`Blocked`].
    pub fn approve(self, options: ApplyOptions) -> Result<ApprovedPlan, Blocked> {
        let intent = self.intent();
        ApprovedPlan::new(self.plan, self.targets, intent, options)
    }
}

/// A checked document with the observed state of its clusters, for a verification.
#[derive(Debug)]
pub struct ObservedMesh {
    /// Warnings and hints about the document and the clusters.
    pub findings: Vec<Finding>,
    /// The steps of an apply. If fedmesh does not apply the manifests, it has no desired objects.
    pub plan: Plan,
    /// The document, checked with the addresses of its gateways.
    pub resolved: Arc<Resolved>,
    /// By cluster; clusters that could not be read have none.
    connections: BTreeMap<String, Connection>,
}

impl ObservedMesh {
    /// The connection to a cluster, if it could be read.
    pub(crate) fn connection(&self, cluster: &str) -> Option<&Connection> {
        self.connections.get(cluster)
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

    /// The status of the clusters, with warnings and hints, for users who may only read: permissions to change objects
    /// are not reviewed.
    ///
    /// # Errors
    /// As [`Operations::plan`].
    pub async fn status(
        &self,
        mesh: &Mesh,
        intent: Intent,
        decisions: &Decisions,
    ) -> Result<(Status, Vec<Finding>), PlanError> {
        let planned = self.plan_for(Purpose::Status, mesh, intent, decisions);
        let planned = planned.await?;
        Ok((Status::of(&planned.plan), planned.findings))
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
        let observing = Observing {
            budget: &self.budget,
            kubeconfig: &kubeconfig,
            members: members(&kubeconfig, mesh).await,
            decisions,
            purpose,
        };
        plan(observing, mesh, intent).await
    }

    /// Observes the clusters for a verification. Missing permissions are reported by the checks that need them.
    ///
    /// # Errors
    /// The document has errors, or the kubeconfig cannot be read.
    pub async fn observe(&self, mesh: &Mesh) -> Result<ObservedMesh, PlanError> {
        let kubeconfig = self.read()?;
        let decisions = Decisions::default();
        let observing = Observing {
            budget: &self.budget,
            kubeconfig: &kubeconfig,
            members: members(&kubeconfig, mesh).await,
            decisions: &decisions,
            purpose: Purpose::Verify,
        };
        let (applying, observed) = observing.apply(mesh).await?;
        Ok(applying.observed(&decisions, observed))
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
        let observing = Observing {
            budget: &self.budget,
            kubeconfig: &self.kubeconfig,
            members: self.members.clone(),
            decisions: &self.decisions,
            purpose: Purpose::CarryOut,
        };
        let mut planned = plan(observing, mesh, intent).await?;
        // Without changes, a missing permission to write a Lease is not an error.
        planned.plan.block(|cluster| {
            let mut leases = self.leases.iter();
            let missing = leases.find_map(|leases| leases.missing(&cluster.context));
            missing.filter(|_| cluster.has_changes()).map(str::to_owned)
        });
        Ok(planned)
    }

    /// Applies a plan, and releases the Leases. It continues if the caller drops the events or the report. After
    /// `stop`, requests in progress are completed and no further ones are started.
    pub async fn apply(
        self,
        mut plan: ApprovedPlan,
        stop: &Stop,
        events: UnboundedSender<Event>,
    ) -> Report {
        // The other connections only read.
        if let Some(leases) = self.leases.first() {
            plan.guard(leases);
        }
        let report = apply::apply(plan, &self.budget, stop, events).await;
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

/// Reads the clusters, and decides the plan.
async fn plan(observing: Observing<'_>, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
    let decisions = observing.decisions;
    match intent {
        Intent::Apply => {
            let (applying, observed) = observing.apply(mesh).await?;
            Ok(applying.plan(decisions, observed))
        }
        Intent::Remove => {
            let (removing, observed) = observing.removal(mesh).await?;
            Ok(removing.plan(observed))
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
