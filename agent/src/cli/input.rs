//! Reading what `-f` names: a Mesh document, or a bundle that carries one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use shared::Mesh;
use shared::bundle::{Carried, MESH_FILE, Mismatch, ReadBundleError};
use shared::mesh::ReadError;

use super::output::folder::{self, FolderError};

/// Most bytes that are read of a file or of standard input; no bundle is near that.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Every zip archive starts with it (APPNOTE.TXT 4.3.7); no YAML and no JSON does.
const ZIP_MAGIC: &[u8] = b"PK";

/// A document, and what to call it in messages.
pub(super) struct Input {
    /// The file, or `standard input`.
    pub(super) name: String,
    /// The document.
    pub(super) mesh: Mesh,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    /// The file system says no.
    #[error("{name} cannot be read: {source}")]
    Io {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Too many bytes.
    #[error("{name} has more than {MAX_BYTES} bytes")]
    TooLarge {
        /// The file.
        name: String,
    },
    /// Neither text nor zip.
    #[error("{name} is neither UTF-8 text nor a zip archive")]
    NotText {
        /// The file.
        name: String,
    },
    /// Not a Mesh document.
    #[error("{name}: {error}")]
    Document {
        /// The file.
        name: String,
        /// Where and why.
        error: Box<ReadError>,
    },
    /// A folder that cannot be a bundle.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Not a bundle.
    #[error("{name}: {error}")]
    Bundle {
        /// The file.
        name: String,
        /// Why.
        error: Box<ReadBundleError>,
    },
    /// A bundle that was changed.
    #[error("{name}: {mismatch}")]
    Mismatch {
        /// The file.
        name: String,
        /// Which files.
        mismatch: Mismatch,
    },
}

impl InputError {
    /// What to do.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "give -f the path of a Mesh document or a bundle, or - for standard input"
                    .to_owned()
            }
            Self::Io { .. } => "look at the permissions of the file".to_owned(),
            Self::TooLarge { .. } | Self::NotText { .. } => {
                "give -f a Mesh document (YAML or JSON) or a bundle (zip, folder or YAML stream)"
                    .to_owned()
            }
            Self::Folder(error) => error.hint(),
            Self::Document { error, .. } => error.hint.clone(),
            Self::Bundle { error, .. } => bundle_hint(error),
            Self::Mismatch { .. } => format!(
                "manifests are made from the document alone: edit {MESH_FILE} and render again, \
                 `fedmesh-agent render -f {MESH_FILE} --output DIR`"
            ),
        }
    }

    /// Whether the input cannot be read at all, rather than read and refused.
    pub(super) fn is_unreadable(&self) -> bool {
        !matches!(self, Self::Mismatch { .. })
    }
}

fn bundle_hint(error: &ReadBundleError) -> String {
    match error {
        ReadBundleError::Mesh(error) => error.hint.clone(),
        ReadBundleError::NoMesh => format!(
            "a bundle carries its document ({MESH_FILE} in a folder or zip, lines that start with #| in a stream); \
             what `render --cluster` prints is for one cluster and carries none"
        ),
        ReadBundleError::Zip(_) => "render the bundle again".to_owned(),
    }
}

/// Reads a document, or a bundle whose files are proven to be what its document gives.
pub(super) fn read(path: &Path) -> Result<Input, InputError> {
    if path == Path::new("-") {
        let name = "standard input".to_owned();
        let bytes = read_all(io::stdin().lock(), &name)?;
        return from_bytes(name, bytes);
    }
    let name = path.display().to_string();
    let failed = |source| InputError::Io {
        name: name.clone(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.is_dir() {
        return from_folder(name.clone(), path);
    }
    let bytes = read_all(File::open(path).map_err(failed)?, &name)?;
    from_bytes(name, bytes)
}

fn read_all(reader: impl Read, name: &str) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| InputError::Io {
            name: name.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(InputError::TooLarge {
            name: name.to_owned(),
        });
    }
    Ok(bytes)
}

fn from_bytes(name: String, bytes: Vec<u8>) -> Result<Input, InputError> {
    if bytes.starts_with(ZIP_MAGIC) {
        let carried = Carried::from_zip(&bytes);
        return from_carried(name, carried);
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(InputError::NotText { name });
    };
    // Editors on some systems write it; YAML 1.2 (5.2) allows it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if Carried::is_stream(text) {
        return from_carried(name, Carried::from_stream(text));
    }
    match Mesh::read(text) {
        Ok(mesh) => Ok(Input { name, mesh }),
        Err(error) => Err(InputError::Document {
            name,
            error: Box::new(error),
        }),
    }
}

fn from_folder(name: String, path: &Path) -> Result<Input, InputError> {
    let mut left = MAX_BYTES;
    let mut files = Vec::new();
    for file in folder::list(path)? {
        let file_name = path.join(&file).display().to_string();
        let failed = |source| InputError::Io {
            name: file_name.clone(),
            source,
        };
        let bytes = read_all(File::open(path.join(&file)).map_err(failed)?, &file_name)?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| InputError::TooLarge { name: name.clone() })?;
        let text = String::from_utf8(bytes).map_err(|_| InputError::NotText { name: file_name })?;
        files.push((file, text));
    }
    from_carried(name, Carried::from_files(files))
}

fn from_carried(
    name: String,
    carried: Result<Carried, ReadBundleError>,
) -> Result<Input, InputError> {
    let read = carried.and_then(|carried| carried.mesh().map(|mesh| (carried, mesh)));
    let (carried, mesh) = match read {
        Ok(read) => read,
        Err(error) => {
            return Err(InputError::Bundle {
                name,
                error: Box::new(error),
            });
        }
    };
    match carried.verify(&mesh) {
        Ok(()) => Ok(Input { name, mesh }),
        Err(mismatch) => Err(InputError::Mismatch { name, mismatch }),
    }
}
