//! Plans an apply or a removal: reads all clusters and compares them with the document.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use shared::Mesh;
use shared::access::{self, Command, Needs};
use shared::api::Intent;
use shared::check::{Finding, Severity, code};
use shared::cluster_dns::{Edit, Refusal};
use shared::facts::Facts;
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::object::Object;
use shared::kubernetes::ownership::Ownership;
use shared::name::Label;
use shared::plan::decisions::Decisions;
use shared::plan::desired::Wanted;
use shared::plan::{ClusterPlan, Plan};
use shared::render::controller_publishes;

use tokio::task::JoinSet;

use super::{PlanError, Planned, Scope, Target, dns_findings, former, identities, taking_over};
use crate::addresses::{self, RecordsOf};
use crate::budget::Budget;
use crate::cluster::{self, DnsLook, Kubeconfig, Look, Parent, Review, Search, Zone};
use crate::place::{Place, named};
use crate::public_suffix;

/// The inputs of a plan.
pub(super) struct Planning<'a> {
    pub(super) budget: &'a Budget,
    pub(super) kubeconfig: &'a Kubeconfig,
    pub(super) places: Vec<Place>,
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

impl Planning<'_> {
    pub(super) async fn plan(self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        match intent {
            Intent::Apply => self.apply(mesh).await,
            Intent::Remove => self.removal(mesh).await,
        }
    }

    pub(super) async fn apply(self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let Self {
            budget,
            kubeconfig,
            mut places,
            decisions,
            purpose,
        } = self;
        let forgotten = &decisions.forget_addresses;
        let addresses = addresses::look(mesh, &mut places, RecordsOf::AllClusters, forgotten).await;
        let checked = shared::check(mesh, &addresses.facts);
        let Some(resolved) = checked.resolved else {
            return Err(PlanError::Findings(checked.findings));
        };
        let mut findings = checked.findings;
        public_suffix::check(mesh, &mut findings);
        // The federation controller looks up addresses itself.
        if !controller_publishes(&resolved) {
            addresses.explain(mesh, &mut findings);
        }
        let resolved = Arc::new(resolved);
        let wanted = Arc::new(Wanted::new(Arc::clone(&resolved)));
        let zone = Arc::new(Zone {
            suffix: resolved.dns.suffix.to_string(),
            nameservers: resolved.dns.nameservers.clone(),
            flavours: resolved
                .clusters
                .iter()
                .map(|one| one.dns_flavour)
                .collect(),
        });
        let dns = resolved.dns.cluster;
        let review = purpose.command().map(|command| {
            let mesh = mesh.clone();
            let needs = move |index, objects: &[Object]| {
                Needs::new(&mesh, &resolved, objects, index, command)
            };
            Review::new(command, needs)
        });
        let looking = Looking {
            wanted: Arc::clone(&wanted),
            zone: Arc::clone(&zone),
            ownership: ownership(mesh.metadata.name.clone(), decisions),
            decisions: decisions.clone(),
            review,
            tries: purpose == Purpose::CarryOut,
            intent: Intent::Apply,
            budget: budget.clone(),
        };
        let mut looked = looking.at_all(&places).await;
        let identified = identities::check(&places, decisions, &mut looked);
        findings.extend(identified.findings.iter().cloned());
        findings.extend(dns_findings::of_apply(&places, &looked, &zone));
        for (index, place) in places.iter().enumerate() {
            if let Some(Err(error)) = looked.get(&place.name)
                && !wanted.has_any(&place.name)
            {
                findings.push(not_looked_at(index, error, &zone));
            }
        }
        let (mut plan, looks) = planned(&wanted, Intent::Apply, &places, looked);
        let former = former::look(
            kubeconfig,
            &mesh.metadata.name,
            &places,
            &looks,
            Intent::Apply,
        )
        .await;
        findings.extend(former.findings);
        let mut clusters = former.clusters;
        clusters
            .extend(named(&places).map(|(name, context)| (name.to_owned(), context.to_owned())));
        plan.offer(|cluster| identified.decision(cluster));
        findings.extend(taking_over::findings(decisions, &plan));
        let identities = &identified.identities;
        let mut targets = targets(looks, &wanted, Some(&mesh.digest()), &clusters, identities);
        record_addresses(&mut targets, &places[dns].name, &addresses.last_known);
        Ok(Planned {
            findings,
            plan,
            facts: addresses.facts,
            targets,
        })
    }

    async fn removal(self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let Self {
            budget,
            kubeconfig,
            places,
            decisions,
            purpose,
        } = self;
        // The name becomes part of a URL path.
        let name = Label::new(&mesh.metadata.name).map_err(|_| PlanError::NoName)?;
        // Objects are found by this name.
        let decisions = &Decisions {
            renamed_from: None,
            ..decisions.clone()
        };
        let nothing = Arc::new(Wanted::nothing(name.as_str()));
        let looking = Looking {
            wanted: Arc::clone(&nothing),
            zone: Arc::new(Zone::default()),
            ownership: ownership(name.to_string(), decisions),
            decisions: decisions.clone(),
            review: (purpose == Purpose::CarryOut).then(|| review_of_removal(mesh, &name)),
            tries: false,
            intent: Intent::Remove,
            budget: budget.clone(),
        };
        let mut looked = looking.at_all(&places).await;
        let identified = identities::check(&places, decisions, &mut looked);
        let mut findings = identified.findings.clone();
        findings.extend(dns_findings::of_removal(&places, &looked, name.as_str()));
        let (mut plan, looks) = planned(&nothing, Intent::Remove, &places, looked);
        plan.offer(|cluster| identified.decision(cluster));
        let former = former::look(kubeconfig, name.as_str(), &places, &looks, Intent::Remove).await;
        findings.extend(former.findings);
        let identities = &identified.identities;
        let targets = targets(looks, &nothing, None, &former.clusters, identities);
        Ok(Planned {
            findings,
            plan,
            facts: Facts::default(),
            targets,
        })
    }
}

