//! What the command line and the HTTP API both do: look at clusters, plan, apply.

mod blocked;
mod dns_findings;
mod former;
mod identities;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use shared::Mesh;
use shared::api::{Clusters, Event, Intent, Report};
use shared::check::{Finding, Severity, code};
use shared::decisions::Decisions;
use shared::facts::Facts;
use shared::last_known::LastKnown;
use shared::mesh;
use shared::name::Label;
use shared::object::Object;
use shared::ownership::Ownership;
use shared::plan::{self, Observed, Plan};
use shared::render::controller_publishes;
use shared::wanted::Wanted;
use tokio::sync::mpsc::UnboundedSender;

pub use blocked::Blocked;

use crate::addresses::{self, RecordsOf};
use crate::apply;
use crate::cluster::{
    self, Connection, DnsLook, Kubeconfig, KubeconfigError, Look, Parent, Search, Zone,
};
use crate::lock::{Leases, LockError, LockOptions};
use crate::place::{Place, named, places};
use crate::stop::Stop;

/// Everything that is done to clusters goes through here. The kubeconfig is read anew for each
/// operation, so that a context that is added is there at once.
#[derive(Debug, Clone)]
pub struct Operations {
    kubeconfig: Option<Arc<PathBuf>>,
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
    /// What is wanted there.
    pub(crate) objects: Vec<Object>,
    /// What was seen there, and how to reach it.
    pub(crate) look: Look,
}

/// How much of a mesh an apply is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it: what is not wanted goes.
    Everything,
    /// The DNS records: everything else stays as it is, and recorded.
    Records,
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
        let kubeconfig = self.read()?;
        let places = places(&kubeconfig, mesh).await;
        let planning = Planning {
            kubeconfig: &kubeconfig,
            places,
            decisions,
        };
        planning.plan(mesh, intent).await
    }

    /// What a verification goes by: a plan whoever applies, and where it is not fedmesh, without
    /// anything that is wanted of it.
    pub(crate) async fn look(&self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let kubeconfig = self.read()?;
        let places = places(&kubeconfig, mesh).await;
        let planning = Planning {
            kubeconfig: &kubeconfig,
            places,
            decisions: &Decisions::default(),
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
            kubeconfig: &self.kubeconfig,
            places: self.places.clone(),
            decisions: &self.decisions,
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
        let report = apply::apply(plan, targets, options, stop, events).await;
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

/// Whether the manifests go through a repository, from which others apply them.
pub(crate) fn is_handed_over(mesh: &Mesh) -> bool {
    mesh.spec.target == Some(mesh::Target::Gitops)
}

/// What a plan is made from.
struct Planning<'a> {
    kubeconfig: &'a Kubeconfig,
    places: Vec<Place>,
    decisions: &'a Decisions,
}

impl Planning<'_> {
    async fn plan(self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        match intent {
            Intent::Apply if is_handed_over(mesh) => Err(PlanError::HandedOver),
            Intent::Apply => self.apply(mesh).await,
            Intent::Remove => self.removal(mesh).await,
        }
    }

    async fn apply(self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let Self {
            kubeconfig,
            mut places,
            decisions,
        } = self;
        let forgotten = &decisions.forget_addresses;
        let addresses = addresses::look(mesh, &mut places, RecordsOf::AllClusters, forgotten).await;
        let checked = shared::check(mesh, &addresses.facts);
        let Some(resolved) = checked.resolved else {
            return Err(PlanError::Findings(checked.findings));
        };
        let mut findings = checked.findings;
        // The federation's controller goes by addresses of its own.
        if !controller_publishes(&resolved) {
            addresses.explain(mesh, &mut findings);
        }
        let wanted = Arc::new(Wanted::new(&resolved));
        let zone = Arc::new(Zone {
            suffix: resolved.dns.suffix.to_string(),
            nameservers: resolved.dns.nameservers.clone(),
            flavours: resolved
                .clusters
                .iter()
                .map(|one| one.dns_flavour)
                .collect(),
        });
        let (mut observed, mut looks) = look_at_all(&places, &wanted, &zone, decisions).await;
        let identities = identities::check(&places, decisions, &mut observed, &mut looks);
        findings.extend(dns_findings::of_apply(&places, &observed, &zone));
        for (index, place) in places.iter().enumerate() {
            let is_handed_nothing = wanted.of(&place.name).is_empty();
            if let (true, Some(Err(error))) = (is_handed_nothing, observed.get(&place.name)) {
                findings.push(not_looked_at(index, error, &zone));
            }
        }
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
        let plan = plan::plan(&wanted, named(&places), &observed);
        let mut targets = targets(looks, wanted, Some(&mesh.digest()), &clusters, &identities);
        record_addresses(
            &mut targets,
            &places[resolved.dns.cluster].name,
            &addresses.last_known,
        );
        Ok(Planned {
            findings,
            plan,
            facts: addresses.facts,
            targets,
        })
    }

    async fn removal(self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let Self {
            kubeconfig,
            places,
            decisions,
        } = self;
        // It becomes part of a path.
        let name = Label::new(&mesh.metadata.name).map_err(|_| PlanError::NoName)?;
        // What is removed is what has this name.
        let decisions = &Decisions {
            renamed_from: None,
            ..decisions.clone()
        };
        let nothing = Arc::new(Wanted {
            mesh: name.to_string(),
            ..Wanted::default()
        });
        let no_zone = Arc::new(Zone::default());
        let (mut observed, mut looks) = look_at_all(&places, &nothing, &no_zone, decisions).await;
        let identities = identities::check(&places, decisions, &mut observed, &mut looks);
        let plan = plan::plan_removal(name.as_str(), named(&places), &observed);
        let mut findings = dns_findings::of_removal(&places, &observed, &looks, name.as_str());
        let former = former::look(kubeconfig, name.as_str(), &places, &looks, Intent::Remove).await;
        findings.extend(former.findings);
        let targets = targets(looks, nothing, None, &former.clusters, &identities);
        Ok(Planned {
            findings,
            plan,
            facts: Facts::default(),
            targets,
        })
    }
}

