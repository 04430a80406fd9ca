//! The document after the checks: with defaults, resolved references and computed names.
//!
//! Only [`crate::check`] creates a [`Resolved`], so no unchecked document can be rendered.

pub mod callers;
pub mod local;
pub mod mutual;
pub mod preferences;
pub mod published;
pub(crate) mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

use self::preferences::Preferences;
use crate::kubernetes::ignore::IgnoreRule;
use crate::mesh::{
    BookinfoProgram, BookinfoRoutes, DnsFlavour, Endpoints, ExternalProtocol, Naming, Policy,
    Protocol, Sample, Target, TlsVersion, Transport,
};
use crate::name::{HostName, HostPattern, Label};
use crate::passthrough::IstioFields;
use crate::resolved::callers::Caller;
use crate::resolved::published::PublishedName;

pub use self::local::{Local, Override};
use crate::defaults::{DEFAULT_GATEWAY_PORT, DEFAULT_NAMESPACE, DEFAULT_TLS_PORT};
use crate::istio::IstioVersion;

/// A checked document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The mesh's name.
    pub name: Label,
    /// The engine.
    pub target: Target,
    /// Istio's version.
    pub istio: IstioVersion,
    /// Names and records.
    pub dns: Dns,
    /// The repository of the engine `gitops`; always there with that engine.
    pub gitops: Option<Gitops>,
    /// How sidecars find the gateways of other clusters.
    pub endpoints: Endpoints,
    /// Further hosts that the callers' namespaces call, if their Sidecars are rendered: `namespace/dnsName` each,
    /// without duplicates.
    pub sidecars: Option<BTreeSet<String>>,
    /// How ingress gateways receive requests of other clusters; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Whether gateways add a header that identifies the cluster: never with Istio 1.0, which does not support it.
    pub answer_header: bool,
    /// Whether gateways are configured by the Gateway API.
    pub gateway_api: bool,
    /// The clusters, in the order of the document; others refer to them by index.
    pub clusters: Vec<Cluster>,
    /// The services, in the order of the document.
    pub services: Vec<Service>,
    /// Published port → its protocol in entries for the names of many services.
    pub shared_ports: BTreeMap<u16, Protocol>,
    /// External hosts, in the order of the document.
    pub external: Vec<ExternalHost>,
    /// The samples, without duplicates, in the order of [`Sample::ALL`].
    pub samples: Vec<Sample>,
    /// The versions of the sample `bookinfo` that answer; `None` for all of them in turn.
    pub bookinfo: Option<BookinfoRoutes>,
    /// Container images.
    pub images: Images,
    /// Fields that are left to other managers.
    pub ignore: Vec<IgnoreRule>,
}

/// `spec.gitops`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gitops {
    /// Its URL.
    pub repo_url: String,
    /// The folder of the bundle, with a slash at its end; empty for the root.
    pub path: String,
    /// The branch.
    pub branch: String,
    /// A Secret for Flux.
    pub secret: Option<HostName>,
}

impl Resolved {
    /// The shared service of a sample.
    pub fn service_of(&self, sample: Sample) -> Option<&Service> {
        let name = sample.service()?;
        self.services.iter().find(|one| one.name.as_str() == name)
    }

    /// The namespace of a sample: that of its shared service, else `default`.
    pub fn namespace_of(&self, sample: Sample) -> &str {
        self.service_of(sample)
            .map_or(DEFAULT_NAMESPACE, |service| service.namespace.as_str())
    }

    /// The gateways' default port for services that are published on port 80.
    pub fn usual_gateway_port(&self) -> u16 {
        usual_gateway_port(self.tls.is_some())
    }
}

pub(crate) fn usual_gateway_port(tls: bool) -> u16 {
    if tls {
        DEFAULT_TLS_PORT
    } else {
        DEFAULT_GATEWAY_PORT
    }
}

/// `spec.tls`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The Secret in the namespace of the gateways' pods.
    pub credential: HostName,
    /// The minimum TLS version of gateways.
    pub min_version: TlsVersion,
    /// Whether plain requests are redirected.
    pub redirect: bool,
    /// [`SYSTEM_CA`], or the path of a file in the proxies.
    pub ca: String,
}

