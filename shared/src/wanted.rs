//! The objects of every cluster, for whoever applies them: a bundle without its texts, which take longer to
//! write than all else.

use std::collections::BTreeMap;

use crate::engine::{self, by_file};
use crate::mesh::Target;
use crate::object::Object;
use crate::render::render;
use crate::resolved::Resolved;

/// What is wanted of a mesh.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The mesh's name.
    pub mesh: String,
    /// By cluster, in the order in which they are applied. A cluster that is handed nothing has none, and
    /// with the engine `gitops`, where others apply, none has any.
    pub objects: BTreeMap<String, Vec<Object>>,
}

impl Wanted {
    /// Renders a checked document: to the objects that its [`crate::bundle::Bundle`] has, in their order.
    pub fn new(resolved: &Resolved) -> Self {
        let mesh = resolved.name.to_string();
        if resolved.target == Target::Gitops {
            return Self {
                mesh,
                ..Self::default()
            };
        }
        let placed = render(resolved);
        let clusters = resolved.clusters.iter().enumerate();
        let objects = clusters.map(|(index, cluster)| {
            let delivered = engine::deliver(resolved, &placed, index);
            let objects: Vec<Object> = by_file(delivered).into_values().flatten().collect();
            (cluster.name.to_string(), objects)
        });
        Self {
            mesh,
            objects: objects.filter(|(_, objects)| !objects.is_empty()).collect(),
        }
    }

    /// The objects of one cluster.
    pub fn of(&self, cluster: &str) -> &[Object] {
        self.objects.get(cluster).map_or(&[], Vec::as_slice)
    }
}
