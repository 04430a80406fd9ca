//! `spec.clusters`: the clusters, with their gateways.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::east_west::EastWestGateway;
use crate::defaults::DEFAULT_CLUSTER_DOMAIN;

/// A cluster of the mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Its name in this document.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub name: String,
    /// The kubeconfig context that reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "its name")))]
    pub context: Option<String>,
    /// Its region, such as `us-west2`; part of published names.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub region: String,
    /// Its zone, such as `us-west2-a`; part of published names. Either this or `zones`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "`zones`")))]
    pub zone: String,
    /// The zones of its nodes, for a regional cluster: it has names in each of them, and its pods call its own gateway
    /// first, whatever their zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::zones", extend("x-default" = "`zone`")))]
    pub zones: Vec<String>,
    /// Labels by which a service's `clusterSelector` selects it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub labels: BTreeMap<String, String>,
    /// Its ingress gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Its egress gateway, for [external hosts](#external-hosts) that are called through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none")))]
    pub egress_gateway: Option<EgressGateway>,
    /// Its east-west gateway, for services with `transport: mtls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub east_west_gateway: Option<EastWestGateway>,
    /// The trust domain of its mesh's identities, `meshConfig.trustDomain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name", extend("default" = crate::defaults::DEFAULT_TRUST_DOMAIN)))]
    pub trust_domain: Option<String>,
    /// The DNS domain of its Services, `clusterDomain` of its kubelets and `global.proxy.clusterDomain` of its Istio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name", extend("default" = DEFAULT_CLUSTER_DOMAIN)))]
    pub cluster_domain: Option<String>,
    /// Its cluster DNS; with `none`, fedmesh does not configure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "detected by the agent")))]
    pub dns_flavour: Option<DnsFlavour>,
}

impl Cluster {
    /// Its zones: `zone`, or `zones` in the order of the document.
    pub fn all_zones(&self) -> impl Iterator<Item = &str> {
        let one = Some(self.zone.as_str()).filter(|zone| !zone.is_empty());
        one.into_iter().chain(self.zones.iter().map(String::as_str))
    }

    /// Sets its zones: one in `zone`, several in `zones`.
    pub fn set_zones(&mut self, zones: Vec<String>) {
        (self.zone, self.zones) = match <[String; 1]>::try_from(zones) {
            Ok([one]) => (one, Vec::new()),
            Err(zones) => (String::new(), zones),
        };
    }

    /// Its DNS domain, as written or the default.
    pub(crate) fn domain(&self) -> &str {
        let written = self.cluster_domain.as_deref();
        written.unwrap_or(DEFAULT_CLUSTER_DOMAIN)
    }

    /// Whether it has all of these labels.
    pub(crate) fn has_labels(&self, desired: &BTreeMap<String, String>) -> bool {
        let mut desired = desired.iter();
        desired.all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

/// The cluster DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DnsFlavour {
    /// `CoreDNS`.
    #[serde(rename = "coredns")]
    CoreDns,
    /// kube-dns.
    KubeDns,
    /// Another DNS, which fedmesh does not configure.
    None,
}

/// The ingress gateway of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// The gateway's Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::DEFAULT_GATEWAY_SERVICE)))]
    pub service: Option<String>,
    /// The Service's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::ISTIO_NAMESPACE)))]
    pub namespace: Option<String>,
    /// Labels of the gateway's pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "`istio: ingressgateway`")))]
    pub selector: BTreeMap<String, String>,
    /// Its addresses for other clusters: IPv4, IPv6, or one host name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::addresses", extend("x-default" = "read by the agent from the Service's status")))]
    pub addresses: Vec<String>,
    /// The address of the Service inside its cluster, by which its own pods call it with `endpoints: addresses`.
    #[serde(default, rename = "clusterIP", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "read by the agent from the Service")))]
    pub cluster_ip: Option<String>,
    /// The port of the Service for services that are published on port 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("x-default" = "80, with `transport: tls` 443")))]
    pub port: Option<u32>,
}

/// The egress gateway of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EgressGateway {
    /// The gateway's Service, with the ports 80 and 443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::DEFAULT_EGRESS_SERVICE)))]
    pub service: Option<String>,
    /// The Service's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::ISTIO_NAMESPACE)))]
    pub namespace: Option<String>,
    /// Labels of the gateway's pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "`istio: egressgateway`")))]
    pub selector: BTreeMap<String, String>,
}

impl From<EastWestGateway> for Gateway {
    /// The same as an ingress gateway, for code that handles both.
    fn from(one: EastWestGateway) -> Self {
        let EastWestGateway {
            service,
            namespace,
            selector,
            addresses,
            cluster_ip,
            port,
        } = one;
        Self {
            service,
            namespace,
            selector,
            addresses,
            cluster_ip,
            port,
        }
    }
}

impl From<Gateway> for EastWestGateway {
    fn from(one: Gateway) -> Self {
        let Gateway {
            service,
            namespace,
            selector,
            addresses,
            cluster_ip,
            port,
        } = one;
        Self {
            service,
            namespace,
            selector,
            addresses,
            cluster_ip,
            port,
        }
    }
}
