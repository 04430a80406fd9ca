//! The kinds that fedmesh writes, of all engines.

use super::interface::{Delivery, OwnKinds};
use crate::kubernetes::object::{self, Kind, Wave};
use crate::mesh::Target;

/// The entry of an engine for a kind, if it is a kind of its own.
fn own(group: &str, kind: &str) -> Option<&'static OwnKinds> {
    let mut all = Target::all().flat_map(|target| target.description().kinds);
    all.find(|one| one.group == group && one.kind.is_none_or(|own| own == kind))
}

/// The wave of a kind that is known by its name only, such as one from an earlier release.
pub fn wave(group: &str, kind: &str) -> Wave {
    own(group, kind).map_or_else(|| Wave::of(group, kind), |own| own.wave)
}

/// Whether fedmesh writes objects of a kind, in any version of its group and with any engine; it searches these kinds
/// for objects without a record.
pub fn is_written(group: &str, kind: &str) -> bool {
    own(group, kind).is_some() || object::is_rendered(group, kind)
}

/// Whether objects of a group control a hub's propagation, with any engine; see [`Delivery::Hub`].
pub(crate) fn is_spreading(group: &str) -> bool {
    let is_of = |target: Target| target.hub_group() == Some(group);
    Target::all().any(is_of)
}

/// The remedy for an engine's kind that a cluster does not serve, if there is a better one than its definition.
pub(crate) fn remedy(kind: &Kind) -> Option<&'static str> {
    own(&kind.group, &kind.kind)?.remedy
}

impl Kind {
    /// Kinds with one shared object per cluster: deleting it deletes other users' objects. fedmesh creates a missing
    /// one and never deletes it, but removes its labels.
    pub fn is_never_deleted(&self) -> bool {
        matches!(self.kind.as_ref(), "Namespace" | "CustomResourceDefinition")
            || own(&self.group, &self.kind).is_some_and(|own| own.is_shared)
    }
}

impl Target {
    /// Whether all objects go to one cluster, `spec.dns.cluster`.
    pub fn has_hub(self) -> bool {
        self.hub_group().is_some()
    }

    /// The group of the kinds by which the hub propagates objects; `None` without a hub.
    pub(crate) fn hub_group(self) -> Option<&'static str> {
        match self.description().delivery {
            Delivery::Hub { group } => Some(group),
            Delivery::EachCluster | Delivery::Repository => None,
        }
    }

    /// Whether fedmesh applies the rendered objects to each cluster, and so can change one of them at a time.
    pub fn is_applied_to_each_cluster(self) -> bool {
        self.description().delivery == Delivery::EachCluster
    }

    /// Whether others apply the manifests, from a Git repository.
    pub fn is_applied_by_others(self) -> bool {
        self.description().delivery == Delivery::Repository
    }
}
