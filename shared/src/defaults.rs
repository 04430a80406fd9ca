//! Values of what a document leaves out, and names that Istio and Kubernetes fix.

/// Default of `spec.istio`.
pub const DEFAULT_ISTIO: &str = "1.27";
/// Default label of the federation.
pub const DEFAULT_FEDERATION: &str = "external";
/// Default time to live, in seconds.
pub const DEFAULT_TTL: u32 = 300;
/// Default Service of a gateway.
pub const DEFAULT_GATEWAY_SERVICE: &str = "istio-ingressgateway";
/// Default Service of an egress gateway.
pub const DEFAULT_EGRESS_SERVICE: &str = "istio-egressgateway";
/// Default Service of an east-west gateway.
pub const DEFAULT_EAST_WEST_SERVICE: &str = "istio-eastwestgateway";
/// Istio's root namespace: the default of its gateways, and the namespace of objects for all namespaces.
pub const ISTIO_NAMESPACE: &str = "istio-system";
/// The ConfigMap with a mesh's root certificate, which istiod writes into every namespace.
pub const MESH_ROOT_CONFIG_MAP: &str = "istio-ca-root-cert";
/// Default DNS domain of a cluster, as in Istio and kubeadm.
pub const DEFAULT_CLUSTER_DOMAIN: &str = "cluster.local";
/// Default label of a gateway's pods.
pub const DEFAULT_GATEWAY_SELECTOR: (&str, &str) = ("istio", "ingressgateway");
/// Default label of an egress gateway's pods.
pub const DEFAULT_EGRESS_SELECTOR: (&str, &str) = ("istio", "egressgateway");
/// Default label of an east-west gateway's pods.
pub const DEFAULT_EAST_WEST_SELECTOR: (&str, &str) = ("istio", "eastwestgateway");
/// Default port of an east-west gateway: Istio's own for passthrough of mutual TLS.
pub const DEFAULT_EAST_WEST_PORT: u16 = 15443;
/// Default trust domain of a cluster, as in Istio.
pub const DEFAULT_TRUST_DOMAIN: &str = "cluster.local";
/// Default HTTP port of a gateway.
pub const DEFAULT_GATEWAY_PORT: u16 = 80;
/// Default port of a gateway with TLS and of an external host, and default published port of TLS passthrough.
pub const DEFAULT_TLS_PORT: u16 = 443;
/// The authorities of a proxy's own image, in Istio's notation.
pub const SYSTEM_CA: &str = "system";
/// Default namespace of `ExternalDNS`.
pub const DEFAULT_EXTERNAL_DNS_NAMESPACE: &str = "external-dns";
/// Default namespace of a service.
pub const DEFAULT_NAMESPACE: &str = "default";
/// Default timeout of each try where calls are retried.
pub const DEFAULT_PER_TRY_TIMEOUT: &str = "2s";
/// Default timeout of a connection to another cluster: three round trips around the world, for TCP and TLS 1.2, and the
/// second after which a lost SYN is sent again.
pub const DEFAULT_CONNECT_TIMEOUT: &str = "2s";
/// The folder of `ExternalDNS`'s file with credentials.
pub const CREDENTIALS_FOLDER: &str = "/etc/external-dns/credentials";
/// Default branch of a Git repository.
pub const DEFAULT_BRANCH: &str = "main";
/// Default port of the sample `httpbin`, if no service sets one.
pub const DEFAULT_HTTPBIN_PORT: u16 = 8000;
/// The port of every service of the sample `bookinfo`.
pub const BOOKINFO_PORT: u16 = 9080;
/// A maintained httpbin, for amd64 and arm64.
pub const HTTPBIN_IMAGE: &str = "docker.io/mccutchen/go-httpbin:v2.15.0";
/// curl, for amd64, arm64 and more.
pub const SLEEP_IMAGE: &str = "docker.io/curlimages/curl:8.16.0";
/// `ExternalDNS`, for amd64, arm64 and arm.
pub const EXTERNAL_DNS_IMAGE: &str = "registry.k8s.io/external-dns/external-dns:v0.19.0";
