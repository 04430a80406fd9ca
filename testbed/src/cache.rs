//! Where built tools are kept, outside the source tree, and the locks that keep
//! two processes from building the same one at once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder for everything that is built once and used again.
///
/// `$FEDMESH_CACHE`, else `$XDG_CACHE_HOME/fedmesh`, else `~/.cache/fedmesh`.
/// The folder may not exist yet.
///
/// # Errors
/// None of the three variables that could name it is set.
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

/// The folder of built tools, made if need be.
///
/// # Errors
/// As [`root`], or the folder can't be made.
pub fn tools() -> Result<PathBuf, CacheError> {
    let folder = root()?.join("tools");
    fs::create_dir_all(&folder).map_err(|source| CacheError::Folder {
        folder: folder.clone(),
        source,
    })?;
    Ok(folder)
}

/// Makes the folder `target` of the tools from what `fill` puts into a fresh
/// folder beside it: all or nothing, and by one process at a time. Does nothing
/// when it exists.
///
/// # Errors
/// The cache can't be used, or `fill` fails.
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

/// Holds an exclusive lock on a file until dropped. The kernel lets go of it when
/// the process dies, so a crash leaves nothing to clean up.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `name` in `folder`; when another process has it, says so
    /// on standard error and waits.
    ///
    /// # Errors
    /// The lock file can't be made or locked.
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

/// The cache folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No variable names it.
    #[error(
        "no cache folder: none of FEDMESH_CACHE, XDG_CACHE_HOME and HOME is set\n\
         hint: set FEDMESH_CACHE to a folder with 2 GB of room"
    )]
    NoFolder,
    /// It can't be made.
    #[error(
        "cannot use the cache folder {}\nhint: set FEDMESH_CACHE to a folder you can write to",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A lock can't be taken.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
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
