//! The output of `follow`, a line for each event.

use std::io::{self, Write};
use std::net::IpAddr;

use k8s_openapi::jiff::{self, Unit};
use serde::Serialize;

use super::{
    ADDED, CHANGED, ERROR, HEADING, QUIET, REMOVED, WARNING, counted, json_line, printable,
};
use crate::addresses::last_known;
use crate::follow::{FollowEvent, RecordChange};

/// Writes an event for people and logs.
pub(in crate::cli) fn write(
    to: &mut impl Write,
    at: jiff::Timestamp,
    event: &FollowEvent,
) -> io::Result<()> {
    let at = to_the_second(at);
    write!(to, "{QUIET}{at}{QUIET:#}  ")?;
    match event {
        FollowEvent::Following {
            mesh,
            cluster,
            gateways,
        } => {
            write!(
                to,
                "{HEADING}following{HEADING:#} {}: records in {}",
                printable(mesh),
                printable(cluster)
            )?;
            for (cluster, addresses) in gateways {
                write!(to, "; {} at {}", printable(cluster), list(addresses))?;
            }
            writeln!(to)
        }
        FollowEvent::Gateway {
            cluster,
            before,
            after,
        } => writeln!(
            to,
            "{CHANGED}gateway{CHANGED:#}  {}: {} → {}",
            printable(cluster),
            list(before),
            list(after)
        ),
        FollowEvent::Lost {
            cluster,
            error,
            kept,
            since,
        } => writeln!(
            to,
            "{WARNING}lost{WARNING:#}     {}: {} stays published ({}): {}",
            printable(cluster),
            list(kept),
            last_known(since.as_ref()),
            printable(error)
        ),
        FollowEvent::HostName {
            host,
            before,
            after,
        } => writeln!(
            to,
            "{CHANGED}resolved{CHANGED:#} {}: {} → {}",
            printable(host),
            addresses(before),
            addresses(after)
        ),
        FollowEvent::Unresolved {
            host,
            error,
            kept,
            since,
        } => writeln!(
            to,
            "{WARNING}lost{WARNING:#}     {}: {} stays published ({}): {}",
            printable(host),
            addresses(kept),
            last_known(since.as_ref()),
            printable(error)
        ),
        FollowEvent::Back { cluster } => {
            writeln!(to, "{ADDED}back{ADDED:#}     {}", printable(cluster))
        }
        FollowEvent::Record(change) => write_record(to, change),
        FollowEvent::Endpoints { cluster, changed } => writeln!(
            to,
            "{CHANGED}changed{CHANGED:#}  endpoints in {}: {}",
            printable(cluster),
            counted(*changed, "object")
        ),
        FollowEvent::Failed { error, retry_in } => writeln!(
            to,
            "{ERROR}failed{ERROR:#}   {}; retry in {retry_in} s",
            printable(error)
        ),
    }
}

fn write_record(to: &mut impl Write, change: &RecordChange) -> io::Result<()> {
    let (before, after) = (&change.before, &change.after);
    let (style, word) = match (before.is_empty(), after.is_empty()) {
        (true, _) => (ADDED, "created"),
        (_, true) => (REMOVED, "deleted"),
        _ => (CHANGED, "changed"),
    };
    writeln!(
        to,
        "{style}{word}{style:#}  {} {}: {} → {}",
        printable(&change.name),
        printable(&change.record_type),
        list(before),
        list(after)
    )
}

/// Writes an event as one line of JSON.
pub(in crate::cli) fn write_json(
    to: &mut impl Write,
    at: jiff::Timestamp,
    event: &FollowEvent,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        #[serde(flatten)]
        event: &'a FollowEvent,
    }
    let time = to_the_second(at).to_string();
    json_line(to, &Line { time, event })
}

fn to_the_second(at: jiff::Timestamp) -> jiff::Timestamp {
    // It fails only beyond the largest timestamp.
    at.round(Unit::Second).unwrap_or(at)
}

fn addresses(items: &[IpAddr]) -> String {
    list(&items.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let printable: Vec<_> = items.iter().map(|item| printable(item)).collect();
    printable.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{write, write_json};
    use crate::follow::{FollowEvent, RecordChange};
    use k8s_openapi::jiff;
    use shared::gateways::last_known::Timestamp;

    #[test]
    fn a_line_for_each_event() {
        let some = || vec!["192.0.2.1".to_owned()];
        let events = [
            FollowEvent::Following {
                mesh: "demo".into(),
                cluster: "cluster1".into(),
                gateways: [
                    ("cluster1".to_owned(), some()),
                    ("cluster2".to_owned(), vec![]),
                ]
                .into(),
            },
            FollowEvent::Gateway {
                cluster: "cluster1".into(),
                before: some(),
                after: vec!["192.0.2.7".into()],
            },
            FollowEvent::Lost {
                cluster: "cluster2".into(),
                error: "no answer".into(),
                kept: some(),
                since: Timestamp::new("1969-12-31T23:59:59Z").ok(),
            },
            FollowEvent::Back {
                cluster: "cluster2".into(),
            },
            FollowEvent::Record(RecordChange {
                name: "shop.example.net".into(),
                record_type: "A".into(),
                before: vec![],
                after: some(),
            }),
            FollowEvent::Failed {
                error: "no answer".into(),
                retry_in: 4,
            },
        ];
        let mut text = Vec::new();
        for event in &events {
            write(&mut text, jiff::Timestamp::UNIX_EPOCH, event).unwrap();
        }
        for event in &events {
            write_json(&mut text, jiff::Timestamp::UNIX_EPOCH, event).unwrap();
        }
        let text = String::from_utf8(text).unwrap();
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
