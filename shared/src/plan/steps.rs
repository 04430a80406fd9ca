//! The step of a plan for one object.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Action, Conflict, DryRun, Existing, ObservedCluster, PruneCandidate, Step, Trial};
use crate::cluster_dns;
use crate::engine;
use crate::kubernetes::diff;
use crate::kubernetes::object::{ISTIO_GROUP, Key, Kind, Object, Wave};
use crate::kubernetes::ownership::{self, Owner};
use crate::plan::decisions::{self, Decision};

/// `Kind.group` that a definition among the objects defines.
pub(super) fn defines(object: &Object) -> Option<String> {
    if object.kind != Kind::CUSTOM_RESOURCE_DEFINITION {
        return None;
    }
    let spec = &object.body["spec"];
    Some(format!(
        "{}.{}",
        spec["names"]["kind"].as_str()?,
        spec["group"].as_str()?
    ))
}

pub(super) fn step(
    object: &Object,
    observed: &ObservedCluster,
    defined_here: &BTreeSet<String>,
) -> Step {
    let mut step = Step::new(object.key(), object.kind.wave, Action::Unchanged);
    if let Some(drift) = observed.drift.get(&step.object) {
        step.drift.clone_from(drift);
    }
    let group_kind = object.kind.group_kind();
    match observed.desired.get(&step.object) {
        None if observed.unserved.contains(&group_kind) && !defined_here.contains(&group_kind) => {
            step.action = Action::Blocked;
            step.message = Some(format!(
                "the cluster does not serve {group_kind}; {}",
                remedy(&object.kind)
            ));
        }
        None => {
            step.action = Action::Create;
            step.diff = diff::unified(None, Some(&object.as_created().to_json()));
            match observed.trials.get(&step.object) {
                None if observed.unserved.contains(&group_kind) => {
                    step.message = Some(format!("not tried: {group_kind} is defined by this plan"));
                }
                None | Some(Trial::Passed) => {}
                Some(Trial::Rejected(why)) => {
                    step.action = Action::Rejected;
                    step.message = Some(why.clone());
                }
                Some(Trial::Later(namespace)) => {
                    step.message = Some(format!(
                        "not tried: namespace `{namespace}` is created by this plan"
                    ));
                }
                Some(Trial::Impossible(why)) => step.message = Some(format!("not tried: {why}")),
            }
        }
        // A namespace or a definition of another owner can be used as well.
        Some(Existing::Unchanged) => {}
        Some(Existing::Foreign(_)) if object.kind.is_never_deleted() => {}
        Some(Existing::Foreign(owner)) => {
            step.action = Action::Blocked;
            step.message = Some(foreign(object, owner));
            step.decision = resolves(&step.object, owner);
        }
        Some(Existing::Asked {
            live,
            answer: DryRun::Would(after),
            claim,
        }) => {
            step.diff = diff::unified(Some(live), Some(after));
            // Marks that are missing or old change too, although the diff does not show them.
            let is_marked = marks(live) == marks(after) && claim.former_manager.is_none();
            if claim.adopts {
                step.action = Action::Adopt;
            } else if !step.diff.is_empty() || !is_marked {
                step.action = Action::Change;
            }
            if !claim.takes.is_empty() {
                step.conflicts.clone_from(&claim.takes);
                step.message = Some(taken_over(&claim.takes));
            }
        }
        Some(Existing::Asked {
            live,
            answer: DryRun::Conflict(conflicts),
            claim,
        }) => {
            step.action = Action::Conflict;
            step.conflicts.clone_from(conflicts);
            step.message = not_taken_over(&step.object, conflicts, &claim.takes);
            step.diff = diff::unified(Some(live), Some(&object.beside(live).to_json()));
        }
        Some(Existing::Asked {
            answer: DryRun::Rejected(message),
            ..
        }) => {
            step.action = Action::Rejected;
            step.message = Some(message.clone());
        }
    }
    if let Some(other) = observed.rivals.get(&step.object)
        && step.action != Action::Blocked
    {
        let drift = std::mem::take(&mut step.drift);
        step = Step {
            drift,
            message: Some(rivalled(object, other)),
            ..Step::new(step.object, step.wave, Action::Blocked)
        };
    }
    step
}

/// The remedy for a Sidecar of another owner.
const INTO_SIDECARS: &str = "move its hosts into `spec.sidecars.hosts` and delete it, remove `spec.sidecars`, or use \
                             other namespaces in `callers`";

/// The reason why a Sidecar without effect is blocked, with the remedy.
fn rivalled(object: &Object, other: &str) -> String {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    format!(
        "Sidecar `{namespace}/{other}` also applies to all workloads of the namespace, and Istio uses that one; \
         {INTO_SIDECARS}"
    )
}

/// The fields that a forced apply takes over, with their managers.
fn taken_over(taken: &[Conflict]) -> String {
    let fields = taken
        .iter()
        .map(|one| format!("{} from {}", one.field, one.manager));
    format!("takes over {}", fields.collect::<Vec<_>>().join(", "))
}

