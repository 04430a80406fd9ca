//! What the command line and the HTTP API both do: look at clusters, plan, apply.

mod dns_findings;
mod former;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use shared::Mesh;
use shared::access::{self, Command, Needs};
use shared::api::{Clusters, Event, Intent, Report};
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::mesh;
use shared::name::Label;
use shared::object::Object;
use shared::plan::{self, Observed, Plan};
use shared::wanted::Wanted;
use tokio::sync::mpsc::UnboundedSender;

use crate::apply;
use crate::cluster::{
    self, Connection, DnsLook, Kubeconfig, KubeconfigError, Look, Parent, Review, Zone,
};
use crate::gateways;
use crate::host_names;
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
    /// and the clusters' contexts, so it takes a document that has errors elsewhere. A cluster where the
    /// user lacks rights to carry it out has them as its error.
    ///
    /// # Errors
    /// The engine is one that others apply from a repository, and no removal is asked for.
    pub async fn plan(&self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        self.plan_for(mesh, intent, true).await
    }

    /// As [`plan`](Self::plan), for users who may only read: what is there, and not what they may do about it.
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan).
    pub async fn status(&self, mesh: &Mesh, intent: Intent) -> Result<Planned, PlanError> {
        self.plan_for(mesh, intent, false).await
    }

    async fn plan_for(
        &self,
        mesh: &Mesh,
        intent: Intent,
        carries_out: bool,
    ) -> Result<Planned, PlanError> {
        match intent {
            Intent::Apply if is_handed_over(mesh) => Err(PlanError::HandedOver),
            Intent::Apply => {
                let command = if carries_out {
                    Command::Apply
                } else {
                    Command::Status
                };
                plan_apply(&self.read()?, mesh, Some(command)).await
            }
            Intent::Remove => plan_removal(&self.read()?, mesh, carries_out).await,
        }
    }

    /// What a verification goes by: a plan whoever applies, and where it is not fedmesh, without
    /// anything that is wanted of it. What the user may not do is said by the checks that need it.
    pub(crate) async fn look(&self, mesh: &Mesh) -> Result<Planned, PlanError> {
        plan_apply(&self.read()?, mesh, None).await
    }

    /// Carries out a plan. Where nothing can be done in one cluster, nothing is done in any, unless
    /// the options say so. A caller that no longer listens, to the events or for the report, does not
    /// stop it; where `stop` asks for it, what has begun is finished and nothing more is begun.
    pub async fn apply(
        &self,
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
            targets,
        } = planned;
        apply::apply(plan, targets, options, stop, events).await
    }

    pub(crate) fn read(&self) -> Result<Kubeconfig, KubeconfigError> {
        Kubeconfig::read(self.kubeconfig.as_deref().map(PathBuf::as_path))
    }
}

/// Whether the manifests go through a repository, from which others apply them.
pub(crate) fn is_handed_over(mesh: &Mesh) -> bool {
    mesh.spec.target == Some(mesh::Target::Gitops)
}

/// With a command, the rights that it needs are reviewed.
async fn plan_apply(
    kubeconfig: &Kubeconfig,
    mesh: &Mesh,
    command: Option<Command>,
) -> Result<Planned, PlanError> {
    let mut places = places(kubeconfig, mesh).await;
    let seen = gateways::look(mesh, &mut places).await;
    let mut facts = seen.facts(mesh);
    let host_names = host_names::look_up(mesh, &facts).await;
    facts.host_names = host_names::known(&host_names);
    let checked = shared::check(mesh, &facts);
    let Some(resolved) = checked.resolved else {
        return Err(PlanError::Findings(checked.findings));
    };
    let mut findings = checked.findings;
    seen.explain(mesh, &mut findings);
    host_names::explain(mesh, &facts, &host_names, &mut findings);
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
    let review = command.map(|command| {
        let (mesh, wanted) = (mesh.clone(), Arc::clone(&wanted));
        let needs = move |index| Needs::new(&mesh, &resolved, &wanted, index, command);
        Arc::new(Review::new(command, needs))
    });
    let (observed, looks) = look_at_all(&places, &wanted, &zone, review).await;
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
    clusters.extend(named(&places).map(|(name, context)| (name.to_owned(), context.to_owned())));
    let plan = plan::plan(&wanted, named(&places), &observed);
    Ok(Planned {
        findings,
        plan,
        facts,
        targets: targets(looks, wanted, Some(&mesh.digest()), &clusters),
    })
}

async fn plan_removal(
    kubeconfig: &Kubeconfig,
    mesh: &Mesh,
    carries_out: bool,
) -> Result<Planned, PlanError> {
    // It becomes part of a path.
    let name = Label::new(&mesh.metadata.name).map_err(|_| PlanError::NoName)?;
    let places = places(kubeconfig, mesh).await;
    let nothing = Arc::new(Wanted {
        mesh: name.to_string(),
        ..Wanted::default()
    });
    let no_zone = Arc::new(Zone::default());
    let review = carries_out.then(|| Arc::new(review_of_removal(mesh, &name)));
    let (observed, looks) = look_at_all(&places, &nothing, &no_zone, review).await;
    let plan = plan::plan_removal(name.as_str(), named(&places), &observed);
    let mut findings = dns_findings::of_removal(&places, &observed, &looks, name.as_str());
    let former = former::look(kubeconfig, name.as_str(), &places, &looks, Intent::Remove).await;
    findings.extend(former.findings);
    let targets = targets(looks, nothing, None, &former.clusters);
    Ok(Planned {
        findings,
        plan,
        facts: Facts::default(),
        targets,
    })
}

/// What a removal needs goes by the document as far as it can be rendered.
fn review_of_removal(mesh: &Mesh, name: &Label) -> Review {
    let (mesh, name) = (mesh.clone(), name.clone());
    let rendered = OnceLock::new();
    Review::new(Command::Remove, move |index| {
        match rendered.get_or_init(|| access::render(&mesh)) {
            Ok((resolved, wanted)) => Needs::new(&mesh, resolved, wanted, index, Command::Remove),
            Err(_) => Needs::to_remove(name.as_str()),
        }
    })
}

/// Looks at all clusters at once, each in a task of its own since there is much to compare.
async fn look_at_all(
    places: &[Place],
    wanted: &Arc<Wanted>,
    zone: &Arc<Zone>,
    review: Option<Arc<Review>>,
) -> (Observed, BTreeMap<String, Look>) {
    let tasks: Vec<_> = places
        .iter()
        .enumerate()
        .map(|(index, place)| {
            let (name, connection) = (place.name.clone(), place.connection.clone());
            let wanted = Arc::clone(wanted);
            let zone = Arc::clone(zone);
            let review = review.clone();
            tokio::spawn(async move {
                let mesh = wanted.mesh.as_str();
                let objects = wanted.of(&name);
                let connection = connection?;
                let (rights, seen, settings) = tokio::join!(
                    cluster::rights(&connection, review.as_deref(), &name, index),
                    cluster::look(connection.clone(), mesh, objects),
                    cluster::dns_settings(&connection)
                );
                rights.expect_always()?;
                let (mut observed, mut look) = seen.map_err(|error| rights.beside(error))?;
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
                observed.denied = rights.denied(mesh, objects, &observed).await;
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
) -> BTreeMap<String, Target> {
    let mut wanted = Arc::unwrap_or_clone(wanted);
    let targets = looks.into_iter().map(|(name, look)| {
        let target = Target {
            scope: Scope::Everything,
            document: document.map(str::to_owned),
            clusters: clusters.clone(),
            objects: wanted.objects.remove(&name).unwrap_or_default(),
            look,
        };
        (name, target)
    });
    targets.collect()
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
