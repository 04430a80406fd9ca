//! `spec.dns`: the names of services, and their publication.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How services are named and published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The zone under which every name is published, such as `my.dns.zone.name`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name"))]
    pub suffix: String,
    /// The federation's label in published names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::DEFAULT_FEDERATION)))]
    pub federation: Option<String>,
    /// The start of published names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "service")))]
    pub naming: Option<Naming>,
    /// The levels of names that exist, `global` among them; see [names](#names).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::levels", extend("x-default" = "all")))]
    pub levels: Option<Vec<NameLevel>>,
    /// Time to live of the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::seconds", extend("default" = crate::defaults::DEFAULT_TTL)))]
    pub ttl: Option<u32>,
    /// Whether a name that leads to several load balancers with host names gets the addresses that these
    /// resolve to, which the agent looks up; see [names](#names).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub resolve_host_names: Option<bool>,
    /// The cluster that holds the records and runs ExternalDNS; host of a federation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "the first")))]
    pub cluster: Option<String>,
    /// The name servers of a private zone, to which every cluster's DNS forwards it; see [private
    /// zones](#private-zones).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::nameservers", extend("x-default" = "none: the zone is public")))]
    pub nameservers: Vec<String>,
    /// The ExternalDNS to run; without it, an existing one must publish the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none is rendered")))]
    pub external_dns: Option<ExternalDns>,
}

/// The start of published names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// `<service>.<namespace>.<federation>.svc…`
    #[default]
    Service,
    /// `<gateway service>.<gateway namespace>.<federation>.svc…`, as federation-v2 did; one service only.
    Gateway,
}

/// A level of published names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NameLevel {
    /// The name that any cluster answers.
    Global,
    /// A name for each region.
    Region,
    /// A name for each zone.
    Zone,
    /// A name for each cluster.
    Cluster,
}

impl NameLevel {
    /// All levels, the widest first.
    pub const ALL: [Self; 4] = [Self::Global, Self::Region, Self::Zone, Self::Cluster];
    /// The levels that a service has by default: most zones have one cluster, whose name would be the same again.
    pub const DEFAULT: [Self; 3] = [Self::Global, Self::Region, Self::Zone];

    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The `ExternalDNS` that publishes the records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalDns {
    /// Its `--provider`, such as `google` or `aws`.
    pub provider: String,
    /// Its `--txt-owner-id`, which marks the records as this mesh's; one for each mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the mesh's name")))]
    pub owner_id: Option<String>,
    /// The hosted zone at the provider, if the suffix is only a part of it: ExternalDNS finds no zone otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name", extend("x-default" = "the suffix")))]
    pub zone: Option<String>,
    /// The namespace of ExternalDNS and of the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::DEFAULT_EXTERNAL_DNS_NAMESPACE)))]
    pub namespace: Option<String>,
    /// The provider's own settings, by the names of its flags: `zoneType: public` for `aws` is
    /// `--aws-zone-type=public`; see [ExternalDNS](#externaldns).
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::provider_settings", extend("x-default" = "none")))]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// A file with credentials of the provider, in a Secret in its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Annotations of its ServiceAccount, which grant it a cloud identity.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::annotations", extend("x-default" = "none")))]
    pub service_account_annotations: BTreeMap<String, String>,
    /// More labels of its pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub pod_labels: BTreeMap<String, String>,
    /// Whether it deletes records that are no longer desired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "sync")))]
    pub policy: Option<Policy>,
    /// More arguments, such as `--google-project=…`; none that fedmesh sets, and no credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::arguments"))]
    pub args: Vec<String>,
    /// A Secret in its namespace whose entries become environment variables: ExternalDNS reads each flag from
    /// `EXTERNAL_DNS_<FLAG>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The changes that `ExternalDNS` makes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Creates, changes and deletes its own.
    #[default]
    Sync,
    /// Deletes none: names that are no longer desired stay in the zone.
    UpsertOnly,
}

impl Policy {
    /// The name in the document, and the value of `--policy`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A file with credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// The Secret, in its namespace.
    pub secret: String,
    /// The Secret's key that holds the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`credentials.json` for `google`, `credentials` for `aws`, `azure.json` for `azure`")))]
    pub key: Option<String>,
}
