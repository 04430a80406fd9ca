//! The cache of built tools, outside of the source tree, and the locks that prevent two processes from building the
//! same one at once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of all files that are built once and reused.
///
/// `$FEDMESH_CACHE`, else `$XDG_CACHE_HOME/fedmesh`, else `~/.cache/fedmesh`. The folder may not exist yet.
///
/// # Errors
/// None of the three variables is set.
pub fn root() -> Result<PathBuf, CacheError> {
    root_from(|name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    })
}

fn root_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, CacheError> {
    let named = variable("FEDMESH_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("fedmesh")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/fedmesh")))
        .ok_or(CacheError::NoFolder)?;
    std::path::absolute(&named).map_err(|source| CacheError::Folder {
        folder: named,
        source,
    })
}

/// The folder of built tools, created if missing.
///
/// # Errors
/// As [`root`], or the folder cannot be created.
pub fn tools() -> Result<PathBuf, CacheError> {
    let folder = root()?.join("tools");
    fs::create_dir_all(&folder).map_err(|source| CacheError::Folder {
        folder: folder.clone(),
        source,
    })?;
    Ok(folder)
}

/// Creates the folder `target` of the tools from the files that `fill` writes to a new folder next to it: all or
/// nothing, and by one process at a time. Does nothing if it exists.
///
/// # Errors
/// The cache cannot be used, or `fill` fails.
pub fn make_folder<E: From<CacheError>>(
    target: &Path,
    lock_name: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    if target.exists() {
        return Ok(());
    }
    let tools = tools()?;
    let _lock = Lock::take(&tools, lock_name)?;
    if target.exists() {
        return Ok(());
    }
    let unfinished = tempfile::Builder::new()
        .prefix(".unfinished-")
        .tempdir_in(&tools)
        .map_err(|source| CacheError::Folder {
            folder: tools.clone(),
            source,
        })?;
    fill(unfinished.path())?;
    std::fs::rename(unfinished.path(), target).map_err(|source| CacheError::Folder {
        folder: target.to_owned(),
        source,
    })?;
    let _renamed = unfinished.keep();
    Ok(())
}

/// An exclusive lock on a file until it is dropped. The kernel releases it when the process ends, so a crash leaves
/// nothing to clean up.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `name` in `folder`; if another process has it, prints that to standard error and waits.
    ///
    /// # Errors
    /// The lock file cannot be created or locked.
    pub fn take(folder: &Path, name: &str) -> Result<Self, CacheError> {
        let path = folder.join(format!(".{name}.lock"));
        let failed = |source| CacheError::Lock {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        if file.try_lock().is_err() {
            eprintln!("waiting for another process that is building {name}");
            file.lock().map_err(failed)?;
        }
        Ok(Self { _file: file })
    }
}

/// The cache folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No variable sets it.
    #[error(
        "no cache folder: none of FEDMESH_CACHE, XDG_CACHE_HOME and HOME is set\n\
         hint: set FEDMESH_CACHE to a folder with 2 GB of room"
    )]
    NoFolder,
    /// It cannot be created.
    #[error(
        "cannot use the cache folder {}\nhint: set FEDMESH_CACHE to a folder you can write to",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// A lock cannot be taken.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: &[(&str, &str)], expected: Option<&str>) {
        let found = root_from(|name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| PathBuf::from(value))
        });
        assert_eq!(found.ok(), expected.map(PathBuf::from), "{set:?}");
    }

    #[test]
    fn the_most_specific_variable_wins() {
        check(
            &[
                ("FEDMESH_CACHE", "/c"),
                ("XDG_CACHE_HOME", "/x"),
                ("HOME", "/h"),
            ],
            Some("/c"),
        );
        check(
            &[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")],
            Some("/x/fedmesh"),
        );
        check(&[("HOME", "/h")], Some("/h/.cache/fedmesh"));
        check(&[], None);
    }
}
