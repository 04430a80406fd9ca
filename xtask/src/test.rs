//! `cargo xtask test`: installs what is missing, runs the parts one after the
//! other, and says at the end how each went.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use clap::ValueEnum as _;

use crate::parts::Part;
use crate::requirement::{Requirement, State};
use crate::workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Succeed although parts were left out that this machine can't run
    #[arg(long)]
    allow_missing: bool,
    /// Only these parts
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// The long run: tests too that take minutes each, and many new generated documents
    #[arg(long)]
    long: bool,
}

/// How a part went.
enum Outcome {
    Passed(Duration),
    Failed(Duration, String),
    LeftOut { why: String, remedy: String },
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let parts = Part::value_variants()
        .iter()
        .copied()
        .filter(|part| arguments.only.is_empty() || arguments.only.contains(part))
        .collect::<Vec<_>>();
    let lacking = install_what_is_missing(&root, &parts)?;

    let mut outcomes = Vec::new();
    for part in parts {
        let missing = part
            .needs()
            .iter()
            .find_map(|need| lacking.iter().find(|(requirement, ..)| requirement == need));
        let outcome = if let Some((_, why, remedy)) = missing {
            Outcome::LeftOut {
                why: why.clone(),
                remedy: remedy.clone(),
            }
        } else {
            eprintln!("\n== {} ==", part.name());
            let start = Instant::now();
            match part.run(&root, arguments.long) {
                Ok(()) => Outcome::Passed(start.elapsed()),
                Err(error) => {
                    eprintln!("error: {error:#}");
                    Outcome::Failed(start.elapsed(), format!("{error:#}"))
                }
            }
        };
        outcomes.push((part, outcome));
    }
    println!("\n{}", summary(&outcomes));
    verdict(&outcomes, arguments.allow_missing)
}

/// Says what will be installed, installs it, and gives back what can't be had:
/// the requirement, why, and what a person can do.
fn install_what_is_missing(
    root: &Path,
    parts: &[Part],
) -> Result<Vec<(Requirement, String, String)>> {
    let mut needs: Vec<Requirement> = Vec::new();
    for need in parts.iter().flat_map(|part| part.needs()) {
        if !needs.contains(need) {
            needs.push(*need);
        }
    }
    let mut lacking = Vec::new();
    let mut installable = Vec::new();
    for need in needs {
        match need.state(root)? {
            State::Met => {}
            State::Installable(what) => installable.push((need, what)),
            State::Lacking { why, remedy } => lacking.push((need, why, remedy)),
        }
    }
    if !installable.is_empty() {
        eprintln!("will install:");
        for (_, what) in &installable {
            eprintln!("  - {what}");
        }
    }
    for (need, what) in installable {
        if let Err(error) = need.install(root) {
            eprintln!("error: {error:#}");
            let remedy = "see the error above; install it by hand, or try again".to_owned();
            lacking.push((need, format!("could not install {what}"), remedy));
        }
    }
    Ok(lacking)
}

fn summary(outcomes: &[(Part, Outcome)]) -> String {
    let mut lines = vec!["part      result    time".to_owned()];
    for (part, outcome) in outcomes {
        let name = part.name();
        lines.push(match outcome {
            Outcome::Passed(time) => format!("{name:<9} passed    {} s", time.as_secs()),
            Outcome::Failed(time, error) => {
                let first = error.lines().next().unwrap_or_default();
                format!("{name:<9} FAILED    {} s: {first}", time.as_secs())
            }
            Outcome::LeftOut { why, remedy } => {
                format!("{name:<9} left out  {why}\n{:20}hint: {remedy}", "")
            }
        });
    }
    lines.join("\n")
}

fn verdict(outcomes: &[(Part, Outcome)], allow_missing: bool) -> Result<()> {
    let names = |wanted: fn(&Outcome) -> bool| {
        outcomes
            .iter()
            .filter(|(_, outcome)| wanted(outcome))
            .map(|(part, _)| part.name())
            .collect::<Vec<_>>()
    };
    let failed = names(|outcome| matches!(outcome, Outcome::Failed(..)));
    let left_out = names(|outcome| matches!(outcome, Outcome::LeftOut { .. }));
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    if !left_out.is_empty() && !allow_missing {
        bail!(
            "left out: {}\nhint: --allow-missing makes this a success",
            left_out.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out() -> Outcome {
        Outcome::LeftOut {
            why: "no Go".to_owned(),
            remedy: "install Go".to_owned(),
        }
    }

    #[test]
    fn only_allowed_gaps_and_no_failure_make_a_success() {
        let second = Duration::from_secs(1);
        let passed = || (Part::Fmt, Outcome::Passed(second));
        let failed = || (Part::Unit, Outcome::Failed(second, "why".to_owned()));
        let missing = || (Part::Clusters, left_out());
        assert!(verdict(&[passed()], false).is_ok());
        assert!(verdict(&[passed(), missing()], true).is_ok());
        assert!(verdict(&[passed(), missing()], false).is_err());
        assert!(verdict(&[passed(), failed()], true).is_err());
        assert!(verdict(&[failed(), missing()], true).is_err());
    }

    #[test]
    fn the_summary_names_each_part_and_each_remedy() {
        let text = summary(&[
            (Part::Fmt, Outcome::Passed(Duration::from_secs(2))),
            (
                Part::Unit,
                Outcome::Failed(Duration::from_secs(3), "cargo failed\nmore".to_owned()),
            ),
            (Part::Clusters, left_out()),
        ]);
        assert_eq!(
            text,
            "part      result    time\n\
             fmt       passed    2 s\n\
             unit      FAILED    3 s: cargo failed\n\
             clusters  left out  no Go\n                    hint: install Go"
        );
    }
}
