//! Last known addresses, which are published instead of those that cannot be looked up.
//!
//! The gateway of an unreachable API server may still serve. So its last known addresses stay published until the
//! server answers again or a user withdraws them. The mesh's own record in the clusters holds them
//! ([`crate::kubernetes::ownership`]), so that they are known to the next plan on any machine.
//!
//! **Invariant**: the rules in `gateways.rs` and `host_names.rs` are the only ones; `plan`, `apply`, `status`, `verify`
//! and `follow` all use them. The current time is a parameter.

mod gateways;
mod host_names;
mod records;
mod timestamp;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use gateways::{
    Gateways, Observation, ObservedGateway, Publication, PublishedGateway, Reason, publish,
};
pub use host_names::{HostName, HostNames};
pub use records::{Records, from_records};
pub use timestamp::Timestamp;

use crate::gateways::kind::GatewayKind;
use crate::resolved::Address;

/// The last known addresses of a mesh, in the form of its record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastKnown {
    /// Time of the record: the newest of several records counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Timestamp>,
    /// Cluster name → addresses of its ingress gateway: IP addresses and host names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gateways: BTreeMap<String, Known<String>>,
    /// The same of east-west gateways.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub east_west_gateways: BTreeMap<String, Known<String>>,
    /// Host name of a load balancer → its resolved addresses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub host_names: BTreeMap<String, Known<IpAddr>>,
}

/// Addresses with the time of their last observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known<A> {
    /// Sorted; empty if the gateway had none, or a user withdrew them.
    pub addresses: Vec<A>,
    /// `None` for addresses from live records, which have no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

impl<A: Ord> Known<A> {
    /// Addresses that were observed at a time.
    pub fn new(mut addresses: Vec<A>, seen: &Timestamp) -> Self {
        addresses.sort();
        addresses.dedup();
        Self {
            addresses,
            seen: Some(seen.clone()),
        }
    }

    /// No address, since a user withdrew them.
    fn withdrawn(at: &Timestamp) -> Self {
        Self::new(Vec::new(), at)
    }
}

impl LastKnown {
    /// Parses an annotation. One that is invalid, or has an invalid address, counts as missing: the next apply writes
    /// it again.
    pub fn read(annotation: &str) -> Self {
        let read: Self = serde_json::from_str(annotation).unwrap_or_default();
        let is_valid = |known: &Known<String>| {
            let mut addresses = known.addresses.iter();
            addresses.all(|text| Address::parse(text).is_some())
        };
        if GatewayKind::ALL
            .into_iter()
            .flat_map(|kind| read.of_kind(kind).values())
            .all(is_valid)
        {
            read
        } else {
            Self::default()
        }
    }

    /// The annotation; `None` if nothing is known.
    pub fn to_annotation(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        // Maps with text keys can always be written.
        serde_json::to_string(self).ok()
    }

    /// Whether nothing is known, as in a record of an earlier version.
    pub fn is_empty(&self) -> bool {
        self.gateways.is_empty() && self.east_west_gateways.is_empty() && self.host_names.is_empty()
    }

    /// The newest of several records, of equally new ones the last. Records without addresses are skipped.
    pub fn newest(records: impl IntoIterator<Item = Self>) -> Self {
        let known = records.into_iter().filter(|one| !one.is_empty());
        known
            .max_by(|one, other| one.recorded.cmp(&other.recorded))
            .unwrap_or_default()
    }

    /// Whether both have the same addresses, at any time. Only a record for which this is false is worth a write of its
    /// own.
    pub fn has_addresses_of(&self, other: &Self) -> bool {
        self.without_times() == other.without_times()
    }

    /// Makes this record no older than another, even if the local clock is behind.
    #[must_use]
    pub fn after(mut self, other: &Self) -> Self {
        self.recorded = self.recorded.max(other.recorded.clone());
        self
    }

