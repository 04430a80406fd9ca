//! One layer of a container image: a tree of files, and its tar.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

/// A tree of files, by their paths in the image without the first slash.
///
/// Parent folders are added automatically. All files belong to root and have no date, so that the same files make the
/// same tar.
#[derive(Debug, Default)]
pub(super) struct Layer {
    // This order puts a folder before its content.
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
enum Entry {
    Folder { mode: u32 },
    Link { to: String },
    Text { text: String },
    Copy { of: PathBuf, mode: u32 },
}

impl Layer {
    /// A folder with these permissions.
    pub(super) fn folder(&mut self, path: &str, mode: u32) {
        self.insert(path, Entry::Folder { mode });
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, path: &str, to: &str) {
        self.insert(path, Entry::Link { to: to.to_owned() });
    }

    /// A file that every user may read.
    pub(super) fn text(&mut self, path: &str, text: &str) {
        self.insert(
            path,
            Entry::Text {
                text: text.to_owned(),
            },
        );
    }

    /// A file of this machine that every user may read.
    pub(super) fn copy(&mut self, path: &str, of: &Path) {
        self.insert(
            path,
            Entry::Copy {
                of: of.to_owned(),
                mode: 0o644,
            },
        );
    }

    /// A file of this machine that every user may run.
    pub(super) fn executable(&mut self, path: &str, of: &Path) {
        self.insert(
            path,
            Entry::Copy {
                of: of.to_owned(),
                mode: 0o755,
            },
        );
    }

    fn insert(&mut self, path: &str, entry: Entry) {
        let path = path.trim_matches('/');
        for (slash, _) in path.match_indices('/') {
            self.entries
                .entry(path[..slash].to_owned())
                .or_insert(Entry::Folder { mode: 0o755 });
        }
        self.entries.insert(path.to_owned(), entry);
    }

    /// Adds all inputs of the tar to `hash`. A copied file counts by its path, length and time of change: reading it
    /// would take as long as creating the image.
    pub(super) fn feed(&self, hash: &mut Sha256) -> io::Result<()> {
        let mut part = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        for (path, entry) in &self.entries {
            part(path.as_bytes());
            match entry {
                Entry::Folder { mode } => part(&mode.to_le_bytes()),
                Entry::Link { to } => part(format!("link to {to}").as_bytes()),
                Entry::Text { text } => part(text.as_bytes()),
                Entry::Copy { of, mode } => {
                    let metadata = named(of, fs::metadata(of))?;
                    part(of.as_os_str().as_encoded_bytes());
                    part(&mode.to_le_bytes());
                    part(&metadata.len().to_le_bytes());
                    part(&metadata.mtime().to_le_bytes());
                    part(&metadata.mtime_nsec().to_le_bytes());
                }
            }
        }
        Ok(())
    }

    /// Writes the tar.
    pub(super) fn write(&self, to: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(to);
        for (path, entry) in &self.entries {
            let mut header = Header::new_gnu();
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            match entry {
                Entry::Folder { mode } => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_mode(*mode);
                    header.set_size(0);
                    tar.append_data(&mut header, format!("{path}/"), io::empty())?;
                }
                Entry::Link { to } => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    tar.append_link(&mut header, path, to)?;
                }
                Entry::Text { text } => {
                    header.set_mode(0o644);
                    header.set_size(text.len() as u64);
                    tar.append_data(&mut header, path, text.as_bytes())?;
                }
                Entry::Copy { of, mode } => {
                    let file = named(of, File::open(of))?;
                    header.set_mode(*mode);
                    header.set_size(named(of, file.metadata())?.len());
                    tar.append_data(&mut header, path, file)?;
                }
            }
        }
        tar.into_inner()?.flush()
    }
}

/// Adds the file's path to an I/O error.
fn named<T>(file: &Path, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    type Change = fn(&mut Layer, &Path);

    fn key(layer: &Layer) -> Vec<u8> {
        let mut hash = Sha256::new();
        layer.feed(&mut hash).expect("a key");
        hash.finalize().to_vec()
    }

    fn packed(layer: &Layer) -> Vec<u8> {
        let mut tar = Vec::new();
        layer.write(&mut tar).expect("a tar");
        tar
    }

    /// Longer than the 100 bytes of a tar header's field.
    fn long_path() -> String {
        format!("usr/{}/file", "long/".repeat(30))
    }

    fn sample(program: &Path) -> Layer {
        let mut layer = Layer::default();
        layer.text("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
        layer.executable("usr/bin/program", program);
        layer.copy(&long_path(), program);
        layer.link("bin", "usr/bin");
        layer.folder("tmp", 0o1777);
        layer
    }

    #[test]
    fn files_are_unpacked_as_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("source");
        fs::write(&program, "#!/bin/sh\n").expect("a file");

        let out = folder.path().join("out");
        let tar = packed(&sample(&program));
        let mut archive = tar::Archive::new(tar.as_slice());
        archive.set_preserve_permissions(true);
        archive.unpack(&out).expect("a tree");

        let mode = |path: &str| {
            let metadata = fs::symlink_metadata(out.join(path)).expect(path);
            metadata.permissions().mode() & 0o7777
        };
        let read = |path: &str| fs::read_to_string(out.join(path)).expect(path);
        assert_eq!(read("etc/passwd"), "root:x:0:0::/:/bin/sh\n");
        assert_eq!(mode("etc/passwd"), 0o644);
        assert_eq!(read("bin/program"), "#!/bin/sh\n");
        assert_eq!(mode("usr/bin/program"), 0o755);
        assert_eq!(mode("usr/bin"), 0o755);
        assert_eq!(mode("tmp"), 0o1777);
        assert_eq!(read(&long_path()), "#!/bin/sh\n");
        assert_eq!(mode(&long_path()), 0o644);
    }

    #[test]
    fn the_same_files_make_the_same_tar() {
        let program = tempfile::NamedTempFile::new().expect("a file");
        let tar = packed(&sample(program.path()));
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(tar, packed(&sample(program.path())));
    }

    #[test]
    fn the_key_changes_with_every_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        fs::write(&program, "one").expect("a file");
        let before = key(&sample(&program));
        assert_eq!(before, key(&sample(&program)));

        let changes: [Change; 5] = [
            |layer, _| layer.text("etc/passwd", "other"),
            |layer, _| layer.text("etc/group", ""),
            |layer, _| layer.link("bin", "usr/sbin"),
            |layer, _| layer.folder("tmp", 0o755),
            |layer, program| layer.copy("usr/bin/program", program),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut layer = sample(&program);
            change(&mut layer, &program);
            assert_ne!(before, key(&layer), "change {number}");
        }
        fs::write(&program, "another").expect("a file");
        assert_ne!(before, key(&sample(&program)));
    }

    #[test]
    fn a_missing_file_is_reported() {
        let mut layer = Layer::default();
        layer.copy("a", Path::new("/nowhere/b"));
        let error = layer.write(io::sink()).expect_err("no such file");
        assert!(error.to_string().starts_with("/nowhere/b: "), "{error}");
    }
}
