//! The report of a verification: for people, for CI, and for a pull request.

pub(in crate::cli) mod junit;
pub(in crate::cli) mod markdown;
mod matrix;
pub(in crate::cli) mod text;

use shared::verify::{Drill, DrillClient};

use super::counted;

#[cfg(test)]
mod tests;

/// The heading of a drill.
fn drill_title(drill: &Drill) -> String {
    format!(
        "drill: {} scaled to zero in {}, calls to {}",
        drill.service, drill.cluster, drill.host
    )
}

/// The result of a drill for one client, in one line.
fn drill_line(client: &DrillClient) -> String {
    let time = |time: Option<u32>, words: &str| match time {
        Some(milliseconds) => format!("{words} after {milliseconds} ms"),
        None => format!("not {words}"),
    };
    format!(
        "{} of {} failed, {} ({}), {}",
        client.lost,
        counted(client.requests as usize, "request"),
        time(client.moved_after, "failed over"),
        client.answered_by.join(", "),
        time(client.returned_after, "returned"),
    )
}
