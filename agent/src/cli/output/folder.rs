//! The files of a bundle in a folder.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use shared::bundle::{MESH_FILE, Rendered, TextFile};
use shared::import::Source;

use super::earlier::{is_rendered_document, is_rendered_manifest};
use super::{NAMED, Written, each_part};
use crate::cli::input::InputFile;
use crate::file;

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
    /// A document of somebody.
    #[error("{} was not written by `render`, or was edited since", path.display())]
    NotRendered {
        /// The document.
        path: PathBuf,
    },
    /// The document that is being rendered.
    #[error("{} is the document that is rendered, and would be replaced", path.display())]
    Input {
        /// The document.
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
            Self::NotRendered { .. } => {
                "name a new or an empty folder, or move the file elsewhere; nothing was written"
                    .to_owned()
            }
            Self::Input { .. } => {
                "name a new or an empty folder; the one with your document is left as it is"
                    .to_owned()
            }
            Self::Unknown { .. } => {
                "move them elsewhere, or name a new folder; nothing was written".to_owned()
            }
        }
    }
}

/// Paths of all files in a folder, with `/` between their parts, sorted. Entries at the top whose
/// names start with a dot (`.git`, `.gitignore`) are passed over, unless kubectl would apply them; symbolic
/// links are errors.
pub(in crate::cli) fn list(folder: &Path) -> Result<Vec<String>, FolderError> {
    let mut files = Vec::new();
    walk(folder, "", 0, &mut |file| {
        if files.len() == MAX_FILES {
            return Err(FolderError::TooLarge {
                path: folder.to_owned(),
            });
        }
        files.push(file);
        Ok(())
    })?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut dyn FnMut(String) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    let failed = failed(folder);
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(FolderError::Name { path });
        };
        // Of the entry itself, not of what a link points to.
        let kind = entry.file_type().map_err(&failed)?;
        if depth == 0 && name.starts_with('.') && (kind.is_dir() || !is_manifest(&path, &name)) {
            continue;
        }
        if kind.is_dir() {
            if depth == MAX_DEPTH {
                return Err(FolderError::TooLarge {
                    path: folder.to_owned(),
                });
            }
            walk(&path, &format!("{prefix}{name}/"), depth + 1, found)?;
        } else if kind.is_file() {
            found(format!("{prefix}{name}"))?;
        } else {
            return Err(FolderError::Irregular { path });
        }
    }
    Ok(())
}

/// Whether `kubectl apply -f` of the folder would read a hidden file and find an object in it.
fn is_manifest(path: &Path, name: &str) -> bool {
    Source::has_usual_ending(name)
        && fs::read_to_string(path).is_ok_and(|text| text.contains("apiVersion"))
}

/// Writes a bundle into a new or empty folder, or in the place of an earlier bundle. What the
/// bundle no longer has goes, but only if fedmesh made it.
///
/// Everything is written beside the bundle first, so that whoever is interrupted while files are made has
/// the earlier one.
pub(in crate::cli) fn write(
    folder: &Path,
    rendered: &Rendered,
    input: &InputFile,
) -> Result<Written, FolderError> {
    let stale = replaceable(folder, rendered, input)?;
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let scratch = file::temporary_name(folder).map_err(failed(folder))?;
    let staged = Staged {
        folder,
        scratch: &scratch,
    };
    let result = staged.fill(rendered).and_then(|(written, files)| {
        staged.put_in_place(&files)?;
        remove(folder, &stale)?;
        Ok(written)
    });
    // Empty by now, unless something went wrong, and then that is the error to tell.
    _ = fs::remove_dir_all(&scratch);
    result
}

/// The files of an earlier bundle that the new one does not have. An error where anything that would be
/// replaced or removed is not provably an earlier bundle's; nothing is written for it.
fn replaceable(
    folder: &Path,
    rendered: &Rendered,
    input: &InputFile,
) -> Result<Vec<String>, FolderError> {
    if !has_entries(folder)? {
        return Ok(Vec::new());
    }
    let is_unchanged = check_document(folder, rendered, input)?;
    let wanted = paths(rendered);
    let (mut stale, mut unknown, mut known) = (Vec::new(), Vec::new(), 0);
    let mut sort = |file: String| -> Result<(), FolderError> {
        let path = folder.join(&file);
        if file == MESH_FILE {
            return Ok(());
        }
        if !is_rendered_manifest(&file, &fs::read(&path).map_err(failed(&path))?) {
            unknown.push(file);
            // A few are enough to see that this is no bundle: the folder may be anybody's.
            return if unknown.len() > NAMED {
                Err(unknown_files(folder, &unknown))
            } else {
                Ok(())
            };
        }
        if input.is(&path) {
            return Err(FolderError::Input { path });
        }
        known += 1;
        if !wanted.contains(&file) {
            stale.push(file);
        }
        Ok(())
    };
    walk(folder, "", 0, &mut sort)?;
    if !unknown.is_empty() {
        return Err(unknown_files(folder, &unknown));
    }
    if !is_unchanged && known == 0 {
        // Nothing beside it says that it is a bundle's rather than somebody's document.
        return Err(FolderError::NotRendered {
            path: folder.join(MESH_FILE),
        });
    }
    Ok(stale)
}

