//! Reads the input of `-f`, a Mesh document or a bundle that contains one, and manifests.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use shared::Mesh;
use shared::bundle::{Carried, MESH_FILE, Mismatch, ReadBundleError, is_zip};
use shared::mesh::ReadErrors;

use super::origin::Origin;
use super::output::folder::{self, FolderError};
use super::output::printable;
use crate::file;

/// Most bytes that are read from a file or standard input; no bundle is nearly as large.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// A document, with its name for messages.
pub(super) struct Input {
    /// The file, or `standard input`.
    pub(super) name: String,
    /// The document.
    pub(super) mesh: Mesh,
    /// The file with the lines of the document.
    pub(super) origin: Origin,
}

/// Why the input could not be read as a document.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    /// The file cannot be read.
    #[error("cannot read {name}: {}", file::reason(source))]
    Io {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The file is too large.
    #[error("{name} is too large (at most {MAX_BYTES} bytes)")]
    TooLarge {
        /// The file.
        name: String,
    },
    /// A URL, which other programs would download.
    #[error("{url} is a URL, but fedmesh does not download documents")]
    Url {
        /// The URL.
        url: String,
    },
    /// UTF-16 text, as some editors and shells write it.
    #[error("{name} is UTF-16 text")]
    Utf16 {
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
    #[error("{file} is not a Mesh document")]
    Document {
        /// The file.
        file: String,
        /// Where and why.
        errors: ReadErrors,
    },
    /// A folder that cannot be read as a bundle.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// An invalid bundle.
    #[error("{name}: {error}")]
    Bundle {
        /// The file.
        name: String,
        /// Why.
        error: ReadBundleError,
    },
    /// A bundle that was changed.
    #[error("{name}: {mismatch}")]
    Mismatch {
        /// The file.
        name: String,
        /// The files that differ.
        mismatch: Box<Mismatch>,
    },
}

impl InputError {
    /// The hint.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            // Each of the errors has its own hint.
            Self::Document { .. } => return None,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "set -f to the path of a Mesh document or a bundle, or to - for standard input"
                    .to_owned()
            }
            Self::Io { .. } => "check the permissions of the file".to_owned(),
            Self::Url { url } => {
                format!("download it and pipe it in: curl -fsSL '{url}' | fedmesh-agent … -f -")
            }
            Self::Utf16 { .. } => "save it as UTF-8; in PowerShell, write files with `| Out-File -Encoding utf8`".to_owned(),
            Self::TooLarge { .. } | Self::NotText { .. } => {
                "use a Mesh document (YAML or JSON, in UTF-8) or a bundle (zip, folder or YAML stream)"
                    .to_owned()
            }
            Self::Folder(error) => error.hint(),
            Self::Bundle { error, .. } => match error {
                ReadBundleError::Mesh(_) | ReadBundleError::Path(_) => {
                    "render the bundle again".to_owned()
                }
                ReadBundleError::Zip(_) => {
                    "render the bundle again, or pack its folder with a plain `zip -r`".to_owned()
                }
                ReadBundleError::NoMesh => format!(
                    "use a bundle that contains its document ({MESH_FILE} in a folder or zip, lines that start with #| \
                     in a stream); the output of `render --cluster` does not contain it"
                ),
            },
            Self::Mismatch { .. } => format!(
                "edit {MESH_FILE}, from which all manifests are rendered, and render them again: \
                 `fedmesh-agent render -f {MESH_FILE} --to DIR`"
            ),
        };
        Some(hint)
    }

    /// Whether the input could not be read, as opposed to read and rejected.
    pub(super) fn is_unreadable(&self) -> bool {
        !matches!(self, Self::Mismatch { .. })
    }
}

/// Reads a document, or a bundle, whose files must be what its document renders to.
pub(super) fn read(path: &Path) -> Result<Input, InputError> {
    let name = name(path);
    if is_folder(path)? {
        let document = path.join(MESH_FILE);
        if !document.is_file() {
            // A folder without a document may have been named by mistake, so it is not walked.
            let error = ReadBundleError::NoMesh;
            return Err(InputError::Bundle { name, error });
        }
        let files = read_files(path, folder::list(path)?)?;
        let file = self::name(&document);
        return from_carried(name, Some(file), Carried::from_files(files));
    }
    from_bytes(name, read_file(path)?)
}

