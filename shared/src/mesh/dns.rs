//! `spec.dns`: how services are named and who publishes the names.

use serde::{Deserialize, Serialize};

/// How services are named and published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The DNS zone under which every name is published, such as `my.dns.zone.name`.
    pub suffix: String,
    /// The label that marks the federation in published names; default `external`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub federation: Option<String>,
    /// What the published names start with; default `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming: Option<Naming>,
    /// Time to live of the records, in seconds; default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// The cluster that holds the records and runs `ExternalDNS`; default the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Addresses of the name servers of a private zone, each with a port where it is not 53; every
    /// cluster's DNS is made to ask them for the suffix. Without any, the zone is public.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<String>,
    /// The `ExternalDNS` to run; without it the records wait for one that is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_dns: Option<ExternalDns>,
}

/// What published names start with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// `<service>.<namespace>.<federation>.svc…`
    #[default]
    Service,
    /// `<gateway service>.<gateway namespace>.<federation>.svc…`, as federation-v2 did; one service only.
    Gateway,
}

/// The `ExternalDNS` that publishes the records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalDns {
    /// `ExternalDNS`'s `--provider`, such as `google` or `aws`.
    pub provider: String,
    /// `--txt-owner-id`: marks the records as this mesh's; default the mesh's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Where it runs; default `external-dns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// More arguments, such as `--google-project=…`; never a credential.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// A Secret in its namespace whose entries become environment variables; `ExternalDNS` takes
    /// each flag from `EXTERNAL_DNS_<FLAG>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}
