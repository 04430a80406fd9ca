//! `cargo xtask dist`: builds the page, with the same bytes on every machine.
//!
//! Its inputs are pinned: the toolchain, trunk, wasm-bindgen (by Cargo.lock), all crates, and the packages of the text
//! editor. rustc would also write the
//! folders of cargo and the toolchain into the output, so they are mapped to fixed paths. The path of the checkout is
//! not written, because cargo passes its crates to rustc by relative paths.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use testbed::cache;

use crate::folder_difference::FolderDifference;
use crate::install;
use crate::requirement::{Requirement, State};
use crate::service_worker;
use crate::workspace::{
    self, PAGE_PACKAGE, PAGE_TARGET, PAGE_TOOLCHAIN, without_own_cargo_variables,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Build in a temporary folder and compare with dist/, byte for byte
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    if arguments.check {
        check(&root)
    } else {
        build_into(&root, &root.join("dist"))
    }
}

/// Builds the page and compares it with dist/.
pub(crate) fn check(root: &Path) -> Result<()> {
    let fresh = tempfile::tempdir().context("cannot create a temporary folder")?;
    build_into(root, fresh.path())?;
    let difference = FolderDifference::between(&root.join("dist"), fresh.path())?;
    if !difference.is_empty() {
        bail!(
            "dist/ is out of date\n{difference}\
             hint: run `cargo xtask dist` and commit the result"
        );
    }
    println!("dist/ is up to date, byte for byte");
    Ok(())
}

fn build_into(root: &Path, folder: &Path) -> Result<()> {
    for requirement in [Requirement::PageToolchain, Requirement::Npm] {
        match requirement.state(root)? {
            State::Met => {}
            State::Installable(_) => requirement.install(root)?,
            State::Lacking { why, remedy } => bail!("{why}\nhint: {remedy}"),
        }
    }
    let trunk = install::trunk().ensure()?;
    let wasm_bindgen = install::wasm_bindgen(root)?.ensure()?;
    // Two concurrent builds would wait for each other in cargo anyway, and trunk's staging has no lock.
    let _lock = cache::Lock::take(&cache::tools()?, "the page")?;
    // Fetch first, so that the folders of crates exist when they are mapped.
    workspace::run(workspace::page_cargo(root).args([
        "fetch",
        "--locked",
        "--target",
        PAGE_TARGET,
    ]))?;
    // Trunk builds one program at a time, so all are built on all cores before.
    workspace::run(
        reproducible(root, &mut workspace::page_cargo(root))?
            .args(["build", "--locked", "--offline", "--bins"])
            .args(["--package", PAGE_PACKAGE, "--target", PAGE_TARGET])
            .args(["--profile", "wasm"]),
    )?;
    let mut command = Command::new(trunk.join("trunk"));
    without_own_cargo_variables(&mut command);
    workspace::run(
        reproducible(root, &mut command)?
            .args([
                "build",
                "--release",
                "--locked",
                "--offline",
                "true",
                "--dist",
            ])
            .arg(folder)
            .current_dir(root)
            .env("PATH", with_first_on_path(&wasm_bindgen)?)
            .env("RUSTUP_TOOLCHAIN", PAGE_TOOLCHAIN)
            // Trunk parses its value as a boolean, and fails for "1".
            .env_remove("NO_COLOR"),
    )?;
    // Trunk leaves its lock file in the page's folder.
    let lock_of_trunk = folder.join(".trunk-lock");
    if lock_of_trunk.exists() {
        std::fs::remove_file(&lock_of_trunk)
            .with_context(|| format!("cannot remove {}", lock_of_trunk.display()))?;
    }
    // Last, since it lists all other files.
    service_worker::write(root, folder)
}

/// Sets the flags and the target folder, so that cargo does not rebuild when trunk calls it.
fn reproducible<'c>(root: &Path, command: &'c mut Command) -> Result<&'c mut Command> {
    // Of its own: its toolchain and flags differ.
    let folder = workspace::target_folder(root, &format!("page-target-{PAGE_TOOLCHAIN}"))?;
    Ok(command
        .env("CARGO_TARGET_DIR", folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .env_remove("RUSTFLAGS"))
}

/// Leptos gives all components one type, instead of compiling each combination of elements.
const ERASED: &str = "--cfg=erase_components";

/// Flags for rustc, with the separator of this variable, so that names of folders may contain spaces.
fn flags() -> Result<String> {
    let cargo_home = match std::env::var_os("CARGO_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("the home folder is unknown")?
            .join(".cargo"),
    };
    let sysroot = Command::new("rustc")
        .args([&format!("+{PAGE_TOOLCHAIN}"), "--print=sysroot"])
        .output()
        .context("cannot run rustc")?;
    let sysroot =
        String::from_utf8(sysroot.stdout).context("cannot read the toolchain's folder")?;
    let mut remapped = vec![
        (cargo_home.clone(), "/cargo"),
        (PathBuf::from(sysroot.trim()), "/rust"),
    ];
    // The last matching prefix wins. The folder of unpacked crates is named after the registry, so its name differs
    // with a mirror.
    let registries = cargo_home.join("registry/src");
    for registry in std::fs::read_dir(&registries)
        .with_context(|| format!("cannot read {}", registries.display()))?
    {
        let registry = registry.with_context(|| format!("cannot read {}", registries.display()))?;
        remapped.push((registry.path(), "/cargo"));
    }
    let remapped = remapped.iter();
    let remapped =
        remapped.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    let flags: Vec<String> = remapped.chain([ERASED.to_owned()]).collect();
    Ok(flags.join("\x1f"))
}

fn with_first_on_path(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("the name of a folder contains a colon")
}
