//! The events of `follow`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use shared::gateways::last_known::Timestamp;

/// An event of `follow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum FollowEvent {
    /// The records are up to date, and the gateways are watched.
    Following {
        /// The mesh's name.
        mesh: String,
        /// The cluster with the records.
        cluster: String,
        /// Cluster → addresses that are published for it.
        gateways: BTreeMap<String, Vec<String>>,
    },
    /// The published addresses of a cluster changed.
    Gateway {
        /// The cluster.
        cluster: String,
        /// Its previous addresses.
        before: Vec<String>,
        /// Its new addresses.
        after: Vec<String>,
    },
    /// The gateway addresses of a cluster cannot be looked up, or no gateway has an address any more.
    Lost {
        /// The cluster.
        cluster: String,
        /// Why.
        error: String,
        /// The last known addresses, which stay published.
        kept: Vec<String>,
        /// When they were last seen (RFC 3339), if that is recorded.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// The gateway addresses of a lost cluster can be looked up again.
    Back {
        /// The cluster.
        cluster: String,
    },
    /// A load balancer's host name resolves to other addresses.
    HostName {
        /// The host name.
        host: String,
        /// Its previous addresses.
        before: Vec<IpAddr>,
        /// Its new addresses.
        after: Vec<IpAddr>,
    },
    /// A load balancer's host name no longer resolves.
    Unresolved {
        /// The host name.
        host: String,
        /// Why.
        error: String,
        /// The addresses that stay published.
        kept: Vec<IpAddr>,
        /// When they were last seen (RFC 3339), if that is recorded.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// A record was written.
    Record(RecordChange),
    /// The gateways' addresses in the mesh of a cluster were updated (`endpoints: addresses`).
    Endpoints {
        /// The cluster.
        cluster: String,
        /// The number of changed objects.
        changed: usize,
    },
    /// Records or endpoints could not be written.
    Failed {
        /// Why.
        error: String,
        /// Seconds until the next attempt.
        retry_in: u64,
    },
}

/// A change of a DNS record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordChange {
    /// The name.
    pub name: String,
    /// `A`, `AAAA` or `CNAME`.
    pub record_type: String,
    /// Its previous targets; empty for a new record.
    pub before: Vec<String>,
    /// Its new targets; empty for a deleted record.
    pub after: Vec<String>,
}