/// The reason why an object stays in conflict although some of its fields were selected to be taken over.
fn not_taken_over(object: &Key, conflicts: &[Conflict], named: &[Conflict]) -> Option<String> {
    if named.is_empty() {
        return None;
    }
    let left = conflicts.iter().filter(|one| !named.contains(one));
    let left: Vec<String> = left
        .map(|one| format!("--take-over '{}'", decisions::field_of(object, &one.field)))
        .collect();
    Some(format!(
        "nothing is taken over, since that requires all fields in conflict; add {}",
        left.join(" ")
    ))
}

/// The reason why an object of another owner is blocked, with the remedy.
fn foreign(object: &Object, owner: &Owner) -> String {
    let own = match object.labels.get("app").map(String::as_str) {
        // Both have it in one namespace, under a fixed name.
        _ if object.kind.kind == "Sidecar" => match owner {
            Owner::Mesh(_) => {
                "remove `spec.sidecars` from one of the two documents, and add to `spec.sidecars.hosts` of the \
                 other the hosts that its callers call"
            }
            _ => INTO_SIDECARS,
        },
        Some("external-dns") => {
            "set `spec.dns.externalDns.namespace` to a namespace that no other mesh uses"
        }
        // All meshes share the same pods.
        Some(_) => {
            "remove the sample from `spec.samples`: its Service can be shared without running it twice"
        }
        None => "use another name or namespace in one of the two documents",
    };
    match owner {
        Owner::Mesh(mesh) => format!(
            "it belongs to mesh `{mesh}`; {own}, or, if this mesh was called `{mesh}` before, set --renamed-from \
             {mesh}"
        ),
        Owner::ApplySet(id) => {
            format!("it belongs to the ApplySet `{id}` of another tool; remove it there, or {own}")
        }
        Owner::Ours | Owner::Unknown => format!(
            "it exists and was not created by this mesh; {own}, or set --adopt {} to take it over",
            object.key().reference()
        ),
    }
}

/// The decision that resolves a conflict with another owner.
fn resolves(object: &Key, owner: &Owner) -> Option<Decision> {
    match owner {
        Owner::Mesh(mesh) => Some(Decision::RenamedFrom(mesh.clone())),
        Owner::ApplySet(_) => None,
        Owner::Ours | Owner::Unknown => Some(Decision::Adopt(object.reference())),
    }
}

pub(super) fn dns_step(edit: &Result<cluster_dns::Edit, cluster_dns::Refusal>) -> Step {
    let config_map = match edit {
        Ok(edit) => &edit.config_map,
        Err(refusal) => &refusal.config_map,
    };
    let mut step = Step::new(config_map.clone(), Wave::ClusterDns, Action::Unchanged);
    match edit {
        Ok(edit) if edit.is_done() => {}
        Ok(edit) => {
            step.action = match edit.before {
                None => Action::Create,
                Some(_) => Action::Change,
            };
            step.diff = edit.diff();
        }
        Err(refusal) => {
            step.action = Action::Blocked;
            step.message = Some(refusal.why.clone());
        }
    }
    step
}

/// fedmesh's own marks on an object.
fn marks(object: &Value) -> [&Value; 2] {
    let metadata = &object["metadata"];
    [
        &metadata["labels"][ownership::PART_OF_LABEL],
        &metadata["annotations"][ownership::APPLIED_ANNOTATION],
    ]
}

/// The step for an orphaned object. `may_go`: see [`Desired::lets_go`].
pub(super) fn removal(key: &Key, candidate: &PruneCandidate, may_go: bool) -> Step {
    let mut step = Step::new(key.clone(), candidate.kind.wave, Action::Disown);
    if candidate.kind.is_never_deleted() {
        return step;
    }
    if let Some(patch) = &candidate.restoring {
        let live = candidate.live();
        let mut after = live.clone();
        json_patch::merge(&mut after, patch);
        step.diff = diff::unified(Some(&live), Some(&after));
        step.message = Some("it was adopted, and its former state is restored".to_owned());
        return step;
    }
    step.diff = diff::unified(Some(&candidate.live()), None);
    if may_go {
        step.action = Action::Delete;
    } else {
        step.action = Action::Blocked;
        step.message = Some(
            "deleting it makes its hub delete the propagated objects, even those that this document has; \
             run `remove` with the document that created it, then apply this one"
                .to_owned(),
        );
    }
    step
}

/// The remedy for a kind that a cluster does not serve.
fn remedy(kind: &Kind) -> &'static str {
    match kind.group.as_ref() {
        ISTIO_GROUP => "install Istio in this cluster first",
        "gateway.networking.k8s.io" => {
            "install the Gateway API in this cluster first, its standard channel"
        }
        "multicluster.x-k8s.io" => {
            "install a controller of the Multi-Cluster Services API in this cluster first"
        }
        "externaldns.k8s.io" => {
            "set dns.externalDns, or apply ExternalDNS's definition of DNSEndpoint to this cluster first"
        }
        _ => engine::remedy(kind).unwrap_or("install its definition first"),
    }
}
