//! Reads the clusters of a document, each with its planned steps: a cluster is planned when it is read, so that the
//! objects of one are in memory at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use futures::future::join_all;
use shared::Mesh;
use shared::access::{self, Command, Needs};
use shared::api::Intent;
use shared::gateways::workload::{Workload, workloads};
use shared::kubernetes::object::Object;
use shared::kubernetes::ownership::Ownership;
use shared::plan::ClusterPlan;
use shared::plan::decisions::Decisions;
use shared::plan::desired::Desired;
use shared::traffic::nodes;
use tokio::task::JoinSet;

use super::PlanError;
use super::document::{Applying, Removing};
use super::former::{self, FormerCluster};
use super::identities::{self, Identified};
use super::observed::{AllObserved, Mismatch, ObservedMember};
use crate::addresses::{self, RecordsOf};
use crate::budget::Budget;
use crate::cluster::{self, Connection, Kubeconfig, Parent, RetryPolicy, Review, Search, Zone};
use crate::members::MemberCluster;

/// The inputs for reading the clusters of a document.
pub(super) struct Observing<'a> {
    pub(super) budget: &'a Budget,
    pub(super) kubeconfig: &'a Kubeconfig,
    pub(super) members: Vec<MemberCluster>,
    pub(super) decisions: &'a Decisions,
    pub(super) purpose: Purpose,
}

/// The purpose of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An apply: permissions are reviewed, and changes are tried in a dry run.
    CarryOut,
    /// The status of the clusters.
    Status,
    /// A verification.
    Verify,
}

impl Purpose {
    /// The command whose permissions are reviewed.
    const fn command(self) -> Option<Command> {
        match self {
            Self::CarryOut => Some(Command::Apply),
            Self::Status => Some(Command::Status),
            Self::Verify => None,
        }
    }
}

/// Everything that a plan is decided from, apart from the document.
pub(super) struct Observed {
    pub(super) members: Vec<MemberCluster>,
    /// A cluster behind a wrong context has an error.
    pub(super) clusters: AllObserved,
    pub(super) identified: Identified,
    pub(super) former: Vec<FormerCluster>,
}

impl Observing<'_> {
    /// Looks up the gateways' addresses, checks the document with them, and reads the clusters for an apply.
    ///
    /// # Errors
    /// The document has errors.
    pub(super) async fn apply(
        mut self,
        mesh: &Mesh,
    ) -> Result<(Applying<'_>, Observed), PlanError> {
        let forgotten = &self.decisions.forget_addresses;
        let all = RecordsOf::AllClusters;
        let addresses = addresses::look(mesh, &mut self.members, all, forgotten).await;
        let applying = Applying::new(mesh, addresses)?;
        let observer = Observer {
            desired: Arc::clone(&applying.desired),
            zone: Arc::clone(&applying.zone),
            finds_dns: applying.zone.is_private(),
            gateways: (0..applying.resolved.clusters.len())
                .map(|cluster| workloads(&applying.resolved, cluster))
                .collect(),
            elsewhere: applying
                .resolved
                .clusters
                .iter()
                .map(nodes::selectors)
                .collect(),
            ownership: Ownership {
                mesh: mesh.metadata.name.clone(),
                former: self.decisions.renamed_from.clone(),
            },
            decisions: self.decisions.clone(),
            review: self.purpose.command().map(|one| review(one, &applying)),
            tries: self.purpose == Purpose::CarryOut,
            intent: Intent::Apply,
            budget: self.budget.clone(),
        };
        Ok((applying, self.read(observer).await))
    }

    /// Reads the clusters for a removal.
    ///
    /// # Errors
    /// The name of the mesh is not a DNS label.
    pub(super) async fn removal(self, mesh: &Mesh) -> Result<(Removing, Observed), PlanError> {
        let removing = Removing::new(mesh)?;
        let reviews = self.purpose == Purpose::CarryOut;
        let observer = Observer {
            desired: Arc::clone(&removing.nothing),
            zone: Arc::new(Zone::default()),
            finds_dns: !mesh.spec.dns.nameservers.is_empty(),
            gateways: Vec::new(),
            elsewhere: Vec::new(),
            // Objects are found by this name.
            ownership: Ownership::of(removing.name.as_str()),
            decisions: Decisions {
                renamed_from: None,
                ..self.decisions.clone()
            },
            review: reviews.then(|| review_of_removal(mesh, &removing)),
            tries: false,
            intent: Intent::Remove,
            budget: self.budget.clone(),
        };
        Ok((removing, self.read(observer).await))
    }

    async fn read(self, observer: Observer) -> Observed {
        let Self {
            kubeconfig,
            members,
            decisions,
            ..
        } = self;
        let mesh = observer.desired.mesh.clone();
        let mut clusters = observer.at_all(&members).await;
        let identified = identities::check(&members, decisions, &mut clusters);
        let recorded = former::recorded(&members, &clusters);
        let former = join_all(recorded.into_iter().map(|(name, context)| async {
            let found = match kubeconfig.connect(&context, RetryPolicy::PLAN).await {
                Ok(connection) => Parent::read(&connection, &mesh).await,
                Err(why) => Err(why),
            };
            let unread = match found {
                Ok(None) => return None,
                Ok(Some(_)) => None,
                Err(why) => Some(why),
            };
            Some(FormerCluster {
                name,
                context,
                unread,
            })
        }));
        let former = former.await.into_iter().flatten().collect();
        Observed {
            members,
            clusters,
            identified,
            former,
        }
    }
}

