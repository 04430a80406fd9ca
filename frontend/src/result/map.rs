//! The map without elements: where regions, zones and clusters are drawn, and the lines between them.
//!
//! All lengths are in pixels.

use serde_json::Value;

use crate::document::clusters::{self, CLUSTERS};
use crate::document::path::{item, key};
use crate::document::value;
use crate::workers::calls::Calls;
use crate::workers::simulated::Look;

/// Clusters up to which their cards are large.
const LARGE: usize = 24;
/// Lines up to which all are drawn; beyond, only those of one cluster.
const LINES: usize = 300;
/// The space inside of an area, and between two.
const SPACE: i32 = 10;
/// The height of the label of an area.
const LABEL: i32 = 22;

/// A cluster with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) region: String,
    /// Its zones, with commas between them.
    pub(crate) zone: String,
}

/// The clusters of a document, which may be incomplete.
pub(crate) fn places(document: &Value) -> Vec<Place> {
    let names = clusters::names(document).into_iter().enumerate();
    names
        .map(|(index, name)| Place {
            name,
            region: value::text(document, &key(&item(CLUSTERS, index), "region")).to_owned(),
            zone: clusters::zones(document, index).join(", "),
        })
        .collect()
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// A region or a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) label: String,
    pub(crate) is_region: bool,
    pub(crate) frame: Frame,
}

/// Where all is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// Regions, each before its zones.
    pub(crate) areas: Vec<Area>,
    /// The clusters, in the order of the document.
    pub(crate) cards: Vec<Frame>,
}

/// Lays the clusters out in a width: regions below each other, in them the zones side by side.
pub(crate) fn layout(places: &[Place], width: i32) -> Layout {
    let (card_width, card_height) = if places.len() <= LARGE {
        (156, 48)
    } else {
        (112, 44)
    };
    let width = width.max(card_width + 4 * SPACE);
    let columns = ((width - 3 * SPACE) / (card_width + SPACE)).max(1);
    let mut cards = vec![
        Frame {
            x: 0,
            y: 0,
            width: card_width,
            height: card_height
        };
        places.len()
    ];
    let mut areas = Vec::new();
    let mut y = SPACE;
    for (region, zones) in regions(places) {
        let top = y;
        let at = areas.len();
        areas.push(Area {
            label: region.to_owned(),
            is_region: true,
            frame: Frame {
                x: SPACE / 2,
                y: top,
                width: width - SPACE,
                height: 0,
            },
        });
        y += LABEL;
        let (mut x, mut lowest) = (SPACE, y);
        for (zone, clusters) in zones {
            let count = i32::try_from(clusters.len()).unwrap_or(i32::MAX);
            let wide = count.min(columns);
            let zone_width = wide * (card_width + SPACE) + SPACE;
            if x > SPACE && x + zone_width > width {
                (x, y) = (SPACE, lowest + SPACE);
            }
            let rows = (count + wide - 1) / wide;
            let zone_height = LABEL + rows * (card_height + SPACE);
            areas.push(Area {
                label: zone.to_owned(),
                is_region: false,
                frame: Frame {
                    x,
                    y,
                    width: zone_width,
                    height: zone_height,
                },
            });
            for (cell, cluster) in (0..).zip(clusters) {
                cards[cluster].x = x + SPACE + cell % wide * (card_width + SPACE);
                cards[cluster].y = y + LABEL + cell / wide * (card_height + SPACE);
            }
            lowest = lowest.max(y + zone_height);
            x += zone_width + SPACE;
        }
        areas[at].frame.height = lowest + SPACE - top;
        y = lowest + 2 * SPACE;
    }
    Layout {
        width,
        height: y,
        areas,
        cards,
    }
}

type Named<'a, T> = (&'a str, T);

/// Regions with their zones, and these with the indices of their clusters, each in the order of the document.
fn regions(places: &[Place]) -> Vec<Named<'_, Vec<Named<'_, Vec<usize>>>>> {
    let mut regions = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let region: &mut Vec<Named<Vec<usize>>> = entry(&mut regions, &place.region);
        entry(region, &place.zone).push(index);
    }
    regions
}

/// The value of a key, added if it is not there.
fn entry<'a, 'b, T: Default>(entries: &'a mut Vec<(&'b str, T)>, key: &'b str) -> &'a mut T {
    let at = entries.iter().position(|(known, _)| *known == key);
    let at = at.unwrap_or_else(|| {
        entries.push((key, T::default()));
        entries.len() - 1
    });
    &mut entries[at].1
}

/// A line from the cluster of a caller to one that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    /// The indices of both clusters.
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) look: Look,
}

/// The lines for the calls of all clusters, or of one if there are too many.
pub(crate) fn lines(places: &[Place], calls: &Calls, only: Option<&str>) -> Vec<Line> {
    let index = |name: &str| places.iter().position(|place| place.name == name);
    let all: Vec<Line> = calls
        .clients
        .iter()
        .filter_map(|client| Some((index(&client.cluster)?, client)))
        .flat_map(|(from, client)| {
            let others = client.answered_by.iter().filter_map(|name| index(name));
            let others = others.filter(move |to| *to != from);
            others.map(move |to| Line {
                from,
                to,
                look: client.look,
            })
        })
        .collect();
    let chosen = only.and_then(index);
    if all.len() <= LINES && chosen.is_none() {
        return all;
    }
    all.into_iter()
        .filter(|line| chosen == Some(line.from))
        .collect()
}

