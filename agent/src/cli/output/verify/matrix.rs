//! The checks of a service as a table: who asks by which name.

use shared::verify::{Check, Family, Outcome, name_of};

/// With more columns than this, those where all is well are only counted.
const COLUMNS: usize = 10;

/// A table.
pub(super) struct Matrix<'a> {
    /// What for.
    pub(super) title: String,
    /// What the names are called.
    pub(super) columns: Vec<String>,
    /// Who asks, and a check for each column that there is one for.
    pub(super) rows: Vec<(String, Vec<Option<&'a Check>>)>,
    /// Names that are left out because every check of them has passed.
    pub(super) left_out: usize,
}

/// The tables of all services, in the order of the report: calls first, since they are what counts.
pub(super) fn of(checks: &[Check]) -> Vec<Matrix<'_>> {
    let mut services: Vec<&str> = Vec::new();
    for check in checks {
        if !check.service.is_empty() && !services.contains(&check.service.as_str()) {
            services.push(&check.service);
        }
    }
    let families = [
        (Family::Call, "calls from a client in each cluster"),
        (Family::Gateway, "gateways, asked from this machine"),
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
