//! Options of commands that plan: what a person decides beside the document.

use std::collections::BTreeSet;

use clap::Args;
use shared::Mesh;
use shared::decisions;

use super::failure::Failure;

/// What is decided beside the document.
#[derive(Debug, Clone, Args)]
pub(super) struct Decisions {
    /// Take over an object that exists and was not created by this mesh; give it back on removal. Repeat it for
    /// more.
    #[arg(long, value_name = "KIND/NAMESPACE/NAME", value_delimiter = ',')]
    adopt: Vec<String>,

    /// The name that the mesh was applied under before: its objects become this mesh's.
    #[arg(long, value_name = "MESH", value_parser = mesh_name)]
    renamed_from: Option<String>,

    #[command(flatten)]
    replaced: Replaced,

    /// Withdraw the last known addresses of this cluster's gateways; addresses that can be looked up stay. Repeat
    /// it for more.
    #[arg(long = "forget-address", value_name = "CLUSTER", value_delimiter = ',')]
    forget_addresses: Vec<String>,

    /// Take a field in conflict over from its manager, as the plan names both. A forced apply takes all fields of an
    /// object in conflict, so name each of them. Repeat it for more.
    #[arg(long, value_name = "KIND/NAMESPACE/NAME:FIELD", value_parser = field)]
    take_over: Vec<String>,
}

/// Which clusters are others than before.
#[derive(Debug, Clone, Args)]
pub(super) struct Replaced {
    /// A cluster of the document that was replaced by a new one since the last apply. Repeat it for more.
    #[arg(long = "replaced", value_name = "CLUSTER", value_delimiter = ',')]
    clusters: Vec<String>,
}

impl Replaced {
    /// The clusters.
    ///
    /// # Errors
    /// A name is of no cluster of the document.
    pub(super) fn of(&self, mesh: &Mesh) -> Result<BTreeSet<String>, Failure> {
        known(&self.clusters, mesh, "give --replaced one of these names")
    }
}

impl Decisions {
    /// Whether nothing was decided.
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
    /// A name is of no cluster of the document.
    pub(super) fn made(&self, mesh: &Mesh) -> Result<decisions::Decisions, Failure> {
        Ok(decisions::Decisions {
            adopt: self.adopt.iter().cloned().collect(),
            renamed_from: self.renamed_from.clone(),
            replaced: self.replaced.of(mesh)?,
            forget_addresses: known(
                &self.forget_addresses,
                mesh,
                "give --forget-address one of these names",
            )?,
            take_over: self.take_over.iter().cloned().collect(),
        })
    }
}

/// Names of clusters of the document.
fn known(names: &[String], mesh: &Mesh, hint: &'static str) -> Result<BTreeSet<String>, Failure> {
    let clusters = &mesh.spec.clusters;
    let is_known = |name: &&String| clusters.iter().any(|cluster| cluster.name == **name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<&str> = clusters.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::Usage {
            message: format!(
                "there is no cluster {unknown:?}; the clusters are: {}",
                known.join(", ")
            ),
            hint,
        });
    }
    Ok(names.iter().cloned().collect())
}

/// A field of an object, such as `VirtualService/shop/orders:.spec.hosts`.
fn field(text: &str) -> Result<String, String> {
    // Names of roles may have colons.
    let is_named = text.split_once(":.").is_some_and(|(object, field)| {
        let parts: Vec<&str> = object.split('/').collect();
        matches!(parts.len(), 2 | 3) && !field.is_empty() && parts.iter().all(|one| !one.is_empty())
    });
    if is_named {
        Ok(text.to_owned())
    } else {
        Err(
            "write an object and a field as the plan names them, such as \
             VirtualService/shop/orders:.spec.hosts"
                .to_owned(),
        )
    }
}

/// It becomes part of a path.
fn mesh_name(text: &str) -> Result<String, String> {
    match shared::name::Label::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
