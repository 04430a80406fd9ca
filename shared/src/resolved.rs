//! The document after the checks: defaults in, references followed, names computed.
//!
//! Only [`crate::check`] makes a [`Resolved`], so nothing unchecked can be rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

use crate::callers::Caller;
use crate::ignore::IgnoreRule;
use crate::locality::Preferences;
use crate::mesh::passed_on::IstioFields;
use crate::mesh::{
    BookinfoProgram, BookinfoRoutes, DnsFlavour, Endpoints, ExternalProtocol, Naming, Policy,
    Protocol, Sample, Target, TlsVersion, Transport,
};
use crate::name::{HostName, HostPattern, Label};
use crate::published::PublishedName;

pub use crate::istio::{
    IstioVersion, OLDEST_ISTIO, OLDEST_ISTIO_WITH_CHECKED_NAMES, OLDEST_ISTIO_WITH_EXPORTS,
    OLDEST_ISTIO_WITH_LOCALITY, OLDEST_ISTIO_WITH_MTLS, OLDEST_ISTIO_WITH_MUTUAL_SERVERS,
    OLDEST_ISTIO_WITH_TARGET_PORTS, OLDEST_ISTIO_WITH_TLS, OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES,
};
pub use crate::local::{Local, Override};

/// Taken where the document names no Istio version.
pub const DEFAULT_ISTIO: &str = "1.27";
/// Taken where the document names no label for the federation.
pub const DEFAULT_FEDERATION: &str = "external";
/// Taken where the document names no time to live, in seconds.
pub const DEFAULT_TTL: u32 = 300;
/// Taken where the document names no gateway Service.
pub const DEFAULT_GATEWAY_SERVICE: &str = "istio-ingressgateway";
/// Taken where the document names no egress gateway's Service.
pub const DEFAULT_EGRESS_SERVICE: &str = "istio-egressgateway";
/// Taken where the document names no east-west gateway's Service.
pub const DEFAULT_EAST_WEST_SERVICE: &str = "istio-eastwestgateway";
/// Istio's root namespace: where its gateways are by default, and where objects go that concern
/// all namespaces.
pub const ISTIO_NAMESPACE: &str = "istio-system";
/// The ConfigMap with the root certificate of a cluster's mesh, which istiod writes into every namespace.
pub const MESH_ROOT_CONFIG_MAP: &str = "istio-ca-root-cert";
/// The domain of every cluster's own names.
pub const CLUSTER_DOMAIN: &str = "cluster.local";
/// Label of a gateway's pods, taken where the document names none.
pub const DEFAULT_GATEWAY_SELECTOR: (&str, &str) = ("istio", "ingressgateway");
/// Label of an egress gateway's pods, taken where the document names none.
pub const DEFAULT_EGRESS_SELECTOR: (&str, &str) = ("istio", "egressgateway");
/// Label of an east-west gateway's pods, taken where the document names none.
pub const DEFAULT_EAST_WEST_SELECTOR: (&str, &str) = ("istio", "eastwestgateway");
/// Taken where the document names no port for an east-west gateway: Istio's own for mutual TLS that is
/// passed on.
pub const DEFAULT_EAST_WEST_PORT: u16 = 15443;
/// Taken where the document names no trust domain for a cluster, as Istio does.
pub const DEFAULT_TRUST_DOMAIN: &str = "cluster.local";
/// Taken where the document names no port for a gateway.
pub const DEFAULT_GATEWAY_PORT: u16 = 80;
/// Taken where the document names no port for a gateway with TLS, and none for a host outside; and under
/// which TLS that is passed through is published, unless the document says otherwise.
pub const DEFAULT_TLS_PORT: u16 = 443;
/// The authorities of a proxy's own image, as Istio names them.
pub const SYSTEM_CA: &str = "system";
/// Taken where the document names no namespace for `ExternalDNS`.
pub const DEFAULT_EXTERNAL_DNS_NAMESPACE: &str = "external-dns";
/// Taken where the document names no namespace for a service.
pub const DEFAULT_NAMESPACE: &str = "default";
/// Taken where calls may be repeated and the document names no time for each try.
pub const DEFAULT_PER_TRY_TIMEOUT: &str = "2s";
/// Taken where the document does not say how long a connection to another cluster may take: three round trips
/// round the world, for TCP and TLS 1.2, and the second after which a lost SYN is sent again.
pub const DEFAULT_CONNECT_TIMEOUT: &str = "2s";
/// Where `ExternalDNS` finds the file with its credentials.
pub const CREDENTIALS_FOLDER: &str = "/etc/external-dns/credentials";
/// Taken where the document names no branch of a Git repository.
pub const DEFAULT_BRANCH: &str = "main";
/// The port of the sample `httpbin` where no service of that name says otherwise.
pub const DEFAULT_HTTPBIN_PORT: u16 = 8000;
/// The port of every service of the sample `bookinfo`, by which they call each other.
pub const BOOKINFO_PORT: u16 = 9080;
/// A maintained httpbin, for amd64 and arm64.
pub const HTTPBIN_IMAGE: &str = "docker.io/mccutchen/go-httpbin:v2.15.0";
/// curl, for amd64, arm64 and more.
pub const SLEEP_IMAGE: &str = "docker.io/curlimages/curl:8.16.0";
/// `ExternalDNS`, for amd64, arm64 and arm.
pub const EXTERNAL_DNS_IMAGE: &str = "registry.k8s.io/external-dns/external-dns:v0.19.0";

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
    /// What else the callers' namespaces call, where their Sidecars are rendered: `namespace/dnsName` each, none of
    /// which another has already.
    pub sidecars: Option<BTreeSet<String>>,
    /// How ingress gateways take requests of other clusters; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Whether gateways name the cluster that answers: never with Istio 1.0, whose routes cannot.
    pub answer_header: bool,
    /// Whether gateways are told by objects of the Gateway API.
    pub gateway_api: bool,
    /// The clusters, in the order of the document; others refer to them by index.
    pub clusters: Vec<Cluster>,
    /// The services, in the order of the document.
    pub services: Vec<Service>,
    /// Published port → what is spoken there in entries for the names of many services.
    pub shared_ports: BTreeMap<u16, Protocol>,
    /// Hosts outside, in the order of the document.
    pub external: Vec<ExternalHost>,
    /// The samples, without repetition, in the order of [`Sample::ALL`].
    pub samples: Vec<Sample>,
    /// Which versions of the sample `bookinfo` answer; `None` for all of them in turn.
    pub bookinfo: Option<BookinfoRoutes>,
    /// Images by what they are for.
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
    /// The shared service that a sample is.
    pub fn service_of(&self, sample: Sample) -> Option<&Service> {
        let name = sample.service()?;
        self.services.iter().find(|one| one.name.as_str() == name)
    }

    /// Where a sample runs: in the namespace of its shared service, else in `default`.
    pub fn namespace_of(&self, sample: Sample) -> &str {
        self.service_of(sample)
            .map_or(DEFAULT_NAMESPACE, |service| service.namespace.as_str())
    }

    /// The port of gateways for what is called on port 80, unless the document says otherwise.
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
    /// The Secret beside the gateways' pods.
    pub credential: HostName,
    /// The oldest version that gateways agree to.
    pub min_version: TlsVersion,
    /// Whether plain requests are led on.
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
    /// What names start with.
    pub naming: Naming,
    /// Seconds.
    pub ttl: u32,
    /// Where host names of load balancers are resolved: the addresses of those that are known, at least
    /// one each.
    pub host_names: Option<BTreeMap<HostName, Vec<IpAddr>>>,
    /// Index of the cluster with the records; also the hub of engines that have one.
    pub cluster: usize,
    /// Name servers of a private zone, each `address` or `address:port`.
    pub nameservers: Vec<String>,
    /// What to run, if anything.
    pub external_dns: Option<ExternalDns>,
}