fn unknown_files(folder: &Path, files: &[String]) -> FolderError {
    let mut files = files.to_vec();
    files.sort();
    FolderError::Unknown {
        path: folder.to_owned(),
        files,
    }
}

/// Whether anything but hidden entries is in a folder, which may not exist.
fn has_entries(folder: &Path) -> Result<bool, FolderError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(failed(folder))?,
    };
    for entry in entries {
        let name = entry.map_err(failed(folder))?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the document in a folder is the one to be written already. An error where there is none, or one
/// that is not to be replaced.
fn check_document(
    folder: &Path,
    rendered: &Rendered,
    input: &InputFile,
) -> Result<bool, FolderError> {
    let path = folder.join(MESH_FILE);
    let there = match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => fs::read(&path).map_err(failed(&path))?,
        Ok(_) => return Err(FolderError::Irregular { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = folder.to_owned();
            return Err(FolderError::NotABundle { path });
        }
        Err(source) => return Err(FolderError::Io { path, source }),
    };
    if there == rendered.mesh_yaml.as_bytes() {
        return Ok(true);
    }
    if input.is(&path) {
        return Err(FolderError::Input { path });
    }
    if !is_rendered_document(&there) {
        return Err(FolderError::NotRendered { path });
    }
    Ok(false)
}

/// A bundle that is written beside the one that it takes the place of.
struct Staged<'a> {
    folder: &'a Path,
    /// A hidden folder in it.
    scratch: &'a Path,
}

impl Staged<'_> {
    /// Writes all files that are not there as they should be, and gives their paths.
    fn fill(&self, rendered: &Rendered) -> Result<(Written, Vec<String>), FolderError> {
        let mut written = Written::default();
        let mut files = Vec::new();
        // The document comes first: a folder that was left half-written can be written again.
        files.extend(self.add(MESH_FILE, &rendered.mesh_yaml)?);
        each_part(
            rendered,
            |part| {
                let parts = rendered.files(part);
                self.add_all(&parts).map(|added| (parts, added))
            },
            |part| {
                let (parts, added) = part?;
                written.add(&parts);
                files.extend(added);
                Ok(())
            },
        )?;
        Ok((written, files))
    }

    fn add_all(&self, files: &[TextFile]) -> Result<Vec<String>, FolderError> {
        let mut added = Vec::new();
        for file in files {
            for place in &file.places {
                added.extend(self.add(&place.path, &file.text)?);
            }
        }
        Ok(added)
    }

    fn add(&self, path: &str, text: &str) -> Result<Option<String>, FolderError> {
        if fs::read(self.folder.join(path)).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(None);
        }
        let target = self.scratch.join(path);
        create_parent(&target)?;
        fs::write(&target, text).map_err(failed(&self.folder.join(path)))?;
        Ok(Some(path.to_owned()))
    }

    fn put_in_place(&self, files: &[String]) -> Result<(), FolderError> {
        files.iter().try_for_each(|file| {
            let target = self.folder.join(file);
            create_parent(&target)?;
            fs::rename(self.scratch.join(file), &target).map_err(failed(&target))
        })
    }
}

fn create_parent(path: &Path) -> Result<(), FolderError> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(failed(parent)),
        None => Ok(()),
    }
}

fn remove(folder: &Path, files: &[String]) -> Result<(), FolderError> {
    for file in files {
        let target = folder.join(file);
        fs::remove_file(&target).map_err(failed(&target))?;
        if let Some(parent) = target.parent() {
            // Only an empty folder can be removed, and one that is not empty stays.
            _ = fs::remove_dir(parent);
        }
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(io::Error) -> FolderError + use<> {
    let path = path.to_owned();
    move |source| FolderError::Io {
        path: path.clone(),
        source,
    }
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
