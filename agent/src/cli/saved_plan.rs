//! Plans in files: saved by `plan --out`, applied by `apply FILE`.
//!
//! The file is untrusted input. Nothing in it is applied as it is: the document is planned again, and the result must
//! equal the saved plan.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use shared::Mesh;
use shared::api::Intent;
use shared::plan::Plan;
use shared::plan::decisions::Decisions;
use shared::text::shorten;

use super::input::{self, Input};
use super::origin::Origin;
use crate::file::{self, Readers};

/// The version of the format.
const API_VERSION: &str = "fedmesh.dev/v1alpha1";
const KIND: &str = "Plan";
/// Most bytes of a file, four times a plan that creates all objects of a hundred clusters with 300 services.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// A plan with all inputs that are needed to plan again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedPlan {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    /// The version of fedmesh that saved it.
    version: String,
    /// When it was saved (RFC 3339).
    time: Timestamp,
    /// Whether the plan applies or removes the mesh.
    pub(super) intent: Intent,
    /// Decisions that are not in the document.
    #[serde(default)]
    pub(super) decisions: Decisions,
    /// The document.
    mesh: Mesh,
    /// The plan.
    plan: Plan,
}

/// [`SavedPlan`] by reference, for writing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Saving<'a> {
    api_version: &'a str,
    kind: &'a str,
    version: &'a str,
    time: String,
    intent: Intent,
    decisions: &'a Decisions,
    mesh: &'a Mesh,
    plan: &'a Plan,
}

/// The fields that identify the format of a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    api_version: String,
    kind: String,
}

/// Why a plan cannot be saved or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SavedPlanError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", input::name(path), file::reason(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is too large.
    #[error("{} is too large (at most {MAX_BYTES} bytes)", input::name(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a saved plan.
    #[error("{} is not a saved plan: {why}", input::name(path))]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// The reason: its kind, or where it is not JSON.
        why: String,
    },
    /// The version of the format is not supported.
    #[error(
        "{} is a saved plan of an unsupported version: {api_version:?}",
        input::name(path)
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The version.
        api_version: String,
    },
    /// The id of the plan is not the digest of its content.
    #[error(
        "{} was edited: the id of the plan is not the digest of its content",
        input::name(path)
    )]
    Edited {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {}", input::name(path), file::reason(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SavedPlanError {
    /// The hint.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "use the path of a file that `plan --out` wrote".to_owned()
            }
            Self::Read { .. } => "check the permissions of the file".to_owned(),
            Self::TooLarge { .. } | Self::NotAPlan { .. } => {
                "use a file that `plan --out` wrote; or -f with a Mesh document or a bundle"
                    .to_owned()
            }
            Self::Unsupported { .. } => {
                "save the plan again with this version of fedmesh".to_owned()
            }
            Self::Edited { .. } => "save the plan again with `plan --out`".to_owned(),
            Self::Write { .. } => {
                "set --out to a file in a folder that exists and is writable".to_owned()
            }
        }
    }

    /// Whether the input could not be read.
    pub(super) fn is_unreadable(&self) -> bool {
        !matches!(self, Self::Write { .. })
    }
}

impl SavedPlan {
    /// Reads a file and checks the id of its plan against the content.
    pub(super) fn read(path: &Path) -> Result<Self, SavedPlanError> {
        let text = read(path)?;
        let not_a_plan = |error: serde_json::Error| SavedPlanError::NotAPlan {
            path: path.to_owned(),
            why: why(&error),
        };
        let header: Header = serde_json::from_slice(&text).map_err(not_a_plan)?;
        if header.kind != KIND {
            return Err(SavedPlanError::NotAPlan {
                path: path.to_owned(),
                why: format!("its kind is {:?}", shorten::value(&header.kind)),
            });
        }
        if header.api_version != API_VERSION {
            return Err(SavedPlanError::Unsupported {
                path: path.to_owned(),
                api_version: header.api_version,
            });
        }
        let saved: Self = serde_json::from_slice(&text).map_err(not_a_plan)?;
        if saved.plan.mesh == saved.mesh.metadata.name && saved.plan.has_valid_id() {
            Ok(saved)
        } else {
            Err(SavedPlanError::Edited {
                path: path.to_owned(),
            })
        }
    }

    /// `plan 3f2a9c1d7b40, saved by fedmesh 0.1.0 at 2026-01-02T03:04:05Z`.
    pub(super) fn title(&self) -> String {
        format!(
            "plan {}, saved by fedmesh {} at {}",
            self.plan.short_id(),
            self.version,
            self.time
        )
    }

    /// Its document as an input, and its plan.
    pub(super) fn into_parts(self, path: &Path) -> (Input, Plan) {
        let name = input::name(path);
        let origin = Origin {
            file: name.clone(),
            text: None,
        };
        let input = Input {
            name,
            mesh: self.mesh,
            origin,
        };
        (input, self.plan)
    }
}

/// Writes a plan to a file that only its owner can read, since it contains objects of the clusters.
pub(super) fn save(
    path: &Path,
    mesh: &Mesh,
    intent: Intent,
    decisions: &Decisions,
    plan: &Plan,
) -> Result<(), SavedPlanError> {
    let saving = Saving {
        api_version: API_VERSION,
        kind: KIND,
        version: env!("CARGO_PKG_VERSION"),
        time: Timestamp::now().to_string(),
        intent,
        decisions,
        mesh,
        plan,
    };
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let written = file::replace_with(path, folder, Readers::Owner, |file| {
        let mut file = Limited {
            to: BufWriter::new(file),
            left: MAX_BYTES,
        };
        serde_json::to_writer(&mut file, &saving)?;
        file.flush()
    });
    written.map_err(|source| SavedPlanError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Why the file is not a plan; for a syntax error, its line and column instead of the parser's message.
fn why(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => shorten::message(&error.to_string()).into_owned(),
        Category::Eof => "the file is not complete".to_owned(),
        Category::Syntax | Category::Io => {
            format!("it is not valid JSON at line {line}, column {column}")
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SavedPlanError> {
    let failed = |source| SavedPlanError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let too_large = || SavedPlanError::TooLarge {
        path: path.to_owned(),
    };
    if file.metadata().is_ok_and(|file| file.len() > MAX_BYTES) {
        return Err(too_large());
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    // A pipe has no length, so the limit is enforced while reading.
    if text.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(text)
}

/// A writer that fails beyond the size that [`read`] accepts.
struct Limited<W> {
    to: W,
    left: u64,
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.left = self.left.checked_sub(written as u64).ok_or_else(|| {
            io::Error::other(format!("the plan is too large (at most {MAX_BYTES} bytes)"))
        })?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
