//! Replaces files atomically.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The message of a system error, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".to_owned(),
        _ => {
            // The standard library adds the number to the system's message, and has no way to get that alone.
            let text = error.to_string();
            let words = text.split(" (os error").next().unwrap_or_default();
            words.to_lowercase()
        }
    }
}

/// The read permissions of a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// By the user's umask.
    Usual,
    /// For the user only.
    Owner,
}

/// Writes a file, or replaces it.
///
/// The bytes are written to a new file in `scratch`, a folder on the same file system, which is then renamed. A
/// symbolic link at `target` is replaced, never followed.
pub(crate) fn replace(
    target: &Path,
    scratch: &Path,
    bytes: &[u8],
    readers: Readers,
) -> io::Result<()> {
    replace_with(target, scratch, readers, |file| file.write_all(bytes))
}

/// The same as [`replace`], for content that is written in pieces.
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
        // The file may not exist; the first error is returned.
        _ = fs::remove_file(&temporary);
    }
    result
}

/// An unused file name in a folder. It starts with a dot, so that the file of a crashed run is not part of a bundle.
pub(crate) fn temporary_name(folder: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(folder.join(format!(".fedmesh-{:016x}.tmp", u64::from_le_bytes(random))))
}

fn new_file(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Fails if anything with this name exists, including a symbolic link.
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

/// Does nothing, since other users cannot read a user's folders.
#[cfg(not(unix))]
fn restrict(_: &mut OpenOptions, _: Readers) {}

#[cfg(all(test, unix))]
mod tests {
    use std::io;

    #[test]
    fn the_message_of_a_system_error_has_no_number() {
        let error = io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error());
        assert_eq!(super::reason(&error), "no space left on device");
    }
}
