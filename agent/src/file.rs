//! Writing files so that nobody ever sees half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Why the system refuses, in words, without the number of the error.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".to_owned(),
        _ => {
            let text = error.to_string();
            let words = text.split(" (os error").next().unwrap_or_default();
            words.to_lowercase()
        }
    }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As the user's file mode mask has it.
    Usual,
    /// The user alone.
    Owner,
}

/// Writes a file, or puts another one in the place of the one that is there.
///
/// The bytes are written to a new file in `scratch`, a folder on the same file system, and that is
/// renamed. A symbolic link at `target` is replaced, never followed.
pub(crate) fn replace(
    target: &Path,
    scratch: &Path,
    bytes: &[u8],
    readers: Readers,
) -> io::Result<()> {
    replace_with(target, scratch, readers, |file| file.write_all(bytes))
}

/// The same for what is written bit by bit.
pub(crate) fn replace_with<E: From<io::Error>>(
    target: &Path,
    scratch: &Path,
    readers: Readers,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let temporary = temporary_name(scratch)?;
    let result = new_file(&temporary, readers)
        .map_err(E::from)
        .and_then(|mut file| write(&mut file))
        .and_then(|()| Ok(fs::rename(&temporary, target)?));
    if result.is_err() {
        // It may not even be there; the first error is the one to tell.
        _ = fs::remove_file(&temporary);
    }
    result
}

/// A name that no other file in a folder has. It starts with a dot, so that what a crash leaves behind is no
/// part of a bundle.
pub(crate) fn temporary_name(folder: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(folder.join(format!(".fedmesh-{:016x}.tmp", u64::from_le_bytes(random))))
}

fn new_file(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Fails where anything of that name is there, a symbolic link included.
    options.write(true).create_new(true);
    restrict(&mut options, readers);
    options.open(path)
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions, readers: Readers) {
    use std::os::unix::fs::OpenOptionsExt as _;
    if readers == Readers::Owner {
        options.mode(0o600);
    }
}

/// A user's own folders are closed to others.
#[cfg(not(unix))]
fn restrict(_: &mut OpenOptions, _: Readers) {}
