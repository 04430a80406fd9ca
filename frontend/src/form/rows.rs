//! Cells that are pasted into a table.

use serde_json::Value;

use super::field;
use super::label;
use crate::document::path::{below, item};
use crate::document::value;

/// The cells of a text that was copied from a spreadsheet or a comma-separated file, without a heading; `None` for a
/// single cell, which the browser pastes itself.
pub(crate) fn cells(text: &str, list: &str, columns: &[&str]) -> Option<Vec<Vec<String>>> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let separator = match (lines.iter().any(|l| l.contains('\t')), lines.len() > 1) {
        (true, _) => '\t',
        (false, true) => ',',
        (false, false) => return None,
    };
    let cells = |line: &&str| {
        line.split(separator)
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut rows: Vec<Vec<String>> = lines.iter().map(cells).collect();
    let labels: Vec<String> = columns
        .iter()
        .map(|column| label::of(&below(&item(list, 0), column)))
        .collect();
    let is_label = |cell: &String| labels.iter().any(|label| label.eq_ignore_ascii_case(cell));
    if rows
        .first()
        .is_some_and(|row| row.len() > 1 && row.iter().all(is_label))
    {
        rows.remove(0);
    }
    Some(rows)
}

/// Puts cells into a table, from a row and a column on; missing rows are added.
pub(crate) fn paste(
    document: &mut Value,
    list: &str,
    columns: &[&str],
    (row, column): (usize, usize),
    cells: &[Vec<String>],
) {
    for (offset, cells) in cells.iter().enumerate() {
        let row = row + offset;
        while value::count(document, list) <= row {
            let end = value::count(document, list);
            value::insert(document, list, end, Value::Object(serde_json::Map::new()));
        }
        for (column, text) in columns[column..].iter().zip(cells) {
            field::set(document, &below(&item(list, row), column), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::clusters::{self, CLUSTERS, SERVICES};
    use crate::document::start;
    use crate::form::layout::{CLUSTER_COLUMNS, SERVICE_COLUMNS};

    #[test]
    fn rows_of_a_spreadsheet_become_clusters() {
        let text = "Name\tRegion\tZone\nwest\tus-west1\tus-west1-a\r\neast\tus-east1\tus-east1-b\n";
        let mut document = start::walkthrough();
        let cells = cells(text, CLUSTERS, &CLUSTER_COLUMNS).unwrap();
        paste(&mut document, CLUSTERS, &CLUSTER_COLUMNS, (1, 0), &cells);
        assert_eq!(clusters::names(&document), ["cluster1", "west", "east"]);
        assert_eq!(clusters::zones(&document, 2), ["us-east1-b"]);
    }

    #[test]
    fn rows_become_services() {
        let mut document = start::empty();
        let cells = cells(
            "orders,shop,8080\nstock,depot,9000",
            SERVICES,
            &SERVICE_COLUMNS,
        )
        .unwrap();
        paste(&mut document, SERVICES, &SERVICE_COLUMNS, (0, 0), &cells);
        assert_eq!(
            value::text(&document, "spec.services[1].namespace"),
            "depot"
        );
        assert_eq!(
            value::get(&document, "spec.services[0].port"),
            Some(&8080.into())
        );
    }

    #[test]
    fn commas_separate_cells_only_in_several_lines() {
        let cells = |text: &str| cells(text, CLUSTERS, &CLUSTER_COLUMNS);
        assert_eq!(cells("203.0.113.1, 203.0.113.2"), None);
        let mut document = start::walkthrough();
        let rows = cells("r1,z1\nr1,z2").unwrap();
        paste(&mut document, CLUSTERS, &CLUSTER_COLUMNS, (0, 1), &rows);
        assert_eq!(clusters::zones(&document, 1), ["z2"]);
        assert_eq!(clusters::names(&document), ["cluster1", "cluster2"]);
    }
}
