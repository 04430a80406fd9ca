//! `cargo xtask bench`: every benchmark of the workspace, or some.

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace::{self, cargo};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only benchmarks of this package
    #[arg(long)]
    package: Option<String>,
    /// Passed on to the benchmarks, as in `-- render --quick`
    #[arg(last = true)]
    passed_on: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let mut benchmarks = workspace::targets(&root, "bench")?;
    if let Some(package) = &arguments.package {
        benchmarks.retain(|benchmark| &benchmark.package == package);
    }
    if benchmarks.is_empty() {
        bail!("no benchmarks here");
    }
    for benchmark in benchmarks {
        let mut command = cargo(&root);
        command.args([
            "bench",
            "--package",
            &benchmark.package,
            "--bench",
            &benchmark.name,
        ]);
        if !benchmark.required_features.is_empty() {
            command
                .arg("--features")
                .arg(benchmark.required_features.join(","));
        }
        command.arg("--").args(&arguments.passed_on);
        workspace::run(&mut command)?;
    }
    Ok(())
}
