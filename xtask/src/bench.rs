//! `cargo xtask bench`: runs the benchmarks of the workspace.

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace::{self, Target, cargo};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Run only benchmarks with these names, such as `mesh`
    names: Vec<String>,
    /// Run only benchmarks of this package
    #[arg(long)]
    package: Option<String>,
    /// Arguments for the benchmarks, as in `mesh -- --sizes 10x100`
    #[arg(last = true)]
    passed_on: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let benchmarks = workspace::targets(&root, "bench")?;
    for benchmark in selected(benchmarks, arguments)? {
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

/// The selected benchmarks, in the order of the workspace.
fn selected(mut benchmarks: Vec<Target>, arguments: &Arguments) -> Result<Vec<Target>> {
    if let Some(package) = &arguments.package {
        benchmarks.retain(|benchmark| &benchmark.package == package);
    }
    if benchmarks.is_empty() {
        bail!("no benchmarks found");
    }
    let has = |name: &String| benchmarks.iter().any(|benchmark| &benchmark.name == name);
    if let Some(unknown) = arguments.names.iter().find(|name| !has(name)) {
        let known: Vec<&str> = benchmarks.iter().map(|one| one.name.as_str()).collect();
        bail!(
            "unknown benchmark `{unknown}`\nhint: use one of {}",
            known.join(", ")
        );
    }
    if !arguments.names.is_empty() {
        benchmarks.retain(|benchmark| arguments.names.contains(&benchmark.name));
    }
    Ok(benchmarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn benchmarks() -> Vec<Target> {
        [("agent", "clusters"), ("agent", "mesh"), ("core", "core")]
            .map(|(package, name)| Target {
                package: package.to_owned(),
                name: name.to_owned(),
                required_features: Vec::new(),
            })
            .into()
    }

    fn check(names: &[&str], package: Option<&str>, expected: Result<&[&str], &str>) {
        let arguments = Arguments {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            package: package.map(str::to_owned),
            passed_on: Vec::new(),
        };
        let found = selected(benchmarks(), &arguments)
            .map(|found| found.into_iter().map(|one| one.name).collect())
            .map_err(|error| error.to_string());
        let expected = expected
            .map(|names| {
                names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>()
            })
            .map_err(str::to_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn benchmarks_are_selected_by_name_and_package() {
        check(&[], None, Ok(&["clusters", "mesh", "core"]));
        check(&["mesh"], None, Ok(&["mesh"]));
        check(&["core", "mesh"], None, Ok(&["mesh", "core"]));
        check(&[], Some("agent"), Ok(&["clusters", "mesh"]));
        check(&["mesh"], Some("agent"), Ok(&["mesh"]));
        check(
            &["core"],
            Some("agent"),
            Err("unknown benchmark `core`\nhint: use one of clusters, mesh"),
        );
        check(
            &["mesh", "meshes"],
            None,
            Err("unknown benchmark `meshes`\nhint: use one of clusters, mesh, core"),
        );
        check(&[], Some("none"), Err("no benchmarks found"));
    }
}
