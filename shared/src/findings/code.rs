//! The catalogue of codes: one rule each, never reused.

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Such as `FM0101`.
    pub id: &'static str,
    /// The title in one line.
    pub title: &'static str,
    /// Codes of other tools for the same defect.
    pub peers: &'static [&'static str],
}

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, [$($peer:literal),*];)*) => {
        $(#[doc = $title] pub const $name: Code = Code { id: $id, title: $title, peers: &[$($peer),*] };)*
        /// All codes, ascending.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    NOT_A_LABEL = "FM0101", "Invalid DNS label", [];
    NAME_TOO_LONG = "FM0102", "Name too long", [];
    DUPLICATE = "FM0103", "Duplicate entry", ["IST0109", "KIA1106"];
    EMPTY = "FM0104", "Missing value", [];
    CREDENTIAL = "FM0105", "Credential in the document", [];
    NO_CLUSTER = "FM0201", "Missing clusters", [];
    NO_LOCALITY = "FM0202", "Missing region or zone", [];
    UNKNOWN_CLUSTER = "FM0203", "Unknown cluster", [];
    ONE_CONTEXT_TWICE = "FM0204", "Duplicate kubeconfig context", [];
    ONE_ZONE_TWICE = "FM0205", "Clusters share a zone", [];
    ZONE_IN_TWO_REGIONS = "FM0206", "Regions share the name of a zone", [];
    BAD_ADDRESS = "FM0207", "Invalid gateway address", [];
    UNKNOWN_ADDRESS = "FM0208", "Unknown gateway address", [];
    NO_ADDRESS = "FM0209", "Gateway without an address", [];
    BAD_LABEL = "FM0210", "Invalid Kubernetes label", [];
    PORTS_OF_ONE_ZONE = "FM0211", "Gateway ports of one zone conflict", [];
    UNUSABLE_ADDRESS = "FM0212", "Unusable gateway address", [];
    SHARED_ADDRESS = "FM0213", "Clusters share a gateway address", [];
    GATEWAY_SELECTOR = "FM0214", "Gateway selector matches no pod", ["IST0101", "KIA0302"];
    BOTH_ZONE_AND_ZONES = "FM0215", "`zone` conflicts with `zones`", [];
    NODES_ELSEWHERE = "FM0216", "Nodes in other zones than the document", [];
    BAD_CLUSTER_DOMAIN = "FM0217", "Invalid cluster domain", [];
    OTHER_CLUSTER_DOMAIN = "FM0218", "Cluster domain differs from the cluster DNS", [];
    BAD_SUFFIX = "FM0301", "Invalid DNS suffix", [];
    BAD_TTL = "FM0302", "TTL out of range", [];
    GATEWAY_NAMING_SERVICES = "FM0303", "`naming: gateway` conflicts with several services", ["IST0109", "KIA1106"];
    GATEWAY_NAMING_GATEWAYS = "FM0304", "`naming: gateway` conflicts with different gateway names", [];
    NO_EXTERNAL_DNS = "FM0305", "ExternalDNS not rendered", [];
    HOST_NAME_TARGETS = "FM0306", "Host name of a load balancer conflicts with other record targets", [];
    EMPTY_PROVIDER = "FM0307", "Invalid ExternalDNS provider", [];
    BAD_ARGUMENT = "FM0308", "Invalid ExternalDNS argument", [];
    BAD_NAME_SERVER = "FM0309", "Invalid name server address", [];
    LOOPBACK_NAME_SERVER = "FM0310", "Unusable address of a name server", [];
    NAME_SERVER_TWICE = "FM0311", "Duplicate name server", [];
    MANY_NAME_SERVERS = "FM0312", "Too many name servers for CoreDNS", [];
    PROVIDER_SETTINGS = "FM0313", "Unsupported ExternalDNS setting for the provider", [];
    PUBLIC_SUFFIX = "FM0314", "DNS suffix is a public suffix", [];
    HOSTED_ZONE = "FM0315", "Hosted zone of the suffix", [];
    RECORDS_FILTERED = "FM0316", "ExternalDNS argument leaves out records", [];
    HOST_NAME_RESOLVED = "FM0321", "Records follow the resolved addresses of load balancers", [];
    HOST_NAME_UNRESOLVED = "FM0322", "Load balancer's host name not resolved", [];
    MISSING_LEVEL = "FM0331", "Missing level of published names", [];
    ENDPOINTS_NEED_ZONES = "FM0332", "`endpoints: names` requires names of zones", [];
    LEVELS_OF_CONTROLLER = "FM0333", "The federation controller publishes names of all levels", [];
    GATEWAY_TOO_LARGE = "FM0334", "Gateway too large for API servers", [];
    BAD_PORT = "FM0401", "Port out of range", [];
    SERVED_NOWHERE = "FM0402", "Service without a cluster", [];
    BAD_PATH = "FM0403", "Invalid path", [];
    NAME_TWICE = "FM0404", "Duplicate published name", ["IST0109", "KIA1106"];
    NO_SERVICE = "FM0405", "Missing services", [];
    BAD_PROBE = "FM0406", "Invalid HTTP status of a probe", [];
    BAD_DURATION = "FM0407", "Invalid duration", [];
    RETRY_OPEN = "FM0408", "Retry policy not set", [];
    UNKNOWN_FIELD = "FM0409", "Unknown field", ["IST0106"];
    BAD_VALUE = "FM0410", "Invalid value of a field", ["IST0106"];
    BAD_REGEX = "FM0411", "Invalid regular expression", ["IST0122"];
    ROUTE_CONTRADICTS = "FM0412", "Fields of a route conflict", [];
    BAD_WEIGHTS = "FM0413", "Weights do not add up to 100", [];
    UNKNOWN_SUBSET = "FM0414", "Unknown subset", ["IST0101", "KIA1107"];
    ROUTE_UNREACHED = "FM0415", "Unreachable route", ["IST0130", "IST0131"];
    CLUSTERS_TWICE = "FM0416", "`clusters` conflicts with `clusterSelector`", [];
    NO_EJECTION = "FM0417", "Outlier detection prevents failover", [];
    ISTIO_REFUSES = "FM0418", "Istio API fields conflict", ["IST0106"];
    CONNECT_TIMEOUT_RANGE = "FM0419", "Connect timeout out of range", [];
    NO_PORT = "FM0421", "Missing port, or `ports` conflicts with `port`", [];
    SERVICE_PORT_TWICE = "FM0422", "Duplicate port of a service", ["KIA1211"];
    PUBLISHED_TWICE = "FM0423", "Published ports conflict", ["IST0177", "KIA1211", "KIA1212"];
    TCP_TELLS_NO_NAME = "FM0424", "Plain TCP port takes calls for other hosts", ["IST0134"];
    GATEWAY_SERVICE_PORT = "FM0425", "Gateway Service requires another port", ["IST0162"];
    HTTP_ONLY = "FM0426", "HTTP setting without an HTTP port", [];
    NEARNESS_OF_THE_MESH = "FM0427", "Locality preference depends on the mesh configuration with this Istio", [];
    CLUSTERS_ALIKE = "FM0428", "Locality preference requires a later Istio", [];
    ANY_FAILURE = "FM0429", "Outlier detection counts all 5xx statuses with this Istio", [];
    ANSWERS_UNNAMED = "FM0430", "Answer header requires a later Istio", [];
    OVERRIDDEN_ELSEWHERE = "FM0431", "Override has no effect", [];
    OVERRIDDEN_TWICE = "FM0432", "Duplicate override", [];
    OVERRIDES_NOTHING = "FM0433", "Override without a change", [];
    OVERRIDES_COLLIDE = "FM0434", "Services share a Kubernetes Service", [];
    OVERRIDDEN_PORT = "FM0435", "Unknown port of an override", [];
    GATEWAY_AS_SERVICE = "FM0436", "Gateway shared as a service", [];
    MIRROR_DOMAIN = "FM0437", "Mirror to a host of another cluster domain", [];
    BOOKINFO_UNUSED = "FM0441", "`bookinfo` has no effect without the sample", [];
    BOOKINFO_POLICY = "FM0442", "Bookinfo's route rules conflict with a service's DestinationRule", ["KIA0201"];
    BOOKINFO_SERVICE_PORT = "FM0443", "Bookinfo service requires its own name and port", [];
    BAD_ISTIO = "FM0501", "Invalid Istio version", [];
    OLD_ISTIO = "FM0502", "Unsupported by this Istio version", [];
    UNKNOWN_LOCALITY = "FM0503", "Unknown region or zone", [];
    BAD_SHARES = "FM0504", "Invalid shares", [];
    SHARES_OVERLAP = "FM0505", "Overlapping shares", [];
    FITS_NO_CALLER = "FM0506", "Locality setting has no effect", [];
    NOT_RUN_THERE = "FM0507", "Service does not run in the region or zone", [];
    REGION_TO_ITSELF = "FM0508", "Region falls back to itself", [];
    REGION_AFTER_OTHERS = "FM0509", "Next region after other clusters of the own region", [];
    CLUSTER_WITHOUT_NAME = "FM0510", "Cluster without a name of its own", [];
    NO_CREDENTIAL = "FM0511", "Missing name of the gateways' TLS Secret", ["IST0101"];
    TLS_UNUSED = "FM0512", "TLS settings have no effect", [];
    BAD_AUTHORITY = "FM0513", "Invalid certificate authorities", [];
    CERTIFICATE_NAMES = "FM0514", "Gateway certificates require these names", ["IST0161"];
    TRANSPORTS_MIXED = "FM0521", "Plain HTTP conflicts with TLS on the HTTP port", [];
    MTLS_ROUTES = "FM0522", "Routes conflict with mutual TLS", [];
    MTLS_ROOT = "FM0523", "Mutual TLS requires a common root certificate", [];
    TRUST_DOMAINS = "FM0524", "Mutual TLS requires trust domain aliases", [];
    NO_SERVICE_ACCOUNT = "FM0525", "Service identity not checked", [];
    BAD_IDENTITY = "FM0526", "Invalid trust domain or service account", [];
    MTLS_UNUSED = "FM0527", "Mutual TLS settings have no effect", [];
    MTLS_RECORDS = "FM0528", "The federation controller cannot publish east-west gateways", [];
    MTLS_OVERRIDES = "FM0529", "Service in mutual TLS differs between clusters", [];
    NO_CALLER = "FM0531", "Empty list of callers", [];
    CALLERS_AND_EXPORTS = "FM0532", "`exportTo` conflicts with `callers`", [];
    CALLERS_NOT_ENFORCED = "FM0533", "Callers are not enforced without mutual TLS", [];
    CALLED_FROM_NO_CLUSTER = "FM0534", "Callers in no cluster", [];
    NO_POD_LABELS = "FM0535", "Callers with mutual TLS require labels of the service's pods", [];
    CLUSTERS_ALIKE_TO_CALLED = "FM0536", "Callers of other clusters are not refused", [];
    SIDECARS_UNUSED = "FM0537", "`sidecars` has no effect", [];
    CALLERS_WITHOUT_SIDECAR = "FM0538", "Callers without a Sidecar", [];
    BAD_EGRESS_HOST = "FM0539", "Invalid host of Sidecars", [];
    ENDPOINTS_NOT_FOLLOWED = "FM0541", "Endpoints not followed with this engine", [];
    CLUSTER_IP_UNUSED = "FM0542", "`clusterIP` has no effect", [];
    FEDERATION_RECORDS = "FM0601", "The federation controller cannot publish names that start with a service", [];
    FEDERATION_NODE_LABELS = "FM0602", "The federation controller reads region and zone from old node labels", [];
    KUBEFED_NAMESPACES = "FM0603", "KubeFed takes over existing namespaces", [];
    KARMADA_API_SERVER = "FM0604", "Karmada's API server receives all objects", [];
    BAD_REPOSITORY = "FM0605", "Missing or invalid Git repository", [];
    CLUSTER_DNS_BY_HAND = "FM0606", "Cluster DNS requires manual forwarding", [];
    FEDERATION_EXTERNAL_DNS = "FM0607", "ExternalDNS version does not read the federation controller's records", [];
    BAD_IMAGE = "FM0701", "Invalid image reference", [];
    NOT_SEARCHED = "FM0801", "Cluster not searched for orphaned objects", [];
    NO_CLUSTER_DNS = "FM0802", "Unsupported cluster DNS", [];
    DNS_RESTART = "FM0803", "Cluster DNS requires a restart", [];
    DNS_NOT_SEARCHED = "FM0804", "Cluster DNS not searched for orphaned forwarding", [];
    GATEWAY_NOT_READY = "FM0805", "Gateway without a ready pod", [];
    FORMER_CLUSTER = "FM0806", "Orphaned objects in a cluster of an earlier document", [];
    LAST_KNOWN = "FM0807", "Last known address used", [];
    NOTHING_TO_FORGET = "FM0808", "No last known address to forget", [];
    NOTHING_TO_TAKE_OVER = "FM0809", "No field in conflict to take over", [];
    IDENTITY_UNKNOWN = "FM0810", "Cluster identity not compared", [];
    DNS_OVERWRITTEN = "FM0811", "Forwarding may be overwritten", [];
    BAD_EXTERNAL_HOST = "FM0901", "Invalid external host", [];
    CLUSTERS_OWN_HOST = "FM0902", "External host conflicts with the cluster domain", [];
    MESH_OWN_HOST = "FM0903", "External host conflicts with published names", [];
    BAD_EXTERNAL_ADDRESS = "FM0904", "Invalid address of an external host", [];
    NO_PROTOCOL = "FM0905", "Missing protocol of a port", [];
    PORT_TWICE = "FM0906", "Duplicate port of an external host", ["IST0177", "KIA1211", "KIA1212"];
    TCP_WITHOUT_ADDRESS = "FM0907", "TCP port requires an address", ["IST0134"];
    TCP_TWICE = "FM0908", "External hosts share a TCP port of one address", [];
    BAD_ORIGINATION = "FM0909", "Invalid TLS origination", [];
    CALLED_FROM_NOWHERE = "FM0910", "External host without a cluster", [];
    NO_EGRESS_GATEWAY = "FM0911", "Missing egress gateway", [];
    NOT_BY_EGRESS_GATEWAY = "FM0912", "Egress gateway cannot distinguish calls", [];
    NO_PLACE = "FM1001", "Imported object not supported", [];
    NOT_CARRIED = "FM1002", "Imported field differs from the document", [];
    REPLACED = "FM1003", "Imported object renamed", [];
    ASSUMED = "FM1004", "Missing information in imported manifests", [];
    IMPORT_CONTRADICTS = "FM1005", "Imported manifests conflict", [];
    FEDERATED_FAULT = "FM1006", "Part of an imported KubeFed object ignored", [];
    NOT_SUBSTITUTED = "FM1007", "Imported name with another suffix or region", [];
    CREDENTIAL_LEFT_OUT = "FM1008", "Credential not imported", [];
    NOT_A_MANIFEST = "FM1009", "Not a Kubernetes manifest", [];
    GATEWAY_API_VERSION = "FM1101", "Gateway API field requires a later Istio", [];
    GATEWAY_API_CANNOT = "FM1102", "Unsupported by the Gateway API", [];
    GATEWAY_API_ORDER = "FM1103", "The Gateway API prefers the most specific route", [];
    GATEWAY_API_PREFIX = "FM1104", "The Gateway API matches prefixes by path element", [];
    FEDERATED_GATEWAYS = "FM1105", "Kinds with one name conflict in KubeFed", [];
    MCS_CONTROLLER = "FM1121", "Exports require a Multi-Cluster Services controller", [];
    BAD_POINTER = "FM1201", "Invalid JSON pointer to an ignored field", [];
    UNKNOWN_KIND = "FM1202", "Unknown kind in `spec.ignore`", [];
    IGNORES_NOTHING = "FM1203", "Ignored fields match no object", [];
    IGNORE_UNSUPPORTED = "FM1204", "Ignored fields have no effect with the engine", [];
    NOT_IGNORED_BY_FLUX = "FM1205", "Ignored fields are not passed on to Flux", [];
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn ids_are_unique_and_ascending() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    /// As in `docs/style.md`.
    #[test]
    fn titles_name_defects() {
        const LONGEST: usize = 80;
        const NOT_USED: [&str; 6] = ["nobody", "told", "is none", "has not", "outside", "mend"];
        for code in ALL {
            let title = code.title;
            assert!(title.len() <= LONGEST, "{title}");
            assert!(
                title.starts_with(|c: char| c.is_ascii_uppercase() || c == '`'),
                "{title}"
            );
            assert!(!title.ends_with('.'), "{title}");
            assert!(
                !title.starts_with("A ") && !title.starts_with("An "),
                "{title}"
            );
            for words in NOT_USED {
                assert!(!title.contains(words), "{title}: {words}");
            }
        }
    }
}
