//! `cargo xtask lint`: what can be said of the sources without running them.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::install;
use crate::parts::Part;
use crate::style;
use crate::test;
use crate::workspace::{run, without_own_cargo_variables};

/// Runs the parts of a test run that only read the sources.
pub(crate) fn run_command() -> Result<()> {
    test::run(&test::Arguments::only(&[
        Part::Fmt,
        Part::Clippy,
        Part::Words,
        Part::Crates,
    ]))
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
