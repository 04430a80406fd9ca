//! The checks of a service as a table, with a line for each client and a column for each name.

use shared::verify::{Check, Family, Outcome, name_of};

/// Most columns; beyond it, names whose checks all passed are only counted.
const COLUMNS: usize = 10;

/// A table of checks.
pub(super) struct Matrix<'a> {
    /// The heading: service and family.
    pub(super) title: String,
    /// The headings of the columns, which stand for names.
    pub(super) columns: Vec<String>,
    /// The client, and its check for each column, if there is one.
    pub(super) rows: Vec<(String, Vec<Option<&'a Check>>)>,
    /// The number of names that are left out because all their checks passed.
    pub(super) left_out: usize,
}

/// The tables of all services, in the order of the report, with calls first, since they matter most.
pub(super) fn of(checks: &[Check]) -> Vec<Matrix<'_>> {
    let mut services: Vec<&str> = Vec::new();
    for check in checks {
        if !check.service.is_empty() && !services.contains(&check.service.as_str()) {
            services.push(&check.service);
        }
    }
    let families = [
        (Family::Call, "calls from a probe client in each cluster"),
        (Family::Gateway, "gateways, requests from this machine"),
        (Family::Record, "records"),
    ];
    services
        .into_iter()
        .flat_map(|service| {
            families.map(|(family, words)| {
                let of_it: Vec<&Check> = checks
                    .iter()
                    .filter(|check| check.family == family && check.service == service)
                    .collect();
                (!of_it.is_empty()).then(|| one(format!("{service}: {words}"), &of_it, checks))
            })
        })
        .flatten()
        .collect()
}

fn one<'a>(title: String, checks: &[&'a Check], all: &'a [Check]) -> Matrix<'a> {
    let mut hosts: Vec<&str> = Vec::new();
    let mut rows: Vec<String> = Vec::new();
    for check in checks {
        if !hosts.contains(&check.host.as_str()) {
            hosts.push(&check.host);
        }
        let row = check.who();
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let mut left_out = 0;
    if hosts.len() > COLUMNS {
        let before = hosts.len();
        hosts.retain(|host| {
            checks
                .iter()
                .any(|check| check.host == *host && check.outcome != Outcome::Passed)
        });
        left_out = before - hosts.len();
    }
    let columns = hosts.iter().map(|host| name_of(host, all)).collect();
    let rows = rows
        .into_iter()
        .map(|row| {
            let cells = hosts.iter().map(|host| {
                let mut cells = checks.iter();
                cells
                    .find(|check| check.host == *host && check.who() == row)
                    .copied()
            });
            let cells = cells.collect();
            (row, cells)
        })
        .collect();
    Matrix {
        title,
        columns,
        rows,
        left_out,
    }
}
