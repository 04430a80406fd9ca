//! `cargo xtask mutants`: small, wrong changes to the core, which its tests have to notice.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::install;
use crate::workspace::{self, run};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Arguments of cargo-mutants, such as `--file shared/src/text/duration.rs` or `--in-diff FILE`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Changes the core in a copy of the workspace, and runs its tests for each change.
pub(crate) fn run_command(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let tool = install::cargo_mutants().ensure()?;
    let mut command = Command::new(tool.join("cargo-mutants"));
    workspace::without_own_cargo_variables(&mut command);
    run(command
        .args([
            "mutants",
            "--package",
            "shared",
            "--all-features",
            "--test-package",
            "shared",
        ])
        .args(&arguments.arguments)
        .args(["--", "--lib", "--test", "it"])
        .current_dir(root))
}
