//! The files of a bundle in a folder.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use shared::Mesh;
use shared::bundle::{MESH_FILE, Rendered, TextFile, WRITTEN_BY};
use shared::check::check;
use shared::facts::Facts;
use shared::ownership::{MANAGED_BY, MANAGED_BY_LABEL};

use super::{Written, each_part};
use crate::file::{self, Readers};

/// Most files in a folder that is taken for a bundle, and how deep: so that `-f /` ends soon.
const MAX_FILES: usize = 1_000_000;
const MAX_DEPTH: usize = 4;

/// Why a folder cannot be read or written as a bundle.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum FolderError {
    /// The file system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A link, a socket or the like.
    #[error("{} is neither a file nor a folder", path.display())]
    Irregular {
        /// The entry.
        path: PathBuf,
    },
    /// A name that no bundle has.
    #[error("{} has a name that is not UTF-8", path.display())]
    Name {
        /// The entry.
        path: PathBuf,
    },
    /// Far more than a bundle.
    #[error("{} has more than {MAX_FILES} files, or more than {MAX_DEPTH} levels of folders", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else's folder.
    #[error("{} is not empty and has no {MESH_FILE}, so it is not an earlier bundle", path.display())]
    NotABundle {
        /// The folder.
        path: PathBuf,
    },
    /// Files that fedmesh did not make.
    #[error("{} has files that no bundle of fedmesh has: {}", path.display(), files.join(", "))]
    Unknown {
        /// The folder.
        path: PathBuf,
        /// Their paths in it.
        files: Vec<String>,
    },
}

impl FolderError {
    /// What to do.
    pub(in crate::cli) fn hint(&self) -> String {
        match self {
            Self::Io { .. } => "look at its permissions".to_owned(),
            Self::Irregular { .. } | Self::Name { .. } | Self::TooLarge { .. } => format!(
                "a bundle is a folder with {MESH_FILE}, a folder for each cluster and plain files; \
                 only entries at its top whose names start with a dot are passed over"
            ),
            Self::NotABundle { .. } => "name a new or an empty folder".to_owned(),
            Self::Unknown { .. } => {
                "move them elsewhere, or name a new folder; nothing was written".to_owned()
            }
        }
    }
}

/// Paths of all files in a folder, with `/` between their parts, sorted. Entries at the top whose
/// names start with a dot (`.git`, `.gitignore`) are passed over; symbolic links are errors.
pub(in crate::cli) fn list(folder: &Path) -> Result<Vec<String>, FolderError> {
    let mut files = Vec::new();
    walk(folder, "", 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<String>,
) -> Result<(), FolderError> {
    let failed = |source| FolderError::Io {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(FolderError::Name { path });
        };
        if depth == 0 && name.starts_with('.') {
            continue;
        }
        // Of the entry itself, not of what a link points to.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            if depth == MAX_DEPTH {
                return Err(FolderError::TooLarge {
                    path: folder.to_owned(),
                });
            }
            walk(&path, &format!("{prefix}{name}/"), depth + 1, files)?;
        } else if kind.is_file() {
            if files.len() == MAX_FILES {
                return Err(FolderError::TooLarge {
                    path: folder.to_owned(),
                });
            }
            files.push(format!("{prefix}{name}"));
        } else {
            return Err(FolderError::Irregular { path });
        }
    }
    Ok(())
}

/// Writes a bundle into a new or empty folder, or in the place of an earlier bundle. What the
/// bundle no longer has goes, but only if fedmesh made it.
pub(in crate::cli) fn write(folder: &Path, rendered: &Rendered) -> Result<Written, FolderError> {
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let present = list(folder)?;
    if !present.is_empty() && !present.iter().any(|file| file == MESH_FILE) {
        return Err(FolderError::NotABundle {
            path: folder.to_owned(),
        });
    }
    let stale = if present.is_empty() {
        Vec::new()
    } else {
        without(present, &paths(rendered))
    };
    refuse_unknown(folder, &stale)?;

    // The document comes first: a folder that was left half-written can be written again.
    put(folder, MESH_FILE, &rendered.mesh_yaml)?;
    let mut written = Written::default();
    each_part(
        rendered,
        |part| {
            let files = rendered.files(part);
            put_all(folder, &files).map(|()| files)
        },
        |files| {
            written.add(&files?);
            Ok(())
        },
    )?;
    for path in &stale {
        let target = folder.join(path);
        fs::remove_file(&target).map_err(failed(&target))?;
        if let Some(parent) = target.parent() {
            // Only an empty folder can be removed, and one that is not empty stays.
            _ = fs::remove_dir(parent);
        }
    }
    Ok(written)
}

fn put_all(folder: &Path, files: &[TextFile]) -> Result<(), FolderError> {
    files.iter().try_for_each(|file| {
        let mut places = file.places.iter();
        places.try_for_each(|place| put(folder, &place.path, &file.text))
    })
}

/// Writes a file of the bundle, unless it is there as it should be.
fn put(folder: &Path, path: &str, text: &str) -> Result<(), FolderError> {
    let target = folder.join(path);
    if fs::read(&target).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    file::replace(&target, folder, text.as_bytes(), Readers::Usual).map_err(failed(&target))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

/// The paths of all files of a bundle but that of the document.
fn paths(rendered: &Rendered) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let done = each_part(
        rendered,
        |part| rendered.files(part),
        |files| {
            let places = files.into_iter().flat_map(|file| file.places);
            paths.extend(places.map(|place| place.path));
            Ok::<(), Infallible>(())
        },
    );
    match done {
        Ok(()) => paths,
    }
}

fn without(present: Vec<String>, wanted: &BTreeSet<String>) -> Vec<String> {
    present
        .into_iter()
        .filter(|file| file != MESH_FILE && !wanted.contains(file))
        .collect()
}

/// Refuses where a file that would have to go is not one that fedmesh made: one that the earlier
/// document gives, or manifests that carry our label.
fn refuse_unknown(folder: &Path, stale: &[String]) -> Result<(), FolderError> {
    if stale.is_empty() {
        return Ok(());
    }
    let earlier = fs::read_to_string(folder.join(MESH_FILE))
        .ok()
        .and_then(|text| Mesh::read(&text).ok());
    let given = earlier.and_then(|mesh| {
        let resolved = check(&mesh, &Facts::default()).resolved?;
        Some(paths(&Rendered::new(&mesh, &resolved)))
    });
    let given = given.unwrap_or_default();
    let files: Vec<String> = stale
        .iter()
        .filter(|file| !given.contains(file.as_str()) && !is_labelled(&folder.join(file)))
        .cloned()
        .collect();
    if files.is_empty() {
        Ok(())
    } else {
        Err(FolderError::Unknown {
            path: folder.to_owned(),
            files,
        })
    }
}

/// Whether every document of a file carries the label that all our objects carry, or the file says
/// itself that it is ours. The earlier
/// document may have been edited in place, and then says nothing about the files beside it.
fn is_labelled(path: &Path) -> bool {
    let label = format!("{MANAGED_BY_LABEL}: {MANAGED_BY}");
    path.extension()
        .is_some_and(|extension| extension == "yaml")
        && fs::read_to_string(path).is_ok_and(|text| {
            text.starts_with(WRITTEN_BY)
                || text
                    .split("---\n")
                    .all(|document| document.lines().any(|line| line.trim() == label))
        })
}
