//! The parts of the test run: the requirements and the commands of each.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::dist;
use crate::fuzz;
use crate::istio;
use crate::lint;
use crate::requirement::Requirement;
use crate::workspace::{Target, cargo, run, targets};

/// Variable that is set in a long run, in which tests use more generated documents.
const LONG_RUN: &str = "FEDMESH_LONG_RUN";

/// A part of the test run, in the order of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Formatting
    Fmt,
    /// Lints, including those of the page
    Clippy,
    /// Spelling, and words that the style guide rules out
    Words,
    /// Licenses and sources of crates
    Crates,
    /// Fields of Istio's API, compared with Istio's own schema
    Istio,
    /// Tests without servers, browsers or other programs
    Unit,
    /// Whether dist/ is up to date
    Dist,
    /// Fuzz targets, for seconds each
    Fuzz,
    /// Tests against real API servers
    Clusters,
    /// Tests that compare with kubectl, istioctl and other programs
    Oracles,
    /// Tests in a real browser
    Browser,
    /// Requests between real meshes with pods
    Traffic,
}

/// Parts that run in sequence, and one that runs concurrently with them.
pub(crate) struct Group {
    pub(crate) beside: Part,
    pub(crate) others: &'static [Part],
    /// Whether the concurrent part has priority, since it mostly waits and has deadlines.
    pub(crate) gives_way: bool,
}

/// All parts. Those with API servers run after those with meshes, since two CPUs cannot run both at once.
pub(crate) const GROUPS: [Group; 2] = [
    Group {
        beside: Part::Traffic,
        others: &[
            Part::Fmt,
            Part::Clippy,
            Part::Words,
            Part::Crates,
            Part::Istio,
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
            Self::Istio => "istio",
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
            Self::Istio => &[Requirement::GoTools],
            Self::Unit => &[],
            Self::Dist => &[
                Requirement::PageToolchain,
                Requirement::Trunk,
                Requirement::Npm,
                Requirement::WasmBindgen,
            ],
            // libFuzzer is C++, and its crate links it for Linux.
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

    /// Runs the part; a long run includes ignored tests.
    pub(crate) fn run(self, root: &Path, is_long: bool) -> Result<()> {
        match self {
            Self::Fmt => run(cargo(root).args(["fmt", "--all", "--check"])),
            // Including the page's crates, which also compile for the host.
            Self::Clippy => run(cargo(root)
                .args(["clippy", "--workspace", "--all-targets", "--all-features"])
                .args(["--", "--deny=warnings"])),
            Self::Words => lint::words(root),
            Self::Crates => lint::crates(root),
            Self::Istio => istio::check(root),
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

    /// Arguments that select the part's test targets. Targets that need other programs have `required-features`, so
    /// that a plain `cargo test` runs on every machine.
    fn targets(self, root: &Path) -> Result<Vec<String>> {
        let all = targets(root, "test")?;
        let own = all.into_iter().filter(|target| Self::of(target) == self);
        let names: BTreeSet<String> = own.map(|target| target.name).collect();
        Ok(names
            .into_iter()
            .flat_map(|name| ["--test".to_owned(), name])
            .collect())
    }

    /// Arguments for the test programs.
    fn how(self) -> &'static [&'static str] {
        match self {
            // These tests mostly wait for servers or a test bed.
            Self::Clusters | Self::Traffic => &["--test-threads=4"],
            _ => &[],
        }
    }

    /// The part of a test target.
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

/// A `cargo test` command. All parts select the same packages and features, so that nothing is compiled twice. It
/// continues after a failed target.
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
    fn every_test_target_belongs_to_a_part() {
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
