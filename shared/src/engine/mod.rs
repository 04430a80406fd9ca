//! Engines: each converts placed objects to the objects of each cluster, and manifests of its own back to those.
//!
//! All that is known about an engine is in its file, as an [`Engine`]; everything else asks for what it needs by
//! [`of`] and [`Target::description`], never by name. A new engine is a file here, a line in `engines!` and a variant
//! of [`Target`].

mod commands;
mod delivered;
mod direct;
mod endpoints;
mod gitops;
mod interface;
mod karmada;
mod kinds;
mod kubefed;
mod ocm;

use crate::mesh::Target;
use crate::placed::Placed;
use crate::resolved::Resolved;

pub use commands::{ArchiveFile, ClusterFolder, Commands, Step};
pub use delivered::{Content, Delivered, File};
pub(crate) use delivered::{by_file, path};
pub use interface::{Delivery, Description, Engine, OwnKinds};
pub(crate) use kinds::{is_spreading, remedy};
pub use kinds::{is_written, wave};

macro_rules! engines {
    ($($target:ident: $engine:path,)*) => {
        /// The engine of a document.
        pub fn of(target: Target) -> &'static dyn Engine {
            match target {
                $(Target::$target => &$engine,)*
            }
        }

        impl Target {
            /// The facts about the engine.
            pub fn description(self) -> Description {
                match self {
                    $(Self::$target => <$engine>::description(),)*
                }
            }
        }
    };
}

engines! {
    Direct: direct::Direct,
    KubefedV1alpha1: kubefed::V1alpha1,
    KubefedV1beta1: kubefed::V1beta1,
    Karmada: karmada::Karmada,
    Ocm: ocm::Ocm,
    Gitops: gitops::Gitops,
}

/// The objects of one cluster, given by its index, with the document's engine, in no particular order. One cluster at a
/// time, so that a large mesh is never in memory as a whole.
pub fn deliver(resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered> {
    if !has_objects(resolved, cluster) {
        return Vec::new();
    }
    of(resolved.target).deliver(resolved, placed, cluster)
}

/// The files of one cluster, given by its index, with the document's engine, in order.
pub fn files(resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<File> {
    if !has_objects(resolved, cluster) {
        return Vec::new();
    }
    of(resolved.target).files(resolved, placed, cluster)
}

fn has_objects(resolved: &Resolved, cluster: usize) -> bool {
    !resolved.target.has_hub() || cluster == resolved.dns.cluster
}
