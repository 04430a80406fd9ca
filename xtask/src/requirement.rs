//! The requirements of the parts of the test run.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use testbed::MeshBed;
use testbed::browser::{Programs, ProgramsError};
use testbed::images::PROGRAMS as POD_PROGRAMS;
use testbed::tools::{GoProgram, PROGRAMS};

use crate::install;
use crate::workspace::{PAGE_TARGET, PAGE_TOOLCHAIN, cargo};

/// A requirement of a part of the test run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requirement {
    Linux,
    Rustfmt,
    Clippy,
    PageToolchain,
    Trunk,
    WasmBindgen,
    /// Node.js' package manager, for the page's text editor.
    Npm,
    CargoFuzz,
    Typos,
    CargoDeny,
    GoTools,
    /// bind9, a name server.
    NameServer,
    /// Clusters with nodes and pods.
    Pods,
    Chromium,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Met,
    /// It can be installed; describes what will be installed.
    Installable(String),
    /// It cannot be met on this machine.
    Lacking {
        why: String,
        remedy: String,
    },
}

impl State {
    fn lacking(why: &str, remedy: &str) -> Self {
        Self::Lacking {
            why: why.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

impl Requirement {
    pub(crate) fn state(self, root: &Path) -> Result<State> {
        Ok(match self {
            Self::Linux if cfg!(target_os = "linux") => State::Met,
            Self::Linux => State::lacking("this is not Linux", "use Linux, or a container"),
            Self::Rustfmt => component(root, "fmt", "rustfmt"),
            Self::Clippy => component(root, "clippy", "clippy"),
            Self::PageToolchain if install::has_page_toolchain() => State::Met,
            Self::PageToolchain => rustup(format!(
                "rustup toolchain {PAGE_TOOLCHAIN} with {PAGE_TARGET} (for the page)"
            )),
            Self::Trunk => cargo_tool(&install::trunk())?,
            Self::WasmBindgen => cargo_tool(&install::wasm_bindgen(root)?)?,
            Self::Npm if exists("npm") => State::Met,
            Self::Npm => packages(&install::NPM),
            Self::CargoFuzz => cargo_tool(&install::cargo_fuzz())?,
            Self::Typos => cargo_tool(&install::typos())?,
            Self::CargoDeny => cargo_tool(&install::cargo_deny())?,
            Self::GoTools => go_tools(PROGRAMS)?,
            Self::NameServer => packages(&install::missing_name_server()),
            Self::Pods => pods()?,
            Self::Chromium => match Programs::find() {
                Ok(_) => State::Met,
                Err(ProgramsError::NotFound { .. }) if install::can_use_apt() => {
                    State::Installable("Debian packages chromium and chromium-driver".to_owned())
                }
                Err(error) => State::lacking(&error.reason(), &error.remedy()),
            },
        })
    }

    /// Whether only rustup and cargo are needed to install it.
    pub(crate) fn is_of_rust(self) -> bool {
        match self {
            Self::Rustfmt
            | Self::Clippy
            | Self::PageToolchain
            | Self::Trunk
            | Self::WasmBindgen
            | Self::CargoFuzz
            | Self::Typos
            | Self::CargoDeny => true,
            Self::Linux
            | Self::Npm
            | Self::GoTools
            | Self::NameServer
            | Self::Pods
            | Self::Chromium => false,
        }
    }

    pub(crate) fn install(self, root: &Path) -> Result<()> {
        match self {
            Self::Linux => Ok(()),
            Self::Rustfmt => install::component("rustfmt"),
            Self::Clippy => install::component("clippy"),
            Self::PageToolchain => install::page_toolchain(),
            Self::Trunk => install::trunk().ensure().map(drop),
            Self::WasmBindgen => install::wasm_bindgen(root)?.ensure().map(drop),
            Self::Npm => install::apt(&install::NPM),
            Self::CargoFuzz => install::cargo_fuzz().ensure().map(drop),
            Self::Typos => install::typos().ensure().map(drop),
            Self::CargoDeny => install::cargo_deny().ensure().map(drop),
            Self::GoTools => install::go_tools(),
            Self::NameServer => install::apt(&install::missing_name_server()),
            Self::Pods => install::pods(),
            Self::Chromium => install::chromium(),
        }
    }
}

fn component(root: &Path, command: &str, component: &str) -> State {
    let found = cargo(root)
        .args([command, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if found {
        State::Met
    } else {
        rustup(format!("rustup component {component}"))
    }
}

fn rustup(what: String) -> State {
    if exists("rustup") {
        State::Installable(what)
    } else {
        State::Lacking {
            why: format!("missing: {what}, and rustup"),
            remedy: "install rustup".to_owned(),
        }
    }
}

fn cargo_tool(tool: &install::CargoTool) -> Result<State> {
    if tool.is_there()? {
        return Ok(State::Met);
    }
    Ok(rustup(format!(
        "{} {} (built by cargo install, minutes)",
        tool.name, tool.version
    )))
}

fn pods() -> Result<State> {
    if let Err(error) = MeshBed::is_possible() {
        return Ok(State::lacking(error.reason(), error.remedy()));
    }
    let mut all = Vec::new();
    for state in [
        packages(&install::missing_packages()),
        go_tools(POD_PROGRAMS)?,
    ] {
        match state {
            State::Met => {}
            State::Installable(what) => all.push(what),
            lacking @ State::Lacking { .. } => return Ok(lacking),
        }
    }
    Ok(if all.is_empty() {
        State::Met
    } else {
        State::Installable(all.join("; "))
    })
}

fn packages(missing: &[&str]) -> State {
    if missing.is_empty() {
        State::Met
    } else if install::can_use_apt() {
        State::Installable(format!("Debian packages {}", missing.join(", ")))
    } else {
        State::lacking(
            &format!("missing: {}", missing.join(", ")),
            "install them; the names are those of Debian packages",
        )
    }
}

fn go_tools(programs: &[GoProgram]) -> Result<State> {
    if !exists("go") {
        return Ok(State::lacking(
            "Go is missing, which builds the API servers and tools for tests",
            "install Go 1.26 or later",
        ));
    }
    let mut missing = Vec::new();
    for program in programs {
        if !program.is_built()? {
            missing.push(program.name);
        }
    }
    Ok(if missing.is_empty() {
        State::Met
    } else {
        State::Installable(format!(
            "{} (built by go build, minutes)",
            missing.join(", ")
        ))
    })
}

fn exists(program: &str) -> bool {
    Command::new(program)
        .arg(if program == "go" {
            "version"
        } else {
            "--version"
        })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}