/// The path of a line, for SVG: an arc above cards of one row, else from edge to edge.
pub(crate) fn curve(layout: &Layout, line: &Line) -> String {
    let (Some(from), Some(to)) = (layout.cards.get(line.from), layout.cards.get(line.to)) else {
        return String::new();
    };
    let middle = |frame: &Frame| frame.x + frame.width / 2;
    let (x1, x2) = (middle(from), middle(to));
    if from.y == to.y {
        let (y, bend) = (from.y, from.y - LABEL);
        return format!("M{x1} {y} C{x1} {bend} {x2} {bend} {x2} {y}");
    }
    let (y1, y2) = if from.y < to.y {
        (from.y + from.height, to.y)
    } else {
        (from.y, to.y + to.height)
    };
    let bend = i32::midpoint(y1, y2);
    format!("M{x1} {y1} C{x1} {bend} {x2} {bend} {x2} {y2}")
}

/// What a card says about the calls of its cluster.
pub(crate) fn answer(calls: &Calls, cluster: &str) -> (Option<Look>, String) {
    let Some(client) = calls.of(cluster) else {
        return (None, "no calls".to_owned());
    };
    let words = match client.look {
        Look::Gone => "is down".to_owned(),
        Look::Unanswered => "no answer".to_owned(),
        _ if client.answered_by == [cluster] => "answers itself".to_owned(),
        _ => format!("→ {}", client.answered_by.join(", ")),
    };
    (Some(client.look), words)
}

/// The number of clusters without an answer, in words.
pub(crate) fn summary(calls: &Calls) -> String {
    let count = |looks: &[Look]| {
        calls
            .clients
            .iter()
            .filter(|one| looks.contains(&one.look))
            .count()
    };
    let calling = calls.clients.len() - count(&[Look::Gone]);
    match (count(&[Look::Unanswered]), count(&[Look::Changed])) {
        (0, 0) => format!("All calls of {calling} clusters are answered as usual"),
        (0, moved) => format!(
            "All calls are answered; those of {moved} of {calling} clusters by other clusters"
        ),
        (lost, _) => format!("Calls of {lost} of {calling} clusters get no answer"),
    }
}

/// A text of at most this many characters, cut off with an ellipsis.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept + "…"
}

/// Characters that fit into a card.
pub(crate) const fn room(frame: &Frame) -> usize {
    // Half of the text's height is wider than its usual characters.
    #[expect(clippy::cast_sign_loss, reason = "cards have positive widths")]
    let width = frame.width as usize;
    (width - 32) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(count: usize, zones: usize) -> Vec<Place> {
        (0..count)
            .map(|index| Place {
                name: format!("c-{index}"),
                region: format!("r-{}", index * 3 / count),
                zone: format!("z-{}", index % zones),
            })
            .collect()
    }

    fn is_inside(inner: &Frame, outer: &Frame) -> bool {
        inner.x >= outer.x
            && inner.y >= outer.y
            && inner.x + inner.width <= outer.x + outer.width
            && inner.y + inner.height <= outer.y + outer.height
    }

    fn overlap(one: &Frame, other: &Frame) -> bool {
        one.x < other.x + other.width
            && other.x < one.x + one.width
            && one.y < other.y + other.height
            && other.y < one.y + one.height
    }

    #[test]
    fn nothing_overlaps_at_any_size() {
        for count in [1, 3, 10, 30, 100] {
            for width in [280, 340, 640, 1200] {
                let places = clusters(count, 4);
                let layout = layout(&places, width);
                let whole = Frame {
                    x: 0,
                    y: 0,
                    width: layout.width,
                    height: layout.height,
                };
                let case = format!("{count} in {width}");
                for (index, card) in layout.cards.iter().enumerate() {
                    let others = &layout.cards[index + 1..];
                    assert!(!others.iter().any(|other| overlap(card, other)), "{case}");
                    let around = layout
                        .areas
                        .iter()
                        .filter(|area| is_inside(card, &area.frame));
                    let labels: Vec<&str> = around.map(|area| area.label.as_str()).collect();
                    let place = &places[index];
                    assert_eq!(
                        labels,
                        [place.region.as_str(), place.zone.as_str()],
                        "{case}"
                    );
                }
                for (index, area) in layout.areas.iter().enumerate() {
                    assert!(is_inside(&area.frame, &whole), "{case}: {area:?}");
                    let same = layout.areas[index + 1..]
                        .iter()
                        .filter(|other| other.is_region == area.is_region);
                    assert!(
                        !same.clone().any(|other| overlap(&area.frame, &other.frame)),
                        "{case}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_document_without_clusters_has_an_empty_map() {
        let layout = layout(&[], 640);
        assert!(layout.cards.is_empty() && layout.areas.is_empty());
    }

    #[test]
    fn many_lines_are_those_of_the_chosen_cluster() {
        use crate::workers::calls::Client;
        let places = clusters(100, 4);
        let client = |index: usize| Client {
            cluster: format!("c-{index}"),
            look: Look::Changed,
            words: String::new(),
            answered_by: (0..4).map(|to| format!("c-{to}")).collect(),
        };
        let calls = Calls {
            clients: (0..100).map(client).collect(),
            ..Calls::default()
        };
        assert!(lines(&places, &calls, None).is_empty());
        assert_eq!(lines(&places, &calls, Some("c-9")).len(), 4);
        let few = Calls {
            clients: (0..9).map(client).collect(),
            ..Calls::default()
        };
        // Four of them answer themselves too.
        assert_eq!(lines(&places, &few, None).len(), 9 * 4 - 4);
        let layout = layout(&places, 640);
        assert!(
            lines(&places, &few, None)
                .iter()
                .all(|line| curve(&layout, line).starts_with('M'))
        );
    }

    #[test]
    fn long_names_are_cut_off() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("größer 10", 6), "größe…");
    }
}
