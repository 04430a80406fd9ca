//! `cargo xtask lint`: what can be said of the sources without running them.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::install;
use crate::parts::Part;
use crate::requirement::State;
use crate::style;
use crate::workspace::{self, run, without_own_cargo_variables};

/// Runs every lint; each is run even where another fails.
pub(crate) fn run_command() -> Result<()> {
    let root = workspace::root()?;
    let mut failed = Vec::new();
    for part in [Part::Fmt, Part::Clippy, Part::Words, Part::Crates] {
        eprintln!("\n== {} ==", part.name());
        let result = install_for(part, &root).and_then(|()| part.run(&root, false));
        if let Err(error) = result {
            eprintln!("error: {error:#}");
            failed.push(part.name());
        }
    }
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn install_for(part: Part, root: &Path) -> Result<()> {
    for requirement in part.needs() {
        match requirement.state(root)? {
            State::Met => {}
            State::Installable(_) => requirement.install(root)?,
            State::Lacking { why, remedy } => anyhow::bail!("{why}\nhint: {remedy}"),
        }
    }
    Ok(())
}

/// Spelling, and words that the style guide rules out.
pub(crate) fn words(root: &Path) -> Result<()> {
    let style = style::check(root);
    let typos = install::typos().ensure()?;
    style.and(run(Command::new(typos.join("typos")).current_dir(root)))
}

/// Licenses, sources and duplicates of the crates that are used; `deny.toml` says what may be. Advisories need a
/// database from GitHub: `cargo deny check advisories`.
pub(crate) fn crates(root: &Path) -> Result<()> {
    let deny = install::cargo_deny().ensure()?;
    let mut command = Command::new(deny.join("cargo-deny"));
    without_own_cargo_variables(&mut command);
    run(command
        .args([
            "--workspace",
            "--all-features",
            "--locked",
            "--offline",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ])
        .current_dir(root))
}
