//! `dist/sw.js`: the service worker of the page, with the list of the files that it keeps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::workspace;

/// Its name, in `frontend/` and in `dist/`.
const NAME: &str = "sw.js";

/// The attribute of the page's script that has the number of the build (`Trunk.toml`).
const BUILD: &str = "data-build=";

/// Writes the service worker for the built page in a folder. Its bytes depend on nothing but the page's: a browser takes
/// other bytes for a new version.
pub(crate) fn write(root: &Path, folder: &Path) -> Result<()> {
    let source = root.join("frontend").join(NAME);
    let program =
        fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let index = folder.join("index.html");
    let index =
        fs::read_to_string(&index).with_context(|| format!("cannot read {}", index.display()))?;
    let lists = lists(build_of(&index)?, &digests(folder)?)?;
    let target = folder.join(NAME);
    fs::write(&target, format!("{lists}{program}"))
        .with_context(|| format!("cannot write {}", target.display()))
}

/// The digests of all other files in a folder by their paths, in the form of `integrity` (Subresource Integrity).
fn digests(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut digests = BTreeMap::new();
    for file in workspace::files_below(folder)? {
        let inside = file.strip_prefix(folder)?;
        let parts = inside.components();
        let parts: Vec<_> = parts
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        let name = parts.join("/");
        if name == NAME {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        digests.insert(
            name,
            format!("sha256-{}", STANDARD.encode(Sha256::digest(bytes))),
        );
    }
    Ok(digests)
}

/// The number of the build in the text of `index.html`.
fn build_of(index: &str) -> Result<&str> {
    let (_, rest) = index
        .split_once(BUILD)
        .with_context(|| format!("index.html has no {BUILD}"))?;
    // The minified page has no quotes.
    let rest = rest.trim_start_matches('"');
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let number = &rest[..end];
    anyhow::ensure!(!number.is_empty(), "the build in index.html has no number");
    Ok(number)
}

/// The beginning of the service worker.
fn lists(build: &str, digests: &BTreeMap<String, String>) -> Result<String> {
    let files = serde_json::to_string_pretty(digests)?;
    let version = hex::encode(&Sha256::digest(&files)[..8]);
    Ok(format!(
        "const BUILD = \"{build}\";\nconst VERSION = \"{version}\";\nconst FILES = {files};\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with a program for its service worker, and what is written for it.
    fn written(style: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        let frontend = root.path().join("frontend");
        let dist = root.path().join("dist");
        fs::create_dir_all(&frontend).unwrap();
        fs::create_dir_all(dist.join("explain")).unwrap();
        fs::write(frontend.join(NAME), "work();\n").unwrap();
        fs::write(dist.join("index.html"), "<script data-build=123></script>").unwrap();
        fs::write(dist.join("all.css"), style).unwrap();
        fs::write(dist.join("explain/intro.md"), "").unwrap();
        write(root.path(), &dist).unwrap();
        let text = fs::read_to_string(dist.join(NAME)).unwrap();
        // It is not in its own list, so writing it again changes nothing.
        write(root.path(), &dist).unwrap();
        assert_eq!(fs::read_to_string(dist.join(NAME)).unwrap(), text);
        text
    }

    #[test]
    fn all_files_are_listed_with_their_digests() {
        let text = written("p {}");
        assert!(text.starts_with("const BUILD = \"123\";\n"), "{text}");
        assert!(text.ends_with("\nwork();\n"), "{text}");
        // Of no bytes: `openssl dgst -sha256 -binary /dev/null | base64`.
        let empty = "\"explain/intro.md\": \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"";
        assert!(text.contains(empty), "{text}");
        let order = ["all.css", "explain/intro.md", "index.html"];
        let places = order.map(|name| text.find(&format!("\"{name}\"")).unwrap());
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn the_version_changes_with_any_file() {
        assert_eq!(written("p {}"), written("p {}"));
        let version = |style| {
            let text = written(style);
            let line = text.lines().find(|line| line.starts_with("const VERSION"));
            line.unwrap().to_owned()
        };
        assert_ne!(version("p {}"), version("a {}"));
    }

    #[test]
    fn the_number_of_the_build_is_read_with_and_without_quotes() {
        assert_eq!(build_of("<script data-build=12></script>").unwrap(), "12");
        assert_eq!(build_of("<script data-build=\"12\" a>").unwrap(), "12");
        assert!(build_of("<script data-build=of-this-build>").is_err());
        assert!(build_of("<script>").is_err());
    }
}
