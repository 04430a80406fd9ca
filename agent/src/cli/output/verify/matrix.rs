//! The checks of a service as a table: who asks by which name.

use shared::verify::{Check, Family, Outcome};

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
        let row = who(check);
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
    let columns = hosts.iter().map(|host| name(host, all)).collect();
    let rows = rows
        .into_iter()
        .map(|row| {
            let cells = hosts.iter().map(|host| {
                let mut cells = checks.iter();
                cells
                    .find(|check| check.host == *host && who(check) == row)
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

/// Who asks, or is asked.
fn who(check: &Check) -> String {
    match (check.family, check.cluster.as_str()) {
        (Family::Call, cluster) => cluster.to_owned(),
        (_, "") => check.asked.clone(),
        (Family::Gateway, cluster) => format!("{cluster} {}", check.asked),
        (_, cluster) => cluster.to_owned(),
    }
}

/// What to call a name: its level, with region or zone, which are what its host has that the global
/// name's has not.
fn name(host: &str, all: &[Check]) -> String {
    let Some(known) = all
        .iter()
        .find(|check| check.host == host && !check.level.is_empty())
    else {
        return host.to_owned();
    };
    let global = all
        .iter()
        .find(|check| check.service == known.service && check.level == "global");
    match (known.level.as_str(), global) {
        ("region" | "zone", Some(global)) => {
            format!("{} {}", known.level, between(host, &global.host))
        }
        (level, _) => level.to_owned(),
    }
}

/// The labels of a host that a shorter one, otherwise the same, does not have.
fn between<'a>(host: &'a str, shorter: &str) -> &'a str {
    let start: usize = host
        .split_inclusive('.')
        .zip(shorter.split_inclusive('.'))
        .take_while(|(a, b)| a == b)
        .map(|(label, _)| label.len())
        .sum();
    let rest = &host[start..];
    rest.strip_suffix(&shorter[start..])
        .unwrap_or(rest)
        .trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn what_a_name_has_more() {
        let global = "orders.sales.external.svc.mesh.example.org";
        for (host, more) in [
            ("orders.sales.external.svc.eu.mesh.example.org", "eu"),
            (
                "orders.sales.external.svc.eu-a.eu.mesh.example.org",
                "eu-a.eu",
            ),
            (global, ""),
            ("other.example.net", "other.example.net"),
        ] {
            assert_eq!(between(host, global), more, "{host}");
        }
    }
}
