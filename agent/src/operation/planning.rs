//! Planning: look at all clusters, and say what an apply or a removal would do.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use shared::Mesh;
use shared::access::{self, Command, Needs};
use shared::api::Intent;
use shared::check::{Finding, Severity, code};
use shared::decisions::Decisions;
use shared::facts::Facts;
use shared::last_known::LastKnown;
use shared::name::Label;
use shared::ownership::Ownership;
use shared::plan::{self, Observed};
use shared::render::controller_publishes;
use shared::wanted::Wanted;

use super::{PlanError, Planned, Scope, Target, dns_findings, former, identities, taking_over};
use crate::addresses::{self, RecordsOf};
use crate::cluster::{self, DnsLook, Kubeconfig, Look, Parent, Review, Search, Zone};
use crate::place::{Place, named};
use crate::public_suffix;

/// What a plan is made from.
pub(super) struct Planning<'a> {
    pub(super) kubeconfig: &'a Kubeconfig,
    pub(super) places: Vec<Place>,
    pub(super) decisions: &'a Decisions,
    pub(super) purpose: Purpose,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be carried out: what that needs is reviewed and tried.
    CarryOut,
    /// To see how things are.
    Status,
    /// To see by traffic how things are.
    Verify,
}

impl Purpose {
    /// The command of an apply whose permissions are reviewed.
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
        let dns = resolved.dns.cluster;
        let review = purpose.command().map(|command| {
            let (mesh, wanted) = (mesh.clone(), Arc::clone(&wanted));
            let needs = move |index| Needs::new(&mesh, &resolved, &wanted, index, command);
            Arc::new(Review::new(command, needs))
        });
        let looking = Looking {
            places: &places,
            wanted: &wanted,
            zone: &zone,
            decisions,
            review,
            tries: purpose == Purpose::CarryOut,
        };
        let (mut observed, mut looks) = looking.at_all().await;
        let identified = identities::check(&places, decisions, &mut observed, &mut looks);
        findings.extend(identified.findings.iter().cloned());
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
        let mut plan = plan::plan(&wanted, named(&places), &observed);
        plan.offer(|cluster| identified.decision(cluster));
        findings.extend(taking_over::findings(decisions, &plan));
        let identities = &identified.identities;
        let mut targets = targets(looks, wanted, Some(&mesh.digest()), &clusters, identities);
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
            kubeconfig,
            places,
            decisions,
            purpose,
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
        let carries_out = purpose == Purpose::CarryOut;
        let looking = Looking {
            places: &places,
            wanted: &nothing,
            zone: &no_zone,
            decisions,
            review: carries_out.then(|| Arc::new(review_of_removal(mesh, &name))),
            tries: false,
        };
        let (mut observed, mut looks) = looking.at_all().await;
        let identified = identities::check(&places, decisions, &mut observed, &mut looks);
        let mut plan = plan::plan_removal(name.as_str(), named(&places), &observed);
        plan.offer(|cluster| identified.decision(cluster));
        let mut findings = identified.findings.clone();
        findings.extend(dns_findings::of_removal(
            &places,
            &observed,
            &looks,
            name.as_str(),
        ));
        let former = former::look(kubeconfig, name.as_str(), &places, &looks, Intent::Remove).await;
        findings.extend(former.findings);
        let identities = &identified.identities;
        let targets = targets(looks, nothing, None, &former.clusters, identities);
        Ok(Planned {
            findings,
            plan,
            facts: Facts::default(),
            targets,
        })
    }
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

/// What is looked for in all clusters.
struct Looking<'a> {
    places: &'a [Place],
    wanted: &'a Arc<Wanted>,
    zone: &'a Arc<Zone>,
    decisions: &'a Decisions,
    review: Option<Arc<Review>>,
    /// Whether the server tries every creation.
    tries: bool,
}

impl Looking<'_> {
    /// Looks at all clusters at once, each in a task of its own since there is much to compare.
    async fn at_all(self) -> (Observed, BTreeMap<String, Look>) {
        let Self {
            places,
            wanted,
            zone,
            decisions,
            review,
            tries,
        } = self;
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
                let review = review.clone();
                tokio::spawn(async move {
                    let mesh = wanted.mesh.as_str();
                    let objects = wanted.of(&name);
                    let connection = connection?;
                    let search = Search {
                        ownership: &ownership,
                        decisions: &decisions,
                        tries,
                    };
                    let (rights, seen, settings) = tokio::join!(
                        cluster::rights(&connection, review.as_deref(), &name, index),
                        cluster::look(connection.clone(), search, objects),
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
                    let dns =
                        cluster::look_at_dns(&connection, settings, mesh, &zone, index, recorded);
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
