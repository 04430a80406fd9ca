//! KubeFed in both of its versions: all objects go to the host cluster, each wrapped in KubeFed objects, which its
//! controller propagates.

mod expand;
mod v1alpha1;
mod v1beta1;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Delivered;
use super::delivered::names;
use crate::findings::{Findings, code};
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership;
use crate::mesh::{Spec, Transport};
use crate::origin::Origin;
use crate::placed::{Difference, Placed};
use crate::render::skeleton;
use crate::resolved::Resolved;

pub(super) use v1alpha1::V1alpha1;
pub(super) use v1beta1::V1beta1;

/// The host's objects, and the input for those that a version adds.
struct Spread<'a> {
    delivered: Vec<Delivered>,
    /// Propagated kinds, without namespaces.
    kinds: BTreeSet<&'a Kind>,
    /// The namespaces of propagated objects, and those that are propagated themselves. The controller skips a cluster
    /// where the namespace is not placed too.
    namespaces: BTreeSet<&'a str>,
}

/// `federated` returns the KubeFed objects of one object.
fn spread<'a>(placed: &'a [Placed], federated: &dyn Fn(&Placed) -> Vec<Object>) -> Spread<'a> {
    let mut spread = Spread {
        delivered: Vec::new(),
        kinds: BTreeSet::new(),
        namespaces: BTreeSet::new(),
    };
    for one in placed {
        let template = &one.template;
        let is_namespace = template.kind == Kind::NAMESPACE;
        // The host's own namespace contains the object that propagates it.
        let objects = if one.stays_on_hub || is_namespace {
            vec![template.clone()]
        } else {
            federated(one)
        };
        spread.add(&one.subject, one.origin, objects);
        if one.stays_on_hub {
            continue;
        }
        if !is_namespace {
            spread.kinds.insert(&template.kind);
        }
        let namespace = template.namespace.as_deref();
        spread
            .namespaces
            .insert(namespace.unwrap_or(&template.name));
    }
    spread
}

impl Spread<'_> {
    fn add(&mut self, subject: &str, origin: Origin, objects: Vec<Object>) {
        self.delivered
            .extend(objects.into_iter().map(|object| Delivered {
                subject: subject.to_owned(),
                origin,
                object,
            }));
    }

    /// Adds objects that come from no rendered one, and so have no labels yet.
    fn add_ours(
        &mut self,
        resolved: &Resolved,
        subject: &str,
        origin: Origin,
        objects: Vec<Object>,
    ) {
        let labelled = objects
            .into_iter()
            .map(|object| ownership::label(object, &resolved.name));
        self.add(subject, origin, labelled.collect());
    }
}

/// KubeFed names its kinds after the propagated ones, without their groups.
fn check(spec: &Spec, findings: &mut Findings) {
    let mut external = spec.external.iter();
    let has_istios = external.any(|host| host.egress_gateway == Some(true))
        || spec.has_transport(Transport::Mtls);
    if spec.gateway_api == Some(true) && has_istios {
        findings.error(
            code::FEDERATED_GATEWAYS,
            "spec.gatewayApi",
            "KubeFed cannot distinguish Istio's Gateway, of egress and east-west gateways, from the Gateway \
             API's Gateway"
                .into(),
            "use another engine, remove `gatewayApi`, or remove egress gateways and `mtls`".into(),
        );
    }
}

/// All clusters. Namespaces are placed in each: the controller deletes a namespace, with everything in it, from a
/// cluster in which it is no longer placed.
fn everywhere(resolved: &Resolved) -> Vec<&str> {
    names(resolved, 0..resolved.clusters.len())
}

/// An object as a template: the controller uses name and namespace of the enclosing object, and all else from here.
fn template(object: &Object) -> Value {
    let mut inner = Map::new();
    if !object.labels.is_empty() {
        inner.insert("metadata".into(), json!({ "labels": object.labels }));
    }
    inner.extend(object.body.clone());
    Value::Object(inner)
}

/// The KubeFed object of another object, with its name and labels.
fn stand_in(kind: Kind, of: &Object, spec: &Value) -> Object {
    let body = json!({ "spec": spec });
    let mut object = Object::new(kind, of.namespace.as_deref(), of.name.as_str(), body);
    object.labels.clone_from(&of.labels);
    object
}

/// The overrides of clusters, one entry for each; `change` is the version's form of a difference.
fn overrides(
    resolved: &Resolved,
    placed: &Placed,
    change: &dyn Fn(&Difference) -> Value,
) -> Vec<Value> {
    let clusters = placed.differences.iter();
    clusters
        .map(|(&cluster, differences)| {
            let changes: Vec<Value> = differences.iter().map(change).collect();
            json!({ "clusterName": resolved.clusters[cluster].name.as_str(), "clusterOverrides": changes })
        })
        .collect()
}

/// `plural.group`, or only the plural in the core group: the name of definitions and type configurations.
fn resource_name(kind: &Kind) -> String {
    if kind.group.is_empty() {
        kind.plural.to_string()
    } else {
        format!("{}.{}", kind.plural, kind.group)
    }
}

/// The definition of a KubeFed kind, with the schema of its spec; its status belongs to the controller.
fn definition(kind: &Kind, spec: Value) -> Object {
    let mut body = skeleton(
        r#"{"spec":{"group":"","names":{"kind":"","listKind":"","plural":"","singular":""},
        "scope":"Namespaced","versions":[{"name":"","served":true,"storage":true,
        "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":null,
        "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}}"#,
    );
    let fields = &mut body["spec"];
    fields["group"] = kind.group.as_ref().into();
    fields["names"]["kind"] = kind.kind.as_ref().into();
    fields["names"]["listKind"] = format!("{}List", kind.kind).into();
    fields["names"]["plural"] = kind.plural.as_ref().into();
    fields["names"]["singular"] = kind.kind.to_ascii_lowercase().into();
    let version = &mut fields["versions"][0];
    version["name"] = kind.version.as_ref().into();
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = spec;
    Object::new(
        Kind::CUSTOM_RESOURCE_DEFINITION,
        None,
        resource_name(kind),
        body,
    )
}
