//! Permissions that carrying out a plan requires, by the observed state of the cluster.

use std::collections::BTreeSet;

use super::Permission;
use super::objects::{CREATE, lease, record_and_lease, removal, removal_of_record, write};
use crate::cluster_dns::Edit;
use crate::kubernetes::object::{Kind, Object};
use crate::plan::orphaned;
use crate::plan::{Existing, ObservedCluster};

/// Permissions to create, change and prune the objects that differ from the desired state, and to create and delete
/// `temporary` ones meanwhile. Those for the cluster DNS configuration are not included: the plan sends a dry run for it.
pub fn to_carry_out(
    mesh: &str,
    objects: &[Object],
    temporary: &[Object],
    observed: &ObservedCluster,
) -> BTreeSet<Permission> {
    let mut needed = BTreeSet::new();
    for object in temporary {
        needed.extend(write(object, &["patch", CREATE]));
        let namespace = object.namespace.as_deref();
        needed.extend(removal(&object.kind, namespace, &object.name));
    }
    for object in objects {
        match observed.desired.get(&object.key()) {
            // Objects of another owner are not changed.
            Some(Existing::Unchanged | Existing::Foreign(_)) => {}
            Some(Existing::Asked { .. }) => needed.extend(write(object, &["patch"])),
            None => needed.extend(write(object, &["patch", CREATE])),
        }
    }
    let orphaned = orphaned::rules(&observed.prune_candidates);
    for (key, candidate) in &observed.prune_candidates {
        let namespace = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
        if candidate.kind == Kind::SECRET {
            needed.extend(removal_of_record(mesh));
            continue;
        }
        needed.extend(removal(&candidate.kind, namespace, &key.name));
        if orphaned.contains_key(key) || candidate.restoring.is_some() {
            let patch = Permission::of_object(&candidate.kind, namespace, &key.name, "patch");
            needed.insert(patch);
        }
    }
    let mut edits = observed.dns.iter().flatten();
    let holds_ours = edits.clone().any(|edit| edit.holds_ours);
    if needed.is_empty() && edits.all(Edit::is_done) {
        return needed;
    }
    if objects.is_empty() && !holds_ours {
        needed.extend(lease(mesh));
    } else {
        needed.extend(record_and_lease(mesh));
    }
    needed
}
