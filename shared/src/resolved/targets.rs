//! Which addresses a DNS record of a name can have.

use std::collections::BTreeSet;

use crate::resolved::{Address, Resolved};

/// Whether a name with these targets has a record after all lookups.
pub(crate) fn can_be_published(targets: &BTreeSet<Address>, resolved: &Resolved) -> bool {
    has_form(targets) || resolved.dns.host_names.is_some()
}

/// The targets that DNS allows, or none. If host names are to be resolved and cannot be published themselves, their
/// known addresses replace them.
pub(crate) fn in_form(targets: BTreeSet<Address>, resolved: &Resolved) -> BTreeSet<Address> {
    if has_form(&targets) {
        return targets;
    }
    let Some(known) = &resolved.dns.host_names else {
        return BTreeSet::new();
    };
    let mut addresses = BTreeSet::new();
    for target in targets {
        match &target {
            Address::Ip(_) => _ = addresses.insert(target),
            Address::Host(host) => {
                let found = known.get(host).into_iter().flatten();
                addresses.extend(found.map(|ip| Address::Ip(*ip)));
            }
        }
    }
    addresses
}

/// Whether DNS allows these targets of a name: a host name must be the only one (RFC 1034, section 3.6.2).
pub(crate) fn has_form(targets: &BTreeSet<Address>) -> bool {
    targets.len() < 2
        || targets
            .iter()
            .all(|target| matches!(target, Address::Ip(_)))
}
