//! The results as tables in Markdown, or as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::federation::Size;
use crate::measure::{LIMIT, Measure, Measured};
use crate::ways::Way;

/// What was measured of each size, way by way.
pub(crate) type Results = BTreeMap<Size, BTreeMap<Way, Measured>>;

/// What others are compared with.
const REFERENCE: Way = Way::Plain;

pub(crate) fn print(results: &Results) {
    for (size, ways) in results {
        println!(
            "\n### {} clusters × {} services\n",
            size.clusters, size.services
        );
        let header = header(ways);
        println!("{}", row(&header));
        println!("{}", row(&vec!["---".to_owned(); header.len()]));
        let measures = ways.values().flat_map(BTreeMap::keys);
        for &measure in measures.collect::<BTreeSet<_>>() {
            println!("{}", row(&cells(measure, ways)));
        }
    }
}

pub(crate) fn json(results: &Results) -> Value {
    let sizes = results.iter().map(|(size, ways)| {
        let ways = ways.iter().map(|(way, measured)| {
            // JSON has no infinity: what passed its limit is null.
            let values = measured
                .iter()
                .map(|(measure, value)| (measure.title(), json!(value)));
            (way.name().to_owned(), values.collect::<Map<_, _>>().into())
        });
        json!({
            "clusters": size.clusters,
            "services": size.services,
            "ways": ways.collect::<Map<String, Value>>(),
        })
    });
    sizes.collect()
}

fn header(ways: &BTreeMap<Way, Measured>) -> Vec<String> {
    let mut cells = vec![String::new()];
    cells.extend(ways.keys().map(|way| way.name().to_owned()));
    cells.extend(compared(ways).map(|way| format!("{} / {}", way.name(), REFERENCE.name())));
    cells
}

fn cells(measure: Measure, ways: &BTreeMap<Way, Measured>) -> Vec<String> {
    let value = |way: &Way| ways.get(way).and_then(|measured| measured.get(&measure));
    let mut cells = vec![measure.title()];
    cells.extend(
        ways.keys()
            .map(|way| value(way).map_or_else(String::new, |value| text(*value))),
    );
    cells.extend(
        compared(ways).map(|way| match (value(way), value(&REFERENCE)) {
            (Some(one), Some(reference)) if one.is_finite() && *reference > 0.0 => {
                format!("{:.1}", one / reference)
            }
            _ => String::new(),
        }),
    );
    cells
}

/// The ways beside the reference that federate anything.
fn compared(ways: &BTreeMap<Way, Measured>) -> impl Iterator<Item = &Way> {
    let has_reference = ways.contains_key(&REFERENCE);
    ways.keys()
        .filter(move |way| has_reference && **way != REFERENCE && **way != Way::Local)
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// With three digits that count.
fn text(value: f64) -> String {
    match value {
        value if value.is_infinite() => format!("more than {}", LIMIT.as_secs()),
        value if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