/// The permissions that a command needs.
fn review(command: Command, applying: &Applying<'_>) -> Review {
    let (mesh, resolved) = (applying.mesh.clone(), Arc::clone(&applying.resolved));
    let needs =
        move |index, objects: &[Object]| Needs::new(&mesh, &resolved, objects, index, command);
    Review::new(command, needs)
}

/// The permissions that a removal needs, from the document as far as it can be rendered.
fn review_of_removal(mesh: &Mesh, removing: &Removing) -> Review {
    let (mesh, name) = (mesh.clone(), removing.name.clone());
    let rendered = OnceLock::new();
    Review::new(Command::Remove, move |index, _| {
        match rendered.get_or_init(|| access::render(&mesh)) {
            Ok((resolved, desired)) => {
                let objects = desired.of(resolved.clusters[index].name.as_str());
                Needs::new(&mesh, resolved, &objects, index, Command::Remove)
            }
            Err(_) => Needs::to_remove(name.as_str()),
        }
    })
}

/// The inputs for reading one cluster.
struct Observer {
    desired: Arc<Desired>,
    zone: Arc<Zone>,
    /// Whether the servers of the clusters' DNS are looked up; see [`cluster::dns_settings`].
    finds_dns: bool,
    /// The gateways that the document configures, by cluster.
    gateways: Vec<Vec<Workload>>,
    /// Selectors of nodes where the document does not have the cluster, by cluster.
    elsewhere: Vec<[String; 2]>,
    ownership: Ownership,
    decisions: Decisions,
    review: Option<Review>,
    /// Whether every creation is tried in a dry run.
    tries: bool,
    intent: Intent,
    budget: Budget,
}

impl Observer {
    /// Reads all clusters concurrently, each in its own task, since comparing takes CPU time. The tasks end when the
    /// future is dropped.
    async fn at_all(self, members: &[MemberCluster]) -> AllObserved {
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
        let (rights, seen, settings, gateways, nodes_elsewhere) = tokio::join!(
            cluster::rights(&connection, self.review.as_ref(), name, index, &objects),
            cluster::look(connection.clone(), search, &objects),
            cluster::dns_settings(&connection, self.finds_dns),
            self.mismatches(&connection, index),
            self.nodes_elsewhere(&connection, index)
        );
        rights.expect_always()?;
        let inside = member.inside.clone();
        inside.map_err(|error| rights.beside(error))?;
        let (mut observed, mut look) = seen.map_err(|error| rights.beside(error))?;
        // Also for a public zone, which may have been private: a cluster that forwarded it may have no other objects
        // of the mesh.
        let parent = look.parent.as_ref();
        let recorded = parent.map(|parent| parent.stub_domains.clone());
        let recorded = recorded.unwrap_or_default();
        let dns = cluster::look_at_dns(&connection, settings, mesh, &self.zone, index, &recorded);
        let mut dns = dns.await;
        look.dns = dns.edits.iter().flatten().cloned().collect();
        if look.keeps_stub_domain() || dns.edits.iter().any(Result::is_err) {
            // The stub domain is recorded even if the cluster has no other desired objects.
            observed.prune_candidates.remove(&Parent::key(mesh));
            look.prune_candidates.remove(&Parent::key(mesh));
        }
        observed.dns = std::mem::take(&mut dns.edits);
        look.handover = self.desired.handover(&objects, &observed);
        let temporary = &look.handover.routes;
        observed.denied = rights.denied(mesh, &objects, temporary, &observed).await;
        let plan = match self.intent {
            Intent::Apply => ClusterPlan::new(name, context, &self.desired, &objects, &observed),
            Intent::Remove => Some(ClusterPlan::removal(name, context, &observed)),
        };
        dns.edits = observed.dns;
        Ok(ObservedMember {
            plan,
            identity,
            dns,
            look,
            gateways,
            nodes_elsewhere,
        })
    }

    /// The gateways of a cluster whose pods the document does not select, or may not.
    async fn mismatches(&self, connection: &Connection, index: usize) -> Vec<(Workload, Mismatch)> {
        let gateways = self.gateways.get(index).into_iter().flatten();
        let compared = join_all(gateways.map(|workload| async {
            let mismatch = match cluster::mismatch(connection, workload).await {
                Ok(None) => return None,
                Ok(Some(service)) => Mismatch::Selects(service),
                Err(error) => Mismatch::Unread(
                    error.in_context(connection.context(), "get Service, list Pod"),
                ),
            };
            Some((workload.clone(), mismatch))
        }));
        compared.await.into_iter().flatten().collect()
    }

    /// The places of nodes where the document does not have the cluster.
    async fn nodes_elsewhere(
        &self,
        connection: &Connection,
        index: usize,
    ) -> Result<BTreeSet<String>, String> {
        let selectors = self.elsewhere.get(index).map_or(&[][..], |all| all);
        let places = cluster::places(connection, selectors).await;
        places.map_err(|error| error.in_context(connection.context(), "list Node"))
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
