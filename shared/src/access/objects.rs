//! Permissions on objects of the mesh, its record and its Lease.

use serde_json::Value;

use super::Permission;
use crate::cluster_dns;
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership::{self, PARENT_NAMESPACE};

pub(super) const CREATE: &str = "create";
pub(super) const ENDPOINT_SLICES: (&str, &str) = ("discovery.k8s.io", "endpointslices");
/// Region and zone are labels of nodes.
pub(super) const NODES: &str = "nodes";
pub(super) const CONFIG_MAPS: &str = "configmaps";

/// The record of the applied objects.
pub(super) fn record(mesh: &str, verb: &'static str) -> Permission {
    let permission = Permission::of_kind(&Kind::SECRET, verb).within(Some(PARENT_NAMESPACE));
    if verb == CREATE {
        permission
    } else {
        permission.named(&ownership::parent_name(mesh))
    }
}

/// The Namespace whose uid identifies the cluster.
pub(super) fn identity() -> Permission {
    Permission::of_kind(&Kind::NAMESPACE, "get").named(cluster_dns::NAMESPACE)
}

/// The Lease, which has the name and namespace of the record.
pub(super) fn lease(mesh: &str) -> impl Iterator<Item = Permission> {
    ["get", CREATE, "update", "delete"]
        .into_iter()
        .map(move |verb| {
            let permission = Permission::of_kind(&Kind::LEASE, verb).within(Some(PARENT_NAMESPACE));
            if verb == CREATE {
                permission
            } else {
                permission.named(&ownership::parent_name(mesh))
            }
        })
}

pub(super) fn removal_of_record(mesh: &str) -> impl Iterator<Item = Permission> {
    lease(mesh).chain([record(mesh, "delete")])
}

pub(super) fn record_and_lease(mesh: &str) -> impl Iterator<Item = Permission> {
    let written = ["patch", CREATE].map(|verb| record(mesh, verb));
    lease(mesh).chain(written)
}

/// Writes an object: a server-side apply requires `patch`, and `create` for an object that does not exist.
pub(super) fn write(object: &Object, verbs: &[&'static str]) -> Vec<Permission> {
    let (kind, namespace) = (&object.kind, object.namespace.as_deref());
    let mut needed: Vec<Permission> = verbs
        .iter()
        .map(|verb| Permission::of_object(kind, namespace, &object.name, verb))
        .collect();
    needed.extend(granted_by(object));
    // An apply lists a new kind to find out whether it is served.
    needed.extend(
        object
            .defines()
            .map(|kind| Permission::of_kind(&kind, "list")),
    );
    needed
}

/// Kubernetes requires the writer of a Role to have its permissions, or `escalate`. A RoleBinding is written at the same
/// time as its Role and is refused while the Role does not exist, unless the writer has `bind` on it.
fn granted_by(object: &Object) -> Vec<Permission> {
    let namespace = object.namespace.as_deref();
    if object.kind == Kind::ROLE_BINDING {
        let role = object
            .body
            .get("roleRef")
            .and_then(|one| one["name"].as_str());
        let bind = Permission::of_kind(&Kind::ROLE, "bind").within(namespace);
        return role.map(|role| bind.named(role)).into_iter().collect();
    }
    if object.kind != Kind::ROLE {
        return Vec::new();
    }
    let texts = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let mut granted = Vec::new();
    for rule in object.body["rules"].as_array().into_iter().flatten() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let verbs = texts(&rule["verbs"]).into_iter().map(|verb| {
                    Permission::new(group.clone(), resource.clone(), verb).within(namespace)
                });
                granted.extend(verbs);
            }
        }
    }
    granted
}

/// Deletes or disowns an object; `get` finds out when it is gone.
pub(super) fn removal(kind: &Kind, namespace: Option<&str>, name: &str) -> Vec<Permission> {
    let verbs: &[&str] = if kind.is_never_deleted() {
        &["patch"]
    } else {
        &["get", "delete"]
    };
    let verbs = verbs.iter();
    verbs
        .map(|verb| Permission::of_object(kind, namespace, name, verb))
        .collect()
}
