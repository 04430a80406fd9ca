//! The parts of the test run: what each needs and what it runs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::dist;
use crate::requirement::Requirement;
use crate::workspace::{PAGE_PACKAGE, PAGE_TARGET, Target, cargo, page_cargo, run, targets};

/// A part of the test run, in the order in which they run: quick ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Formatting
    Fmt,
    /// Lints, of the page too
    Clippy,
    /// Tests without anything real
    Unit,
    /// dist/ is what the sources give
    Dist,
    /// Tests against real API servers
    Clusters,
    /// Tests against kubectl, istioctl and other judges
    Oracles,
    /// Tests in a real browser
    Browser,
    /// Requests between real meshes, with pods
    Traffic,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::Dist => "dist",
            Self::Clusters => "clusters",
            Self::Oracles => "oracles",
            Self::Browser => "browser",
            Self::Traffic => "traffic",
        }
    }

    pub(crate) fn needs(self) -> &'static [Requirement] {
        match self {
            Self::Fmt => &[Requirement::Rustfmt],
            Self::Clippy => &[
                Requirement::Clippy,
                Requirement::PageToolchain,
                Requirement::PageClippy,
            ],
            Self::Unit => &[],
            Self::Dist => &[
                Requirement::PageToolchain,
                Requirement::Trunk,
                Requirement::WasmBindgen,
            ],
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

    pub(crate) fn run(self, root: &Path) -> Result<()> {
        match self {
            Self::Fmt => run(cargo(root).args(["fmt", "--all", "--check"])),
            Self::Clippy => {
                let deny = ["--", "--deny=warnings"];
                run(cargo(root)
                    .args(["clippy", "--workspace", "--all-targets", "--all-features"])
                    .args(deny))?;
                run(page_cargo(root)
                    .args(["clippy", "--package", PAGE_PACKAGE, "--target", PAGE_TARGET])
                    .env("CARGO_TARGET_DIR", dist::target_folder()?)
                    .args(deny))
            }
            Self::Unit => run(cargo(root).args(["test", "--workspace"])),
            Self::Dist => dist::check(root),
            Self::Clusters | Self::Oracles | Self::Browser | Self::Traffic => {
                self.run_real_parts(root)
            }
        }
    }

    /// Tests that need something real stand in test targets with
    /// `required-features`, so that a plain `cargo test` runs everywhere.
    fn run_real_parts(self, root: &Path) -> Result<()> {
        let mut packages: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
        let all = targets(root, "test")?;
        for target in all.iter().filter(|target| Self::of(target) == Some(self)) {
            packages.entry(&target.package).or_default().push(target);
        }
        let mut result = Ok(());
        for (package, targets) in packages {
            let mut command = cargo(root);
            command.args(["test", "--package", package]);
            for target in targets {
                command
                    .arg("--features")
                    .arg(target.required_features.join(","));
                command.args(["--test", &target.name]);
            }
            // The others' results are of interest too.
            result = result.and(run(&mut command));
        }
        result
    }

    /// Which part a test target belongs to; none for those that need nothing.
    fn of(target: &Target) -> Option<Self> {
        if target.required_features.is_empty() {
            None
        } else if target.name.starts_with("browser") {
            Some(Self::Browser)
        } else if ["traffic", "images", "load"].contains(&target.name.as_str()) {
            Some(Self::Traffic)
        } else if target.name.starts_with("oracle") {
            Some(Self::Oracles)
        } else {
            Some(Self::Clusters)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, features: &[&str], expected: Option<Part>) {
        let target = Target {
            package: "p".to_owned(),
            name: name.to_owned(),
            required_features: features.iter().map(|&feature| feature.to_owned()).collect(),
        };
        assert_eq!(Part::of(&target), expected, "{name} {features:?}");
    }

    #[test]
    fn no_real_test_is_forgotten() {
        check("browser", &["testbed"], Some(Part::Browser));
        check("browser_static", &["testbed"], Some(Part::Browser));
        check("oracles", &["testbed"], Some(Part::Oracles));
        check("clusters", &["testbed"], Some(Part::Clusters));
        check("traffic", &["testbed"], Some(Part::Traffic));
        check("images", &["testbed"], Some(Part::Traffic));
        check("anything-else", &["testbed"], Some(Part::Clusters));
        check("browser", &[], None);
    }
}