/// The permissions that a removal needs, from the document as far as it can be rendered.
fn review_of_removal(mesh: &Mesh, name: &Label) -> Review {
    let (mesh, name) = (mesh.clone(), name.clone());
    let rendered = OnceLock::new();
    Review::new(Command::Remove, move |index, _| {
        match rendered.get_or_init(|| access::render(&mesh)) {
            Ok((resolved, wanted)) => {
                let objects = wanted.of(resolved.clusters[index].name.as_str());
                Needs::new(&mesh, resolved, &objects, index, Command::Remove)
            }
            Err(_) => Needs::to_remove(name.as_str()),
        }
    })
}

fn ownership(mesh: String, decisions: &Decisions) -> Ownership {
    Ownership {
        mesh,
        former: decisions.renamed_from.clone(),
    }
}

/// The inputs for reading the clusters.
struct Looking {
    wanted: Arc<Wanted>,
    zone: Arc<Zone>,
    ownership: Ownership,
    decisions: Decisions,
    review: Option<Review>,
    /// Whether every creation is tried in a dry run.
    tries: bool,
    intent: Intent,
    budget: Budget,
}

/// The observed state of one cluster, with its planned steps.
pub(super) struct Looked {
    /// The planned steps; `None` if there are neither desired nor existing objects.
    plan: Option<ClusterPlan>,
    /// The identity of the cluster; see [`cluster::identity`].
    pub(super) identity: Option<String>,
    /// The edits of its DNS configuration.
    pub(super) dns: Vec<Result<Edit, Refusal>>,
    pub(super) look: Look,
}

/// The observed state of all clusters, by name.
pub(super) type AllLooked = BTreeMap<String, Result<Looked, String>>;

impl Looking {
    /// Reads all clusters concurrently, each in its own task, since comparing takes CPU time. The tasks end when the
    /// future is dropped.
    async fn at_all(self, places: &[Place]) -> AllLooked {
        let looking = Arc::new(self);
        let mut tasks = JoinSet::new();
        let mut names = BTreeMap::new();
        for (index, place) in places.iter().enumerate() {
            let (looking, of) = (Arc::clone(&looking), place.clone());
            let task = tasks.spawn(async move { looking.at(index, &of).await });
            names.insert(task.id(), place);
        }
        let mut all = AllLooked::new();
        while let Some(ended) = tasks.join_next_with_id().await {
            let (id, looked) = match ended {
                Ok((id, looked)) => (id, looked),
                Err(error) => (error.id(), Err(format!("interrupted: {error}"))),
            };
            if let Some(place) = names.get(&id) {
                all.insert(place.name.clone(), looked);
            }
        }
        all
    }

