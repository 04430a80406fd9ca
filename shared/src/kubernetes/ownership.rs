//! Ownership of objects, and its marks: field manager, labels, annotations, the `ApplySet` parent.
//!
//! The labels are those of KEP-3659 (`ApplySet`), so that kubectl and other tools see the owner of an object, and
//! pruning finds exactly the objects of a former apply.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::name::{HostPattern, Label};

/// The field manager of a mesh's record and of changes of the cluster DNS configuration; prefix of [`field_manager`].
pub const FIELD_MANAGER: &str = "fedmesh";
/// Longest name of a mesh: with the prefix of [`object_name`] it is still a DNS label.
pub const MESH_NAME_MAX: usize = 55;
/// Label of every rendered object: the tool.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "fedmesh";
/// Label of every rendered object: the mesh.
pub const MESH_LABEL: &str = "fedmesh.dev/mesh";
/// Label of every applied object: its `ApplySet`.
pub const PART_OF_LABEL: &str = "applyset.kubernetes.io/part-of";
/// Label of the parent: its own id.
pub const ID_LABEL: &str = "applyset.kubernetes.io/id";
/// Annotation of the parent: the tool that manages the set.
pub const TOOLING_ANNOTATION: &str = "applyset.kubernetes.io/tooling";
/// Annotation of the parent: the kinds in the set, `Kind.group`, comma-separated, sorted.
pub const GROUP_KINDS_ANNOTATION: &str = "applyset.kubernetes.io/contains-group-kinds";
/// Annotation of the parent: namespaces of the set besides its own, comma-separated, sorted.
pub const NAMESPACES_ANNOTATION: &str = "applyset.kubernetes.io/additional-namespaces";
/// Annotation of the parent: digest of the last applied document, see [`crate::mesh::Mesh::digest`].
pub const DOCUMENT_ANNOTATION: &str = "fedmesh.dev/document";
/// Annotation of the parent: the ConfigMaps of the cluster DNS that have, or may have, a stub domain of the mesh, such as
/// `kube-system/coredns,kube-system/nodelocaldns`.
pub const STUB_DOMAIN_ANNOTATION: &str = "fedmesh.dev/stub-domain";
/// Annotation of the parent: names and contexts of the mesh's clusters, a JSON object: those of the last applied
/// document, and earlier ones that may still have objects of the mesh.
pub const CLUSTERS_ANNOTATION: &str = "fedmesh.dev/clusters";
/// Annotation of the parent: the uid of `kube-system` in each of these clusters, a JSON object by name.
pub const IDENTITIES_ANNOTATION: &str = "fedmesh.dev/cluster-uids";
/// Annotation of the parent: the gateways' last known addresses, see [`crate::gateways::last_known::LastKnown`].
pub const LAST_KNOWN_ANNOTATION: &str = "fedmesh.dev/last-known-addresses";
/// Annotation of every applied object: its digest, to find unchanged objects without a dry run.
pub const APPLIED_ANNOTATION: &str = "fedmesh.dev/applied";
/// Label of a WorkloadEntry: the cluster of the gateway.
pub const CLUSTER_LABEL: &str = "fedmesh.dev/cluster";
/// Label of a WorkloadEntry: the gateway's Service in that cluster. (KubeFed propagates no annotations.)
pub const GATEWAY_LABEL: &str = "fedmesh.dev/gateway";
/// Label of a WorkloadEntry: the namespace of that Service.
pub const GATEWAY_NAMESPACE_LABEL: &str = "fedmesh.dev/gateway-namespace";
/// Annotation of an adopted object, which another owner created: a JSON merge patch (RFC 7386) that restores it.
pub const ADOPTED_ANNOTATION: &str = "fedmesh.dev/adopted";

/// Prefix of the TXT records in which ExternalDNS stores the owner of a name: without it they would collide with CNAME
/// records of the same name.
pub const TXT_PREFIX: &str = "fedmesh-";

/// The namespace of the parent: Istio's root namespace, which every cluster of a mesh has.
pub const PARENT_NAMESPACE: &str = ISTIO_NAMESPACE;

/// The field manager of a mesh's objects. Each mesh has its own, so that the API server reports a conflict if one mesh
/// changes another's objects.
pub fn field_manager(mesh: &str) -> String {
    format!("{FIELD_MANAGER}-{mesh}")
}