    fn without_times(&self) -> Self {
        fn without<A: Clone>(known: &BTreeMap<String, Known<A>>) -> BTreeMap<String, Known<A>> {
            let untimed = |known: &Known<A>| Known {
                addresses: known.addresses.clone(),
                seen: None,
            };
            let entries = known.iter();
            entries
                .map(|(name, known)| (name.clone(), untimed(known)))
                .collect()
        }
        Self {
            recorded: None,
            gateways: without(&self.gateways),
            east_west_gateways: without(&self.east_west_gateways),
            host_names: without(&self.host_names),
        }
    }

    /// The last known addresses of the gateways of a kind, by cluster.
    pub const fn of_kind(&self, kind: GatewayKind) -> &BTreeMap<String, Known<String>> {
        match kind {
            GatewayKind::Ingress => &self.gateways,
            GatewayKind::EastWest => &self.east_west_gateways,
        }
    }

    const fn of_kind_mut(&mut self, kind: GatewayKind) -> &mut BTreeMap<String, Known<String>> {
        match kind {
            GatewayKind::Ingress => &mut self.gateways,
            GatewayKind::EastWest => &mut self.east_west_gateways,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, LastKnown, Timestamp};

    fn at(text: &str) -> Timestamp {
        Timestamp::new(text).unwrap()
    }

    fn known(address: &str, time: &str) -> LastKnown {
        let seen = at(time);
        LastKnown {
            recorded: Some(seen.clone()),
            gateways: [(
                "west".to_owned(),
                Known::new(vec![address.to_owned()], &seen),
            )]
            .into(),
            ..LastKnown::default()
        }
    }

    #[test]
    fn an_annotation_is_read_back_and_an_invalid_one_is_ignored() {
        let mut all = known("192.0.2.1", "2026-05-04T09:12:31Z");
        let host = Known {
            addresses: vec!["2001:db8::1".parse().unwrap()],
            seen: None,
        };
        all.host_names.insert("lb.example.com".to_owned(), host);
        let text = all.to_annotation().unwrap();
        insta::assert_snapshot!(text, @r#"{"recorded":"2026-05-04T09:12:31Z","gateways":{"west":{"addresses":["192.0.2.1"],"seen":"2026-05-04T09:12:31Z"}},"hostNames":{"lb.example.com":{"addresses":["2001:db8::1"]}}}"#);
        assert_eq!(LastKnown::read(&text), all);
        assert_eq!(LastKnown::default().to_annotation(), None);
        for unreadable in [
            String::new(),
            "{".to_owned(),
            text.replace("192.0.2.1", "192.0.2"),
            text.replace("09:12:31Z", "tomorrow"),
            text.replace("2001:db8::1", "lb"),
        ] {
            assert_eq!(
                LastKnown::read(&unreadable),
                LastKnown::default(),
                "{unreadable}"
            );
        }
        // A later version may add fields.
        let more = text.replace("{\"recorded\"", "{\"more\":1,\"recorded\"");
        assert_eq!(LastKnown::read(&more), all);
    }

    #[test]
    fn the_newest_record_with_addresses_counts() {
        let old = known("192.0.2.1", "2026-05-04T09:12:31Z");
        let new = known("192.0.2.2", "2026-05-04T10:00:00Z");
        let none = LastKnown {
            recorded: Some(at("2026-06-01T00:00:00Z")),
            ..LastKnown::default()
        };
        for records in [
            vec![old.clone(), new.clone(), none.clone()],
            vec![none, new.clone(), old],
        ] {
            assert_eq!(LastKnown::newest(records), new);
        }
        assert_eq!(LastKnown::newest([]), LastKnown::default());

        // A later one counts, whatever the clock.
        let later = known("192.0.2.3", "2026-05-04T09:59:00Z").after(&new);
        assert_eq!(LastKnown::newest([new, later.clone()]), later);
    }

    #[test]
    fn times_make_no_difference() {
        let one = known("192.0.2.1", "2026-05-04T09:12:31Z");
        assert!(one.has_addresses_of(&known("192.0.2.1", "2026-05-04T10:00:00Z")));
        assert!(!one.has_addresses_of(&known("192.0.2.2", "2026-05-04T09:12:31Z")));
        assert!(!one.has_addresses_of(&LastKnown::default()));
    }
}
