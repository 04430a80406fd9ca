//! Plans an apply or a removal: reads all clusters and compares them with the document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use shared::Mesh;
use shared::access::{self, Command, Needs};
use shared::api::Intent;
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::object::Object;
use shared::kubernetes::ownership::Ownership;
use shared::name::Label;
use shared::plan::decisions::Decisions;
use shared::plan::desired::Desired;
use shared::plan::{ClusterPlan, Plan};
use shared::render::controller_publishes;

use super::observing::{AllObserved, ObservedMember, Observer};
use super::{PlanError, Planned, dns_findings, former, identities, taking_over};
use crate::addresses::{self, RecordsOf};
use crate::apply::target::{Scope, Target};
use crate::budget::Budget;
use crate::cluster::{Kubeconfig, Look, Review, Zone};
use crate::members::{MemberCluster, named};
use crate::public_suffix;

/// The inputs of a plan.
pub(super) struct Planning<'a> {
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
            mut members,
            decisions,
            purpose,
        } = self;
        let forgotten = &decisions.forget_addresses;
        let addresses =
            addresses::look(mesh, &mut members, RecordsOf::AllClusters, forgotten).await;
        let checked = shared::check(mesh, &addresses.facts);
        let Some(resolved) = checked.resolved else {
            return Err(PlanError::Findings(checked.findings));
        };
        let mut findings = checked.findings;
        public_suffix::check(mesh, &mut findings);
        // The federation controller looks up addresses itself.
        let mut withdrawable = BTreeSet::new();
        if !controller_publishes(&resolved) {
            addresses.explain(mesh, &mut findings);
            withdrawable = addresses.withdrawable(mesh);
        }
        let resolved = Arc::new(resolved);
        let desired = Arc::new(Desired::new(Arc::clone(&resolved)));
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
        let looking = Observer {
            desired: Arc::clone(&desired),
            zone: Arc::clone(&zone),
            ownership: ownership(mesh.metadata.name.clone(), decisions),
            decisions: decisions.clone(),
            review,
            tries: purpose == Purpose::CarryOut,
            intent: Intent::Apply,
            budget: budget.clone(),
        };
        let mut looked = looking.at_all(&members).await;
        let identified = identities::check(&members, decisions, &mut looked);
        findings.extend(identified.findings.iter().cloned());
        findings.extend(dns_findings::of_apply(&members, &looked, &zone));
        for (index, member) in members.iter().enumerate() {
            if let Some(Err(error)) = looked.get(&member.name)
                && !desired.has_any(&member.name)
            {
                findings.push(not_looked_at(index, error, &zone));
            }
        }
        let (mut plan, looks) = planned(&desired, Intent::Apply, &members, looked);
        let former = former::look(
            kubeconfig,
            &mesh.metadata.name,
            &members,
            &looks,
            Intent::Apply,
        )
        .await;
        findings.extend(former.findings);
        let mut clusters = former.clusters;
        clusters
            .extend(named(&members).map(|(name, context)| (name.to_owned(), context.to_owned())));
        plan.offer(|cluster| identified.decision(cluster));
        findings.extend(taking_over::findings(decisions, &plan));
        let identities = &identified.identities;
        let mut targets = targets(looks, &desired, Some(&mesh.digest()), &clusters, identities);
        record_addresses(&mut targets, &members[dns].name, &addresses.last_known);
        Ok(Planned {
            findings,
            withdrawable,
            plan,
            facts: addresses.facts,
            targets,
        })
    }

    async fn removal(self, mesh: &Mesh) -> Result<Planned, PlanError> {
        let Self {
            budget,
            kubeconfig,
            members,
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
        let nothing = Arc::new(Desired::nothing(name.as_str()));
        let looking = Observer {
            desired: Arc::clone(&nothing),
            zone: Arc::new(Zone::default()),
            ownership: ownership(name.to_string(), decisions),
            decisions: decisions.clone(),
            review: (purpose == Purpose::CarryOut).then(|| review_of_removal(mesh, &name)),
            tries: false,
            intent: Intent::Remove,
            budget: budget.clone(),
        };
        let mut looked = looking.at_all(&members).await;
        let identified = identities::check(&members, decisions, &mut looked);
        let mut findings = identified.findings.clone();
        findings.extend(dns_findings::of_removal(&members, &looked, name.as_str()));
        let (mut plan, looks) = planned(&nothing, Intent::Remove, &members, looked);
        plan.offer(|cluster| identified.decision(cluster));
        let former =
            former::look(kubeconfig, name.as_str(), &members, &looks, Intent::Remove).await;
        findings.extend(former.findings);
        let identities = &identified.identities;
        let targets = targets(looks, &nothing, None, &former.clusters, identities);
        Ok(Planned {
            findings,
            withdrawable: BTreeSet::new(),
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
            Ok((resolved, desired)) => {
                let objects = desired.of(resolved.clusters[index].name.as_str());
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

/// The plan of all clusters, with the data to apply it.
fn planned(
    desired: &Desired,
    intent: Intent,
    members: &[MemberCluster],
    mut looked: AllObserved,
) -> (Plan, BTreeMap<String, Look>) {
    let mut looks = BTreeMap::new();
    let mut plans = Vec::new();
    for MemberCluster { name, context, .. } in members {
        match looked.remove(name) {
            Some(Ok(ObservedMember { plan, look, .. })) => {
                plans.extend(plan);
                looks.insert(name.clone(), look);
            }
            Some(Err(error)) => plans.extend(match intent {
                Intent::Apply => ClusterPlan::unobserved(name, context, desired, &error),
                Intent::Remove => Some(ClusterPlan::failed(name, context, &error)),
            }),
            None => {}
        }
    }
    (Plan::new(desired.mesh.clone(), plans), looks)
}

/// The data to apply the plan, by cluster. `document` is its digest; `None` for a removal.
fn targets(
    looks: BTreeMap<String, Look>,
    desired: &Arc<Desired>,
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
            desired: Arc::clone(desired),
            look,
        };
        (name, target)
    });
    targets.collect()
}

/// Records the addresses in the cluster with the DNS records; if it has no objects with this engine, in all clusters
/// that have.
fn record_addresses(targets: &mut BTreeMap<String, Target>, dns: &str, last_known: &LastKnown) {
    let is_handed_something = targets.get(dns).is_some_and(|one| one.desired.has_any(dns));
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
        code: code::NOT_SEARCHED.id.to_owned(),
        severity: Severity::Warning,
        path: format!("spec.clusters[{index}].context"),
        message: format!("{what}: {error}"),
        hint: hint.to_owned(),
        fix: None,
    }
}
