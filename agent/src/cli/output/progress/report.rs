//! The report of a run.

use std::collections::HashMap;
use std::io::{self, Write};

use shared::api::{ClusterReport, Report};

use super::lines::ending;
use super::run::{Failed, Run};
use crate::cli::output::{
    ADDED, CHANGED, ERROR, HEADING, QUIET, REMOVED, WARNING, counted, few, printable,
};

/// With more clusters, those with the same result share a line.
const MOST_CLUSTERS: usize = 10;
/// Most causes of failures that are listed.
const MOST_CAUSES: usize = 20;

/// Writes the failures by cause, the clusters and the duration.
pub(super) fn write(to: &mut impl Write, report: &Report, run: &Run) -> io::Result<()> {
    write_failures(to, run.failures())?;
    let texts: Vec<(&str, String)> = report
        .clusters
        .iter()
        .map(|cluster| (cluster.name.as_str(), text(cluster, run)))
        .collect();
    if texts.len() <= MOST_CLUSTERS {
        for (name, text) in &texts {
            writeln!(to, "{HEADING}{}{HEADING:#}: {text}", printable(name))?;
        }
    } else {
        for (text, names) in alike(&texts) {
            let label = match names.as_slice() {
                [one] => (*one).to_owned(),
                _ => format!("{} clusters ({})", names.len(), few(&names)),
            };
            writeln!(to, "{HEADING}{}{HEADING:#}: {text}", printable(&label))?;
        }
    }
    let seconds = report.duration_ms / 1000;
    let tenths = report.duration_ms % 1000 / 100;
    let ended = if report.is_success() {
        format!("{ADDED}Finished{ADDED:#}")
    } else {
        format!("{ERROR}Finished with errors{ERROR:#}")
    };
    writeln!(to, "{ended} after {seconds}.{tenths} s")
}

/// Groups clusters by text, in the order of each first cluster.
fn alike<'a>(texts: &'a [(&'a str, String)]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, text) in texts {
        let at = *known.entry(text).or_insert(all.len());
        match all.get_mut(at) {
            Some((_, names)) => names.push(name),
            None => all.push((text, vec![name])),
        }
    }
    all
}

fn text(cluster: &ClusterReport, run: &Run) -> String {
    // Without `..`, so that a new count cannot be forgotten.
    let ClusterReport {
        name,
        error,
        created,
        changed,
        unchanged,
        deleted,
        adopted,
        disowned,
        failed,
        skipped,
    } = cluster;
    let counts = [
        (*created, "created", ADDED),
        (*changed, "changed", CHANGED),
        (*deleted, "deleted", REMOVED),
        (*adopted, "adopted", CHANGED),
        (*disowned, "disowned", CHANGED),
        (*failed, "failed", ERROR),
        (*skipped, "skipped", WARNING),
        (*unchanged, "unchanged", QUIET),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, style)| format!("{style}{count} {word}{style:#}"))
        .collect();
    if let Some(error) = error {
        let word = ending(run, name);
        parts.push(format!("{ERROR}{word}: {}{ERROR:#}", printable(error)));
    }
    if parts.is_empty() {
        "nothing to do".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Lists failures again, since thousands of lines may have followed them.
fn write_failures(to: &mut impl Write, failures: &[Failed]) -> io::Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let count = counted(failures.len(), "object");
    writeln!(to, "{ERROR}Failed{ERROR:#} {count}")?;
    let causes = causes(failures);
    for same in causes.iter().take(MOST_CAUSES) {
        if let [first, ..] = same.as_slice() {
            writeln!(to, "  {}", printable(&first.why))?;
        }
        let objects: Vec<String> = same
            .iter()
            .map(|one| format!("{} in {}", one.object, one.cluster))
            .collect();
        let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
        writeln!(to, "    {}", printable(&few(&objects)))?;
    }
    let more = causes.len().saturating_sub(MOST_CAUSES);
    if more > 0 {
        let more = counted(more, "more cause");
        writeln!(to, "  {QUIET}and {more}{QUIET:#}")?;
    }
    Ok(())
}

/// Groups failures by cause, the most frequent first. The name of the object, which API servers repeat in messages, is
/// not part of the cause.
fn causes(failures: &[Failed]) -> Vec<Vec<&Failed>> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut all: Vec<Vec<&Failed>> = Vec::new();
    for failed in failures {
        let cause = failed.why.replace(&failed.object.name, "");
        let at = *known.entry(cause).or_insert(all.len());
        match all.get_mut(at) {
            Some(same) => same.push(failed),
            None => all.push(vec![failed]),
        }
    }
    all.sort_by_key(|same| std::cmp::Reverse(same.len()));
    all
}
