//! Options of commands that plan: what a person decides beside the document.

use std::collections::BTreeSet;

use clap::Args;
use shared::decisions;

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

    /// A cluster of the document that was replaced by a new one since the last apply. Repeat it for more.
    #[arg(long, value_name = "CLUSTER", value_delimiter = ',')]
    replaced: Vec<String>,
}

impl Decisions {
    pub(super) fn made(&self) -> decisions::Decisions {
        decisions::Decisions {
            adopt: self.adopt.iter().cloned().collect(),
            renamed_from: self.renamed_from.clone(),
            replaced: BTreeSet::from_iter(self.replaced.iter().cloned()),
        }
    }
}

/// It becomes part of a path.
fn mesh_name(text: &str) -> Result<String, String> {
    match shared::name::Label::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
