//! `kubefed-v1beta1`: KubeFed v0.10.0, its last release. For each object one KubeFed object with template, placement
//! and overrides; for each kind that KubeFed's chart does not enable, the objects that `kubefedctl enable` would
//! create, so that the tool itself is not needed.
//!
//! The field names are those of KubeFed v0.10.0, `pkg/controller/util/{placement,overrides}.go` and
//! `pkg/kubefedctl/enable`. It has no DNS of its own any more, so fedmesh renders the records.

mod expand;
mod namespaces;

use serde_json::{Value, json};

use super::{check, definition, everywhere, overrides, resource_name, spread, stand_in, template};
use crate::engine::delivered::{names, own_kind};
use crate::engine::{Delivered, Delivery, Description, Engine, OwnKinds};
use crate::findings::Findings;
use crate::kubernetes::object::{Kind, Object, Scope, Wave};
use crate::manifests::{Budget, Expanded, Given, TooManyCopies};
use crate::mesh::Spec;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::render::skeleton;
use crate::resolved::Resolved;

/// The group of federated objects.
const TYPES: &str = "types.kubefed.io";
/// The namespace of KubeFed's own objects.
const SYSTEM_NAMESPACE: &str = "kube-federation-system";
/// Kinds that KubeFed's chart enables (`config/enabletypedirectives`). The chart owns their definitions and type
/// configurations, and all users share them.
const ENABLED_BY_CHART: &[&str] = &[
    "ClusterRole",
    "ConfigMap",
    "Deployment",
    "Ingress",
    "Job",
    "Namespace",
    "ReplicaSet",
    "Secret",
    "Service",
    "ServiceAccount",
];
/// Without it KubeFed deletes the propagated objects together with the federated one: whole namespaces
/// (`pkg/controller/util/orphaning.go`).
const ORPHAN_ANNOTATION: &str = "kubefed.io/orphan";

/// Any object may be a template, so its fields are not validated.
const SPEC: &str = r#"{"type":"object","properties":{
"template":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
"placement":{"type":"object","properties":{
"clusters":{"type":"array","items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}},
"clusterSelector":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
"overrides":{"type":"array","items":{"type":"object","properties":{
"clusterName":{"type":"string"},
"clusterOverrides":{"type":"array","items":{"type":"object","required":["path"],"properties":{
"op":{"type":"string","pattern":"^(add|remove|replace)?$"},
"path":{"type":"string"},"value":{"x-kubernetes-preserve-unknown-fields":true}}}}}}}}}"#;

pub(in crate::engine) struct V1beta1;

impl Engine for V1beta1 {
    fn description() -> Description {
        Description {
            destination: "to the host",
            delivery: Delivery::Hub { group: TYPES },
            kinds: const {
                &[
                    OwnKinds::one(TYPES, "FederatedNamespace", Wave::Services),
                    OwnKinds::all(TYPES, Wave::Istio),
                    OwnKinds {
                        is_shared: true,
                        ..OwnKinds::all("core.kubefed.io", Wave::Accounts)
                    },
                ]
            },
            publisher: None,
        }
    }

    fn deliver(&self, resolved: &Resolved, placed: &[Placed], _: usize) -> Vec<Delivered> {
        let mut spread = spread(placed, &|one| vec![federated(resolved, one)]);
        for name in std::mem::take(&mut spread.namespaces) {
            let rendered = placed
                .iter()
                .find(|one| one.template.kind == Kind::NAMESPACE && one.template.name == name);
            spread.add_ours(
                resolved,
                "namespaces",
                Origin::Engine,
                vec![namespace(resolved, name, rendered)],
            );
        }
        for kind in std::mem::take(&mut spread.kinds) {
            if !ENABLED_BY_CHART.contains(&kind.kind.as_ref()) {
                let subject = format!("enable-{}", kind.kind.to_ascii_lowercase());
                spread.add_ours(resolved, &subject, Origin::Engine, enable(kind));
            }
        }
        spread.delivered
    }

    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check(spec, findings);
    }

    fn limits(&self, resolved: &Resolved, findings: &mut Findings) {
        namespaces::check(resolved, findings);
    }

    fn expand(
        &self,
        given: &mut Given,
        budget: &mut Budget,
        findings: &mut Findings,
    ) -> Result<Option<Expanded>, TooManyCopies> {
        expand::expand(given, budget, findings)
    }
}

fn federated(resolved: &Resolved, placed: &Placed) -> Object {
    let of = &placed.template;
    let mut spec = json!({
        "template": template(of),
        "placement": placement(&names(resolved, placed.clusters.iter().copied())),
    });
    if !placed.differences.is_empty() {
        spec["overrides"] = overrides(resolved, placed, &|difference| {
            json!({ "path": difference.pointer(), "op": "replace", "value": difference.value })
        })
        .into();
    }
    stand_in(kind_of(&of.kind), of, &spec)
}

/// A FederatedNamespace is in the namespace itself; a namespace that is not rendered exists already and has no
/// template.
fn namespace(resolved: &Resolved, name: &str, rendered: Option<&Placed>) -> Object {
    let mut spec = json!({ "placement": placement(&everywhere(resolved)) });
    if let Some(rendered) = rendered {
        spec["template"] = template(&rendered.template);
    }
    let kind = Kind {
        wave: Wave::Services,
        ..kind_of(&Kind::NAMESPACE)
    };
    let mut object = Object::new(kind, Some(name), name, json!({ "spec": spec }));
    object
        .annotations
        .insert(ORPHAN_ANNOTATION.to_owned(), "true".to_owned());
    object
}

fn placement(clusters: &[&str]) -> Value {
    let clusters: Vec<Value> = clusters
        .iter()
        .map(|name| json!({ "name": name }))
        .collect();
    json!({ "clusters": clusters })
}

fn kind_of(kind: &Kind) -> Kind {
    own_kind(
        "types.kubefed.io/v1beta1",
        format!("Federated{}", kind.kind),
        format!("federated{}", kind.plural),
        Wave::Istio,
    )
}

/// The objects that `kubefedctl enable <kind>` creates: a definition and a type configuration.
fn enable(kind: &Kind) -> Vec<Object> {
    let federated = kind_of(kind);
    let mut definition = definition(&federated, skeleton(SPEC));
    definition.body["spec"]["versions"][0]["subresources"] = json!({ "status": {} });
    let config = own_kind(
        "core.kubefed.io/v1beta1",
        "FederatedTypeConfig",
        "federatedtypeconfigs",
        Wave::Accounts,
    );
    let spec = json!({
        "federatedType": api_resource(&federated),
        "propagation": "Enabled",
        "targetType": api_resource(kind),
    });
    vec![
        definition,
        Object::new(
            config,
            Some(SYSTEM_NAMESPACE),
            resource_name(kind),
            json!({ "spec": spec }),
        ),
    ]
}

fn api_resource(kind: &Kind) -> Value {
    let mut resource =
        skeleton(r#"{"group":"","kind":"","pluralName":"","scope":"Namespaced","version":""}"#);
    resource["group"] = kind.group.as_ref().into();
    resource["kind"] = kind.kind.as_ref().into();
    resource["pluralName"] = kind.plural.as_ref().into();
    resource["version"] = kind.version.as_ref().into();
    if kind.scope == Scope::Cluster {
        resource["scope"] = "Cluster".into();
    }
    resource
}
