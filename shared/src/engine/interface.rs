//! The interface of an engine: its description, and its two directions.

use super::commands::{ArchiveFile, Commands};
use super::delivered::{Delivered, File, by_file, path};
use crate::findings::Findings;
use crate::kubernetes::object::Wave;
use crate::manifests::{Budget, Expanded, Given, TooManyCopies};
use crate::mesh::Spec;
use crate::placed::Placed;
use crate::resolved::{Publisher, Resolved};

/// An engine: it converts rendered objects to its own, and reads those back.
pub trait Engine: Sync {
    /// The facts about it. No method of `self`, so that the page, which needs only facts, loads no other code of it.
    fn description() -> Description
    where
        Self: Sized;

    /// The objects of one cluster, given by its index, in no particular order; of an engine with a hub, called for
    /// the hub only.
    fn deliver(&self, resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered>;

    /// The files of one cluster in a bundle, in order; as for [`Engine::deliver`].
    fn files(&self, resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<File> {
        let folder = resolved.clusters[cluster].name.as_str();
        by_file(self.deliver(resolved, placed, cluster))
            .into_iter()
            .map(|((wave, subject), delivered)| File::new(path(folder, wave, &subject), delivered))
            .collect()
    }

    /// The files of a bundle that belong to no single cluster.
    fn common_files(&self, _: &Resolved, _: &[Placed]) -> Vec<File> {
        Vec::new()
    }

    /// The commands that apply an archive of a bundle outside of the page.
    fn commands(&self, _: &Resolved, archive: &ArchiveFile<'_>) -> Commands {
        archive.kubectl()
    }

    /// Rules about the document that prevent rendering.
    fn check(&self, _: &Spec, _: &mut Findings) {}

    /// Limits of the engine, and unexpected behavior.
    fn limits(&self, _: &Resolved, _: &mut Findings) {}

    /// The import: takes the objects that only carry others, and returns those. Other configuration, such as
    /// definitions and policies, stays, and is compared with that of the document's engine. `None` if no object is of
    /// this engine.
    ///
    /// # Errors
    /// The copies exceed the budget.
    fn expand(
        &self,
        _: &mut Given,
        _: &mut Budget,
        _: &mut Findings,
    ) -> Result<Option<Expanded>, TooManyCopies> {
        Ok(None)
    }
}

/// The facts about an engine, from which the page, the checks and the plan derive what holds for it.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// Where the manifests go, in a few words, for a menu.
    pub destination: &'static str,
    /// Who applies them.
    pub delivery: Delivery,
    /// The kinds of its own objects that fedmesh applies; for a kind, the first entry holds.
    pub kinds: &'static [OwnKinds],
    /// The controller of its hub that publishes names with `naming: gateway`, if it has one; fedmesh then renders no
    /// records.
    pub publisher: Option<Publisher>,
}

/// Who applies an engine's objects, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// fedmesh applies the rendered objects to each cluster.
    EachCluster,
    /// fedmesh applies all objects to `spec.dns.cluster`, whose controllers propagate them.
    Hub {
        /// The API group of the kinds that control the propagation: if such an object is deleted (with Karmada,
        /// together with its template), the propagated objects are deleted from the other clusters.
        group: &'static str,
    },
    /// Others apply them, from the repository in `spec.gitops`.
    Repository,
}

/// One or all kinds of an API group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnKinds {
    /// The API group.
    pub group: &'static str,
    /// The kind; `None` for all of the group.
    pub kind: Option<&'static str>,
    /// The wave in which they are applied.
    pub wave: Wave,
    /// Whether other users of the cluster need the same object, so that it is never deleted.
    pub is_shared: bool,
    /// The remedy if a cluster does not serve them; `None` if a bundle has their definitions.
    pub remedy: Option<&'static str>,
}

impl OwnKinds {
    /// All kinds of an API group.
    pub const fn all(group: &'static str, wave: Wave) -> Self {
        Self {
            group,
            kind: None,
            wave,
            is_shared: false,
            remedy: None,
        }
    }

    /// One kind of an API group.
    pub const fn one(group: &'static str, kind: &'static str, wave: Wave) -> Self {
        Self {
            kind: Some(kind),
            ..Self::all(group, wave)
        }
    }
}