    async fn at(self: Arc<Self>, index: usize, place: &Place) -> Result<Looked, String> {
        let (name, context) = (place.name.as_str(), place.context.as_str());
        let mesh = self.wanted.mesh.as_str();
        let connection = place.connection.clone()?;
        // Nothing is rendered for a cluster that cannot be reached.
        let identity = cluster::identity(&connection).await;
        let identity = identity.map_err(|error| error.in_context(context, "get Namespace"))?;
        let _room = self.budget.take(self.wanted.estimate()).await;
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
        let inside = place.inside.clone();
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
            observed.surplus.remove(&Parent::key(mesh));
            look.surplus.remove(&Parent::key(mesh));
        }
        observed.dns = edits;
        look.handover = self.wanted.handover(&objects, &observed);
        let temporary = &look.handover.routes;
        observed.denied = rights.denied(mesh, &objects, temporary, &observed).await;
        let plan = match self.intent {
            Intent::Apply => ClusterPlan::new(name, context, &self.wanted, &objects, &observed),
            Intent::Remove => Some(ClusterPlan::removal(name, context, &observed)),
        };
        Ok(Looked {
            plan,
            identity,
            dns: observed.dns,
            look,
        })
    }

    /// Renders the objects of a cluster in a blocking task, concurrently with requests to other clusters.
    async fn objects(&self, cluster: &str) -> Result<Vec<Object>, String> {
        let (wanted, name) = (Arc::clone(&self.wanted), cluster.to_owned());
        let rendering = tokio::task::spawn_blocking(move || wanted.of(&name));
        rendering
            .await
            .map_err(|error| format!("interrupted: {error}"))
    }
}

/// The plan of all clusters, with the data to apply it.
fn planned(
    wanted: &Wanted,
    intent: Intent,
    places: &[Place],
    mut looked: AllLooked,
) -> (Plan, BTreeMap<String, Look>) {
    let mut looks = BTreeMap::new();
    let mut plans = Vec::new();
    for Place { name, context, .. } in places {
        match looked.remove(name) {
            Some(Ok(Looked { plan, look, .. })) => {
                plans.extend(plan);
                looks.insert(name.clone(), look);
            }
            Some(Err(error)) => plans.extend(match intent {
                Intent::Apply => ClusterPlan::unobserved(name, context, wanted, &error),
                Intent::Remove => Some(ClusterPlan::failed(name, context, &error)),
            }),
            None => {}
        }
    }
    (Plan::new(wanted.mesh.clone(), plans), looks)
}

/// The data to apply the plan, by cluster. `document` is its digest; `None` for a removal.
fn targets(
    looks: BTreeMap<String, Look>,
    wanted: &Arc<Wanted>,
    document: Option<&str>,
    clusters: &BTreeMap<String, String>,
    identities: &BTreeMap<String, String>,
) -> BTreeMap<String, Target> {
    let identities = identities.iter();
    let identities: BTreeMap<String, String> = identities
        .filter(|(name, _)| clusters.contains_key(*name))
        .map(|(name, identity)| (name.clone(), identity.clone()))
        .collect();
    let targets = looks.into_iter().map(|(name, look)| {
        let target = Target {
            scope: Scope::Everything,
            document: document.map(str::to_owned),
            clusters: clusters.clone(),
            identities: identities.clone(),
            last_known: LastKnown::default(),
            keeps_addresses: false,
            wanted: Arc::clone(wanted),
            look,
        };
        (name, target)
    });
    targets.collect()
}

/// Records the addresses in the cluster with the DNS records; if it has no objects with this engine, in all clusters
/// that have.
fn record_addresses(targets: &mut BTreeMap<String, Target>, dns: &str, last_known: &LastKnown) {
    let is_handed_something = targets.get(dns).is_some_and(|one| one.wanted.has_any(dns));
    for (name, target) in targets {
        target.last_known = last_known.clone();
        target.keeps_addresses = name == dns || !is_handed_something;
    }
}

fn not_looked_at(index: usize, error: &str, zone: &Zone) -> Finding {
    let (what, hint) = if zone.is_private() {
        (
            "forwarding of the zone is not configured in its DNS, and objects of an earlier apply are not detected",
            "plan again when the cluster can be reached",
        )
    } else {
        (
            "objects of an earlier apply are not detected",
            "ignore this if the mesh was never applied to this cluster with the engine direct or a private \
            zone",
        )
    };
    Finding {
        code: code::NOT_LOOKED_AT.id.to_owned(),
        severity: Severity::Warning,
        path: format!("spec.clusters[{index}].context"),
        message: format!("{what}: {error}"),
        hint: hint.to_owned(),
        fix: None,
    }
}
