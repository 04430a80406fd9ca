//! What the command line and the HTTP API both do: look at clusters, plan, apply.

mod blocked;
mod dns_findings;
mod former;
mod identities;
mod planning;
mod taking_over;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use shared::Mesh;
use shared::api::{Clusters, Event, Intent, Report};
use shared::check::Finding;
use shared::decisions::Decisions;
use shared::facts::Facts;
use shared::last_known::LastKnown;
use shared::mesh;
use shared::plan::Plan;
use shared::wanted::Wanted;
use tokio::sync::mpsc::UnboundedSender;

pub use blocked::Blocked;
pub(crate) use identities::wrong_contexts;

use crate::apply;
use crate::budget::Budget;
use crate::cluster::{self, Connection, Kubeconfig, KubeconfigError, Look};
use crate::lock::{Leases, LockError, LockOptions};
use crate::place::{Place, places};
use crate::stop::Stop;
use planning::{Planning, Purpose};

/// Everything that is done to clusters goes through here. The kubeconfig is read anew for each
/// operation, so that a context that is added is there at once.
#[derive(Debug, Clone)]
pub struct Operations {
    kubeconfig: Option<Arc<PathBuf>>,
    budget: Budget,
}

/// A plan with all that is needed to carry it out.
#[derive(Debug)]
pub struct Planned {
    /// Warnings and hints, with what was found in the clusters.
    pub findings: Vec<Finding>,
    /// What would be done.
    pub plan: Plan,
    /// What was found in the clusters.
    pub facts: Facts,
    /// By cluster; those that could not be looked at have none.
    targets: BTreeMap<String, Target>,
}

impl Planned {
    /// The way to a cluster that was looked at.
    pub(crate) fn connection(&self, cluster: &str) -> Option<&Connection> {
        self.targets
            .get(cluster)
            .map(|target| &target.look.connection)
    }
}

/// What it takes to carry out the plan of one cluster.
#[derive(Debug)]
pub(crate) struct Target {
    /// How much of the mesh that is.
    pub(crate) scope: Scope,
    /// Digest of the document; `None` for a removal.
    pub(crate) document: Option<String>,
    /// The clusters where the mesh is then, or may be, with their contexts.
    pub(crate) clusters: BTreeMap<String, String>,
    /// What tells these clusters from every other one.
    pub(crate) identities: BTreeMap<String, String>,
    /// The gateways' addresses to record.
    pub(crate) last_known: LastKnown,
    /// Whether they are worth a write of their own there; otherwise they go with what is written anyway.
    pub(crate) keeps_addresses: bool,
    /// What is wanted, there and elsewhere.
    pub(crate) wanted: Arc<Wanted>,
    /// What was seen there, and how to reach it.
    pub(crate) look: Look,
}

/// How much of a mesh an apply is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it: what is not wanted goes.
    Everything,
    /// What has the gateways' addresses: everything else stays as it is, and recorded.
    Addresses,
}

/// How to apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Go on with the clusters that can be applied to, although others cannot.
    pub partial: bool,
    /// How many objects may be deleted where that many need a word; see [`shared::guard`].
    pub allow_delete: Option<usize>,
}

/// Nothing can be planned for any cluster.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The document has errors; these are all its findings, with what was found in the clusters.
    #[error("the document has errors")]
    Findings(Vec<Finding>),
    /// There is no kubeconfig, or it cannot be read.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// A removal goes by the mesh's name.
    #[error(
        "metadata.name is not a DNS label, and it is what a removal goes by; write the name that the mesh was applied under"
    )]
    NoName,
    /// Somebody else applies what is rendered.
    #[error(
        "with the engine gitops, Argo CD or Flux apply the manifests, from a Git repository; fedmesh does not"
    )]
    HandedOver,
}

impl Operations {
    /// For the contexts of a kubeconfig; `None` for those of `KUBECONFIG` (which may name several
    /// files) or else `~/.kube/config`.
    pub fn new(kubeconfig: Option<PathBuf>) -> Self {
        Self {
            kubeconfig: kubeconfig.map(Arc::new),
            budget: Budget::default(),
        }
    }

    /// The contexts and what is found behind them, each within seconds.
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

    /// What an apply, or a removal, would do. Changes nothing. A removal only needs the mesh's name
    /// and the clusters' contexts, so it takes a document that has errors elsewhere.
    ///
    /// # Errors
    /// The engine is one that others apply from a repository, and no removal is asked for.
    pub async fn plan(&self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        self.plan_with(mesh, intent, &Decisions::default()).await
    }

