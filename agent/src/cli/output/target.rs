//! The output of `render`: standard output, a folder or a zip archive.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::io::{self, BufWriter, Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use shared::bundle::{Archive, MESH_FILE, Packed, Rendered, TextFile, ZipError};

use super::each_part;
use super::earlier::is_rendered_zip;
use super::folder::{self, FolderError};
use crate::cli::input;
use crate::cli::input_file::InputFile;
use crate::file::{self, Readers};

/// The output of `render`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Target {
    /// Standard output, as one YAML stream.
    Stream,
    /// A zip archive.
    Zip(PathBuf),
    /// A folder.
    Folder(PathBuf),
}

impl FromStr for Target {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = Path::new(text);
        Ok(if text == "-" {
            Self::Stream
        } else if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
        {
            Self::Zip(path.to_owned())
        } else {
            Self::Folder(path.to_owned())
        })
    }
}

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum WriteError {
    /// The folder cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The archive cannot be created.
    #[error("cannot create {}: {source}", input::name(path))]
    Zip {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ZipError,
    },
    /// The file exists and was not written by `render`.
    #[error("{} already exists and is not a bundle of `render`", path.display())]
    NotRendered {
        /// The file.
        path: PathBuf,
    },
    /// The output would overwrite the input.
    #[error("{} is the input, and would be overwritten", path.display())]
    Input {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {}", input::name(path), file::reason(source))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl WriteError {
    /// The hint.
    pub(in crate::cli) fn hint(&self) -> String {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Zip { .. } => "set --to to a folder, and report this error".to_owned(),
            Self::NotRendered { .. } | Self::Input { .. } => {
                "set --to to another name; nothing was written".to_owned()
            }
            Self::File { .. } => {
                "set --to to a file in a folder that exists and is writable".to_owned()
            }
        }
    }
}

/// Writes a zip archive, or replaces an earlier one.
pub(in crate::cli) fn write_zip(
    path: &Path,
    rendered: &Rendered,
    input: &InputFile,
) -> Result<Written, WriteError> {
    check_replaceable(path, input)?;
    let scratch = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut written = Written::default();
    let result = file::replace_with(path, scratch, Readers::Usual, |file| {
        // The archive is ordered by cluster, but a part contains files of all clusters.
        let mut texts = Archive::new(Cursor::new(Vec::new()));
        let mut listing = rendered.listing();
        let mut number = 0;
        each_part(
            rendered,
            |part| rendered.files(part),
            |files| {
                written.add(&files);
                for file in files {
                    texts.add(&number.to_string(), &file.text)?;
                    listing.add(file.places);
                    number += 1;
                }
                Ok::<(), ZipError>(())
            },
        )?;
        let texts = texts.finish()?;
        let mut texts = Packed::new(texts)?;
        let mut archive = Archive::new(BufWriter::new(file));
        archive.add(MESH_FILE, &rendered.mesh_yaml)?;
        for (path, text) in listing.finish().files() {
            archive.copy(path, &mut texts, text)?;
        }
        Ok(archive.finish()?.flush()?)
    });
    let path = path.to_owned();
    match result {
        Ok(()) => Ok(written),
        Err(ZipError::Io(source)) => Err(WriteError::File { path, source }),
        Err(source) => Err(WriteError::Zip { path, source }),
    }
}

/// Fails if the file exists and is not provably an earlier bundle.
fn check_replaceable(path: &Path, input: &InputFile) -> Result<(), WriteError> {
    let path = path.to_owned();
    if input.is(&path) {
        return Err(WriteError::Input { path });
    }
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(WriteError::File { path, source }),
        Ok(metadata) if !metadata.is_file() => Err(WriteError::NotRendered { path }),
        Ok(_) => match is_rendered_zip(&path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriteError::NotRendered { path }),
            Err(source) => Err(WriteError::File { path, source }),
        },
    }
}

/// Writes a folder; see [`folder::write`].
pub(in crate::cli) fn write_folder(
    path: &Path,
    rendered: &Rendered,
    input: &InputFile,
) -> Result<Written, WriteError> {
    Ok(folder::write(path, rendered, input)?)
}

/// Counts of the output.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Written {
    /// The number of objects.
    pub(in crate::cli) objects: usize,
    /// Indices of the clusters with objects.
    pub(in crate::cli) clusters: BTreeSet<usize>,
}

impl Written {
    /// Adds some of the files.
    pub(in crate::cli) fn add(&mut self, files: &[TextFile]) {
        for file in files {
            self.objects += file.objects() * file.places.len();
            let places = file.places.iter();
            self.clusters
                .extend(places.filter_map(|place| place.cluster));
        }
    }
}