/// The texts of a file, of standard input, or of the YAML and JSON files in a folder, each with its path in
/// the folder, which is empty for a file.
pub(super) fn manifests(path: &Path) -> Result<Vec<(String, String)>, InputError> {
    if is_folder(path)? {
        return read_files(path, folder::manifests(path)?);
    }
    let text = text(read_file(path)?, &name(path))?;
    Ok(vec![(String::new(), text)])
}

/// The path for messages, on one line and without control characters.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    printable(&path.display().to_string()).into_owned()
}

/// The text in a file.
fn text(bytes: Vec<u8>, name: &str) -> Result<String, InputError> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    String::from_utf8(bytes).map_err(|_| {
        let name = name.to_owned();
        if is_utf16 {
            InputError::Utf16 { name }
        } else {
            InputError::NotText { name }
        }
    })
}

/// Rejects a URL, which `kubectl -f` would download.
fn refuse_url(path: &Path) -> Result<(), InputError> {
    let url = name(path);
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https") => Err(InputError::Url { url }),
        _ => Ok(()),
    }
}

fn is_folder(path: &Path) -> Result<bool, InputError> {
    if path == Path::new("-") {
        return Ok(false);
    }
    refuse_url(path)?;
    let metadata = std::fs::metadata(path).map_err(|source| InputError::Io {
        name: name(path),
        source,
    })?;
    Ok(metadata.is_dir())
}

fn read_file(path: &Path) -> Result<Vec<u8>, InputError> {
    let name = name(path);
    if path == Path::new("-") {
        return read_all(io::stdin().lock(), &name);
    }
    match File::open(path) {
        Ok(file) => read_all(file, &name),
        Err(source) => Err(InputError::Io { name, source }),
    }
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
    if is_zip(&bytes) {
        let carried = Carried::from_zip(&bytes);
        return from_carried(name, None, carried);
    }
    let text = text(bytes, &name)?;
    // Some editors write a byte order mark; YAML 1.2 (5.2) allows it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if Carried::is_stream(text) {
        return from_carried(name.clone(), Some(name), Carried::from_stream(text));
    }
    match Mesh::read(text) {
        Ok(mesh) => Ok(Input {
            origin: Origin {
                file: name.clone(),
                text: Some(text.to_owned()),
            },
            name,
            mesh,
        }),
        Err(errors) => Err(InputError::Document { file: name, errors }),
    }
}

/// The texts of the files in a folder, with their paths in it.
fn read_files(folder: &Path, files: Vec<String>) -> Result<Vec<(String, String)>, InputError> {
    let mut left = MAX_BYTES;
    let mut texts = Vec::new();
    for file in files {
        let path = folder.join(&file);
        let bytes = read_file(&path)?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| InputError::TooLarge { name: name(folder) })?;
        let text = text(bytes, &name(&path))?;
        texts.push((file, text));
    }
    Ok(texts)
}

/// The document of a bundle; `file` is the file with the lines of the document, if there is one.
fn from_carried(
    name: String,
    file: Option<String>,
    carried: Result<Carried, ReadBundleError>,
) -> Result<Input, InputError> {
    let read = carried.and_then(|carried| carried.mesh().map(|mesh| (carried, mesh)));
    let (carried, mesh) = match (read, &file) {
        (Ok(read), _) => read,
        (Err(ReadBundleError::Mesh(errors)), Some(file)) => {
            let file = file.clone();
            return Err(InputError::Document { file, errors });
        }
        (Err(error), _) => return Err(InputError::Bundle { name, error }),
    };
    if let Err(mut mismatch) = carried.verify(&mesh) {
        let Mismatch {
            changed,
            missing,
            extra,
            moved,
        } = &mut mismatch;
        for path in [changed, missing, extra, moved].into_iter().flatten() {
            *path = printable(path).into_owned();
        }
        let mismatch = Box::new(mismatch);
        return Err(InputError::Mismatch { name, mismatch });
    }
    let origin = match file {
        Some(file) => Origin {
            file,
            text: Some(carried.mesh_yaml().to_owned()),
        },
        None => Origin {
            file: name.clone(),
            text: None,
        },
    };
    Ok(Input { name, mesh, origin })
}