/// `spec.dns`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dns {
    /// The zone.
    pub suffix: HostName,
    /// The federation's label.
    pub federation: Label,
    /// The start of published names.
    pub naming: Naming,
    /// Time to live of records, in seconds.
    pub ttl: u32,
    /// Resolved host names of load balancers, if `resolveHostNames` is set: those with known addresses, at least one
    /// each.
    pub host_names: Option<BTreeMap<HostName, Vec<IpAddr>>>,
    /// Index of the cluster with the records; also the hub of engines that have one.
    pub cluster: usize,
    /// Name servers of a private zone, each `address` or `address:port`.
    pub nameservers: Vec<String>,
    /// The ExternalDNS to run, if any.
    pub external_dns: Option<ExternalDns>,
    /// The controller that writes the records, if the engine has one for them; else fedmesh renders them.
    pub publisher: Option<Publisher>,
}

/// A controller that writes the records of names by itself, as DNSEndpoints that ExternalDNS reads. It can name them by
/// the gateway only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publisher {
    /// Its name for display, such as `federation controller`.
    pub name: &'static str,
    /// The API group of its DNSEndpoints.
    pub group: &'static str,
    /// The version of its DNSEndpoints.
    pub version: &'static str,
}

/// `spec.dns.externalDns`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalDns {
    /// `--provider`.
    pub provider: String,
    /// `--txt-owner-id`.
    pub owner_id: String,
    /// The hosted zone at the provider: the suffix, or a zone above it.
    pub zone: HostName,
    /// Namespace of ExternalDNS and of the records.
    pub namespace: Label,
    /// More arguments, those of the provider's settings first.
    pub args: Vec<String>,
    /// More environment variables.
    pub env: Vec<(&'static str, String)>,
    /// A file with credentials: the Secret and its key.
    pub credentials: Option<(HostName, String)>,
    /// Annotations of its ServiceAccount.
    pub service_account_annotations: BTreeMap<String, String>,
    /// More labels of its pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Whether it deletes records.
    pub policy: Policy,
    /// A Secret whose entries become environment variables.
    pub secret: Option<HostName>,
}

/// The host name of a Kubernetes Service in a cluster with a DNS domain.
pub(crate) fn local_host(
    service: impl fmt::Display,
    namespace: impl fmt::Display,
    domain: impl fmt::Display,
) -> String {
    format!("{service}.{namespace}.svc.{domain}")
}

/// One of `spec.clusters`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cluster {
    /// Its name.
    pub name: Label,
    /// Its context in the kubeconfig.
    pub context: String,
    /// Its region.
    pub region: Label,
    /// Its zones, ascending, at least one, without duplicates.
    pub zones: Vec<Label>,
    /// Whether another cluster has one of its zones.
    pub shares_zones: bool,
    /// Its gateway.
    pub gateway: Gateway,
    /// Its egress gateway, if it has one.
    pub egress_gateway: Option<EgressGateway>,
    /// Its east-west gateway.
    pub east_west_gateway: Gateway,
    /// The trust domain of its mesh.
    pub trust_domain: HostName,
    /// The DNS domain of its Services.
    pub cluster_domain: HostName,
    /// The DNS that it runs; `None` to detect it.
    pub dns_flavour: Option<DnsFlavour>,
}

impl Cluster {
    /// Whether its nodes are in several zones.
    pub fn is_regional(&self) -> bool {
        self.zones.len() > 1
    }

    /// Its zones, each as `region/zone`.
    pub fn places(&self) -> impl Iterator<Item = String> {
        let zones = self.zones.iter();
        zones.map(|zone| format!("{}/{zone}", self.region))
    }

    /// A zone that it has in common with another cluster, the first in its own order.
    pub(crate) fn common_zone(&self, other: &Self) -> Option<&Label> {
        let mut zones = self.zones.iter().filter(|_| self.region == other.region);
        zones.find(|zone| other.zones.contains(zone))
    }

    /// The host name of one of its Kubernetes Services.
    pub(crate) fn local_host(
        &self,
        service: impl fmt::Display,
        namespace: impl fmt::Display,
    ) -> String {
        local_host(service, namespace, &self.cluster_domain)
    }
}

