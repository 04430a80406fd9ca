//! Changes of DNS records, read from DNSEndpoints.

use std::collections::BTreeSet;

use shared::gateways::last_known::Records;
use shared::kubernetes::object::{Kind, Object};
use shared::plan::{Existing, ObservedCluster};

use super::event::RecordChange;

/// The changes by an apply of `desired`, by name.
pub(super) fn changes<'a>(
    desired: impl IntoIterator<Item = &'a Object>,
    observed: &ObservedCluster,
) -> Vec<RecordChange> {
    let (mut before, mut after) = (Records::default(), Records::default());
    let desired = desired.into_iter();
    for object in desired.filter(|object| object.kind == Kind::DNS_ENDPOINT) {
        match observed.desired.get(&object.key()) {
            Some(Existing::Unchanged | Existing::Foreign(_)) => {}
            Some(Existing::Asked { live, .. }) => {
                before.add(live);
                after.add(&object.beside(live).to_json());
            }
            None => after.add(&object.as_created().to_json()),
        }
    }
    let candidate = observed.prune_candidates.values();
    for candidate in candidate.filter(|candidate| candidate.kind == Kind::DNS_ENDPOINT) {
        before.add(&candidate.live());
    }
    let keys: BTreeSet<_> = before.0.keys().chain(after.0.keys()).cloned().collect();
    keys.into_iter()
        .filter(|key| before.0.get(key) != after.0.get(key))
        .map(|key| {
            let targets = |records: &Records| -> Vec<String> {
                records.0.get(&key).into_iter().flatten().cloned().collect()
            };
            let (before, after) = (targets(&before), targets(&after));
            let (name, record_type) = key;
            RecordChange {
                name,
                record_type,
                before,
                after,
            }
        })
        .collect()
}
