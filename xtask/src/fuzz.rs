//! `cargo xtask fuzz`: fuzzes the code that reads input from outside.
//!
//! Inputs are generated from `fuzz/seeds`. The command keeps new inputs in the cache and continues from them. A test
//! run always starts from the seeds alone, with the same random seed, so that a commit always has the same result.
//! There is no unsafe code to check, so no sanitizer is built in, and the stable toolchain is enough.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;
use testbed::cache;

use crate::install;
use crate::workspace::{self, cargo, run};

/// Seconds per target in a test run.
const IN_A_TEST_RUN: u32 = 5;
/// Seconds after which an input counts as a failure.
const LONGEST_SECONDS: u32 = 5;
/// Megabytes of memory above which an input counts as a failure.
const MOST_MEMORY: u32 = 512;
/// Most bytes of an input. Longer inputs only take longer.
const LONGEST_INPUT: u32 = 16 * 1024;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Run only these targets
    targets: Vec<String>,
    /// Seconds per target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs some targets, or all.
pub(crate) fn run_command(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let all = targets(&root)?;
    if let Some(unknown) = arguments.targets.iter().find(|one| !all.contains(one)) {
        bail!(
            "unknown target `{unknown}`\nhint: use one of {}",
            all.join(", ")
        );
    }
    let targets = if arguments.targets.is_empty() {
        &all
    } else {
        &arguments.targets
    };
    run_all(&root, targets, arguments.seconds, &Start::Found)
}

/// Runs every target for a few seconds.
pub(crate) fn in_a_test_run(root: &Path) -> Result<()> {
    run_all(root, &targets(root)?, IN_A_TEST_RUN, &Start::Seeds)
}

/// The inputs to start from.
enum Start {
    /// The inputs of earlier runs and the seeds, with a new random seed.
    Found,
    /// The seeds alone, with a fixed random seed.
    Seeds,
}

/// Runs the targets in sequence, and continues after a failure.
fn run_all(root: &Path, targets: &[String], seconds: u32, start: &Start) -> Result<()> {
    let tool = install::cargo_fuzz().ensure()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tool).chain(std::env::split_paths(&path)))?;
    let target_folder = workspace::target_folder(root, "fuzz-target")?;
    let fuzz = |action: &str| -> Command {
        let mut command = cargo(root);
        command
            .args(["fuzz", action, "--sanitizer=none", "--codegen-units=16"])
            .arg("--target-dir")
            .arg(&target_folder)
            .env("PATH", &path)
            .env_remove("CARGO_TARGET_DIR");
        command
    };
    run(&mut fuzz("build"))?;
    let fresh = tempfile::tempdir()?;
    let corpora = match start {
        Start::Found => cache::root()?.join("fuzz-corpus"),
        Start::Seeds => fresh.path().to_owned(),
    };
    let mut failed = Vec::new();
    for target in targets {
        let corpus = corpora.join(target);
        std::fs::create_dir_all(&corpus)?;
        let mut command = fuzz("run");
        command.arg(target).arg(&corpus);
        command
            .arg(root.join("fuzz/seeds").join(target))
            .args(["--", "-print_final_stats=1", "-verbosity=0"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={LONGEST_SECONDS}"))
            .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
            .arg(format!("-max_len={LONGEST_INPUT}"));
        if matches!(start, Start::Seeds) {
            command.arg("-seed=1");
        }
        if let Err(error) = run(&mut command) {
            failed.push(format!("{target}: {error:#}"));
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

/// The names of the files in `fuzz/fuzz_targets`.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}
