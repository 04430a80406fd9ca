//! Whether what was rendered is in the clusters, as it was rendered.

use shared::api::{ClusterStatus, Status};
use shared::verify::{Cause, Check, Family, OffObject, Outcome};

use super::round::blank;

/// A row for each cluster, and one for each object that is off.
pub(super) fn check(status: &Status) -> Vec<Check> {
    status.clusters.iter().flat_map(cluster).collect()
}

fn cluster(status: &ClusterStatus) -> Vec<Check> {
    // No `..`: a new way to be off is not to be forgotten here.
    let ClusterStatus {
        name,
        error,
        in_step,
        missing,
        changed,
        surplus,
    } = status;
    let row = || {
        let mut check = blank(Family::Objects);
        check.cluster.clone_from(name);
        "in step".clone_into(&mut check.expected);
        check
    };
    if let Some(error) = error {
        return vec![row().with(Outcome::CouldNotCheck, &Cause::NotAsked(error.clone()))];
    }
    let mut all = row();
    let total = in_step + missing.len() + changed.len() + surplus.len();
    all.seen.text = format!("{in_step} of {total} in step");
    let mut checks = Vec::new();
    if total == *in_step {
        checks.push(all);
    }
    let off = [(missing, true), (changed, false)];
    for (keys, missing) in off {
        checks.extend(keys.iter().map(|key| {
            let off = OffObject {
                cluster: name.clone(),
                object: key.to_string(),
                missing,
            };
            let mut check = row();
            check.host = key.to_string();
            let seen = if missing { "missing" } else { "changed" };
            seen.clone_into(&mut check.seen.text);
            check.with(Outcome::Failed, &off.cause())
        }));
    }
    checks.extend(surplus.iter().map(|key| {
        let mut check = row();
        check.host = key.to_string();
        "surplus".clone_into(&mut check.seen.text);
        let cause = Cause::ObjectSurplus {
            cluster: name.clone(),
            object: key.to_string(),
        };
        check.with(Outcome::Failed, &cause)
    }));
    checks
}
