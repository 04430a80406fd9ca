//! The objects of every cluster, for whoever applies them: a bundle without its texts, which take longer to
//! write than all else.

use std::collections::BTreeMap;

use crate::engine::{self, by_file};
use crate::ignore::without_ignored;
use crate::mesh::Target;
use crate::object::{Kind, Object};
use crate::ownership;
use crate::render::render;
use crate::resolved::Resolved;

/// What is wanted of a mesh.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The mesh's name.
    pub mesh: String,
    /// By cluster, stamped, in the order in which they are applied. A cluster that is handed nothing has
    /// none, and with the engine `gitops`, where others apply, none has any.
    pub objects: BTreeMap<String, Vec<Object>>,
    /// The cluster whose hub spreads what the others get, and the group of the kinds that tell it so.
    pub hub: Option<(String, &'static str)>,
}

impl Wanted {
    /// Renders a checked document: to the objects that its [`crate::bundle::Bundle`] has, in their order, each
    /// stamped.
    pub fn new(resolved: &Resolved) -> Self {
        let mesh = resolved.name.to_string();
        if resolved.target == Target::Gitops {
            return Self {
                mesh,
                ..Self::default()
            };
        }
        let placed = render(resolved);
        let applyset_id = ownership::applyset_id(&mesh);
        // What a hub spreads is its controllers' to apply.
        let ignored = match resolved.target {
            Target::Direct => resolved.ignore.as_slice(),
            _ => &[],
        };
        let clusters = resolved.clusters.iter().enumerate();
        let objects = clusters.map(|(index, cluster)| {
            let delivered = engine::deliver(resolved, &placed, index);
            let objects = by_file(delivered).into_values().flatten();
            let ignoring = objects.map(|object| without_ignored(object, ignored));
            let stamped = ignoring.map(|object| ownership::stamp(object, &applyset_id));
            (cluster.name.to_string(), stamped.collect::<Vec<Object>>())
        });
        let hub = &resolved.clusters[resolved.dns.cluster].name;
        Self {
            mesh,
            objects: objects.filter(|(_, objects)| !objects.is_empty()).collect(),
            hub: engine::spreading_group(resolved.target).map(|group| (hub.to_string(), group)),
        }
    }

    /// Whether a surplus object of a kind may go from a cluster. What tells a hub to spread may not, once the
    /// hub is another or none: what it spread would go from the clusters, and that is now wanted of others.
    pub(crate) fn lets_go(&self, cluster: &str, kind: &Kind) -> bool {
        let group = kind.group.as_ref();
        let hub = self.hub.as_ref();
        !engine::is_spreading(group)
            || hub.is_some_and(|(name, own)| name == cluster && *own == group)
    }

    /// The objects of one cluster.
    pub fn of(&self, cluster: &str) -> &[Object] {
        self.objects.get(cluster).map_or(&[], Vec::as_slice)
    }
}
