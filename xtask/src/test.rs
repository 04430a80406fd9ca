//! `cargo xtask test`: installs missing tools, runs the parts, and prints the result of each.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use clap::ValueEnum as _;

use crate::beside::Beside;
use crate::parts::{self, GROUPS, Group, Part};
use crate::requirement::{Requirement, State};
use crate::workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Succeed even if parts were skipped that this machine cannot run
    #[arg(long)]
    allow_missing: bool,
    /// Run only these parts
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Include tests that take minutes each, and many new generated documents
    #[arg(long)]
    long: bool,
}

impl Arguments {
    /// A run of some parts.
    pub(crate) fn only(parts: &[Part]) -> Self {
        Self {
            allow_missing: false,
            only: parts.to_vec(),
            long: false,
        }
    }
}

/// The result of a part.
enum Outcome {
    Passed(Duration),
    Failed(Duration, String),
    LeftOut { why: String, remedy: String },
}

impl Outcome {
    fn of(result: Result<()>, time: Duration) -> Self {
        match result {
            Ok(()) => Self::Passed(time),
            Err(error) => {
                eprintln!("error: {error:#}");
                Self::Failed(time, format!("{error:#}"))
            }
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let parts = Part::value_variants()
        .iter()
        .copied()
        .filter(|part| arguments.only.is_empty() || arguments.only.contains(part))
        .collect::<Vec<_>>();
    let lacking = install_what_is_missing(&root, &parts)?;
    let (able, left_out): (Vec<Part>, Vec<Part>) = parts
        .iter()
        .partition(|part| missing(**part, &lacking).is_none());

    let mut outcomes = run_all(&root, &able, arguments.long)?;
    outcomes.extend(left_out.into_iter().filter_map(|part| {
        let (_, why, remedy) = missing(part, &lacking)?.clone();
        Some((part, Outcome::LeftOut { why, remedy }))
    }));
    outcomes.sort_by_key(|(part, _)| parts.iter().position(|one| one == part));
    println!("\n{}", summary(&outcomes));
    verdict(&outcomes, arguments.allow_missing)
}

/// Runs parts group by group.
fn run_all(root: &Path, parts: &[Part], is_long: bool) -> Result<Vec<(Part, Outcome)>> {
    let is_desired = |part: &Part| parts.contains(part);
    let are_beside =
        |group: &Group| is_desired(&group.beside) && group.others.iter().any(is_desired);
    // Concurrent parts would wait for each other's compilers.
    if GROUPS.iter().any(are_beside) {
        eprintln!("\n== build ==");
        parts::build(root)?;
    }
    let mut outcomes = Vec::new();
    for group in &GROUPS {
        let others = group.others.iter().copied().filter(is_desired);
        if are_beside(group) {
            outcomes.extend(run_beside(root, group, others, is_long)?);
        } else {
            let all = others.chain(Some(group.beside).filter(is_desired));
            outcomes.extend(all.map(|part| (part, run_one(root, part, is_long))));
        }
    }
    Ok(outcomes)
}

/// Runs parts in sequence, and one concurrently with them.
fn run_beside(
    root: &Path,
    group: &Group,
    others: impl Iterator<Item = Part>,
    is_long: bool,
) -> Result<Vec<(Part, Outcome)>> {
    thread::scope(|scope| {
        let mut beside = Some(Beside::start(scope, group.beside, is_long)?);
        if group.gives_way {
            // Processes that this thread starts from now on have a lower priority than the concurrent part.
            rustix::process::nice(19).context("cannot lower the priority")?;
        }
        eprintln!(
            "\n{} runs concurrently with the others; its output is printed at its end",
            group.beside.name()
        );
        let mut outcomes = Vec::new();
        for part in others {
            outcomes.push((part, run_one(root, part, is_long)));
            if let Some(ended) = beside.take_if(|beside| beside.has_ended()) {
                outcomes.push(end(ended));
            }
        }
        outcomes.extend(beside.map(end));
        Ok(outcomes)
    })
}

fn run_one(root: &Path, part: Part, is_long: bool) -> Outcome {
    eprintln!("\n== {} ==", part.name());
    let start = Instant::now();
    Outcome::of(part.run(root, is_long), start.elapsed())
}

fn end(beside: Beside<'_>) -> (Part, Outcome) {
    let part = beside.part;
    let (result, time) = beside.end();
    (part, Outcome::of(result, time))
}

/// The first requirement of a part that cannot be met.
fn missing(part: Part, lacking: &[Lacking]) -> Option<&Lacking> {
    let mut needs = part.needs().iter();
    needs.find_map(|need| lacking.iter().find(|(lacks, ..)| lacks == need))
}

/// A requirement that cannot be met, why, and its fix.
type Lacking = (Requirement, String, String);

/// Prints what will be installed, installs it, and returns the requirements that cannot be met.
fn install_what_is_missing(root: &Path, parts: &[Part]) -> Result<Vec<Lacking>> {
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
    // Two at a time, since linkers and downloads leave a CPU idle.
    let (of_rust, others): (Vec<_>, Vec<_>) = installable
        .into_iter()
        .partition(|(need, _)| need.is_of_rust());
    thread::scope(|scope| {
        let beside = scope.spawn(|| install(root, of_rust));
        lacking.extend(install(root, others));
        lacking.extend(beside.join().expect("the thread only runs commands"));
    });
    Ok(lacking)
}

/// Installs requirements in sequence, and returns those that failed.
fn install(root: &Path, needs: Vec<(Requirement, String)>) -> Vec<Lacking> {
    needs
        .into_iter()
        .filter_map(|(need, what)| {
            let error = need.install(root).err()?;
            eprintln!("error: {error:#}");
            let remedy = "fix the error above, or install it by hand".to_owned();
            Some((need, format!("cannot install {what}"), remedy))
        })
        .collect()
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
                format!("{name:<9} skipped   {why}\n{:20}hint: {remedy}", "")
            }
        });
    }
    lines.join("\n")
}

fn verdict(outcomes: &[(Part, Outcome)], allow_missing: bool) -> Result<()> {
    let names = |desired: fn(&Outcome) -> bool| {
        outcomes
            .iter()
            .filter(|(_, outcome)| desired(outcome))
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
            "skipped: {}\nhint: use --allow-missing to succeed without these parts",
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
    fn a_run_succeeds_without_failures_and_with_allowed_skips() {
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
    fn every_part_is_in_one_group() {
        let grouped = GROUPS
            .iter()
            .flat_map(|group| group.others.iter().chain([&group.beside]));
        let mut names: Vec<&str> = grouped.map(|part| part.name()).collect();
        names.sort_unstable();
        let all = Part::value_variants().iter();
        let mut all: Vec<&str> = all.map(|part| part.name()).collect();
        all.sort_unstable();
        assert_eq!(names, all);
    }

    #[test]
    fn the_summary_lists_each_part_and_hint() {
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
             clusters  skipped   no Go\n                    hint: install Go"
        );
    }
}