/// Whether a manager is the [`field_manager`] of the mesh.
pub(crate) fn is_field_manager(manager: &str, mesh: &str) -> bool {
    let rest = manager.strip_prefix(FIELD_MANAGER);
    rest.and_then(|rest| rest.strip_prefix('-')) == Some(mesh)
}

/// The owner of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This mesh.
    Ours,
    /// The mesh of this name.
    Mesh(String),
    /// Another tool's `ApplySet`, by its id.
    ApplySet(String),
    /// No recorded owner.
    Unknown,
}

/// A mesh as the owner of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The mesh's name.
    pub mesh: String,
    /// The mesh's former name, while it is being renamed.
    pub former: Option<String>,
}

impl Ownership {
    /// The ownership of a mesh that keeps its name.
    pub fn of(mesh: &str) -> Self {
        Self {
            mesh: mesh.to_owned(),
            former: None,
        }
    }

    /// The names under which the mesh owns objects.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.mesh.as_str()).chain(self.former.as_deref())
    }

    /// The owner of an object, by its `metadata` with `managedFields`.
    ///
    /// Rules: the label of an `ApplySet` (KEP-3659) decides; without one, as after a manual removal, the field manager
    /// of an apply does, and then the labels of a bundle that another tool has applied.
    pub fn owner(&self, metadata: &Value) -> Owner {
        let label = |name: &str| metadata["labels"][name].as_str();
        let named = label(MESH_LABEL).filter(|_| label(MANAGED_BY_LABEL) == Some(MANAGED_BY));
        if let Some(id) = label(PART_OF_LABEL) {
            return match named {
                _ if self.names().any(|name| applyset_id(name) == id) => Owner::Ours,
                Some(name) if applyset_id(name) == id => Owner::Mesh(name.to_owned()),
                _ => Owner::ApplySet(id.to_owned()),
            };
        }
        match named {
            _ if self.applied_under(metadata).is_some() => Owner::Ours,
            Some(name) if self.names().any(|ours| ours == name) => Owner::Ours,
            Some(name) => Owner::Mesh(name.to_owned()),
            None => Owner::Unknown,
        }
    }

    /// Whether an object was applied for this mesh, by its `metadata` with `managedFields`: only then it may be
    /// deleted.
    pub fn is_applied(&self, metadata: &Value) -> bool {
        if !metadata["labels"][ID_LABEL].is_null() {
            // A mesh's record is not one of its objects.
            return false;
        }
        match metadata["labels"][PART_OF_LABEL].as_str() {
            Some(id) => self.names().any(|name| applyset_id(name) == id),
            None => self.applied_under(metadata).is_some(),
        }
    }

    /// The field manager of the mesh's last apply of an object; [`FIELD_MANAGER`] for one of a version with one manager
    /// for all meshes.
    pub fn applied_under(&self, metadata: &Value) -> Option<String> {
        let is_named = |name: &&str| metadata["labels"][MESH_LABEL] == **name;
        let has_old_label = self.names().any(|name| is_named(&name));
        let managed = metadata["managedFields"].as_array();
        let mut applied: Vec<&str> = managed
            .into_iter()
            .flatten()
            .filter(|one| one["operation"] == "Apply")
            .filter_map(|one| one["manager"].as_str())
            .filter(|manager| {
                self.names().any(|name| is_field_manager(manager, name))
                    || (*manager == FIELD_MANAGER && has_old_label)
            })
            .collect();
        // Its own first.
        applied.sort_by_key(|manager| !is_field_manager(manager, &self.mesh));
        applied.first().map(|manager| (*manager).to_owned())
    }
}

/// The name of the mesh's `Gateway` object.
pub fn object_name(mesh: &str) -> String {
    format!("fedmesh-{mesh}")
}

/// The name of the mesh's `Gateway` object at egress gateways; a DNS label too, which Istio requires.
pub fn egress_name(mesh: &str) -> String {
    format!("egress-{mesh}")
}

/// The name of the mesh's `Gateway` object at east-west gateways, as [`egress_name`].
pub fn east_west_name(mesh: &str) -> String {
    format!("eastwest-{mesh}")
}

