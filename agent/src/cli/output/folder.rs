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
use crate::cli::input_file::InputFile;
use crate::file;

/// Most files of a folder, and most levels of one that is read as a bundle, so that `-f /` fails early.
const MAX_FILES: usize = 1_000_000;
const MAX_DEPTH: usize = 4;
/// Most levels of a folder of manifests, which may have those of a program's sources.
const MAX_DEPTH_OF_MANIFESTS: usize = 32;

/// Why a folder cannot be read or written as a bundle.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum FolderError {
    /// The file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A link, a socket or another special file.
    #[error("{} is neither a file nor a folder", path.display())]
    Irregular {
        /// The entry.
        path: PathBuf,
    },
    /// The name is not UTF-8.
    #[error("{} has a name that is not UTF-8", path.display())]
    Name {
        /// The entry.
        path: PathBuf,
    },
    /// The folder has more files or levels than are read.
    #[error("{} has too many files or levels of folders", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is not empty and not a bundle.
    #[error("{} is not empty and has no {MESH_FILE}, so it is not an earlier bundle", path.display())]
    NotABundle {
        /// The folder.
        path: PathBuf,
    },
    /// The document in the folder was not written by `render`.
    #[error("{} was not written by `render`, or was edited since", path.display())]
    NotRendered {
        /// The document.
        path: PathBuf,
    },
    /// The output would overwrite the input.
    #[error("{} is the document that is rendered, and would be overwritten", path.display())]
    Input {
        /// The document.
        path: PathBuf,
    },
    /// The folder contains files that fedmesh did not write.
    #[error("{} contains files that are not part of a bundle: {}", path.display(), files.join(", "))]
    Unknown {
        /// The folder.
        path: PathBuf,
        /// Their paths in it.
        files: Vec<String>,
    },
}

impl FolderError {
    /// The hint.
    pub(in crate::cli) fn hint(&self) -> String {
        match self {
            Self::Io { .. } => "check its permissions".to_owned(),
            Self::Irregular { .. } | Self::Name { .. } | Self::TooLarge { .. } => format!(
                "use a folder with {MESH_FILE}, one folder per cluster and regular files; \
                only top-level entries whose names start with a dot are ignored"
            ),
            Self::NotABundle { .. } => "use a new or empty folder".to_owned(),
            Self::NotRendered { .. } => {
                "use a new or empty folder, or move the file elsewhere; nothing was written"
                    .to_owned()
            }
            Self::Input { .. } => "use a new or empty folder; nothing was written".to_owned(),
            Self::Unknown { .. } => {
                "move them elsewhere, or use a new folder; nothing was written".to_owned()
            }
        }
    }
}

/// The paths of all files in a folder, with `/` between their parts, sorted. Top-level entries whose names start with a
/// dot (`.git`, `.gitignore`) are ignored, unless kubectl would apply them. Symbolic links are errors.
pub(in crate::cli) fn list(folder: &Path) -> Result<Vec<String>, FolderError> {
    list_to(folder, MAX_DEPTH)
}

/// The paths of the YAML and JSON files in a folder, as [`list`] has them.
pub(in crate::cli) fn manifests(folder: &Path) -> Result<Vec<String>, FolderError> {
    let mut files = list_to(folder, MAX_DEPTH_OF_MANIFESTS)?;
    files.retain(|file| Source::has_usual_ending(file));
    Ok(files)
}

fn list_to(folder: &Path, levels: usize) -> Result<Vec<String>, FolderError> {
    let mut files = Vec::new();
    walk(folder, "", levels, &mut |file| {
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
    levels: usize,
    found: &mut dyn FnMut(String) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    let failed = failed(folder);
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(FolderError::Name { path });
        };
        // The metadata of the entry itself, not of the target of a link.
        let kind = entry.file_type().map_err(&failed)?;
        if prefix.is_empty()
            && name.starts_with('.')
            && (kind.is_dir() || !is_manifest(&path, &name))
        {
            continue;
        }
        if kind.is_dir() {
            if levels == 0 {
                return Err(FolderError::TooLarge {
                    path: folder.to_owned(),
                });
            }
            walk(&path, &format!("{prefix}{name}/"), levels - 1, found)?;
        } else if kind.is_file() {
            found(format!("{prefix}{name}"))?;
        } else {
            return Err(FolderError::Irregular { path });
        }
    }
    Ok(())
}

/// Whether a hidden file contains an object that `kubectl apply -f` of the folder would apply.
fn is_manifest(path: &Path, name: &str) -> bool {
    Source::has_usual_ending(name)
        && fs::read_to_string(path).is_ok_and(|text| text.contains("apiVersion"))
}

/// Writes a bundle into a new or empty folder, or replaces an earlier bundle. Files that are no longer in the bundle
/// are removed, but only if fedmesh wrote them.
///
/// All files are written to a hidden folder first, so that an interrupted run leaves the earlier bundle intact.
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
    // The folder is empty, unless an earlier step failed, whose error is returned.
    _ = fs::remove_dir_all(&scratch);
    result
}

/// The files of an earlier bundle that are not in the new one. Fails if a file that would be replaced or removed is not
/// provably part of an earlier bundle.
fn replaceable(
    folder: &Path,
    rendered: &Rendered,
    input: &InputFile,
) -> Result<Vec<String>, FolderError> {
    if !has_entries(folder)? {
        return Ok(Vec::new());
    }
    let is_unchanged = check_document(folder, rendered, input)?;
    let desired = paths(rendered);
    let (mut stale, mut unknown, mut known) = (Vec::new(), Vec::new(), 0);
    let mut sort = |file: String| -> Result<(), FolderError> {
        let path = folder.join(&file);
        if file == MESH_FILE {
            return Ok(());
        }
        if !is_rendered_manifest(&file, &fs::read(&path).map_err(failed(&path))?) {
            unknown.push(file);
            // A few unknown files are enough to see that the folder is not a bundle.
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
        if !desired.contains(&file) {
            stale.push(file);
        }
        Ok(())
    };
    walk(folder, "", MAX_DEPTH, &mut sort)?;
    if !unknown.is_empty() {
        return Err(unknown_files(folder, &unknown));
    }
    if !is_unchanged && known == 0 {
        // The only file in the folder, so it may be a document instead of a bundle.
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

/// Whether a folder, which may not exist, contains entries that are not hidden.
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

/// Whether the document in a folder is up to date already. Fails if the folder has no document, or if it must not be replaced.
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

/// A bundle in a hidden folder, before it replaces the earlier one.
struct Staged<'a> {
    folder: &'a Path,
    /// The hidden folder.
    scratch: &'a Path,
}

impl Staged<'_> {
    /// Writes all files that are missing or out of date, and returns their paths.
    fn fill(&self, rendered: &Rendered) -> Result<(Written, Vec<String>), FolderError> {
        let mut written = Written::default();
        let mut files = Vec::new();
        // The document comes first, so that a half-written folder is recognized as a bundle.
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
            // It fails for a folder that is not empty, which is kept.
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

/// The paths of all files of a bundle except the document.
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
