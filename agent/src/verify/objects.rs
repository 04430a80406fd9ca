//! Checks whether the clusters have the objects as rendered.

use shared::api::{ClusterStatus, Status};
use shared::kubernetes::object::Key;
use shared::verify::{Cause, Check, Family, Off, OffObject, Outcome};

/// One row for each cluster, and one for each object that is off.
pub(super) fn check(status: &Status) -> Vec<Check> {
    status.clusters.iter().flat_map(cluster).collect()
}

fn cluster(status: &ClusterStatus) -> Vec<Check> {
    // No `..`: a new state must not be forgotten here.
    let ClusterStatus {
        name,
        error,
        unchanged,
        missing,
        refused,
        changed,
        surplus,
        drifted,
    } = status;
    let row = || {
        let mut check = Check::new(Family::Objects);
        check.cluster.clone_from(name);
        "up to date".clone_into(&mut check.expected);
        check
    };
    if let Some(error) = error {
        return vec![row().with(Outcome::CouldNotCheck, &Cause::NotAsked(error.clone()))];
    }
    let mut all = row();
    let as_rendered = unchanged + drifted.len();
    let total = as_rendered + missing.len() + refused.len() + changed.len() + surplus.len();
    all.seen.text = format!("{as_rendered} of {total} up to date");
    let mut checks = Vec::new();
    if total == as_rendered {
        checks.push(all);
    }
    checks.extend(off(status).map(|(key, how)| off_row(row(), key, how)));
    checks.extend(surplus.iter().map(|key| {
        let mut check = row();
        check.host = key.to_string();
        "orphaned".clone_into(&mut check.seen.text);
        let cause = Cause::ObjectSurplus {
            cluster: name.clone(),
            object: key.to_string(),
        };
        check.with(Outcome::Failed, &cause)
    }));
    checks
}

/// Completes the row of an object that is off, in the row's cluster.
pub(super) fn off_row(mut row: Check, key: &Key, how: Off) -> Check {
    row.host = key.to_string();
    let (seen, outcome) = match how {
        Off::Missing => ("missing", Outcome::Failed),
        Off::Changed => ("changed", Outcome::Failed),
        // The object could not be read; its cluster's DNS has a check of its own.
        Off::Refused(_) if key.kind == "ConfigMap" => ("not shown", Outcome::CouldNotCheck),
        Off::Refused(_) => ("refused", Outcome::Failed),
        Off::NotAccepted(_) => ("not accepted", Outcome::Failed),
        Off::Unsaid(_) => ("no status", Outcome::CouldNotCheck),
        Off::Drifted(_) => ("drifted", Outcome::Failed),
    };
    // The rendered fields are there; whether the others are intended is unknown.
    row.advisory = matches!(how, Off::Drifted(_));
    seen.clone_into(&mut row.seen.text);
    let cause = off_object(&row.cluster, key, how).cause();
    row.with(outcome, &cause)
}

/// The objects that are off, except orphaned ones.
pub(super) fn off(status: &ClusterStatus) -> impl Iterator<Item = (&Key, Off)> {
    let missing = status.missing.iter().map(|key| (key, Off::Missing));
    let refused = status.refused.iter();
    let refused = refused.map(|one| (&one.object, Off::Refused(one.why.clone())));
    let changed = status.changed.iter().map(|key| (key, Off::Changed));
    let drifted = status.drifted.iter().map(|one| {
        let fields = one.fields.iter().map(ToString::to_string).collect();
        (&one.object, Off::Drifted(fields))
    });
    missing.chain(refused).chain(changed).chain(drifted)
}

pub(super) fn off_object(cluster: &str, key: &Key, how: Off) -> OffObject {
    OffObject {
        cluster: cluster.to_owned(),
        object: key.clone(),
        how,
    }
}

#[cfg(test)]
mod tests {
    use shared::api::{ClusterStatus, Drifted, Refused, Status};
    use shared::kubernetes::object::Key;
    use shared::plan::drift::Drift;

    use super::check;

    #[test]
    fn every_way_to_be_off_has_a_row_with_its_reason() {
        let key = |kind: &str, name: &str| Key {
            group: String::new(),
            kind: kind.into(),
            namespace: "kube-system".into(),
            name: name.into(),
        };
        let refused = |kind: &str, name: &str| Refused {
            object: key(kind, name),
            why: format!("{name} is forbidden"),
        };
        let status = Status {
            clusters: vec![ClusterStatus {
                name: "north".into(),
                unchanged: 3,
                missing: vec![key("Service", "a")],
                refused: vec![refused("ConfigMap", "coredns"), refused("Service", "b")],
                changed: vec![key("Service", "c")],
                surplus: vec![key("Service", "d")],
                drifted: vec![Drifted {
                    object: key("Service", "e"),
                    fields: vec![Drift {
                        field: ".spec.externalIPs".into(),
                        manager: "kubectl-edit".into(),
                        time: None,
                    }],
                }],
                ..ClusterStatus::default()
            }],
        };
        let rows: Vec<String> = check(&status)
            .into_iter()
            .map(|check| {
                let cause = check.cause.unwrap();
                assert!(
                    cause.code != "object-refused" || cause.message.ends_with("is forbidden"),
                    "{cause:?}"
                );
                let advisory = if check.advisory { " (advisory)" } else { "" };
                format!(
                    "{} {} {}{advisory}",
                    check.seen.text,
                    check.outcome.as_str(),
                    cause.code
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                "missing failed object-missing",
                "not shown could not check object-refused",
                "refused failed object-refused",
                "changed failed object-changed",
                "drifted failed object-drifted (advisory)",
                "orphaned failed object-surplus",
            ]
        );
    }
}
