//! Engines: each turns placed objects into what is handed to which cluster.

mod direct;
mod kubefed_v1alpha1;

use crate::mesh::Target;
use crate::object::Object;
use crate::placed::Placed;
use crate::resolved::Resolved;

/// An object with the file it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// What it is about; see [`Placed::subject`].
    pub subject: String,
    /// The object.
    pub object: Object,
}

/// What one cluster, given by its index, is handed by the document's engine, in no order that
/// matters. One cluster at a time, so that a large mesh never has to be in memory as a whole.
pub fn deliver(resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered> {
    match resolved.target {
        Target::Direct => direct::deliver(placed, cluster),
        Target::KubefedV1Alpha1 => kubefed_v1alpha1::deliver(resolved, placed, cluster),
    }
}