/// The name of an external host's objects: with the mesh's name, since two meshes of one cluster may both call the
/// host.
pub fn external_name(mesh: &str, host: &HostPattern) -> String {
    let below = if host.is_wildcard { "wildcard." } else { "" };
    format!("{}.{below}{}", object_name(mesh), host.name)
}

/// The name of the parent, a Secret.
pub fn parent_name(mesh: &str) -> String {
    object_name(mesh)
}

/// The id of the `ApplySet`: `applyset-<base64url of SHA-256 of name.namespace.kind.group>-v1`.
pub fn applyset_id(mesh: &str) -> String {
    let parent = format!("{}.{PARENT_NAMESPACE}.Secret.", parent_name(mesh));
    format!(
        "applyset-{}-v1",
        URL_SAFE_NO_PAD.encode(Sha256::digest(parent.as_bytes()))
    )
}

/// Adds the labels of every rendered object.
pub(crate) fn label(object: Object, mesh: &Label) -> Object {
    object
        .label(MANAGED_BY_LABEL, MANAGED_BY)
        .label(MESH_LABEL, mesh.as_str())
}

/// The object to apply: with the `ApplySet`'s label and its own digest.
#[must_use]
pub fn stamp(object: Object, applyset_id: &str) -> Object {
    let mut stamped = object.label(PART_OF_LABEL, applyset_id);
    let digest = crate::text::digest::of_parts([stamped.to_text().as_bytes()]);
    stamped
        .annotations
        .insert(APPLIED_ANNOTATION.to_owned(), digest);
    stamped
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn metadata(labels: &Value, managers: &[&str]) -> Value {
        let managers = managers
            .iter()
            .map(|name| json!({ "manager": name, "operation": "Apply" }));
        json!({ "labels": labels, "managedFields": managers.collect::<Value>() })
    }

    #[test]
    fn the_last_apply_decides_the_owner() {
        let part_of = |mesh: &str| {
            json!({
                PART_OF_LABEL: applyset_id(mesh), MESH_LABEL: mesh, MANAGED_BY_LABEL: MANAGED_BY,
            })
        };
        let rendered = json!({ MESH_LABEL: "shop", MANAGED_BY_LABEL: MANAGED_BY });
        let kubectl = json!({ PART_OF_LABEL: "applyset-x-v1" });
        let other = json!({ MESH_LABEL: "demo", MANAGED_BY_LABEL: MANAGED_BY });
        for (labels, managers, owner, is_applied) in [
            (part_of("shop"), &["fedmesh-shop"][..], Owner::Ours, true),
            (part_of("shop"), &[], Owner::Ours, true),
            (
                part_of("demo"),
                &["fedmesh-shop"],
                Owner::Mesh("demo".into()),
                false,
            ),
            // A label that was removed by hand.
            (json!({}), &["fedmesh-shop"], Owner::Ours, true),
            (
                json!({ MESH_LABEL: "shop" }),
                &["fedmesh"],
                Owner::Ours,
                true,
            ),
            (json!({}), &["fedmesh"], Owner::Unknown, false),
            (json!({}), &["fedmesh-shopping"], Owner::Unknown, false),
            // Applied from a bundle by another tool.
            (rendered, &["kubectl"], Owner::Ours, false),
            (other, &["kubectl"], Owner::Mesh("demo".into()), false),
            (
                kubectl,
                &["kubectl"],
                Owner::ApplySet("applyset-x-v1".into()),
                false,
            ),
            (json!({}), &["kubectl"], Owner::Unknown, false),
            (Value::Null, &[], Owner::Unknown, false),
        ] {
            let ownership = Ownership::of("shop");
            let metadata = metadata(&labels, managers);
            assert_eq!(ownership.owner(&metadata), owner, "{metadata}");
            assert_eq!(ownership.is_applied(&metadata), is_applied, "{metadata}");
        }
        let renamed = Ownership {
            mesh: "shop".into(),
            former: Some("demo".into()),
        };
        let metadata = metadata(&part_of("demo"), &["fedmesh-demo"]);
        assert_eq!(renamed.owner(&metadata), Owner::Ours);
        assert_eq!(renamed.applied_under(&metadata).unwrap(), "fedmesh-demo");
        let metadata = self::metadata(&part_of("shop"), &["fedmesh-demo", "fedmesh-shop"]);
        assert_eq!(renamed.applied_under(&metadata).unwrap(), "fedmesh-shop");
    }
}
