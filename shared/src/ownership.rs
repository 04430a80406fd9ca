//! How objects are marked as ours: field manager, labels, annotations, the `ApplySet` parent.
//!
//! The labels are those of KEP-3659 (`ApplySet`), so that kubectl and other tools see whose an
//! object is, and pruning knows exactly what a former apply made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::name::HostPattern;
use crate::object::Object;
use crate::resolved::{ISTIO_NAMESPACE, Resolved};

/// The field manager of every server-side apply.
pub const FIELD_MANAGER: &str = "fedmesh";
/// Longest name of a mesh: with [`object_name`]'s prefix it stays a DNS label.
pub const MESH_NAME_MAX: usize = 55;
/// Label on every object that is rendered: the tool.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "fedmesh";
/// Label on every object that is rendered: the mesh.
pub const MESH_LABEL: &str = "fedmesh.dev/mesh";
/// Label on every applied object: the `ApplySet` it belongs to.
pub const PART_OF_LABEL: &str = "applyset.kubernetes.io/part-of";
/// Label on the parent: its own id.
pub const ID_LABEL: &str = "applyset.kubernetes.io/id";
/// Annotation on the parent: which tool looks after the set.
pub const TOOLING_ANNOTATION: &str = "applyset.kubernetes.io/tooling";
/// Annotation on the parent: the kinds in the set, `Kind.group`, comma-separated, sorted.
pub const GROUP_KINDS_ANNOTATION: &str = "applyset.kubernetes.io/contains-group-kinds";
/// Annotation on the parent: namespaces of the set besides its own, comma-separated, sorted.
pub const NAMESPACES_ANNOTATION: &str = "applyset.kubernetes.io/additional-namespaces";
/// Annotation on the parent: digest of the document that was applied last, see
/// [`crate::mesh::Mesh::digest`].
pub const DOCUMENT_ANNOTATION: &str = "fedmesh.dev/document";
/// Annotation on the parent: the cluster's own DNS has, or may have, a stub domain of the mesh.
pub const STUB_DOMAIN_ANNOTATION: &str = "fedmesh.dev/stub-domain";
/// Annotation on the parent: names and contexts of the mesh's clusters, a JSON object: those of the
/// document that was applied last, and earlier ones that may still have something of it.
pub const CLUSTERS_ANNOTATION: &str = "fedmesh.dev/clusters";
/// Annotation on every applied object: digest of what was applied, to see without asking the
/// server that nothing changed.
pub const APPLIED_ANNOTATION: &str = "fedmesh.dev/applied";

/// Before the names of the TXT records in which ExternalDNS marks the owner of a name: without it
/// they would collide with CNAME records of the same name.
pub const TXT_PREFIX: &str = "fedmesh-";

/// The namespace of the parent: Istio's root namespace, which every cluster of a mesh has.
pub const PARENT_NAMESPACE: &str = ISTIO_NAMESPACE;

/// The name of the mesh's `Gateway` object.
pub fn object_name(mesh: &str) -> String {
    format!("fedmesh-{mesh}")
}

/// The name of the mesh's `Gateway` object at egress gateways; a DNS label too, as Istio wants it.
pub fn egress_name(mesh: &str) -> String {
    format!("egress-{mesh}")
}

/// The name of the mesh's `Gateway` object at east-west gateways, as [`egress_name`].
pub fn east_west_name(mesh: &str) -> String {
    format!("eastwest-{mesh}")
}

/// The name of what is made for a host outside: with the mesh's, since two meshes of one cluster may
/// both call it.
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

/// The labels of everything that is rendered.
pub(crate) fn label(object: Object, resolved: &Resolved) -> Object {
    object
        .label(MANAGED_BY_LABEL, MANAGED_BY)
        .label(MESH_LABEL, resolved.name.as_str())
}

/// The object as it is applied: with the `ApplySet`'s label and the digest of itself.
#[must_use]
pub fn stamp(object: Object, applyset_id: &str) -> Object {
    let mut stamped = object.label(PART_OF_LABEL, applyset_id);
    let digest = crate::digest::of_parts([stamped.to_text().as_bytes()]);
    stamped
        .annotations
        .insert(APPLIED_ANNOTATION.to_owned(), digest);
    stamped
}