    /// [`Operations::plan`], with what a person has decided.
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

    /// As [`Operations::plan_with`], for users who may only read: what is there, and not what they may do about
    /// it.
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
        let places = places(&kubeconfig, mesh).await;
        let planning = Planning {
            budget: &self.budget,
            kubeconfig: &kubeconfig,
            places,
            decisions,
            purpose,
        };
        planning.plan(mesh, intent).await
    }

    /// What a verification goes by: a plan whoever applies, and where it is not fedmesh, without
    /// anything that is wanted of it. What the user may not do is said by the checks that need it.
    pub(crate) async fn look(&self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let kubeconfig = self.read()?;
        let places = places(&kubeconfig, mesh).await;
        let planning = Planning {
            budget: &self.budget,
            kubeconfig: &kubeconfig,
            places,
            decisions: &Decisions::default(),
            purpose: Purpose::Verify,
        };
        planning.apply(mesh).await
    }

    /// Becomes the only writer of a mesh in its clusters; `command` is what others are told that it does,
    /// such as `apply`. Whoever has shown a plan before plans again with what this gives, and compares.
    ///
    /// # Errors
    /// Another writer is at work.
    pub async fn lock(
        &self,
        mesh: &Mesh,
        decisions: &Decisions,
        command: &str,
        options: LockOptions<'_>,
    ) -> Result<Locked, LockError> {
        let kubeconfig = self.read()?;
        let places = places(&kubeconfig, mesh).await;
        let names = std::iter::once(&mesh.metadata.name).chain(&decisions.renamed_from);
        let mut leases = Vec::new();
        for name in names {
            leases.push(Leases::claim(name, command, &places, options).await?);
        }
        Ok(Locked {
            budget: self.budget.clone(),
            kubeconfig,
            places,
            decisions: decisions.clone(),
            leases,
        })
    }

    pub(crate) fn read(&self) -> Result<Kubeconfig, KubeconfigError> {
        Kubeconfig::read(self.kubeconfig.as_deref().map(PathBuf::as_path))
    }
}

/// The only writer of a mesh in its clusters, until [`Locked::release`]. Dropped without it, the Leases
/// expire.
pub struct Locked {
    budget: Budget,
    kubeconfig: Kubeconfig,
    places: Vec<Place>,
    decisions: Decisions,
    /// Of the mesh first, then of the name that it had before.
    leases: Vec<Leases>,
}

impl Locked {
    /// [`Operations::plan`], while nobody else changes the mesh.
    ///
    /// # Errors
    /// As [`Operations::plan`].
    pub async fn plan(&self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        let planning = Planning {
            budget: &self.budget,
            kubeconfig: &self.kubeconfig,
            places: self.places.clone(),
            decisions: &self.decisions,
            purpose: Purpose::CarryOut,
        };
        let mut planned = planning.plan(mesh, intent).await?;
        // Where nothing changes, a Lease that may not be written is no reason to fail.
        planned.plan.block(|cluster| {
            let mut leases = self.leases.iter();
            let missing = leases.find_map(|leases| leases.missing(&cluster.context));
            missing.filter(|_| cluster.has_changes()).map(str::to_owned)
        });
        Ok(planned)
    }

    /// Carries out a plan, and gives the Leases up. Where nothing can be done in
    /// one cluster, nothing is done in any, unless the options say so. A caller that no longer listens, to the
    /// events or for the report, does not stop it; where `stop` asks for it, what has begun is finished and
    /// nothing more is begun.
    pub async fn apply(
        self,
        planned: Planned,
        options: ApplyOptions,
        stop: &Stop,
        events: UnboundedSender<Event>,
    ) -> Report {
        // The others are only for reading.
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

    /// Lets other writers write.
    pub async fn release(self) {
        for leases in self.leases {
            leases.release().await;
        }
    }
}

/// Whether fedmesh applies a document.
///
/// # Errors
/// Others do, from a repository.
pub fn expect_not_handed_over(mesh: &Mesh, intent: Intent) -> Result<(), PlanError> {
    if intent == Intent::Apply && is_handed_over(mesh) {
        return Err(PlanError::HandedOver);
    }
    Ok(())
}

/// Whether the manifests go through a repository, from which others apply them.
pub(crate) fn is_handed_over(mesh: &Mesh) -> bool {
    mesh.spec.target == Some(mesh::Target::Gitops)
}
