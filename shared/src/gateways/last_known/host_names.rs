//! The rule for load balancers' host names: one that does not resolve keeps its last known addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Known, LastKnown, Timestamp};

/// The addresses of a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// The resolved ones, at least one.
    Resolved(Vec<IpAddr>),
    /// The last known ones, which may be none.
    LastKnown {
        /// The addresses.
        known: Known<IpAddr>,
        /// The reason why it does not resolve.
        why: String,
    },
    /// None: it does not resolve, for this reason, and none were known before.
    Unresolved(String),
}

impl HostName {
    /// The addresses, which may be none.
    pub fn addresses(&self) -> &[IpAddr] {
        match self {
            Self::Resolved(addresses) => addresses,
            Self::LastKnown { known, .. } => &known.addresses,
            Self::Unresolved(_) => &[],
        }
    }
}

/// The addresses of all host names to resolve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostNames(pub BTreeMap<String, HostName>);

impl HostNames {
    /// Decides the addresses, given those of each host name, at least one, or the reason why there are none.
    /// `withdrawn` has the host names whose last known addresses a user has withdrawn.
    pub fn publish(
        found: &BTreeMap<String, Result<Vec<IpAddr>, String>>,
        last_known: &LastKnown,
        withdrawn: &BTreeSet<String>,
        now: &Timestamp,
    ) -> Self {
        let publish = |host: &String, found: &Result<Vec<IpAddr>, String>| {
            let why = match found {
                Ok(addresses) => return HostName::Resolved(addresses.clone()),
                Err(why) => why.clone(),
            };
            let known = if withdrawn.contains(host) {
                Some(Known::withdrawn(now))
            } else {
                last_known.host_names.get(host).cloned()
            };
            match known {
                Some(known) => HostName::LastKnown { known, why },
                None => HostName::Unresolved(why),
            }
        };
        let all = found.iter();
        Self(
            all.map(|(host, found)| (host.clone(), publish(host, found)))
                .collect(),
        )
    }

    /// The addresses as input of the checks.
    pub fn facts(&self) -> BTreeMap<String, Vec<IpAddr>> {
        let known = self.0.iter();
        known
            .map(|(host, one)| (host.clone(), one.addresses().to_vec()))
            .filter(|(_, addresses)| !addresses.is_empty())
            .collect()
    }

    /// The record to write.
    pub fn to_record(&self, now: &Timestamp) -> BTreeMap<String, Known<IpAddr>> {
        let record = |one: &HostName| match one {
            HostName::Resolved(addresses) => Some(Known::new(addresses.clone(), now)),
            HostName::LastKnown { known, .. } => Some(known.clone()),
            HostName::Unresolved(_) => None,
        };
        let all = self.0.iter();
        all.filter_map(|(host, one)| Some((host.clone(), record(one)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{HostNames, Known, LastKnown, Timestamp};

    #[test]
    fn a_host_name_that_does_not_resolve_keeps_its_addresses_until_they_are_withdrawn() {
        let (then, now) = (
            Timestamp::new("2026-05-04T09:12:31Z").unwrap(),
            Timestamp::new("2026-05-05T00:00:00Z").unwrap(),
        );
        let one = vec!["192.0.2.1".parse().unwrap()];
        let other = vec!["192.0.2.2".parse().unwrap()];
        let host = || "lb.example.com".to_owned();
        let last_known = LastKnown {
            host_names: BTreeMap::from([(host(), Known::new(one.clone(), &then))]),
            ..LastKnown::default()
        };
        let nothing = LastKnown::default();
        let (stays, goes) = (BTreeSet::new(), BTreeSet::from([host()]));
        let lost = || Err("no such host".to_owned());
        for (found, last_known, withdrawn, published, recorded) in [
            (
                Ok(other.clone()),
                &last_known,
                &stays,
                Some(&other),
                Some((&other, &now)),
            ),
            (
                Ok(other.clone()),
                &last_known,
                &goes,
                Some(&other),
                Some((&other, &now)),
            ),
            (lost(), &last_known, &stays, Some(&one), Some((&one, &then))),
            (lost(), &nothing, &stays, None, None),
            (lost(), &last_known, &goes, None, Some((&Vec::new(), &now))),
        ] {
            let names = HostNames::publish(&[(host(), found)].into(), last_known, withdrawn, &now);
            assert_eq!(names.facts().get(&host()), published);
            let recorded = recorded.map(|(addresses, at)| Known::new(addresses.clone(), at));
            assert_eq!(names.to_record(&now).get(&host()), recorded.as_ref());
        }
    }
}