/// The gateway of a cluster, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gateway {
    /// Its Service.
    pub service: Label,
    /// The Service's namespace.
    pub namespace: Label,
    /// Labels of its pods.
    pub selector: BTreeMap<String, String>,
    /// Its external addresses; `None` if unknown.
    pub addresses: Option<Vec<Address>>,
    /// Its address inside its own cluster, if known.
    pub cluster_ip: Option<IpAddr>,
    /// Its HTTP port.
    pub port: u16,
}

/// The egress gateway of a cluster, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EgressGateway {
    /// Its Service.
    pub service: Label,
    /// The Service's namespace.
    pub namespace: Label,
    /// Labels of its pods.
    pub selector: BTreeMap<String, String>,
}

/// An address of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// The host name of a load balancer.
    Host(HostName),
}

impl Address {
    /// Parses an IP address or a host name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self::Ip(ip));
        }
        // `1.2.3` is a misspelt IP address, not a host: no top-level domain is all digits.
        let last = text.rsplit('.').next().unwrap_or_default();
        if last.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        HostName::new(&text.to_ascii_lowercase())
            .ok()
            .map(Self::Host)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Host(host) => host.fmt(f),
        }
    }
}

/// One of `spec.services`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// The Kubernetes Service; names begin with it and its namespace. [`Service::local`] returns the one in a cluster.
    pub name: Label,
    /// Its namespace.
    pub namespace: Label,
    /// Its ports, in the order of the document, at least one.
    pub ports: Vec<Port>,
    /// Indices of the clusters that run it, ascending, at least one.
    pub clusters: Vec<usize>,
    /// Clusters with another Kubernetes Service, or another port of it; each key is one of `clusters`.
    pub overrides: BTreeMap<usize, Override>,
    /// The HTTP routes at the gateways, at least one.
    pub routes: Vec<Route>,
    /// Subsets of its pods: Istio's `Subset`s.
    pub subsets: Vec<Value>,
    /// The traffic policy of its pods: fields of Istio's `TrafficPolicy`.
    pub traffic_policy: IstioFields,
    /// The namespaces that see its names; empty for all.
    pub export_to: Vec<String>,
    /// The callers; `None` for all.
    pub callers: Option<Vec<Caller>>,
    /// Labels of its pods; never empty if it refuses other callers.
    pub selector: BTreeMap<String, String>,
    /// Whether a ServiceExport is rendered.
    pub mcs: bool,
    /// The transport of its calls between clusters.
    pub transport: Transport,
    /// The service account of its pods, if callers accept only that one.
    pub service_account: Option<HostName>,
    /// Its retry policy.
    pub retry: Retry,
    /// Timeout of a connection to another cluster, including its TLS handshake, in Istio's syntax.
    pub connect_timeout: String,
    /// Overrides of the ejection of failing gateways: fields of Istio's `OutlierDetection`.
    pub outlier_detection: IstioFields,
    /// Its locality preferences.
    pub locality: Preferences,
    /// Its probe.
    pub probe: Probe,
    /// Its published names: vanity (if requested), global, regions, zones.
    pub names: Vec<PublishedName>,
}

impl Service {
    /// `<name>.<namespace>`, unique in a mesh.
    pub fn id(&self) -> String {
        format!("{}.{}", self.name, self.namespace)
    }

    /// Whether any of its ports has requests, which can be routed, retried and identified.
    pub fn is_http(&self) -> bool {
        self.ports.iter().any(|port| port.protocol.is_http())
    }

    /// Whether its calls use mutual TLS that ends at its pods.
    pub fn is_mutual(&self) -> bool {
        self.transport == Transport::Mtls
    }

    /// The gateway of a cluster that receives its calls.
    pub fn gateway_of<'a>(&self, cluster: &'a Cluster) -> &'a Gateway {
        if self.is_mutual() {
            &cluster.east_west_gateway
        } else {
            &cluster.gateway
        }
    }

    /// The port of a cluster's gateway for one of its ports: mutual TLS is routed by SNI, so all ports share one.
    pub fn port_at(&self, port: &Port, cluster: &Cluster) -> u16 {
        if self.is_mutual() {
            cluster.east_west_gateway.port
        } else {
            port.at(&cluster.gateway)
        }
    }
}

