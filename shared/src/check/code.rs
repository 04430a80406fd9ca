//! The catalogue of codes: one rule each, never reused.

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Such as `FM0101`.
    pub id: &'static str,
    /// What it says, in one line.
    pub title: &'static str,
    /// Codes of other tools that cover the same.
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
    NOT_A_LABEL = "FM0101", "A name is not a DNS label (RFC 1123)", [];
    NAME_TOO_LONG = "FM0102", "A published name or an object's name is longer than its limit", [];
    DUPLICATE = "FM0103", "Two entries have the same name", ["IST0109", "KIA1106"];
    EMPTY = "FM0104", "A value that is needed is empty", [];
    CREDENTIAL = "FM0105", "Credential in the document", [];
    NO_CLUSTER = "FM0201", "The document has no cluster", [];
    NO_LOCALITY = "FM0202", "A cluster has no region or no zone", [];
    UNKNOWN_CLUSTER = "FM0203", "A name refers to no cluster of the document", [];
    ONE_CONTEXT_TWICE = "FM0204", "Two clusters use one kubeconfig context", [];
    ONE_ZONE_TWICE = "FM0205", "Two clusters are in one zone", [];
    ZONE_IN_TWO_REGIONS = "FM0206", "Two regions have a zone of the same name", [];
    BAD_ADDRESS = "FM0207", "A gateway's address is neither an IP address nor a host name", [];
    UNKNOWN_ADDRESS = "FM0208", "A gateway's address is not known, so records are left out", [];
    NO_ADDRESS = "FM0209", "A gateway has no address, so names fall back or have no record", [];
    BAD_LABEL = "FM0210", "A label is none that Kubernetes takes", [];
    PORTS_OF_ONE_ZONE = "FM0211", "Gateways of one zone listen on different ports", [];
    BAD_SUFFIX = "FM0301", "The DNS suffix is not a zone that can be published", [];
    BAD_TTL = "FM0302", "The time to live is out of range", [];
    GATEWAY_NAMING_SERVICES = "FM0303", "`naming: gateway` gives all services one name", ["IST0109", "KIA1106"];
    GATEWAY_NAMING_GATEWAYS = "FM0304", "`naming: gateway` needs one gateway name in all clusters", [];
    NO_EXTERNAL_DNS = "FM0305", "No ExternalDNS is rendered", [];
    HOST_NAME_TARGETS = "FM0306", "A load balancer's host name cannot be published beside other targets", [];
    EMPTY_PROVIDER = "FM0307", "ExternalDNS has no provider", [];
    BAD_ARGUMENT = "FM0308", "An argument for ExternalDNS is none, or is fedmesh's own", [];
    BAD_NAME_SERVER = "FM0309", "A name server is not an IP address", [];
    LOOPBACK_NAME_SERVER = "FM0310", "A name server's address means another machine to everyone", [];
    NAME_SERVER_TWICE = "FM0311", "A name server is given twice", [];
    MANY_NAME_SERVERS = "FM0312", "There are more name servers than CoreDNS takes", [];
    PROVIDER_SETTINGS = "FM0313", "ExternalDNS takes no such setting or file for the provider", [];
    PUBLIC_SUFFIX = "FM0314", "DNS suffix is a public suffix", [];
    HOST_NAME_RESOLVED = "FM0321", "Records have addresses to which load balancers' host names resolve now", [];
    HOST_NAME_UNRESOLVED = "FM0322", "A load balancer's host name is to be resolved, and its addresses are not known", [];
    MISSING_LEVEL = "FM0331", "Missing level of published names", [];
    ENDPOINTS_NEED_ZONES = "FM0332", "`endpoints: names` requires names of zones", [];
    LEVELS_OF_CONTROLLER = "FM0333", "The federation controller publishes names of all levels", [];
    GATEWAY_TOO_LARGE = "FM0334", "Gateway too large for API servers", [];
    BAD_PORT = "FM0401", "A port is not between 1 and 65535", [];
    SERVED_NOWHERE = "FM0402", "A service runs in no cluster", [];
    BAD_PATH = "FM0403", "A route's path does not start with a slash", [];
    NAME_TWICE = "FM0404", "Two services publish one name", ["IST0109", "KIA1106"];
    NO_SERVICE = "FM0405", "The document shares no service", [];
    BAD_PROBE = "FM0406", "A probe's status is not one of HTTP", [];
    BAD_DURATION = "FM0407", "A duration cannot be read", [];
    RETRY_OPEN = "FM0408", "It is left open whether calls may be repeated", [];
    UNKNOWN_FIELD = "FM0409", "A part that is passed on to Istio has a field that Istio has not", ["IST0106"];
    BAD_VALUE = "FM0410", "A part that is passed on to Istio has a value that Istio does not read", ["IST0106"];
    BAD_REGEX = "FM0411", "A regular expression is none of RE2", ["IST0122"];
    ROUTE_CONTRADICTS = "FM0412", "A route asks for two things of which only one can be", [];
    BAD_WEIGHTS = "FM0413", "Weights do not add up to 100", [];
    UNKNOWN_SUBSET = "FM0414", "A route names a subset that the service has not", ["IST0101", "KIA1107"];
    ROUTE_UNREACHED = "FM0415", "No request gets to a route", ["IST0130", "IST0131"];
    CLUSTERS_TWICE = "FM0416", "It is said twice which clusters are meant", [];
    NO_EJECTION = "FM0417", "Outlier detection is set so that calls do not leave a cluster that fails", [];
    ISTIO_REFUSES = "FM0418", "Values that are passed on to Istio do not go together, so it would refuse them", ["IST0106"];
    CONNECT_TIMEOUT_RANGE = "FM0419", "Connect timeout out of range", [];
    NO_PORT = "FM0421", "A service has no port, or `ports` beside `port`", [];
    SERVICE_PORT_TWICE = "FM0422", "A service has one port, or one published port, twice", ["KIA1211"];
    PUBLISHED_TWICE = "FM0423", "A published port cannot tell apart what is published on it", ["IST0177", "KIA1211", "KIA1212"];
    TCP_TELLS_NO_NAME = "FM0424", "Inside a mesh, plain TCP is told by its port alone", ["IST0134"];
    GATEWAY_SERVICE_PORT = "FM0425", "The gateways' Services need another port", ["IST0162"];
    HTTP_ONLY = "FM0426", "A setting for requests stands at a service without an HTTP port", [];
    NEARNESS_OF_THE_MESH = "FM0427", "With an old Istio it is the mesh's own setting whether near clusters come first", [];
    CLUSTERS_ALIKE = "FM0428", "With Istio 1.0 calls go to all clusters that run a service alike", [];
    ANY_FAILURE = "FM0429", "With Istio 1.0 any status of 500 and above is a failure of the cluster that answers", [];
    ANSWERS_UNNAMED = "FM0430", "Gateways of Istio 1.0 do not name the cluster that answers", [];
    OVERRIDDEN_ELSEWHERE = "FM0431", "An override is for a cluster that does not run the service", [];
    OVERRIDDEN_TWICE = "FM0432", "A cluster, or a port, has two overrides of one service", [];
    OVERRIDES_NOTHING = "FM0433", "An override changes nothing", [];
    OVERRIDES_COLLIDE = "FM0434", "Two services are one Kubernetes Service in a cluster", [];
    OVERRIDDEN_PORT = "FM0435", "An override is of a port that the service has not", [];
    BOOKINFO_UNUSED = "FM0441", "Settings for bookinfo stand beside no sample of that name", [];
    BOOKINFO_POLICY = "FM0442", "Bookinfo's route rules and a service's own subsets are for the same pods", ["KIA0201"];
    BOOKINFO_SERVICE_PORT = "FM0443", "A service of bookinfo is shared under a port or a name that it has not", [];
    BAD_ISTIO = "FM0501", "The Istio version cannot be read", [];
    OLD_ISTIO = "FM0502", "The Istio version is too old", [];
    NOBODY_THERE = "FM0503", "No cluster is in a region or zone that is named", [];
    BAD_SHARES = "FM0504", "Shares of places are not percentages that come to 100", [];
    SHARES_OVERLAP = "FM0505", "A place and one that lies in it both have a share", [];
    FITS_NO_CALLER = "FM0506", "An entry of `locality` holds for no caller", [];
    NOT_RUN_THERE = "FM0507", "A service does not run where its calls are sent", [];
    REGION_TO_ITSELF = "FM0508", "A region is to come after itself", [];
    NO_CREDENTIAL = "FM0511", "TLS between clusters has no Secret with the gateways' certificates", ["IST0101"];
    TLS_UNUSED = "FM0512", "Settings for TLS stand beside another transport", [];
    BAD_AUTHORITY = "FM0513", "The authorities of certificates are neither `system` nor a path", [];
    CERTIFICATE_NAMES = "FM0514", "The gateways' certificates have to be for these names", ["IST0161"];
    TRANSPORTS_MIXED = "FM0521", "Ingress gateways cannot take both plain HTTP and TLS on the port for HTTP", [];
    MTLS_ROUTES = "FM0522", "Gateways see no requests of mutual TLS, so they cannot have routes", [];
    MTLS_ROOT = "FM0523", "Mutual TLS between clusters needs meshes with a root in common", [];
    TRUST_DOMAINS = "FM0524", "Meshes with different trust domains have to know each other's", [];
    NO_SERVICE_ACCOUNT = "FM0525", "With mutual TLS, any workload of the meshes is taken for a service", [];
    BAD_IDENTITY = "FM0526", "A trust domain or a service account is none", [];
    MTLS_UNUSED = "FM0527", "Settings for mutual TLS stand beside another transport", [];
    MTLS_RECORDS = "FM0528", "The federation controller cannot publish east-west gateways", [];
    MTLS_OVERRIDES = "FM0529", "A service in mutual TLS is another Kubernetes Service in some clusters", [];
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
    KUBEFED_NAMESPACES = "FM0603", "KubeFed takes over namespaces that are there already", [];
    KARMADA_API_SERVER = "FM0604", "Everything goes to Karmada's API server", [];
    BAD_REPOSITORY = "FM0605", "The engine gitops has no Git repository, or none that can be used", [];
    CLUSTER_DNS_BY_HAND = "FM0606", "The clusters' DNS has to be told of the zone by hand", [];
    FEDERATION_EXTERNAL_DNS = "FM0607", "ExternalDNS of this version does not read the federation controller's records", [];
    BAD_IMAGE = "FM0701", "An image reference is empty or has blanks", [];
    NOT_LOOKED_AT = "FM0801", "A cluster that is handed nothing could not be searched for what an earlier apply left", [];
    NO_CLUSTER_DNS = "FM0802", "A cluster's DNS is none that fedmesh can tell of the zone", [];
    DNS_RESTART = "FM0803", "A cluster's DNS does not read its settings again by itself", [];
    DNS_NOT_LOOKED_AT = "FM0804", "A cluster's DNS could not be searched for what an earlier apply left", [];
    GATEWAY_NOT_READY = "FM0805", "A gateway has no ready pod, so its address is not published", [];
    FORMER_CLUSTER = "FM0806", "A cluster of an earlier document still has what was applied to it", [];
    LAST_KNOWN = "FM0807", "Last known address published", [];
    NOTHING_TO_FORGET = "FM0808", "No last known address to forget", [];
    NOTHING_TO_TAKE_OVER = "FM0809", "No field in conflict to take over", [];
    IDENTITY_UNKNOWN = "FM0810", "Cluster identity not compared", [];
    BAD_EXTERNAL_HOST = "FM0901", "A host outside is not a host name, nor `*.` before one", [];
    CLUSTERS_OWN_HOST = "FM0902", "A host outside lies in the clusters' own domain", [];
    MESH_OWN_HOST = "FM0903", "A host outside lies among the mesh's own names", [];
    BAD_EXTERNAL_ADDRESS = "FM0904", "The address of a host outside is neither an IP address nor a range", [];
    NO_PROTOCOL = "FM0905", "A port's protocol is not given, and its number does not tell it", [];
    PORT_TWICE = "FM0906", "A host outside has one port twice", ["IST0177", "KIA1211", "KIA1212"];
    TCP_WITHOUT_ADDRESS = "FM0907", "TCP is told apart by its address, and there is none", ["IST0134"];
    TCP_TWICE = "FM0908", "Two hosts outside share a TCP port of one address", [];
    BAD_ORIGINATION = "FM0909", "TLS cannot be originated so", [];
    CALLED_FROM_NOWHERE = "FM0910", "No cluster may call a host outside", [];
    NO_EGRESS_GATEWAY = "FM0911", "A cluster that is to call through an egress gateway has none", [];
    NOT_BY_EGRESS_GATEWAY = "FM0912", "An egress gateway cannot tell such calls apart", [];
    NO_PLACE = "FM1001", "An imported object has no place in a Mesh document", [];
    NOT_CARRIED = "FM1002", "A field of an imported object is not what the document gives", [];
    REPLACED = "FM1003", "An imported object is replaced by one of another name", [];
    ASSUMED = "FM1004", "Imported manifests do not say what a document needs", [];
    IMPORT_CONTRADICTS = "FM1005", "Imported manifests contradict each other", [];
    FEDERATED_FAULT = "FM1006", "An imported object is spread in a way that its engine, or the import, passes over", [];
    NOT_SUBSTITUTED = "FM1007", "An imported name was left as it stood in a template", [];
    CREDENTIAL_LEFT_OUT = "FM1008", "Credential not imported", [];
    GATEWAY_API_VERSION = "FM1101", "The Gateway API says this only with a newer Istio", [];
    GATEWAY_API_CANNOT = "FM1102", "The Gateway API has no way to say this", [];
    GATEWAY_API_ORDER = "FM1103", "The Gateway API goes by the more specific route, not by the first", [];
    GATEWAY_API_PREFIX = "FM1104", "To the Gateway API a prefix is one of whole path elements", [];
    FEDERATED_GATEWAYS = "FM1105", "A federation cannot tell two kinds of one name apart", [];
    MCS_CONTROLLER = "FM1121", "Exports of services wait for a controller of the Multi-Cluster Services API", [];
    BAD_POINTER = "FM1201", "Invalid JSON pointer to an ignored field", [];
    UNKNOWN_KIND = "FM1202", "Unknown kind of object", [];
    IGNORES_NOTHING = "FM1203", "Ignored fields of no object", [];
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
}
