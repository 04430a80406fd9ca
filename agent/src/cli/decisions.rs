//! Options of commands that plan: decisions that are not in the document.

use std::collections::BTreeSet;

use clap::Args;
use shared::Mesh;
use shared::plan::decisions;

use super::failure::Failure;

/// Decisions of a person that are not in the document.
#[derive(Debug, Clone, Args)]
pub(super) struct Decisions {
    /// Adopt an existing object that this mesh did not create; on removal, restore it as it was. Repeatable.
    #[arg(long, value_name = "KIND/NAMESPACE/NAME", value_delimiter = ',')]
    adopt: Vec<String>,

    /// Previous name of the mesh, whose objects become this mesh's.
    #[arg(long, value_name = "MESH", value_parser = mesh_name)]
    renamed_from: Option<String>,

    #[command(flatten)]
    replaced: Replaced,

    /// Withdraw the last known addresses of this cluster's gateways; addresses that can be looked up stay. Repeatable.
    #[arg(long = "forget-address", value_name = "CLUSTER", value_delimiter = ',')]
    forget_addresses: Vec<String>,

    /// Take over a conflicting field from its manager; the plan lists both. Server-side apply takes over all
    /// conflicting fields of an object at once, so name each of them. Repeatable.
    #[arg(long, value_name = "KIND/NAMESPACE/NAME:FIELD", value_parser = field)]
    take_over: Vec<String>,
}

/// The clusters that were replaced since the last apply.
#[derive(Debug, Clone, Args)]
pub(super) struct Replaced {
    /// Cluster of the document that was replaced by a new one since the last apply. Repeatable.
    #[arg(long = "replaced", value_name = "CLUSTER", value_delimiter = ',')]
    clusters: Vec<String>,
}

impl Replaced {
    /// The clusters.
    ///
    /// # Errors
    /// A name is not a cluster of the document.
    pub(super) fn of(&self, mesh: &Mesh) -> Result<BTreeSet<String>, Failure> {
        known(&self.clusters, mesh, "set --replaced to one of these names")
    }
}

impl Decisions {
    /// Whether no decision was made.
    pub(super) fn are_none(&self) -> bool {
        let lists = [
            &self.adopt,
            &self.replaced.clusters,
            &self.forget_addresses,
            &self.take_over,
        ];
        self.renamed_from.is_none() && lists.into_iter().all(Vec::is_empty)
    }

    /// The decisions about a document.
    ///
    /// # Errors
    /// A name is not a cluster of the document.
    pub(super) fn made(&self, mesh: &Mesh) -> Result<decisions::Decisions, Failure> {
        Ok(decisions::Decisions {
            adopt: self.adopt.iter().cloned().collect(),
            renamed_from: self.renamed_from.clone(),
            replaced: self.replaced.of(mesh)?,
            forget_addresses: known(
                &self.forget_addresses,
                mesh,
                "set --forget-address to one of these names",
            )?,
            take_over: self.take_over.iter().cloned().collect(),
        })
    }
}

/// The names as a set, if each is a cluster of the document.
fn known(names: &[String], mesh: &Mesh, hint: &'static str) -> Result<BTreeSet<String>, Failure> {
    let clusters = &mesh.spec.clusters;
    let is_known = |name: &&String| clusters.iter().any(|cluster| cluster.name == **name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<&str> = clusters.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::Usage {
            message: format!(
                "unknown cluster {unknown:?}; known clusters: {}",
                known.join(", ")
            ),
            hint,
        });
    }
    Ok(names.iter().cloned().collect())
}

/// Parses a field of an object, such as `VirtualService/shop/orders:.spec.hosts`.
fn field(text: &str) -> Result<String, String> {
    // Names of roles may contain colons.
    let is_named = text.split_once(":.").is_some_and(|(object, field)| {
        let parts: Vec<&str> = object.split('/').collect();
        matches!(parts.len(), 2 | 3) && !field.is_empty() && parts.iter().all(|one| !one.is_empty())
    });
    if is_named {
        Ok(text.to_owned())
    } else {
        Err(
            "write the object and the field as the plan lists them, such as \
             VirtualService/shop/orders:.spec.hosts"
                .to_owned(),
        )
    }
}

/// Parses the name of a mesh, which becomes part of a URL path.
fn mesh_name(text: &str) -> Result<String, String> {
    match shared::name::Label::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