/// A port of a service, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The port of the Kubernetes Service.
    pub number: u16,
    /// The protocol of the port.
    pub protocol: Protocol,
    /// The port of its published names.
    pub published: u16,
}

impl Port {
    /// A port of the Kubernetes Service, published under another number or its own.
    pub(crate) fn new(number: u16, protocol: Protocol, published: u16) -> Self {
        Self {
            number,
            protocol,
            published,
        }
    }

    /// The port at an ingress gateway's Service: the published port 80 is at the gateway's HTTP port.
    pub fn at(&self, gateway: &Gateway) -> u16 {
        if self.protocol.is_http() && self.published == DEFAULT_GATEWAY_PORT {
            gateway.port
        } else {
            self.published
        }
    }

    /// Its name in Istio's objects: the protocol, and the published port if that is unusual.
    pub fn name(&self) -> String {
        let usual = match self.protocol {
            Protocol::Tls => DEFAULT_TLS_PORT,
            Protocol::Tcp => 0,
            Protocol::Http | Protocol::Http2 | Protocol::Grpc => DEFAULT_GATEWAY_PORT,
        };
        let protocol = self.protocol.as_str();
        if self.published == usual {
            protocol.to_owned()
        } else {
            format!("{protocol}-{}", self.published)
        }
    }
}

/// A route of some requests at a gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Istio's `HTTPMatchRequest`s, any of which matches a request; empty for all requests.
    pub matches: Vec<Value>,
    /// Fields of Istio's `HTTPRoute`; `to` has the subsets and weights of its destinations.
    pub action: IstioFields,
}

/// One of `spec.external`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalHost {
    /// Its name, or a wildcard for several.
    pub host: HostPattern,
    /// Its addresses.
    pub place: Location,
    /// Its ports, at least one.
    pub ports: Vec<ExternalPort>,
    /// Indices of the clusters that may call it, ascending, at least one.
    pub clusters: Vec<usize>,
    /// Whether calls leave through the egress gateway, which each of the clusters then has.
    pub by_egress_gateway: bool,
}

/// The addresses of an external host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Resolved by DNS.
    Dns,
    /// Any of these IP addresses, at least one.
    Addresses(Vec<String>),
    /// The address that the caller resolved: one of these IP addresses and ranges; empty for any.
    Caller(Vec<String>),
}

impl Location {
    /// Its known IP addresses and ranges.
    pub fn addresses(&self) -> &[String] {
        match self {
            Self::Dns => &[],
            Self::Addresses(known) | Self::Caller(known) => known,
        }
    }
}

/// A port of an external host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalPort {
    /// Its number.
    pub number: u16,
    /// The callers' protocol.
    pub protocol: ExternalProtocol,
    /// TLS origination by the callers' sidecars; `None` if calls pass unchanged.
    pub tls: Option<TlsOrigination>,
}

/// TLS origination by a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOrigination {
    /// The host's own port.
    pub target_port: u16,
    /// Names of which its certificate must have one, at least one.
    pub subject_alt_names: Vec<String>,
    /// Its authorities, in the form of a `DestinationRule`: a file in the sidecar, or `system`.
    pub ca_certificates: String,
}

/// The calls that are retried while a cluster fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// Only calls that cannot have arrived.
    Undelivered,
    /// All failed calls.
    All {
        /// Timeout of each try, in Istio's syntax.
        per_try_timeout: String,
    },
}

/// The probe request of a service: a GET.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Probe {
    /// Its path.
    pub path: String,
    /// The expected status; `None` for any below 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The container images.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Images {
    /// For the sample `httpbin`.
    pub httpbin: String,
    /// For the sample `sleep`.
    pub sleep: String,
    /// For the sample `bookinfo`: each of [`BookinfoProgram::ALL`], in that order.
    pub bookinfo: Vec<(BookinfoProgram, String)>,
    /// For `ExternalDNS`.
    pub external_dns: String,
}
