//! `ocm`: Open Cluster Management. For each cluster ManifestWorks in its namespace on the hub, each with the objects of
//! one subject.
//!
//! Field names are those of `work.open-cluster-management.io/v1`. The work agent uses server-side apply without force.

use serde_json::{Value, json};

use super::delivered::own_kind;
use super::{Delivered, Delivery, Description, Engine, OwnKinds, by_file, direct};
use crate::findings::{Findings, code};
use crate::kubernetes::object::{Kind, Object, Wave};
use crate::kubernetes::ownership;
use crate::manifests::{self, Budget, Carried, Expanded, Given, TooManyCopies, has_texts};
use crate::origin::Origin;
use crate::placed::Placed;
use crate::render::skeleton;
use crate::resolved::{Resolved, Service};

const GROUP: &str = "work.open-cluster-management.io";
/// Limit of bytes of manifests in one work. Old hubs refuse 50 KiB, newer ones 500
/// (`pkg/work/webhook/common/validator.go`); a larger object has a work of its own.
const WORK_MAX: usize = 48 * 1024;

/// Permissions that the work agent lacks: custom resources. The label adds them to the agent's own role, since Open
/// Cluster Management v0.12.
const ISTIO_RULE: &str = r#"{"apiGroups":["networking.istio.io"],
"resources":["destinationrules","gateways","serviceentries","sidecars","virtualservices","workloadentries"],
"verbs":["create","delete","get","list","patch","update","watch"]}"#;
const GATEWAY_API_RULE: &str = r#"{"apiGroups":["gateway.networking.k8s.io"],
"resources":["gateways","grpcroutes","httproutes","tcproutes","tlsroutes"],
"verbs":["create","delete","get","list","patch","update","watch"]}"#;
const EXPORT_RULE: &str = r#"{"apiGroups":["multicluster.x-k8s.io"],"resources":["serviceexports"],
"verbs":["create","delete","get","list","patch","update","watch"]}"#;
const POLICY_RULE: &str = r#"{"apiGroups":["security.istio.io"],"resources":["authorizationpolicies"],
"verbs":["create","delete","get","list","patch","update","watch"]}"#;
const ROLE_LABEL: &str = "open-cluster-management.io/aggregate-to-work";

pub(super) struct Ocm;

impl Engine for Ocm {
    fn description() -> Description {
        Description {
            destination: "to the hub",
            delivery: Delivery::Hub { group: GROUP },
            kinds: const { &[OwnKinds::all(GROUP, Wave::Istio)] },
            publisher: None,
        }
    }

    fn deliver(&self, resolved: &Resolved, placed: &[Placed], _: usize) -> Vec<Delivered> {
        let (plain, spread): (Vec<&Placed>, Vec<&Placed>) =
            placed.iter().partition(|one| one.stays_on_hub);
        let mut delivered: Vec<Delivered> = plain
            .into_iter()
            .map(|one| Delivered {
                subject: one.subject.clone(),
                origin: one.origin,
                object: one.template.clone(),
            })
            .collect();
        for (index, cluster) in resolved.clusters.iter().enumerate() {
            let mut desired = direct::deliver(spread.iter().copied(), index);
            if desired.is_empty() {
                continue;
            }
            desired.push(Delivered {
                subject: "work-agent".to_owned(),
                origin: Origin::Engine,
                object: role(resolved),
            });
            for ((wave, subject), carried) in by_file(desired) {
                let origin = Origin::of_all(carried.iter().map(|one| one.origin));
                let objects: Vec<Object> = carried.into_iter().map(|one| one.object).collect();
                let name = format!(
                    "{}-{}-{subject}",
                    ownership::object_name(resolved.name.as_str()),
                    wave.number()
                );
                for (number, part) in parts(&objects).into_iter().enumerate() {
                    let name = match number {
                        0 => name.clone(),
                        _ => format!("{name}-{}", number + 1),
                    };
                    delivered.push(Delivered {
                        subject: subject.clone(),
                        origin,
                        object: ownership::label(
                            work(cluster.name.as_str(), name, part),
                            &resolved.name,
                        ),
                    });
                }
            }
        }
        delivered
    }

    fn expand(
        &self,
        given: &mut Given,
        _: &mut Budget,
        findings: &mut Findings,
    ) -> Result<Option<Expanded>, TooManyCopies> {
        Ok(expand(&mut given.objects, findings))
    }
}

