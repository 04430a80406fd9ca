//! Decides the plan of an apply or a removal. Pure: [`super::observing`] reads the clusters before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::api::Intent;
use shared::check::{Finding, Severity, code};
use shared::gateways::last_known::LastKnown;
use shared::plan::decisions::Decisions;
use shared::plan::desired::Desired;
use shared::plan::{ClusterPlan, Plan};

use super::document::{Applying, Removing};
use super::observed::{AllObserved, ObservedMember};
use super::observing::Observed;
use super::{
    ObservedMesh, Planned, dns_findings, former, gateway_findings, node_findings, taking_over,
};
use crate::apply::target::{Scope, Target};
use crate::cluster::{Look, Zone};
use crate::members::{MemberCluster, named};

impl Applying<'_> {
    /// The plan.
    pub(super) fn plan(self, decisions: &Decisions, observed: Observed) -> Planned {
        let Self {
            mesh,
            resolved,
            desired,
            zone,
            last_known,
            mut findings,
            withdrawable,
        } = self;
        let Observed {
            members,
            clusters: read,
            identified,
            former,
        } = observed;
        findings.extend(identified.findings.iter().cloned());
        findings.extend(dns_findings::of_apply(&members, &read, &zone, &resolved));
        findings.extend(gateway_findings::of_apply(&members, &read));
        findings.extend(node_findings::of_apply(&members, &read, &resolved));
        for (index, member) in members.iter().enumerate() {
            if let Some(Err(error)) = read.get(&member.name)
                && !desired.has_any(&member.name)
            {
                findings.push(not_looked_at(index, error, &zone));
            }
        }
        let (mut plan, looks) = planned(&desired, Intent::Apply, &members, read);
        findings.extend(former.iter().map(|one| one.finding(Intent::Apply)));
        let mut clusters = former::with_contexts(former);
        clusters
            .extend(named(&members).map(|(name, context)| (name.to_owned(), context.to_owned())));
        plan.offer(|cluster| identified.decision(cluster));
        findings.extend(taking_over::findings(decisions, &plan));
        let identities = &identified.identities;
        let mut targets = targets(looks, &desired, Some(&mesh.digest()), &clusters, identities);
        record_addresses(
            &mut targets,
            &members[resolved.dns.cluster].name,
            &last_known,
        );
        Planned {
            findings,
            withdrawable,
            plan,
            resolved: Some(resolved),
            targets,
        }
    }

    /// The input of a verification.
    pub(super) fn observed(self, decisions: &Decisions, observed: Observed) -> ObservedMesh {
        let resolved = Arc::clone(&self.resolved);
        let planned = self.plan(decisions, observed);
        let targets = planned.targets.into_iter();
        ObservedMesh {
            findings: planned.findings,
            plan: planned.plan,
            resolved,
            connections: targets
                .map(|(name, target)| (name, target.look.connection))
                .collect(),
        }
    }
}

impl Removing {
    /// The plan.
    pub(super) fn plan(self, observed: Observed) -> Planned {
        let Self { name, nothing } = self;
        let Observed {
            members,
            clusters: read,
            identified,
            former,
        } = observed;
        let mut findings = identified.findings.clone();
        findings.extend(dns_findings::of_removal(&members, &read, name.as_str()));
        let (mut plan, looks) = planned(&nothing, Intent::Remove, &members, read);
        plan.offer(|cluster| identified.decision(cluster));
        findings.extend(former.iter().map(|one| one.finding(Intent::Remove)));
        let clusters = former::with_contexts(former);
        let identities = &identified.identities;
        Planned {
            findings,
            withdrawable: BTreeSet::new(),
            plan,
            resolved: None,
            targets: targets(looks, &nothing, None, &clusters, identities),
        }
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

#[cfg(test)]
mod tests {
    use super::super::former::FormerCluster;
    use super::super::identities;
    use super::*;
    use crate::operation::{ApplyOptions, Blocked};

    #[test]
    fn a_removal_is_decided_without_a_cluster() {
        let mesh = "{apiVersion: fedmesh.dev/v1alpha1, kind: Mesh, metadata: {name: shop}, \
                    spec: {dns: {suffix: example.net}, clusters: []}}";
        let mesh = shared::Mesh::read(mesh).unwrap();
        let members = vec![MemberCluster {
            name: "north".to_owned(),
            context: "ctx-north".to_owned(),
            connection: Err("down".to_owned()),
            inside: Ok(()),
        }];
        let mut clusters = AllObserved::from([("north".to_owned(), Err("down".to_owned()))]);
        let identified = identities::check(&members, &Decisions::default(), &mut clusters);
        let former = vec![FormerCluster {
            name: "south".to_owned(),
            context: "ctx-south".to_owned(),
            unread: Some("no route".to_owned()),
        }];
        let planned = Removing::new(&mesh).unwrap().plan(Observed {
            members,
            clusters,
            identified,
            former,
        });
        let [former] = planned.findings.as_slice() else {
            panic!("{:#?}", planned.findings)
        };
        assert!(former.message.ends_with("cannot be read: no route"));
        let reasons = [("north".to_owned(), "down".to_owned())].into();
        let blocked = Blocked::Clusters {
            reasons,
            clusters: 1,
        };
        assert_eq!(planned.allow(ApplyOptions::default()), Err(blocked));
    }
}
