//! The parts of the test run: what each needs and what it runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::dist;
use crate::fuzz;
use crate::lint;
use crate::requirement::Requirement;
use crate::workspace::{Target, cargo, run, targets};

/// Set for tests in a long run, which do more of the same then.
const LONG_RUN: &str = "FEDMESH_LONG_RUN";

/// A part of the test run, in the order of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Formatting
    Fmt,
    /// Lints, of the page too
    Clippy,
    /// Spelling, and words that the style guide rules out
    Words,
    /// Licences and sources of crates
    Crates,
    /// Tests without anything real
    Unit,
    /// dist/ is what the sources give
    Dist,
    /// Broken inputs for everything that is read from outside, for seconds
    Fuzz,
    /// Tests against real API servers
    Clusters,
    /// Tests against kubectl, istioctl and other judges
    Oracles,
    /// Tests in a real browser
    Browser,
    /// Requests between real meshes, with pods
    Traffic,
}

/// Parts that run one after the other, and one that goes on beside them.
pub(crate) struct Group {
    pub(crate) beside: Part,
    pub(crate) others: &'static [Part],
    /// Whether the others leave the processors to it: it waits most of the time, and has deadlines.
    pub(crate) gives_way: bool,
}

/// All parts. What starts API servers waits until the meshes are gone: beside them, it would be more than two
/// processors bear.
pub(crate) const GROUPS: [Group; 2] = [
    Group {
        beside: Part::Traffic,
        others: &[
            Part::Fmt,
            Part::Clippy,
            Part::Words,
            Part::Crates,
            Part::Unit,
            Part::Dist,
            Part::Fuzz,
        ],
        gives_way: true,
    },
    Group {
        beside: Part::Oracles,
        others: &[Part::Clusters, Part::Browser],
        gives_way: false,
    },
];

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Words => "words",
            Self::Crates => "crates",
            Self::Unit => "unit",
            Self::Dist => "dist",
            Self::Fuzz => "fuzz",
            Self::Clusters => "clusters",
            Self::Oracles => "oracles",
            Self::Browser => "browser",
            Self::Traffic => "traffic",
        }
    }

    pub(crate) fn needs(self) -> &'static [Requirement] {
        match self {
            Self::Fmt => &[Requirement::Rustfmt],
            Self::Clippy => &[Requirement::Clippy],
            Self::Words => &[Requirement::Typos],
            Self::Crates => &[Requirement::CargoDeny],
            Self::Unit => &[],
            Self::Dist => &[
                Requirement::PageToolchain,
                Requirement::Trunk,
                Requirement::WasmBindgen,
            ],
            // libFuzzer is C++, and its crate links it for Linux here.
            Self::Fuzz => &[Requirement::Linux, Requirement::CargoFuzz],
            Self::Clusters => &[
                Requirement::Linux,
                Requirement::GoTools,
                Requirement::NameServer,
            ],
            Self::Oracles => &[Requirement::Linux, Requirement::GoTools],
            Self::Browser => &[
                Requirement::Linux,
                Requirement::GoTools,
                Requirement::Chromium,
            ],
            Self::Traffic => &[
                Requirement::Linux,
                Requirement::GoTools,
                Requirement::Pods,
                Requirement::Chromium,
            ],
        }
    }

    /// Runs it; a long run has the tests too that are ignored otherwise.
    pub(crate) fn run(self, root: &Path, is_long: bool) -> Result<()> {
        match self {
            Self::Fmt => run(cargo(root).args(["fmt", "--all", "--check"])),
            // The page's crates too: nothing in them is for its target alone.
            Self::Clippy => run(cargo(root)
                .args(["clippy", "--workspace", "--all-targets", "--all-features"])
                .args(["--", "--deny=warnings"])),
            Self::Words => lint::words(root),
            Self::Crates => lint::crates(root),
            Self::Unit => {
                let result = run(tests(root, &["--lib", "--bins"]).args(self.targets(root)?));
                result.and(run(&mut tests(root, &["--doc"])))
            }
            Self::Dist => dist::check(root),
            Self::Fuzz => fuzz::in_a_test_run(root),
            Self::Clusters | Self::Oracles | Self::Browser | Self::Traffic => {
                let mut command = tests(root, &[]);
                command.args(self.targets(root)?).arg("--");
                if is_long {
                    command.env(LONG_RUN, "1").arg("--include-ignored");
                }
                run(command.args(self.how()))
            }
        }
    }

    /// Arguments that choose the part's test targets. Those that need something real have
    /// `required-features`, so that a plain `cargo test` runs everywhere.
    fn targets(self, root: &Path) -> Result<Vec<String>> {
        let all = targets(root, "test")?;
        let own = all.into_iter().filter(|target| Self::of(target) == self);
        let names: BTreeSet<String> = own.map(|target| target.name).collect();
        Ok(names
            .into_iter()
            .flat_map(|name| ["--test".to_owned(), name])
            .collect())
    }

    /// How the tests are run.
    fn how(self) -> &'static [&'static str] {
        match self {
            // They wait for servers most of the time, or for a bed.
            Self::Clusters | Self::Traffic => &["--test-threads=4"],
            _ => &[],
        }
    }

    /// Which part a test target belongs to.
    fn of(target: &Target) -> Self {
        if target.required_features.is_empty() {
            Self::Unit
        } else if target.name.starts_with("browser") {
            Self::Browser
        } else if ["traffic", "images", "load"].contains(&target.name.as_str()) {
            Self::Traffic
        } else if target.name.starts_with("oracle") {
            Self::Oracles
        } else {
            Self::Clusters
        }
    }
}

/// Compiles all tests.
pub(crate) fn build(root: &Path) -> Result<()> {
    run(&mut tests(root, &["--no-run"]))
}

/// A test run. All parts choose the same packages and features, whatever they run of them, so that nothing is
/// compiled twice. Where one target fails, the others' results are of interest too.
fn tests(root: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo(root);
    command
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, features: &[&str], expected: Part) {
        let target = Target {
            package: "p".to_owned(),
            name: name.to_owned(),
            required_features: features.iter().map(|&feature| feature.to_owned()).collect(),
        };
        assert_eq!(Part::of(&target), expected, "{name} {features:?}");
    }

    #[test]
    fn no_real_test_is_forgotten() {
        check("browser", &["testbed"], Part::Browser);
        check("browser_static", &["testbed"], Part::Browser);
        check("oracles", &["testbed"], Part::Oracles);
        check("clusters", &["testbed"], Part::Clusters);
        check("traffic", &["testbed"], Part::Traffic);
        check("images", &["testbed"], Part::Traffic);
        check("anything-else", &["testbed"], Part::Clusters);
        check("browser", &[], Part::Unit);
    }
}