/// `spec.dns.externalDns`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalDns {
    /// `--provider`.
    pub provider: String,
    /// `--txt-owner-id`.
    pub owner_id: String,
    /// Where it runs and where the records are.
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

/// Under which the pods of a cluster know a Kubernetes Service of it.
pub(crate) fn local_host(
    service: impl std::fmt::Display,
    namespace: impl std::fmt::Display,
) -> String {
    format!("{service}.{namespace}.svc.{CLUSTER_DOMAIN}")
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
    /// Its zone.
    pub zone: Label,
    /// Its gateway.
    pub gateway: Gateway,
    /// Its egress gateway, if it has one.
    pub egress_gateway: Option<EgressGateway>,
    /// Its east-west gateway.
    pub east_west_gateway: Gateway,
    /// The trust domain of its mesh.
    pub trust_domain: HostName,
    /// Which DNS it runs; `None` for what is found there.
    pub dns_flavour: Option<DnsFlavour>,
}

impl Cluster {
    /// `region/zone`, as Istio writes a locality.
    pub fn locality(&self) -> String {
        format!("{}/{}", self.region, self.zone)
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
    /// Where it is reached from outside; `None` where nobody knows.
    pub addresses: Option<Vec<Address>>,
    /// Where it is reached from its own cluster, if that is known.
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

/// Where a gateway is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// The host name of a load balancer.
    Host(HostName),
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
    /// The Kubernetes Service; names begin with it and its namespace. [`Service::local`] is what stands
    /// behind them in a cluster.
    pub name: Label,
    /// Its namespace.
    pub namespace: Label,
    /// Its ports, in the order of the document, at least one.
    pub ports: Vec<Port>,
    /// Indices of the clusters that run it, ascending, at least one.
    pub clusters: Vec<usize>,
    /// What is another Kubernetes Service, or another port of it, in a cluster; each key is one of `clusters`.
    pub overrides: BTreeMap<usize, Override>,
    /// What happens to which requests at the gateways, at least one.
    pub routes: Vec<Route>,
    /// Parts of its pods: Istio's `Subset`s.
    pub subsets: Vec<Value>,
    /// How its pods are called: fields of Istio's `TrafficPolicy`.
    pub traffic_policy: IstioFields,
    /// The namespaces that see its names; empty for all.
    pub export_to: Vec<String>,
    /// Who calls it; `None` for everybody.
    pub callers: Option<Vec<Caller>>,
    /// Labels of its pods; there where it refuses others than its callers.
    pub selector: BTreeMap<String, String>,
    /// Whether a ServiceExport stands beside it.
    pub mcs: bool,
    /// How its calls travel between clusters.
    pub transport: Transport,
    /// The service account of its pods, where only that is taken for it.
    pub service_account: Option<HostName>,
    /// Whether and how calls are repeated while a cluster fails.
    pub retry: Retry,
    /// How long a connection to another cluster may take with its TLS handshake, as Istio writes it.
    pub connect_timeout: String,
    /// Changes to the ejection of gateways that fail: fields of Istio's `OutlierDetection`.
    pub outlier_detection: IstioFields,
    /// Which of the clusters take the calls of whom.
    pub locality: Preferences,
    /// How it is tried.
    pub probe: Probe,
    /// Its published names: vanity (where asked for), global, regions, zones.
    pub names: Vec<PublishedName>,
}

impl Service {
    /// `<name>.<namespace>`, unique in a mesh.
    pub fn id(&self) -> String {
        format!("{}.{}", self.name, self.namespace)
    }

