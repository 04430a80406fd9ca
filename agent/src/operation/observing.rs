//! The clusters of a document as they are, each with its planned steps: a cluster is planned when it is read, so that the
//! objects of one are in memory at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::api::Intent;
use shared::cluster_dns::{Edit, Refusal};
use shared::kubernetes::object::Object;
use shared::kubernetes::ownership::Ownership;
use shared::plan::ClusterPlan;
use shared::plan::decisions::Decisions;
use shared::plan::desired::Desired;
use tokio::task::JoinSet;

use crate::budget::Budget;
use crate::cluster::{self, DnsLook, Look, Parent, Review, Search, Zone};
use crate::members::MemberCluster;

/// The inputs for reading the clusters.
pub(super) struct Observer {
    pub(super) desired: Arc<Desired>,
    pub(super) zone: Arc<Zone>,
    pub(super) ownership: Ownership,
    pub(super) decisions: Decisions,
    pub(super) review: Option<Review>,
    /// Whether every creation is tried in a dry run.
    pub(super) tries: bool,
    pub(super) intent: Intent,
    pub(super) budget: Budget,
}

/// The observed state of one cluster, with its planned steps.
pub(super) struct ObservedMember {
    /// The planned steps; `None` if there are neither desired nor existing objects.
    pub(super) plan: Option<ClusterPlan>,
    /// The identity of the cluster; see [`cluster::identity`].
    pub(super) identity: Option<String>,
    /// The edits of its DNS configuration.
    pub(super) dns: Vec<Result<Edit, Refusal>>,
    pub(super) look: Look,
}

/// The observed state of all clusters, by name.
pub(super) type AllObserved = BTreeMap<String, Result<ObservedMember, String>>;

impl Observer {
    /// Reads all clusters concurrently, each in its own task, since comparing takes CPU time. The tasks end when the
    /// future is dropped.
    pub(super) async fn at_all(self, members: &[MemberCluster]) -> AllObserved {
        let looking = Arc::new(self);
        let mut tasks = JoinSet::new();
        let mut names = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            let (looking, of) = (Arc::clone(&looking), member.clone());
            let task = tasks.spawn(async move { looking.at(index, &of).await });
            names.insert(task.id(), member);
        }
        let mut all = AllObserved::new();
        while let Some(ended) = tasks.join_next_with_id().await {
            let (id, looked) = match ended {
                Ok((id, looked)) => (id, looked),
                Err(error) => (error.id(), Err(format!("interrupted: {error}"))),
            };
            if let Some(member) = names.get(&id) {
                all.insert(member.name.clone(), looked);
            }
        }
        all
    }

    async fn at(
        self: Arc<Self>,
        index: usize,
        member: &MemberCluster,
    ) -> Result<ObservedMember, String> {
        let (name, context) = (member.name.as_str(), member.context.as_str());
        let mesh = self.desired.mesh.as_str();
        let connection = member.connection.clone()?;
        // Nothing is rendered for a cluster that cannot be reached.
        let identity = cluster::identity(&connection).await;
        let identity = identity.map_err(|error| error.in_context(context, "get Namespace"))?;
        let _room = self.budget.take(self.desired.estimate()).await;
        let objects = self.objects(name).await?;
        let search = Search {
            ownership: &self.ownership,
            decisions: &self.decisions,
            tries: self.tries,
        };
        let (rights, seen, settings) = tokio::join!(
            cluster::rights(&connection, self.review.as_ref(), name, index, &objects),
            cluster::look(connection.clone(), search, &objects),
            cluster::dns_settings(&connection)
        );
        rights.expect_always()?;
        let inside = member.inside.clone();
        inside.map_err(|error| rights.beside(error))?;
        let (mut observed, mut look) = seen.map_err(|error| rights.beside(error))?;
        // Also for a public zone, which may have been private: a cluster that forwarded it may have no other objects
        // of the mesh.
        let parent = look.parent.as_ref();
        let recorded = parent.is_some_and(|parent| parent.stub_domain);
        let dns = cluster::look_at_dns(&connection, settings, mesh, &self.zone, index, recorded);
        let DnsLook { edits, unseen } = dns.await;
        look.dns = edits.iter().flatten().cloned().collect();
        look.dns_unseen = unseen;
        if look.keeps_stub_domain() || edits.iter().any(Result::is_err) {
            // The stub domain is recorded even if the cluster has no other desired objects.
            observed.prune_candidates.remove(&Parent::key(mesh));
            look.prune_candidates.remove(&Parent::key(mesh));
        }
        observed.dns = edits;
        look.handover = self.desired.handover(&objects, &observed);
        let temporary = &look.handover.routes;
        observed.denied = rights.denied(mesh, &objects, temporary, &observed).await;
        let plan = match self.intent {
            Intent::Apply => ClusterPlan::new(name, context, &self.desired, &objects, &observed),
            Intent::Remove => Some(ClusterPlan::removal(name, context, &observed)),
        };
        Ok(ObservedMember {
            plan,
            identity,
            dns: observed.dns,
            look,
        })
    }

    /// Renders the objects of a cluster in a blocking task, concurrently with requests to other clusters.
    async fn objects(&self, cluster: &str) -> Result<Vec<Object>, String> {
        let (desired, name) = (Arc::clone(&self.desired), cluster.to_owned());
        let rendering = tokio::task::spawn_blocking(move || desired.of(&name));
        rendering
            .await
            .map_err(|error| format!("interrupted: {error}"))
    }
}
