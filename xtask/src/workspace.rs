//! The checkout: its folder, its packages, and cargo commands for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The toolchain of the page, in an exact version, so that every machine builds the same bytes. Everything else is
/// built with the installed stable version.
pub(crate) const PAGE_TOOLCHAIN: &str = "1.99.1";
pub(crate) const PAGE_TARGET: &str = "wasm32-unknown-unknown";
pub(crate) const PAGE_PACKAGE: &str = "fedmesh-frontend";

/// The files in a folder and its subfolders, sorted.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let entries = std::fs::read_dir(&current)
            .with_context(|| format!("cannot read {}", current.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", current.display()))?;
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A target folder in the cache for this checkout alone. Cargo compares the times of sources with that of the last build,
/// so two checkouts in one folder would take each other's results for their own.
pub(crate) fn target_folder(root: &Path, name: &str) -> Result<PathBuf> {
    let checkout = root
        .to_string_lossy()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    Ok(testbed::cache::root()?.join(name).join(checkout))
}

/// The top folder of the checkout.
pub(crate) fn root() -> Result<PathBuf> {
    // Set by cargo for the program that it runs. The compiled-in value may be that of another checkout with the same
    // target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package
        .parent()
        .context("xtask has no parent folder")?
        .to_owned();
    if !root.join("Cargo.lock").is_file() {
        bail!(
            "{} is not a checkout of the project\nhint: run it as `cargo xtask`, in a checkout",
            root.display()
        );
    }
    Ok(root)
}

/// A cargo command of the default toolchain, in the top folder.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    without_own_cargo_variables(&mut command);
    command
}

/// A cargo command of the page's toolchain.
pub(crate) fn page_cargo(root: &Path) -> Command {
    let mut command = cargo(root);
    command.arg(format!("+{PAGE_TOOLCHAIN}"));
    command
}

/// Removes the variables that `cargo run` sets for this program.
pub(crate) fn without_own_cargo_variables(command: &mut Command) {
    command.env_remove("CARGO");
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Runs a command, whose output is not captured.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let text = describe(command);
    eprintln!("$ {text}");
    let status = command
        .status()
        .with_context(|| format!("cannot run {text}"))?;
    if !status.success() {
        bail!("{text} failed ({status})");
    }
    Ok(())
}

fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A test or benchmark of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) package: String,
    pub(crate) name: String,
    pub(crate) required_features: Vec<String>,
}

/// All targets of one kind (`test`, `bench`), in a fixed order.
pub(crate) fn targets(root: &Path, kind: &str) -> Result<Vec<Target>> {
    let output = cargo(root)
        .args(["metadata", "--format-version=1", "--no-deps"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    targets_in(&output.stdout, kind)
}

fn targets_in(metadata: &[u8], kind: &str) -> Result<Vec<Target>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        targets: Vec<RawTarget>,
    }
    #[derive(Deserialize)]
    struct RawTarget {
        name: String,
        kind: Vec<String>,
        #[serde(default, rename = "required-features")]
        required_features: Vec<String>,
    }
    let metadata: Metadata =
        serde_json::from_slice(metadata).context("cannot parse the output of cargo metadata")?;
    let mut found = Vec::new();
    for package in metadata.packages {
        for target in package.targets {
            if target.kind.iter().any(|known| known == kind) {
                found.push(Target {
                    package: package.name.clone(),
                    name: target.name,
                    required_features: target.required_features,
                });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The version of a package in Cargo.lock.
pub(crate) fn locked_version(root: &Path, package: &str) -> Result<String> {
    let path = root.join("Cargo.lock");
    let lock = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let versions = locked_versions(&lock, package);
    match versions.as_slice() {
        [version] => Ok((*version).to_owned()),
        [] => bail!("{} has no package {package}", path.display()),
        several => bail!(
            "{} has {package} in several versions ({}), and a tool must match it exactly\n\
             hint: run `cargo tree --invert {package}` to see which packages need them",
            path.display(),
            several.join(", ")
        ),
    }
}

fn locked_versions<'lock>(lock: &'lock str, package: &str) -> Vec<&'lock str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut versions = Vec::new();
    while let Some(line) = lines.next() {
        if line == name {
            let version = lines
                .next()
                .and_then(|line| line.strip_prefix("version = \""));
            versions.extend(version.and_then(|version| version.strip_suffix('"')));
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\n\
                    [[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.129\"\n\n\
                    [[package]]\nname = \"two\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"two\"\nversion = \"2.0.0\"\n";
        assert_eq!(locked_versions(lock, "wasm-bindgen"), ["0.2.130"]);
        assert_eq!(locked_versions(lock, "two"), ["1.0.0", "2.0.0"]);
        assert!(locked_versions(lock, "wasm").is_empty());
    }

    #[test]
    fn targets_come_with_their_features() {
        let metadata = r#"{"packages": [{"name": "agent", "targets": [
            {"name": "agent", "kind": ["bin"]},
            {"name": "plain", "kind": ["test"]},
            {"name": "clusters", "kind": ["test"], "required-features": ["testbed"]}
        ]}]}"#;
        let found = targets_in(metadata.as_bytes(), "test").expect("targets");
        let names = found
            .iter()
            .map(|target| target.name.as_str())
            .collect::<Vec<_>>();
        assert_eq!(names, ["clusters", "plain"]);
        assert_eq!(found[0].required_features, ["testbed"]);
    }
}
