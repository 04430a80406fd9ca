//! What following has to tell.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use shared::last_known::Timestamp;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum FollowEvent {
    /// The records are as they should be, and changes are waited for.
    Following {
        /// The mesh's name.
        mesh: String,
        /// The cluster with the records.
        cluster: String,
        /// Cluster → addresses that are published for it.
        gateways: BTreeMap<String, Vec<String>>,
    },
    /// Other addresses are published for a cluster.
    Gateway {
        /// The cluster.
        cluster: String,
        /// Its addresses until now.
        before: Vec<String>,
        /// Its addresses from now on.
        after: Vec<String>,
    },
    /// A cluster does not say where its gateway is, or no gateway has an address any more.
    Lost {
        /// The cluster.
        cluster: String,
        /// Why.
        error: String,
        /// The addresses that stay published for it, as they were last known.
        kept: Vec<String>,
        /// When they were last seen (RFC 3339), if that is recorded.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// A cluster that was lost says it again.
    Back {
        /// The cluster.
        cluster: String,
    },
    /// A load balancer's host name resolves to other addresses.
    HostName {
        /// The host name.
        host: String,
        /// Its addresses until now.
        before: Vec<IpAddr>,
        /// Its addresses from now on.
        after: Vec<IpAddr>,
    },
    /// A load balancer's host name does not resolve any more.
    Unresolved {
        /// The host name.
        host: String,
        /// Why.
        error: String,
        /// The addresses that stay published for it.
        kept: Vec<IpAddr>,
        /// When they were last seen (RFC 3339), if that is recorded.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// A record was written.
    Record(RecordChange),
    /// Endpoints were written into the mesh of a cluster (`endpoints: addresses`).
    Endpoints {
        /// The cluster.
        cluster: String,
        /// How many objects changed.
        changed: usize,
    },
    /// Records or endpoints could not be written.
    Failed {
        /// Why.
        error: String,
        /// When it is tried again, in seconds.
        retry_in: u64,
    },
}

/// How a record changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordChange {
    /// The name.
    pub name: String,
    /// `A`, `AAAA` or `CNAME`.
    pub record_type: String,
    /// Its targets until now; empty where there was no such record.
    pub before: Vec<String>,
    /// Its targets from now on; empty where it is gone.
    pub after: Vec<String>,
}
