//! Compares two folders byte for byte.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::files_below;

/// The files that differ between two folders; paths are relative to the folders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FolderDifference {
    only_left: Vec<PathBuf>,
    only_right: Vec<PathBuf>,
    /// Paths with the offset of the first different byte.
    changed: Vec<(PathBuf, usize)>,
}

impl FolderDifference {
    pub(crate) fn between(left: &Path, right: &Path) -> Result<Self> {
        let (left, mut right) = (files(left)?, files(right)?);
        let mut difference = Self::default();
        for (path, bytes) in left {
            match right.remove(&path) {
                None => difference.only_left.push(path),
                Some(other) if other == bytes => {}
                Some(other) => {
                    let offset = std::iter::zip(&bytes, &other)
                        .position(|(one, another)| one != another)
                        .unwrap_or(bytes.len().min(other.len()));
                    difference.changed.push((path, offset));
                }
            }
        }
        difference.only_right = right.into_keys().collect();
        Ok(difference)
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Lists the differences of the left folder, which is observed, from the right one, which is desired.
impl fmt::Display for FolderDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for path in &self.only_left {
            writeln!(f, "  extra:     {}", path.display())?;
        }
        for path in &self.only_right {
            writeln!(f, "  missing:   {}", path.display())?;
        }
        for (path, offset) in &self.changed {
            writeln!(f, "  different: {} (from byte {offset} on)", path.display())?;
        }
        Ok(())
    }
}

fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for path in files_below(folder)? {
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let relative = path.strip_prefix(folder).unwrap_or(&path).to_owned();
        found.insert(relative, bytes);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    fn check(left: &[(&str, &str)], right: &[(&str, &str)], expected: &str) {
        let (left, right) = (folder(left), folder(right));
        let difference =
            FolderDifference::between(left.path(), right.path()).expect("both can be read");
        assert_eq!(difference.to_string(), expected);
        assert_eq!(difference.is_empty(), expected.is_empty());
    }

    #[test]
    fn each_file_that_differs_is_named() {
        check(&[], &[], "");
        check(&[("a", "1"), ("b/c", "2")], &[("a", "1"), ("b/c", "2")], "");
        check(
            &[("a", "12")],
            &[("a", "13")],
            "  different: a (from byte 1 on)\n",
        );
        check(
            &[("a", "12")],
            &[("a", "123")],
            "  different: a (from byte 2 on)\n",
        );
        check(
            &[("a", "1"), ("b/c", "2")],
            &[("a", "1"), ("d", "2")],
            "  extra:     b/c\n  missing:   d\n",
        );
    }
}
