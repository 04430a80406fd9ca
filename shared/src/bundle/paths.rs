//! Valid paths of a bundle's files, such that every program and every file system reads the same files.

use std::collections::BTreeMap;

/// The reason why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Absolute, with `.` or `..`, or with characters that some systems interpret.
    #[error("`{}` is not a plain relative path", .0.escape_debug())]
    NotPlain(String),
    /// The same path twice.
    #[error("`{}` occurs more than once", .0.escape_debug())]
    Repeated(String),
    /// The same path on case-insensitive file systems.
    #[error("`{}` and `{}` differ only in case", .0.escape_debug(), .1.escape_debug())]
    OnlyCase(String, String),
    /// A file that is also the folder of another one.
    #[error("`{}` is a file and a folder", .0.escape_debug())]
    FileAndFolder(String),
}

/// Checks the paths of all files of a bundle.
pub(super) fn check<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<(), PathError> {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for path in paths {
        if !is_plain(path) {
            return Err(PathError::NotPlain(path.to_owned()));
        }
        match known.insert(path.to_lowercase(), path) {
            None => {}
            Some(earlier) if earlier == path => return Err(PathError::Repeated(path.to_owned())),
            Some(earlier) => {
                return Err(PathError::OnlyCase(earlier.to_owned(), path.to_owned()));
            }
        }
    }
    for path in known.keys() {
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(file) = folders.find_map(|folder| known.get(folder)) {
            return Err(PathError::FileAndFolder((*file).to_owned()));
        }
    }
    Ok(())
}

/// Whether no system interprets a path: Windows reads `\\` as a separator and `:` as a drive or a stream, and drops
/// dots and spaces at the end of a name.
pub(super) fn is_plain(path: &str) -> bool {
    !path.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        && path
            .split('/')
            .all(|name| !name.is_empty() && !name.ends_with(['.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::{PathError, check};

    #[test]
    fn each_file_has_one_plain_path() {
        let fine = [
            "mesh.yaml",
            "a/10-namespaces.yaml",
            "a/60-x.y.yaml",
            "b/.hidden",
        ];
        assert_eq!(check(fine), Ok(()));
        for path in [
            "", "/a", "a//b", "a/", "./a", "a/.", "../a", "a/../b", "a\\b", "C:a", "a\0b", "a\nb",
            "a.yaml.", "a.yaml ", "a./b",
        ] {
            assert_eq!(check([path]), Err(PathError::NotPlain(path.to_owned())));
        }
        assert_eq!(
            check(["a", "b", "a"]),
            Err(PathError::Repeated("a".to_owned()))
        );
        let differ = PathError::OnlyCase("a/É".to_owned(), "A/é".to_owned());
        assert_eq!(check(["a/É", "A/é"]), Err(differ));
        for both in [["a", "a/b/c"], ["a/b/c", "a"], ["a/B", "a/b/c"]] {
            assert!(
                matches!(check(both), Err(PathError::FileAndFolder(_))),
                "{both:?}"
            );
        }
    }
}
