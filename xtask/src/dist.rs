//! `cargo xtask dist`: the page, as the same bytes on every machine.
//!
//! Its inputs are pinned: the toolchain, trunk, wasm-bindgen (by Cargo.lock) and
//! all crates. What is left is paths: rustc would write cargo's and the toolchain's
//! folder into the output, so they are mapped to fixed ones. The checkout's is not
//! written: cargo gives rustc its own crates by paths below it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use testbed::cache;

use crate::folder_difference::FolderDifference;
use crate::install;
use crate::requirement::{Requirement, State};
use crate::workspace::{
    self, PAGE_PACKAGE, PAGE_TARGET, PAGE_TOOLCHAIN, without_own_cargo_variables,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Build elsewhere and compare with dist/, byte for byte
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
    let fresh = tempfile::tempdir().context("no temporary folder")?;
    build_into(root, fresh.path())?;
    let difference = FolderDifference::between(&root.join("dist"), fresh.path())?;
    if !difference.is_empty() {
        bail!(
            "dist/ is not what the sources give\n{difference}\
             hint: `cargo xtask dist` builds it; commit the result"
        );
    }
    println!("dist/ is what the sources give, byte for byte");
    Ok(())
}

/// The page's own target folder: another toolchain, other flags.
fn target_folder() -> Result<PathBuf> {
    Ok(cache::root()?.join(format!("page-target-{PAGE_TOOLCHAIN}")))
}

fn build_into(root: &Path, folder: &Path) -> Result<()> {
    match Requirement::PageToolchain.state(root)? {
        State::Met => {}
        State::Installable(_) => Requirement::PageToolchain.install(root)?,
        State::Lacking { why, remedy } => bail!("{why}\nhint: {remedy}"),
    }
    let trunk = install::trunk().ensure()?;
    let wasm_bindgen = install::wasm_bindgen(root)?.ensure()?;
    // Two builds at once would wait for each other in cargo anyway; trunk's own
    // staging has no lock.
    let _lock = cache::Lock::take(&cache::tools()?, "the page")?;
    // First, so that the crates' folders are there when they are mapped.
    workspace::run(workspace::page_cargo(root).args([
        "fetch",
        "--locked",
        "--target",
        PAGE_TARGET,
    ]))?;
    // Trunk asks for one program at a time; by then all are there, built on all cores.
    workspace::run(
        reproducible(&mut workspace::page_cargo(root))?
            .args(["build", "--locked", "--offline", "--bins"])
            .args(["--package", PAGE_PACKAGE, "--target", PAGE_TARGET])
            .args(["--profile", "wasm"]),
    )?;
    let mut command = Command::new(trunk.join("trunk"));
    without_own_cargo_variables(&mut command);
    workspace::run(
        reproducible(&mut command)?
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
            // Trunk takes its value for a boolean of its own and stumbles over "1".
            .env_remove("NO_COLOR"),
    )?;
    // Trunk leaves its lock file among the page's files.
    let lock_of_trunk = folder.join(".trunk-lock");
    if lock_of_trunk.exists() {
        std::fs::remove_file(&lock_of_trunk)
            .with_context(|| format!("cannot remove {}", lock_of_trunk.display()))?;
    }
    Ok(())
}

/// Has cargo build with the same flags, in the same folder, whoever calls it: else it would build anew.
fn reproducible(command: &mut Command) -> Result<&mut Command> {
    Ok(command
        .env("CARGO_TARGET_DIR", target_folder()?)
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .env_remove("RUSTFLAGS"))
}

/// Flags for rustc, separated as cargo asks for in this variable, so that a
/// folder's name may hold spaces.
fn flags() -> Result<String> {
    let cargo_home = match std::env::var_os("CARGO_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("no home folder")?
            .join(".cargo"),
    };
    let sysroot = Command::new("rustc")
        .args([&format!("+{PAGE_TOOLCHAIN}"), "--print=sysroot"])
        .output()
        .context("cannot run rustc")?;
    let sysroot = String::from_utf8(sysroot.stdout).context("the toolchain's folder")?;
    let mut remapped = vec![
        (cargo_home.clone(), "/cargo"),
        (PathBuf::from(sysroot.trim()), "/rust"),
    ];
    // The last that fits counts. The folder that crates are unpacked in is named
    // for the registry, and so has another name where a mirror is used.
    let registries = cargo_home.join("registry/src");
    for registry in std::fs::read_dir(&registries)
        .with_context(|| format!("cannot read {}", registries.display()))?
    {
        let registry = registry.with_context(|| format!("cannot read {}", registries.display()))?;
        remapped.push((registry.path(), "/cargo"));
    }
    let flags = remapped
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect::<Vec<_>>();
    Ok(flags.join("\x1f"))
}

fn with_first_on_path(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("a folder's name holds a colon")
}
