//! Installs missing tools. Only tools that a part needs are installed, and `cargo xtask test` lists them first.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use testbed::MeshBed;
use testbed::cache::{self, CacheError};
use testbed::images::{PROGRAMS as POD_PROGRAMS, Seed};
use testbed::tools::{EXTERNAL_DNS_CRDS, ISTIO_CRDS, LOAD, PROGRAMS};

use crate::testbed_command::image_names;

use crate::workspace::{
    PAGE_TARGET, PAGE_TOOLCHAIN, locked_version, run, without_own_cargo_variables,
};

const TRUNK_VERSION: &str = "0.22.1";
const CARGO_FUZZ_VERSION: &str = "0.13.2";
const TYPOS_VERSION: &str = "1.52.0";
const CARGO_DENY_VERSION: &str = "0.20.2";
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// A tool that cargo builds into the cache, once per version.
pub(crate) struct CargoTool {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    flags: &'static [&'static str],
    /// Cargo's `opt-level`. It is low, since compiling takes longer than running.
    opt_level: &'static str,
    /// The name of the program.
    program: &'static str,
}

/// Bundles the page.
pub(crate) fn trunk() -> CargoTool {
    CargoTool {
        name: "trunk",
        version: TRUNK_VERSION.to_owned(),
        flags: &["--locked", "--no-default-features", "--features=rustls"],
        opt_level: "0",
        program: "trunk",
    }
}

/// Builds and runs fuzz targets.
pub(crate) fn cargo_fuzz() -> CargoTool {
    CargoTool {
        name: "cargo-fuzz",
        version: CARGO_FUZZ_VERSION.to_owned(),
        flags: &["--locked"],
        opt_level: "0",
        program: "cargo-fuzz",
    }
}

/// Checks the spelling.
pub(crate) fn typos() -> CargoTool {
    CargoTool {
        name: "typos-cli",
        version: TYPOS_VERSION.to_owned(),
        flags: &["--locked"],
        opt_level: "0",
        program: "typos",
    }
}

/// Changes the code and runs its tests.
pub(crate) fn cargo_mutants() -> CargoTool {
    CargoTool {
        name: "cargo-mutants",
        version: CARGO_MUTANTS_VERSION.to_owned(),
        flags: &["--locked"],
        opt_level: "0",
        program: "cargo-mutants",
    }
}

/// Checks licenses and sources of crates.
pub(crate) fn cargo_deny() -> CargoTool {
    CargoTool {
        name: "cargo-deny",
        version: CARGO_DENY_VERSION.to_owned(),
        flags: &["--locked", "--no-default-features"],
        opt_level: "0",
        program: "cargo-deny",
    }
}

/// Generates the page's bindings. Its version must be that of the library in Cargo.lock.
pub(crate) fn wasm_bindgen(root: &Path) -> Result<CargoTool> {
    Ok(CargoTool {
        name: "wasm-bindgen-cli",
        version: locked_version(root, "wasm-bindgen")?,
        // Without --locked, since its lock file does not match its manifest.
        flags: &["--no-default-features"],
        opt_level: "1",
        program: "wasm-bindgen",
    })
}

impl CargoTool {
    fn folder(&self) -> Result<PathBuf> {
        Ok(cache::tools()?.join(format!("{}-{}", self.name, self.version)))
    }

    pub(crate) fn is_there(&self) -> Result<bool> {
        Ok(self.folder()?.exists())
    }

    /// The folder with the program, which is built if it is missing.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        let folder = self.folder()?;
        cache::make_folder(&folder, self.name, |unfinished| {
            self.build_into(unfinished).map_err(Failed)
        })
        .map_err(|Failed(error)| error)?;
        let programs = folder.join("bin");
        if !programs.join(self.program).is_file() {
            bail!(
                "{} does not contain {}\nhint: remove it",
                folder.display(),
                self.program
            );
        }
        Ok(programs)
    }

    fn build_into(&self, folder: &Path) -> Result<()> {
        eprintln!(
            "building {} {}; this takes minutes",
            self.name, self.version
        );
        let mut command = Command::new("cargo");
        without_own_cargo_variables(&mut command);
        run(command
            .arg(format!("+{PAGE_TOOLCHAIN}"))
            .args([
                "install",
                self.name,
                "--version",
                &format!("={}", self.version),
            ])
            .args(self.flags)
            .arg("--root")
            .arg(folder)
            // With the profile of its authors, trunk alone takes ten minutes.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            // In a temporary folder, since the objects are not needed again.
            .env_remove("CARGO_TARGET_DIR"))
    }
}

/// An error that `make_folder` can return.
struct Failed(anyhow::Error);

impl From<CacheError> for Failed {
    fn from(error: CacheError) -> Self {
        Self(error.into())
    }
}

/// Whether the page's toolchain is installed with its target.
pub(crate) fn has_page_toolchain() -> bool {
    installed_components().is_some_and(|list| list.contains(&format!("rust-std-{PAGE_TARGET}")))
}

fn installed_components() -> Option<String> {
    let output = Command::new("rustup")
        .args([
            "component",
            "list",
            "--installed",
            "--toolchain",
            PAGE_TOOLCHAIN,
        ])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn page_toolchain() -> Result<()> {
    run(Command::new("rustup").args([
        "toolchain",
        "install",
        PAGE_TOOLCHAIN,
        "--profile=minimal",
        "--no-self-update",
        "--target",
        PAGE_TARGET,
    ]))
}

/// Installs a component of the default toolchain.
pub(crate) fn component(name: &str) -> Result<()> {
    run(Command::new("rustup").args(["component", "add", name]))
}

pub(crate) fn go_tools() -> Result<()> {
    for program in PROGRAMS {
        program.ensure()?;
    }
    ISTIO_CRDS.ensure()?;
    EXTERNAL_DNS_CRDS.ensure()?;
    Ok(())
}

/// Whether apt-get exists and may be used.
pub(crate) fn can_use_apt() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// The missing Debian packages for clusters with pods.
pub(crate) fn missing_packages() -> Vec<&'static str> {
    MeshBed::requirements()
        .filter(|requirement| !requirement.is_met())
        .map(|requirement| requirement.package)
        .collect()
}

/// The Debian packages with npm.
pub(crate) const NPM: [&str; 2] = ["nodejs", "npm"];

/// The package of the name server for tests, if it is missing.
pub(crate) fn missing_name_server() -> Vec<&'static str> {
    let mut missing = missing_packages();
    missing.retain(|package| *package == "bind9");
    missing
}

pub(crate) fn pods() -> Result<()> {
    let packages = missing_packages();
    if !packages.is_empty() {
        apt(&packages)?;
    }
    for program in POD_PROGRAMS {
        program.ensure()?;
    }
    LOAD.ensure()?;
    Seed::ensure(&image_names())?;
    Ok(())
}

pub(crate) fn chromium() -> Result<()> {
    apt(&["chromium", "chromium-driver"])
}

pub(crate) fn apt(packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null()))
    };
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    // The package lists may be missing or old.
    apt(&["update"])
        .and_then(|()| apt(&install))
        .with_context(|| format!("cannot install {}", packages.join(", ")))
}
