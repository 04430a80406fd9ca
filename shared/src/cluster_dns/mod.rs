//! Stub domains: a cluster's DNS forwards the mesh's names to the name servers of its zone.
//!
//! The DNS is found by the Services that pods query, and by the ConfigMaps that their pods mount. Existing configuration
//! is never replaced. A Corefile gets a server block between two comments with the mesh's name, before all others, and
//! every other byte stays: removing it restores the former text. kube-dns's JSON gets an entry, and no other changes.

mod additions;
mod corefile;
mod domain;
mod edit;
mod forwarding;
mod kube_dns;
mod manual;
mod members;
mod merge;
mod observed;
mod owner;
mod servers;
mod tokens;

pub use domain::{domains, finding};
pub use edit::Edit;
pub use forwarding::{Forwarding, forwarding};
pub use manual::Manual;
pub use merge::{Merged, merge, remove};
pub use observed::{Found, Observed, Service, services};
pub use owner::Owner;

use crate::kubernetes::object::Key;
use crate::name::Label;

/// The namespace of the cluster DNS.
pub const NAMESPACE: &str = "kube-system";

/// The ConfigMaps in [`NAMESPACE`] that earlier versions changed without recording their names.
pub const CONFIG_MAPS: [&str; 4] = ["coredns", "coredns-custom", "kube-dns", "node-local-dns"];
/// The cache of kubespray.
pub const KUBESPRAY_CACHE: &str = "nodelocaldns";
/// `CoreDNS` of RKE2.
pub const RKE2: &str = "rke2-coredns-rke2-coredns";
/// Namespace and name of the ConfigMap of OpenShift's DNS operator.
pub const OPENSHIFT: (&str, &str) = ("openshift-dns", "dns-default");

/// A zone and its name servers.
#[derive(Debug, Clone, Copy)]
pub struct StubDomain<'a> {
    /// The mesh's name.
    pub mesh: &'a str,
    /// The zone.
    pub suffix: &'a str,
    /// `address` or `address:port`, an IPv6 address with a port in brackets.
    pub nameservers: &'a [String],
}

/// The key of a ConfigMap.
pub fn key(namespace: &str, config_map: &str) -> Key {
    Key {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: namespace.to_owned(),
        name: config_map.to_owned(),
    }
}

/// The key of a ConfigMap whose names may be any text; `None` if they are not those of an object.
pub fn checked_key(namespace: &str, config_map: &str) -> Option<Key> {
    let is_valid = |name: &str| name.split('.').all(|label| Label::new(label).is_ok());
    (is_valid(namespace) && is_valid(config_map)).then(|| key(namespace, config_map))
}

/// A ConfigMap that cannot be changed, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its key.
    pub config_map: Key,
    /// Position, reason and remedy.
    pub why: String,
}

/// Whether two names are equal in DNS.
fn same_name(one: &str, other: &str) -> bool {
    let other = other.strip_suffix('.').unwrap_or(other);
    one.strip_suffix('.')
        .unwrap_or(one)
        .eq_ignore_ascii_case(other)
}
