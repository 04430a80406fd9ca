//! Where `render` writes to.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use shared::bundle::{Bundle, ZipError};

use super::folder::{self, FolderError};
use crate::file::{self, Readers};

/// Where `render` writes to.
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
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The archive itself.
    #[error("{} cannot be made: {source}", path.display())]
    Zip {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ZipError,
    },
    /// The file it goes to.
    #[error("{} cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl WriteError {
    /// What to do.
    pub(in crate::cli) fn hint(&self) -> String {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Zip { .. } => "give --output a folder instead, and report this".to_owned(),
            Self::File { .. } => {
                "give --output a file in a folder that exists and can be written".to_owned()
            }
        }
    }
}

/// Writes a zip archive, or puts it in the place of the one that is there.
pub(in crate::cli) fn write_zip(path: &Path, bundle: &Bundle) -> Result<(), WriteError> {
    let path_of = || path.to_owned();
    let bytes = bundle.to_zip().map_err(|source| WriteError::Zip {
        path: path_of(),
        source,
    })?;
    let scratch = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    file::replace(path, scratch, &bytes, Readers::Usual).map_err(|source| WriteError::File {
        path: path_of(),
        source,
    })
}

/// Writes a folder; see [`folder::write`].
pub(in crate::cli) fn write_folder(path: &Path, bundle: &Bundle) -> Result<(), WriteError> {
    Ok(folder::write(path, bundle)?)
}