    /// Whether any of its ports takes requests, which can be told apart, repeated and marked.
    pub fn is_http(&self) -> bool {
        self.ports.iter().any(|port| port.protocol.is_http())
    }

    /// Whether its calls travel in mutual TLS that ends at its pods.
    pub fn is_mutual(&self) -> bool {
        self.transport == Transport::Mtls
    }

    /// The gateway of a cluster by which other clusters call it.
    pub fn gateway_of<'a>(&self, cluster: &'a Cluster) -> &'a Gateway {
        if self.is_mutual() {
            &cluster.east_west_gateway
        } else {
            &cluster.gateway
        }
    }

    /// Where the Service of a cluster's gateway has a port of it: mutual TLS is told by its name (SNI), so
    /// all of it comes to one.
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
    /// What is spoken on it.
    pub protocol: Protocol,
    /// The port under which its names are called.
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

    /// Its port at an ingress gateway's Service: what is published on 80 is at the gateway's HTTP port.
    pub fn at(&self, gateway: &Gateway) -> u16 {
        if self.protocol.is_http() && self.published == DEFAULT_GATEWAY_PORT {
            gateway.port
        } else {
            self.published
        }
    }

    /// Its name in Istio's objects: the protocol, and the published port where that is unusual.
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

/// What happens to some requests at a gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Istio's `HTTPMatchRequest`s, any of which takes a request; empty for all requests.
    pub matches: Vec<Value>,
    /// Fields of Istio's `HTTPRoute`; `to` has the subsets and weights of its destinations.
    pub action: IstioFields,
}

/// One of `spec.external`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalHost {
    /// Its name, or the names that it stands for.
    pub host: HostPattern,
    /// Where it is.
    pub place: Place,
    /// Its ports, at least one.
    pub ports: Vec<ExternalPort>,
    /// Indices of the clusters that may call it, ascending, at least one.
    pub clusters: Vec<usize>,
    /// Whether calls leave through the egress gateway, which each of the clusters then has.
    pub by_egress_gateway: bool,
}

/// Where a host outside is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Where DNS says.
    Dns,
    /// At any of these IP addresses, at least one.
    Addresses(Vec<String>),
    /// Where the caller looked: one of these IP addresses and ranges; empty for any.
    Caller(Vec<String>),
}

impl Place {
    /// IP addresses and ranges that are known of it.
    pub fn addresses(&self) -> &[String] {
        match self {
            Self::Dns => &[],
            Self::Addresses(known) | Self::Caller(known) => known,
        }
    }
}

/// A port of a host outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalPort {
    /// Its number.
    pub number: u16,
    /// What callers speak there.
    pub protocol: ExternalProtocol,
    /// How their sidecars speak TLS with the host; `None` where calls pass as they are.
    pub tls: Option<TlsOrigination>,
}

/// How a sidecar speaks TLS for its workload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOrigination {
    /// The host's own port.
    pub target_port: u16,
    /// Names of which its certificate must have one, at least one.
    pub subject_alt_names: Vec<String>,
    /// Who may have signed it, as `DestinationRule` has it: a file in the sidecar, or `system`.
    pub ca_certificates: String,
}

/// Which calls are sent again while a cluster fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// Only those that cannot have arrived.
    Undelivered,
    /// All that failed.
    All {
        /// How long each try may take, as Istio writes it.
        per_try_timeout: String,
    },
}

/// The request by which a service is tried: a GET.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Probe {
    /// Its path.
    pub path: String,
    /// The status of a good answer; `None` for any below 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The images to use.
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
