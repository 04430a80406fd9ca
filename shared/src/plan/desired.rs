//! The desired objects of each cluster, for an apply: a bundle without its texts.
//!
//! A large mesh has a million objects in all its clusters, and as JSON values they take gigabytes. So they are rendered
//! when a cluster is observed, and dropped afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{self, Delivered, Delivery, by_file};
use crate::kubernetes::ignore::without_ignored;
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership;
use crate::placed::Placed;
use crate::plan::ObservedCluster;
use crate::plan::gateway_updates;
use crate::plan::handover::{Handover, handover};
use crate::render::{at_gateways, of_mesh, of_service, render};
use crate::resolved::Resolved;

/// The desired objects of a mesh.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The mesh's name.
    pub mesh: String,
    source: Source,
    /// The cluster with the hub, and the API group of its kinds that propagate objects.
    hub: Option<(String, &'static str)>,
    /// By cluster the kinds to include; `None` for all.
    only: Option<BTreeMap<String, BTreeSet<Kind>>>,
}

/// The source of the objects.
#[derive(Debug, Clone)]
enum Source {
    /// No objects in any cluster.
    Nothing,
    /// Each cluster has its own.
    Rendered {
        resolved: Arc<Resolved>,
        /// Objects that belong to no service.
        of_mesh: Vec<Placed>,
    },
    /// One cluster has these.
    Objects {
        cluster: String,
        objects: Vec<Object>,
    },
}

impl Desired {
    /// The desired objects of a checked document. Empty if others apply them.
    pub fn new(resolved: impl Into<Arc<Resolved>>) -> Self {
        let resolved = resolved.into();
        let mesh = resolved.name.to_string();
        let mut hub = None;
        let source = match resolved.target.description().delivery {
            Delivery::Repository => Source::Nothing,
            Delivery::EachCluster => Source::Rendered {
                of_mesh: of_mesh(&resolved),
                resolved,
            },
            Delivery::Hub { group } => {
                let cluster = resolved.clusters[resolved.dns.cluster].name.to_string();
                hub = Some((cluster.clone(), group));
                let placed = render(&resolved);
                let delivered = engine::deliver(&resolved, &placed, resolved.dns.cluster);
                Source::Objects {
                    cluster,
                    objects: in_order(delivered, &resolved),
                }
            }
        };
        Self {
            mesh,
            source,
            hub,
            only: None,
        }
    }

    /// No objects of a mesh.
    pub fn nothing(mesh: &str) -> Self {
        Self {
            mesh: mesh.to_owned(),
            source: Source::Nothing,
            hub: None,
            only: None,
        }
    }

    /// Limits to objects of some kinds in some clusters, by name.
    #[must_use]
    pub fn only(self, kinds: BTreeMap<String, BTreeSet<Kind>>) -> Self {
        Self {
            only: Some(kinds),
            ..self
        }
    }

    /// The objects of one cluster, the same as in its [`crate::bundle::Bundle`], each stamped, in the order of an
    /// apply. Empty for a cluster without any.
    pub fn of(&self, cluster: &str) -> Vec<Object> {
        let kinds = match &self.only {
            None => None,
            Some(only) => match only.get(cluster) {
                Some(kinds) => Some(kinds),
                None => return Vec::new(),
            },
        };
        match &self.source {
            Source::Objects {
                cluster: only,
                objects,
            } if only == cluster => {
                let counts =
                    |object: &&Object| kinds.is_none_or(|kinds| kinds.contains(&object.kind));
                objects.iter().filter(counts).cloned().collect()
            }
            Source::Nothing | Source::Objects { .. } => Vec::new(),
            Source::Rendered { resolved, of_mesh } => match index_of(cluster, resolved) {
                Some(index) => in_order(delivered(index, of_mesh, kinds, resolved), resolved),
                None => Vec::new(),
            },
        }
    }

    /// The handover of hosts in a cluster whose desired objects are `objects`. Only an agent that writes to each
    /// cluster itself can order the changes.
    pub fn handover(&self, objects: &[Object], observed: &ObservedCluster) -> Handover {
        match &self.source {
            Source::Rendered { resolved, .. } => handover(resolved, objects, observed),
            Source::Nothing | Source::Objects { .. } => Handover::default(),
        }
    }

    /// Whether a cluster has any object.
    pub fn has_any(&self, cluster: &str) -> bool {
        match &self.source {
            Source::Nothing => false,
            Source::Objects {
                cluster: only,
                objects,
            } => only == cluster && !objects.is_empty(),
            Source::Rendered { resolved, of_mesh } => {
                index_of(cluster, resolved).is_some_and(|index| {
                    let mut parts = of_mesh.iter();
                    let mut services = 0..resolved.services.len();
                    parts.any(|one| one.clusters.contains(&index))
                        || services.any(|one| !of_service(&[index], one, resolved).is_empty())
                })
            }
        }
    }

    /// Approximate number of objects of a cluster, without rendering them.
    pub fn estimate(&self) -> usize {
        match &self.source {
            Source::Nothing => 0,
            Source::Objects { objects, .. } => objects.len(),
            // A gateway has an object for each address.
            Source::Rendered { resolved, .. } if self.only.is_some() => resolved.clusters.len(),
            // Each name has an object or two, or shares one with many others.
            Source::Rendered { resolved, .. } => {
                let names = resolved.services.iter().map(|one| one.names.len());
                names.sum::<usize>() + resolved.external.len()
            }
        }
    }

    /// Whether an orphaned object of a kind may be pruned. Objects of a former hub may not: deleting them would delete
    /// the propagated objects, which are now desired from another source.
    pub(crate) fn lets_go(&self, cluster: &str, kind: &Kind) -> bool {
        let group = kind.group.as_ref();
        let hub = self.hub.as_ref();
        !engine::is_spreading(group)
            || hub.is_some_and(|(name, own)| name == cluster && *own == group)
    }
}

fn index_of(cluster: &str, resolved: &Resolved) -> Option<usize> {
    let mut clusters = resolved.clusters.iter();
    clusters.position(|one| one.name.as_str() == cluster)
}

/// The objects of the cluster with this index, one service after the other: all, or some kinds.
fn delivered(
    index: usize,
    of_mesh: &[Placed],
    kinds: Option<&BTreeSet<Kind>>,
    resolved: &Resolved,
) -> Vec<Delivered> {
    let deliver = |placed: &[Placed]| {
        let mut delivered = engine::deliver(resolved, placed, index);
        delivered.retain(|one| kinds.is_none_or(|kinds| kinds.contains(&one.object.kind)));
        delivered
    };
    let mut delivered = deliver(of_mesh);
    if kinds.is_some_and(|kinds| kinds.iter().all(gateway_updates::is_of_no_service)) {
        return delivered;
    }
    delivered.extend(deliver(&at_gateways(&[index], resolved)));
    for service in 0..resolved.services.len() {
        delivered.extend(deliver(&of_service(&[index], service, resolved)));
    }
    delivered
}

fn in_order(delivered: Vec<Delivered>, resolved: &Resolved) -> Vec<Object> {
    let applyset_id = ownership::applyset_id(resolved.name.as_str());
    // Objects that a hub propagates are applied by its controllers.
    let ignored = if resolved.target.is_applied_to_each_cluster() {
        resolved.ignore.as_slice()
    } else {
        &[]
    };
    let delivered = by_file(delivered).into_values().flatten();
    let ignoring = delivered.map(|one| without_ignored(one.object, ignored));
    let stamped = ignoring.map(|object| ownership::stamp(object, &applyset_id));
    stamped.collect()
}
