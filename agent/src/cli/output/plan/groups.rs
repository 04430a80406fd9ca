//! Groups equal steps of several clusters.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

use shared::kubernetes::object::Key;
use shared::plan::{Action, Conflict, Plan, Step};

use super::{Detail, QUIET, Words, diff_style, printable, words};
use crate::cli::output;

/// Most lines of a diff without `--full`.
const LINES_OF_ONE: usize = 30;

/// A step, and the clusters with an equal step.
pub(super) struct Group<'a> {
    pub(super) step: &'a Step,
    pub(super) clusters: Vec<&'a str>,
    /// Whether the conflicting fields were written at the same times in all clusters.
    is_of_one_time: bool,
}

/// The key of a group. It borrows, because the diffs of a large plan take hundreds of megabytes.
#[derive(PartialEq, Eq, Hash)]
struct Same<'a> {
    action: &'a str,
    object: &'a Key,
    diff: &'a str,
    message: Option<&'a str>,
    conflicts: Vec<[&'a str; 2]>,
}

impl<'a> Same<'a> {
    fn new(step: &'a Step) -> Self {
        Self {
            action: step.action.as_str(),
            object: &step.object,
            diff: &step.diff,
            message: step.message.as_deref(),
            conflicts: step
                .conflicts
                .iter()
                .map(|one| [one.manager.as_str(), one.field.as_str()])
                .collect(),
        }
    }
}

/// The steps with one of the actions: steps of most clusters first, otherwise in the order of the plan.
pub(super) fn of<'a>(plan: &'a Plan, actions: &[Action]) -> Vec<Group<'a>> {
    let mut known: HashMap<Same<'_>, usize> = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (cluster, step) in plan.steps() {
        if !actions.contains(&step.action) {
            continue;
        }
        match known.entry(Same::new(step)) {
            Entry::Occupied(at) => {
                let group = &mut groups[*at.get()];
                group.clusters.push(cluster);
                group.is_of_one_time &= group.step.conflicts == step.conflicts;
            }
            Entry::Vacant(place) => {
                place.insert(groups.len());
                groups.push(Group {
                    step,
                    clusters: vec![cluster],
                    is_of_one_time: true,
                });
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.clusters.len()));
    groups
}

/// The lines of diffs that may still be written.
pub(super) struct Budget(Option<usize>);

impl Budget {
    pub(super) fn of_lines(lines: usize) -> Self {
        Self(Some(lines))
    }

    pub(super) fn unlimited() -> Self {
        Self(None)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0 == Some(0)
    }

    /// Reserves lines for a diff, and returns how many of them may be written.
    fn take(&mut self, lines: usize) -> usize {
        let Some(left) = &mut self.0 else {
            return lines;
        };
        let taken = lines.min(*left).min(LINES_OF_ONE);
        // An object without a diff counts as one line.
        *left -= taken.max(1).min(*left);
        taken
    }
}

impl Group<'_> {
    /// Writes the object, its clusters, its blockers and its diff.
    pub(super) fn write(
        &self,
        to: &mut impl Write,
        detail: Detail,
        budget: &mut Budget,
    ) -> io::Result<()> {
        let Words {
            mark, style, word, ..
        } = words(self.step.action);
        let object = self.step.object.to_string();
        let clusters = in_clusters(&self.clusters, detail);
        writeln!(
            to,
            "  {style}{mark} {word}{style:#} {} {}",
            printable(&object),
            printable(&clusters)
        )?;
        self.write_blockers(to)?;
        let lines = self.step.diff.lines().count();
        let shown = budget.take(lines);
        for line in self.step.diff.lines().take(shown) {
            let style = diff_style(line);
            writeln!(to, "      {style}{}{style:#}", printable(line))?;
        }
        if shown < lines {
            let hidden = lines - shown;
            writeln!(
                to,
                "      {QUIET}… {hidden} more lines; use --full to show all{QUIET:#}"
            )?;
        }
        Ok(())
    }

    /// Writes the conflicts and the message of the step.
    pub(super) fn write_blockers(&self, to: &mut impl Write) -> io::Result<()> {
        for conflict in &self.step.conflicts {
            self.write_conflict(to, conflict)?;
        }
        if let Some(message) = &self.step.message {
            writeln!(to, "      {}", printable(message))?;
        }
        Ok(())
    }

    fn write_conflict(&self, to: &mut impl Write, conflict: &Conflict) -> io::Result<()> {
        let subresource = conflict.subresource.as_ref();
        let through = subresource.map_or_else(String::new, |one| format!(" through {one}"));
        let written = match &conflict.time {
            Some(_) if !self.is_of_one_time => ", last written at different times".to_owned(),
            Some(time) => format!(", last written {time}"),
            None => String::new(),
        };
        writeln!(
            to,
            "      {} is managed by {}{}{}",
            printable(&conflict.field),
            printable(&conflict.manager),
            printable(&through),
            printable(&written)
        )
    }
}

/// `in sunset`, `in sunset and sunrise`, `in 98 clusters: c1, c2, c3 and 95 more`.
pub(super) fn in_clusters(clusters: &[&str], detail: Detail) -> String {
    match clusters {
        [one] => format!("in {one}"),
        [one, other] => format!("in {one} and {other}"),
        _ => format!("in {} clusters: {}", clusters.len(), few(clusters, detail)),
    }
}

/// `a, b, c and 95 more`, or all of them in full.
pub(super) fn few(names: &[&str], detail: Detail) -> String {
    match detail {
        Detail::Full => names.join(", "),
        Detail::Summary | Detail::Folded => output::few(names),
    }
}
