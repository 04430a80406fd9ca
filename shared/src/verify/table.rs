//! The checks of a family as one table: a row for each name of each service, a column for each caller or callee.

use std::collections::BTreeMap;

use super::{Check, Family, name_of};

/// The level of the Service's own name.
const LOCAL: &str = "local";

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<'a> {
    /// The callers or callees; for calls, the clusters of the clients.
    pub columns: Vec<String>,
    /// The services, in the order of the report.
    pub services: Vec<ServiceRows<'a>>,
}

/// The rows of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRows<'a> {
    /// `<name>.<namespace>`
    pub service: &'a str,
    /// A row for each name, in the order of the report.
    pub rows: Vec<Row<'a>>,
}

/// A name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its display name: `global`, `zone eu-a.eu`, or the host if it has no level.
    pub name: String,
    /// The host.
    pub host: &'a str,
    /// The check of each column, if there is one.
    pub cells: Vec<Option<&'a Check>>,
}

impl<'a> Table<'a> {
    /// The table of a family; without columns if it has no check of a service.
    pub fn of(family: Family, checks: &'a [Check]) -> Self {
        let mut columns = Columns::default();
        for check in checks.iter().filter(|check| is_in(check, family)) {
            columns.place(check.who());
        }
        let mut services = Vec::new();
        for (service, all) in by_service(checks) {
            let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
            let mut rows: Vec<Row<'a>> = Vec::new();
            for &check in all.iter().filter(|check| is_in(check, family)) {
                let column = columns.place(check.who());
                let row = *hosts.entry(&check.host).or_insert_with(|| {
                    rows.push(Row {
                        name: name_of(&check.host, all.iter().copied()),
                        host: &check.host,
                        cells: Vec::new(),
                    });
                    rows.len() - 1
                });
                let cells = &mut rows[row].cells;
                cells.resize(columns.names.len(), None);
                // Of two checks, the worse one is displayed.
                if cells[column].is_none_or(|known| known.outcome < check.outcome) {
                    cells[column] = Some(check);
                }
            }
            if !rows.is_empty() {
                // The Service's own name exists only where it runs, so it is sorted last.
                rows.sort_by_key(|row| row.name == LOCAL);
                services.push(ServiceRows { service, rows });
            }
        }
        Self {
            columns: columns.names,
            services,
        }
    }
}

/// Whether a check belongs in the table of a family: objects have no service.
fn is_in(check: &Check, family: Family) -> bool {
    check.family == family && !check.service.is_empty()
}

/// Columns in the order of their first check.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Columns {
    fn place(&mut self, name: String) -> usize {
        *self.places.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }
}

/// Services in the order of the report, each with all of its checks.
fn by_service(checks: &[Check]) -> Vec<(&str, Vec<&Check>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut services: Vec<(&str, Vec<&Check>)> = Vec::new();
    for check in checks.iter().filter(|check| !check.service.is_empty()) {
        let at = *places.entry(&check.service).or_insert_with(|| {
            services.push((&check.service, Vec::new()));
            services.len() - 1
        });
        services[at].1.push(check);
    }
    services
}

#[cfg(test)]
mod tests {
    use super::super::{Cause, Outcome, Report, Seen, faults};
    use super::*;

    fn check(family: Family, cluster: &str, service: &str, level: &str, host: &str) -> Check {
        Check {
            family,
            cluster: cluster.into(),
            service: service.into(),
            host: host.into(),
            level: level.into(),
            asked: "10.0.0.1:80".into(),
            expected: "status below 500".into(),
            seen: Seen {
                milliseconds: Some(12),
                ..Seen::default()
            },
            outcome: Outcome::Passed,
            advisory: false,
            cause: None,
        }
    }

    fn checks() -> Vec<Check> {
        let call =
            |cluster, service, level, host| check(Family::Call, cluster, service, level, host);
        let failed = |check: Check| check.with(Outcome::Failed, &Cause::NoHost);
        vec![
            check(Family::Objects, "north", "", "", ""),
            check(Family::Gateway, "south", "stock.depot", "", "stock.example"),
            call(
                "north",
                "orders.sales",
                "local",
                "orders.sales.svc.cluster.local",
            ),
            call("north", "orders.sales", "global", "orders.example"),
            call("north", "orders.sales", "zone", "orders.a.eu.example"),
            failed(call("south", "orders.sales", "zone", "orders.a.eu.example")),
            call("west", "stock.depot", "global", "stock.example"),
            failed(call("south", "stock.depot", "global", "stock.example")),
        ]
    }

    /// A table as text: columns, then each row with its cells.
    fn text(table: &Table<'_>) -> Vec<String> {
        let mut lines = vec![table.columns.join(" ")];
        for service in &table.services {
            lines.push(service.service.to_owned());
            for row in &service.rows {
                let cells = row.cells.iter().map(|cell| match cell {
                    Some(check) => check.cell(),
                    None => "-".to_owned(),
                });
                let cells: Vec<String> = cells.collect();
                lines.push(format!("  {}: {}", row.name, cells.join(" | ")));
            }
        }
        lines
    }

    #[test]
    fn calls_are_a_row_for_each_name_and_a_column_for_each_client() {
        let checks = checks();
        assert_eq!(
            text(&Table::of(Family::Call, &checks)),
            [
                "north south west",
                "stock.depot",
                "  global: - | no-host | ok 12 ms",
                "orders.sales",
                "  global: ok 12 ms | - | -",
                "  zone a.eu: ok 12 ms | no-host | -",
                "  local: ok 12 ms | - | -",
            ]
        );
        assert_eq!(
            text(&Table::of(Family::Gateway, &checks)),
            ["south 10.0.0.1:80", "stock.depot", "  global: ok 12 ms"]
        );
        assert_eq!(text(&Table::of(Family::Record, &checks)), [""]);
    }

    #[test]
    fn of_two_checks_for_one_cell_the_worse_is_shown() {
        let good = check(Family::Call, "north", "a.b", "global", "a.example");
        let bad = good.clone().with(Outcome::Failed, &Cause::Timeout);
        for checks in [[good.clone(), bad.clone()], [bad, good]] {
            let lines = text(&Table::of(Family::Call, &checks));
            assert_eq!(lines.last().unwrap(), "  global: timeout");
        }
    }

    #[test]
    fn checks_with_the_same_cause_are_one_fault() {
        let checks = checks();
        let faults = faults(&checks);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].cause.code, "no-host");
        assert_eq!(faults[0].checks.len(), 2);
        let report = Report {
            checks,
            ..Report::default()
        };
        assert_eq!(report.summary(), "8 checks: 6 passed, 2 failed");
    }
}