fn role(resolved: &Resolved) -> Object {
    let name = format!("{}-work", ownership::object_name(resolved.name.as_str()));
    let mut rules = vec![skeleton(ISTIO_RULE)];
    if resolved.gateway_api {
        rules.push(skeleton(GATEWAY_API_RULE));
    }
    if resolved.services.iter().any(|service| service.mcs) {
        rules.push(skeleton(EXPORT_RULE));
    }
    if resolved.services.iter().any(Service::refuses_strangers) {
        rules.push(skeleton(POLICY_RULE));
    }
    let role = Object::new(Kind::CLUSTER_ROLE, None, name, json!({ "rules": rules }))
        .label(ROLE_LABEL, "true");
    ownership::label(role, &resolved.name)
}

/// The objects in order, in as few parts as the limit allows.
fn parts(objects: &[Object]) -> Vec<&[Object]> {
    let mut parts = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (index, object) in objects.iter().enumerate() {
        let bytes = object.to_text().len();
        if size + bytes > WORK_MAX && index > start {
            parts.push(&objects[start..index]);
            (start, size) = (index, 0);
        }
        size += bytes;
    }
    parts.push(&objects[start..]);
    parts
}

fn work(cluster: &str, name: String, objects: &[Object]) -> Object {
    let kind = own_kind(
        "work.open-cluster-management.io/v1",
        "ManifestWork",
        "manifestworks",
        Wave::Istio,
    );
    let manifests: Vec<Value> = objects.iter().map(Object::to_json).collect();
    let mut spec = json!({
        "manifestConfigs": objects.iter().map(config).collect::<Vec<_>>(),
        "workload": { "manifests": manifests },
    });
    // Objects of one wave and subject: either all of them are such, or none.
    if objects.iter().any(|object| object.kind.is_never_deleted()) {
        spec["deleteOption"] = json!({ "propagationPolicy": "Orphan" });
    }
    Object::new(kind, Some(cluster), name, json!({ "spec": spec }))
}

fn config(object: &Object) -> Value {
    let mut config = skeleton(
        r#"{"resourceIdentifier":{"group":"","resource":"","name":""},
        "updateStrategy":{"type":"ServerSideApply"}}"#,
    );
    let identifier = &mut config["resourceIdentifier"];
    identifier["group"] = object.kind.group.as_ref().into();
    identifier["resource"] = object.kind.plural.as_ref().into();
    identifier["name"] = object.name.as_str().into();
    if let Some(namespace) = &object.namespace {
        identifier["namespace"] = namespace.as_str().into();
    }
    config
}

/// The import: a ManifestWork in a cluster's namespace holds that cluster's objects. The configuration of works stays,
/// in a work without manifests.
fn expand(objects: &mut [manifests::Object], findings: &mut Findings) -> Option<Expanded> {
    let mut expanded = Expanded::default();
    for work in objects {
        if work.group() != GROUP || work.kind() != "ManifestWork" {
            continue;
        }
        let workload = work.value.pointer_mut("/spec/workload");
        let manifests = match workload.and_then(Value::as_object_mut) {
            Some(workload) => workload.shift_remove("manifests"),
            None => None,
        };
        let Some(Value::Array(manifests)) = manifests else {
            continue;
        };
        let cluster = work.namespace().to_owned();
        for (index, value) in manifests.into_iter().enumerate() {
            if !value.as_object().is_some_and(has_texts) {
                findings.warning(
                    code::FEDERATED_FAULT,
                    &format!("{} spec.workload.manifests[{index}]", work.place()),
                    "the manifest is not a Kubernetes object".into(),
                    "add `kind` and `metadata.name` to the manifest".into(),
                );
                continue;
            }
            let object = manifests::Object::new(work.file.clone(), work.cluster.clone(), value);
            expanded.add(Carried::new(object, vec![cluster.clone()]));
        }
    }
    expanded.found()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{WORK_MAX, parts};
    use crate::kubernetes::object::{Kind, Object};

    fn object(name: usize, bytes: usize) -> Object {
        let body = json!({ "spec": { "hosts": ["x".repeat(bytes)] } });
        Object::new(Kind::SERVICE, Some("shop"), format!("o{name}"), body)
    }

    #[test]
    fn works_are_as_few_as_the_limit_allows() {
        let objects: Vec<Object> = [10, 20, 10, 30, 15, 60, 5, 40]
            .into_iter()
            .enumerate()
            .map(|(name, kib)| object(name, kib * 1024))
            .collect();
        let parts = parts(&objects);
        let bytes = |part: &[Object]| -> usize { part.iter().map(|one| one.to_text().len()).sum() };
        let counts: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(counts, [3, 2, 1, 2]);
        for pair in parts.windows(2) {
            assert!(bytes(pair[0]) + pair[1][0].to_text().len() > WORK_MAX);
        }
        for part in parts {
            assert!(part.len() == 1 || bytes(part) <= WORK_MAX);
        }
    }
}
