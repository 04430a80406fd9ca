//! Engines: each converts placed objects to the objects of each cluster.

mod direct;
pub(crate) mod gitops;
mod karmada;
mod kubefed;
mod ocm;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::kubernetes::object::{Kind, Object, Scope, Wave};
use crate::mesh::Target;
use crate::placed::Placed;
use crate::resolved::Resolved;

pub(crate) use karmada::STAYS_LABEL;

/// An object with the subject of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The subject; see [`Placed::subject`].
    pub subject: String,
    /// The object.
    pub object: Object,
}

/// The objects of one cluster, given by its index, with the document's engine, in no particular order. One cluster at a
/// time, so that a large mesh is never in memory as a whole.
pub fn deliver(resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered> {
    let target = resolved.target;
    if target.has_hub() && cluster != resolved.dns.cluster {
        return Vec::new();
    }
    match target {
        // As files, in an overlay that builds them: see `gitops`.
        Target::Direct | Target::Gitops => direct::deliver(placed, cluster),
        Target::KubefedV1Alpha1 => kubefed::v1alpha1::deliver(resolved, placed),
        Target::KubefedV1Beta1 => kubefed::v1beta1::deliver(resolved, placed),
        Target::Karmada => karmada::deliver(resolved, placed),
        Target::Ocm => ocm::deliver(resolved, placed),
    }
}

/// The group of the kinds by which an engine's hub propagates objects; `None` without a hub.
pub(crate) const fn spreading_group(target: Target) -> Option<&'static str> {
    match target {
        Target::Direct | Target::Gitops => None,
        Target::KubefedV1Alpha1 => Some("primitives.federation.k8s.io"),
        Target::KubefedV1Beta1 => Some("types.kubefed.io"),
        Target::Karmada => Some("policy.karmada.io"),
        Target::Ocm => Some("work.open-cluster-management.io"),
    }
}

/// Whether objects of a group control a hub's propagation, with any engine: if such an object is deleted (with Karmada,
/// together with its template), the propagated objects are deleted from the other clusters.
pub(crate) fn is_spreading(group: &str) -> bool {
    let mut targets = Target::ALL.into_iter();
    targets.any(|target| spreading_group(target) == Some(group))
}

/// Objects by file, files and objects in order.
pub(crate) fn by_file(delivered: Vec<Delivered>) -> BTreeMap<(Wave, String), Vec<Object>> {
    let mut files: BTreeMap<(Wave, String), Vec<Object>> = BTreeMap::new();
    for one in delivered {
        files
            .entry((one.object.kind.wave, one.subject))
            .or_default()
            .push(one.object);
    }
    for objects in files.values_mut() {
        objects.sort_by_key(Object::key);
    }
    files
}

/// A namespaced kind of an engine's own, given with its `group/version`.
fn own_kind(
    api: &'static str,
    kind: impl Into<Cow<'static, str>>,
    plural: impl Into<Cow<'static, str>>,
    wave: Wave,
) -> Kind {
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    Kind {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        plural: plural.into(),
        scope: Scope::Namespaced,
        wave,
    }
}

/// Names of clusters, given by index.
fn names(resolved: &Resolved, clusters: impl IntoIterator<Item = usize>) -> Vec<&str> {
    clusters
        .into_iter()
        .map(|index| resolved.clusters[index].name.as_str())
        .collect()
}