/// Looks at all clusters at once, each in a task of its own since there is much to compare.
async fn look_at_all(
    places: &[Place],
    wanted: &Arc<Wanted>,
    zone: &Arc<Zone>,
    decisions: &Decisions,
) -> (Observed, BTreeMap<String, Look>) {
    let ownership = Arc::new(Ownership {
        mesh: wanted.mesh.clone(),
        former: decisions.renamed_from.clone(),
    });
    let decisions = Arc::new(decisions.clone());
    let tasks: Vec<_> = places
        .iter()
        .enumerate()
        .map(|(index, place)| {
            let (name, connection) = (place.name.clone(), place.connection.clone());
            let wanted = Arc::clone(wanted);
            let zone = Arc::clone(zone);
            let ownership = Arc::clone(&ownership);
            let decisions = Arc::clone(&decisions);
            tokio::spawn(async move {
                let mesh = wanted.mesh.as_str();
                let objects = wanted.of(&name);
                let connection = connection?;
                let search = Search {
                    ownership: &ownership,
                    decisions: &decisions,
                };
                let (seen, settings) = tokio::join!(
                    cluster::look(connection.clone(), search, objects),
                    cluster::dns_settings(&connection)
                );
                let (mut observed, mut look) = seen?;
                // For a public zone too: it may have been private, and not every cluster that was told
                // so has objects of ours.
                let recorded = look
                    .parent
                    .as_ref()
                    .is_some_and(|parent| parent.stub_domain);
                let dns = cluster::look_at_dns(&connection, settings, mesh, &zone, index, recorded);
                let DnsLook { edits, unseen } = dns.await;
                look.dns = edits.iter().flatten().cloned().collect();
                look.dns_unseen = unseen;
                if look.keeps_stub_domain() || edits.iter().any(Result::is_err) {
                    // It is recorded, though nothing else is wanted here.
                    observed.surplus.remove(&Parent::key(mesh));
                    look.surplus.remove(&Parent::key(mesh));
                }
                observed.dns = edits;
                Ok((observed, look))
            })
        })
        .collect();
    let mut observed = Observed::new();
    let mut looks = BTreeMap::new();
    for (place, task) in places.iter().zip(tasks) {
        let seen = match task.await {
            Ok(Ok((seen, look))) => {
                looks.insert(place.name.clone(), look);
                Ok(seen)
            }
            Ok(Err(error)) => Err(error),
            Err(error) => Err(format!("context {}: broken off: {error}", place.context)),
        };
        observed.insert(place.name.clone(), seen);
    }
    (observed, looks)
}

/// `document` is its digest; there is none for a removal.
fn targets(
    looks: BTreeMap<String, Look>,
    wanted: Arc<Wanted>,
    document: Option<&str>,
    clusters: &BTreeMap<String, String>,
    identities: &BTreeMap<String, String>,
) -> BTreeMap<String, Target> {
    let identities = identities.iter();
    let identities: BTreeMap<String, String> = identities
        .filter(|(name, _)| clusters.contains_key(*name))
        .map(|(name, identity)| (name.clone(), identity.clone()))
        .collect();
    let mut wanted = Arc::unwrap_or_clone(wanted);
    let targets = looks.into_iter().map(|(name, look)| {
        let target = Target {
            scope: Scope::Everything,
            document: document.map(str::to_owned),
            clusters: clusters.clone(),
            identities: identities.clone(),
            last_known: LastKnown::default(),
            keeps_addresses: false,
            objects: wanted.objects.remove(&name).unwrap_or_default(),
            look,
        };
        (name, target)
    });
    targets.collect()
}

/// The cluster with the DNS records keeps the addresses; where an engine hands it nothing, all do that are
/// handed something.
fn record_addresses(targets: &mut BTreeMap<String, Target>, dns: &str, last_known: &LastKnown) {
    let is_handed_something = targets.get(dns).is_some_and(|one| !one.objects.is_empty());
    for (name, target) in targets {
        target.last_known = last_known.clone();
        target.keeps_addresses = name == dns || !is_handed_something;
    }
}

fn not_looked_at(index: usize, error: &str, zone: &Zone) -> Finding {
    let (what, hint) = if zone.is_private() {
        (
            "its DNS is not told of the zone, and what an earlier apply may have left there is not seen",
            "plan again when the cluster answers",
        )
    } else {
        (
            "what an earlier apply may have left there is not seen",
            "nothing is to do if this cluster never was applied to with target direct, nor had a private \
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
