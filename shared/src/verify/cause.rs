//! The catalogue of probable causes: a code, what happened, and what to do.
//!
//! `docs/verify.md` lists every code; a test compares the two.

use serde::{Deserialize, Serialize};

use super::conditions::Condition;

/// Why a check did not pass, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// A short word, such as `no-host`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A probable cause. Texts inside are names of the document or what a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the sentence of a variant and a field's name say what the field is"
)]
pub enum Cause {
    /// The API server could not be asked.
    NotAsked(String),
    /// An object is not in a cluster.
    ObjectMissing { cluster: String, object: String },
    /// An object is there otherwise.
    ObjectChanged { cluster: String, object: String },
    /// An object is there as rendered, with fields that others have added.
    ObjectDrifted {
        cluster: String,
        object: String,
        fields: Vec<String>,
    },
    /// The server refuses an object, or to show it.
    ObjectRefused {
        cluster: String,
        object: String,
        why: String,
    },
    /// An object's controller does not accept it.
    NotAccepted {
        cluster: String,
        object: String,
        conditions: Vec<Condition>,
    },
    /// An object's controller has not said anything of it as it is.
    NoStatus {
        cluster: String,
        object: String,
        condition: String,
    },
    /// An object of ours is there and not wanted.
    ObjectSurplus { cluster: String, object: String },
    /// A Deployment is without the replicas that it had before a drill.
    DrillLeft {
        cluster: String,
        object: String,
        replicas: u32,
    },
    /// The Corefile, or its like, is not as it was applied.
    ClusterDnsEdited { cluster: String, object: String },
    /// The gateways of these clusters have no address.
    GatewayAddress { clusters: Vec<String> },
    /// A name has no address in DNS yet.
    NoAddress,
    /// The records belong to somebody else's ExternalDNS.
    ForeignOwner { found: String, ours: String },
    /// The records carry our owner id and come from another object.
    SharedOwner { owner: String, resource: String },
    /// ExternalDNS is not running.
    ExternalDns(String),
    /// Other addresses than expected, at the authoritative server.
    RecordDiffers,
    /// The authoritative server did not answer.
    NameServer { server: String, why: String },
    /// The cluster's DNS does not send the suffix to its name servers.
    StubDomain,
    /// A cache has an older answer; seconds that it may live.
    StaleRecord { ttl: u32 },
    /// The sidecar answers DNS, so the cluster's DNS is not seen.
    SidecarDns,
    /// No program to ask DNS with in the client's pod.
    NoDnsTool,
    /// The machine of the agent resolves the name otherwise.
    LocalDns { private: bool },
    /// The client could not resolve the name, and nothing else is known.
    Unresolved,
    /// The gateway does not know the host, or not this path of it.
    NoHost,
    /// The sidecar knows no route.
    NoRoute,
    /// No healthy upstream.
    Unhealthy,
    /// The Service has no ready endpoint, or is not there.
    NoEndpoints { cluster: String, service: String },
    /// Connection refused, or broken before the request.
    Refused,
    /// The connection was reset; Envoy's reason, if it gave one.
    Reset(String),
    /// No answer in time.
    Timeout,
    /// The TLS handshake failed.
    Tls(String),
    /// A gateway's certificate was not taken, or there was none.
    Certificate(String),
    /// With mutual TLS, a certificate that is not taken for the service's, or the caller's.
    Identity(String),
    /// With mutual TLS, meshes whose roots are not those of these clusters.
    NoCommonRoot { clusters: Vec<String> },
    /// The client's pod has no sidecar.
    NoSidecar,
    /// The service's pods refuse the client.
    AccessDenied,
    /// A client that is not among the callers was answered, with this status.
    NotDenied { status: u16 },
    /// The client is not among the callers, and nothing enforces it.
    NotACaller { client: String },
    /// The Service's port is not there or said to be of another protocol.
    PortName {
        cluster: String,
        service: String,
        port: String,
    },
    /// The Service is headless and its port is not that of its pods.
    HeadlessPort {
        cluster: String,
        service: String,
        port: u16,
        target: u16,
    },
    /// A node has no or another locality than the document.
    Locality {
        cluster: String,
        seen: String,
        wanted: String,
    },
    /// Another cluster answered.
    WrongCluster { seen: String, expected: Vec<String> },
    /// Nobody said which cluster answered.
    Unmarked,
    /// The request arrived and the service answers with an error.
    ServiceError { status: u16, cluster: String },
    /// An answer with another status.
    Status { status: u16, expected: String },
    /// The address cannot be reached from the agent's machine.
    NotFromHere(String),
    /// No client to call from.
    NoClient(String),
    /// Commands may not be run in the client's pod.
    ExecForbidden(String),
    /// The client has no curl, or what it gave cannot be read.
    NoCurl(String),
    /// Anything else.
    Other(String),
    /// A drill was not begun, or not brought to its end.
    NoDrill(String),
    /// Traffic did not move to the expected clusters in time.
    NotMoved { expected: Vec<String> },
    /// Traffic did not come back in time.
    NotReturned { cluster: String },
    /// Replicas were not restored.
    NotRestored(String),
}

/// Codes of what may go away by itself although it is no failure.
const MAY_PASS: [&str; 4] = ["not-asked", "no-status", "no-client", "name-server"];

impl Explanation {
    /// Whether what could not be checked may be checkable a little later.
    pub fn may_pass(&self) -> bool {
        MAY_PASS.contains(&self.code.as_str())
    }
}

impl Cause {
    /// The short word, stable for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAsked(_) => "not-asked",
            Self::ObjectMissing { .. } => "object-missing",
            Self::ObjectChanged { .. } => "object-changed",
            Self::ObjectDrifted { .. } => "object-drifted",
            Self::ObjectRefused { .. } => "object-refused",
            Self::NotAccepted { .. } => "not-accepted",
            Self::NoStatus { .. } => "no-status",
            Self::ObjectSurplus { .. } => "object-surplus",
            Self::DrillLeft { .. } => "drill-left",
            Self::ClusterDnsEdited { .. } => "cluster-dns-edited",
            Self::GatewayAddress { .. } => "gateway-address",
            Self::NoAddress => "no-address",
            Self::ForeignOwner { .. } => "foreign-owner",
            Self::SharedOwner { .. } => "shared-owner",
            Self::ExternalDns(_) => "external-dns",
            Self::RecordDiffers => "record-differs",
            Self::NameServer { .. } => "name-server",
            Self::StubDomain => "stub-domain",
            Self::StaleRecord { .. } => "stale-record",
            Self::SidecarDns => "sidecar-dns",
            Self::NoDnsTool => "no-dns-tool",
            Self::LocalDns { .. } => "local-dns",
            Self::Unresolved => "unresolved",
            Self::AccessDenied => "access-denied",
            Self::NotDenied { .. } => "not-denied",
            Self::NotACaller { .. } => "not-a-caller",
            Self::NoHost => "no-host",
            Self::NoRoute => "no-route",
            Self::Unhealthy => "unhealthy",
            Self::NoEndpoints { .. } => "no-endpoints",
            Self::Refused => "refused",
            Self::Reset(_) => "reset",
            Self::Timeout => "timeout",
            Self::Tls(_) => "tls",
            Self::Certificate(_) => "certificate",
            Self::Identity(_) => "identity",
            Self::NoCommonRoot { .. } => "no-common-root",
            Self::NoSidecar => "no-sidecar",
            Self::PortName { .. } => "port-name",
            Self::HeadlessPort { .. } => "headless-port",
            Self::Locality { .. } => "locality",
            Self::WrongCluster { .. } => "wrong-cluster",
            Self::Unmarked => "unmarked",
            Self::ServiceError { .. } => "service-error",
            Self::Status { .. } => "status",
            Self::NotFromHere(_) => "not-from-here",
            Self::NoClient(_) => "no-client",
            Self::ExecForbidden(_) => "exec-forbidden",
            Self::NoCurl(_) => "no-curl",
            Self::Other(_) => "other",
            Self::NoDrill(_) => "no-drill",
            Self::NotMoved { .. } => "not-moved",
            Self::NotReturned { .. } => "not-returned",
            Self::NotRestored(_) => "not-restored",
        }
    }

    /// Code, message and hint.
    pub fn explain(&self) -> Explanation {
        let (message, hint) = self.texts();
        let hint = match self {
            Self::NotAccepted { conditions, .. } => {
                let said = conditions.iter().map(|one| format!("{}; ", one.said()));
                said.chain([hint.to_owned()]).collect()
            }
            _ => hint.to_owned(),
        };
        Explanation {
            code: self.code().to_owned(),
            message,
            hint,
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    fn texts(&self) -> (String, &'static str) {
        match self {
            Self::ObjectMissing { cluster, object } => (
                format!("{object} is not in cluster {cluster}"),
                "`fedmesh-agent apply` makes it",
            ),
            Self::ObjectChanged { cluster, object } => (
                format!("{object} in cluster {cluster} is not as the document says"),
                "`fedmesh-agent plan` shows the difference, `fedmesh-agent apply` takes it back",
            ),
            Self::ObjectDrifted {
                cluster,
                object,
                fields,
            } => (
                format!(
                    "{object} in cluster {cluster} has fields beside what the document says: {}",
                    fields.join("; ")
                ),
                "remove them from the object, or list them in spec.ignore if they are intended",
            ),
            Self::ObjectRefused {
                cluster,
                object,
                why,
            } => (
                format!("{object} in cluster {cluster}: {why}"),
                "`fedmesh-agent plan` says the same: an apply would not get past it",
            ),
            Self::NotAccepted {
                cluster,
                object,
                conditions,
            } => {
                let names: Vec<&str> = conditions.iter().map(|one| one.name.as_str()).collect();
                (
                    format!(
                        "{object} in cluster {cluster} is not accepted by Istio: {}",
                        names.join(", ")
                    ),
                    "its status has all of it: `kubectl get -o yaml`",
                )
            }
            Self::NoStatus {
                cluster,
                object,
                condition,
            } => (
                format!(
                    "Istio has not said yet whether it accepts {object} in cluster {cluster}: {condition}"
                ),
                "it takes a moment after an apply: --wait 1m waits; else look at istiod's log, at spec.istio, and at PILOT_ENABLE_GATEWAY_API_STATUS",
            ),
            Self::ObjectSurplus { cluster, object } => (
                format!("{object} in cluster {cluster} is of an earlier apply"),
                "`fedmesh-agent apply` takes it away",
            ),
            Self::DrillLeft {
                cluster,
                object,
                replicas,
            } => (
                format!(
                    "a drill has taken {object} in cluster {cluster} from {replicas} replicas to none, and has not given them back"
                ),
                "where no drill is under way, it was broken off: `fedmesh-agent verify --restore` gives them back",
            ),
            Self::ClusterDnsEdited { cluster, object } => (
                format!("{object} in cluster {cluster} was changed after it was applied"),
                "`fedmesh-agent plan` shows the difference; keep hand-made zones in entries of their own",
            ),
            Self::NotAsked(why) => (why.clone(), "mend the access to this cluster and try again"),
            Self::GatewayAddress { clusters } => (
                format!("the gateway has no address in {}", listed(clusters)),
                "look at the gateway's Service (EXTERNAL-IP), or write spec.clusters[].gateway.addresses; then apply again",
            ),
            Self::NoAddress => (
                "the name has no address in DNS".to_owned(),
                "a record takes a minute after an apply: --wait 5m waits; else look at the log of ExternalDNS",
            ),
            Self::ForeignOwner { found, ours } => (
                format!("the records belong to owner {found:?}, ours is {ours:?}"),
                "another ExternalDNS has published this name and ours leaves it alone: remove it there, or take another suffix",
            ),
            Self::SharedOwner { owner, resource } => (
                format!("the records of owner {owner:?} come from {resource}, not from this mesh"),
                "two meshes with one owner id delete each other's records: give each its own spec.dns.externalDns.ownerId",
            ),
            Self::ExternalDns(why) => (
                format!("ExternalDNS does not publish the records: {why}"),
                "look at its pod and its log: credentials, --provider and the zone are the usual reasons",
            ),
            Self::RecordDiffers => (
                "the authoritative server gives other addresses".to_owned(),
                "a change takes a minute after an apply: --wait 5m waits; else look for a record that was made by hand",
            ),
            Self::NameServer { server, why } => (
                format!("name server {server} gave no answer: {why}"),
                "see whether it is reached from here (UDP and TCP port 53) and serves the zone; spec.dns.nameservers, or --name-server for this machine alone, names others",
            ),
            Self::StubDomain => (
                "the cluster's DNS does not know the name, the authoritative server does"
                    .to_owned(),
                "the cluster's DNS has to forward the suffix: look at spec.dns.nameservers and spec.clusters[].dnsFlavour, and at NodeLocal DNS",
            ),
            Self::StaleRecord { ttl } => (
                format!("a cache between still has an older answer, for up to {ttl} s"),
                "wait (--wait 6m), or lower spec.dns.ttl before the next change",
            ),
            Self::SidecarDns => (
                "the sidecar answers DNS itself, so the cluster's DNS is not seen".to_owned(),
                "nothing is to do: with DNS capture clients do not need the cluster's DNS for these names",
            ),
            Self::NoDnsTool => (
                "the client's pod has neither nslookup, dig nor getent".to_owned(),
                "give --client a pod that has one of them, such as the sample `sleep`",
            ),
            Self::LocalDns { private: true } => (
                "this machine does not resolve the name as the clusters do".to_owned(),
                "nothing is to do where the zone is private and this machine is outside",
            ),
            Self::LocalDns { private: false } => (
                "this machine does not resolve the name as the authoritative server does"
                    .to_owned(),
                "its resolver has an older answer, or the zone is not delegated to the authoritative server",
            ),
            Self::Unresolved => (
                "the client could not resolve the name".to_owned(),
                "look at the record checks of this name",
            ),
            Self::NotFromHere(address) => (
                format!("{address} is not reached from this machine"),
                "where gateways have private addresses, run the agent inside, or rely on the calls from the clients",
            ),
            Self::NoClient(why) => (
                format!("there is no client to call from: {why}"),
                "add `sleep` to spec.samples, name a pod with --client NAMESPACE/SELECTOR, or leave out --no-job",
            ),
            Self::ExecForbidden(why) => (
                format!("commands may not be run in the client's pod: {why}"),
                "ask for `create` on `pods/exec`, or leave out --no-job",
            ),
            Self::NoCurl(why) => (
                format!("curl in the client's pod gave nothing to read: {why}"),
                "give --client a pod whose first container has curl, such as the sample `sleep`",
            ),
            Self::NoSidecar => (
                "the client's pod has no sidecar, so its calls do not go through the mesh"
                    .to_owned(),
                "label its namespace istio-injection=enabled and start the pod again, or give --client another pod",
            ),
            Self::AccessDenied => (
                "the service's pods refuse the client (403, RBAC: access denied)".to_owned(),
                "add the client to spec.services[].callers, or look at other AuthorizationPolicies for the pods: the                  log of their istio-proxy names the one that refuses",
            ),
            Self::NotDenied { status } => (
                format!(
                    "the client is not among the callers, and is answered with status {status}"
                ),
                "see that spec.services[].selector has labels of the service's pods, and that these have a sidecar",
            ),
            Self::NotACaller { client } => (
                format!("{client} is not among the callers"),
                "give --client a pod that is",
            ),
            Self::NoHost => (
                "a gateway answered 404 by itself: it does not know this name, or not this path"
                    .to_owned(),
                "another Gateway may take the port or the host; see `istioctl proxy-config routes` of the gateway, and spec.services[].routes",
            ),
            Self::NoRoute => (
                "the client's sidecar has no route to this name".to_owned(),
                "a Sidecar object or exportTo may hide istio-system, or the pod's Istio does not see the ServiceEntry: `istioctl proxy-status`",
            ),
            Self::Unhealthy => (
                "Envoy has no healthy endpoint for this name (UH)".to_owned(),
                "endpoints may be ejected for some seconds, or not resolved: see `istioctl proxy-config endpoints` of the client",
            ),
            Self::NoEndpoints { cluster, service } => (
                format!("Service {service} in cluster {cluster} has no ready endpoint"),
                "look at its pods and its selector: `kubectl get endpointslices`",
            ),
            Self::Refused => (
                "nobody takes the connection (UF)".to_owned(),
                "look whether the gateway's pods run, its Service has the port, and a firewall lets it through; where \
                 the gateway itself takes the name, what the client's sidecar has of it \
                 (istioctl proxy-config cluster)",
            ),
            Self::Reset(reason) => (
                if reason.is_empty() {
                    "the connection was cut off before an answer".to_owned()
                } else {
                    format!("the connection was cut off before an answer: {reason}")
                },
                "one side may speak another protocol (port names, TLS, mTLS mode), or the backend dies: look at its log",
            ),
            Self::Timeout => (
                "no answer in time".to_owned(),
                "packets may be dropped between the networks (firewall, security group), or the service is slow: --timeout gives it longer",
            ),
            Self::Tls(why) => (
                format!("TLS could not be agreed on: {why}"),
                "look at the mTLS mode (PeerAuthentication, DestinationRule) and at common roots of the meshes",
            ),
            Self::Certificate(why) => (
                format!("the gateway's certificate is not taken: {why}"),
                "the Secret of spec.tls.credentialName has to be beside the gateway's pods, its certificate for this name, in date, and signed by an authority of spec.tls.ca",
            ),
            Self::Identity(why) => (
                format!("the other side's identity is not taken: {why}"),
                "look at spec.services[].serviceAccount, at spec.clusters[].trustDomain, and at meshConfig.trustDomainAliases of both meshes",
            ),
            Self::NoCommonRoot { clusters } => (
                format!("there is no root in common with {}", clusters.join(", ")),
                "every istiod has to sign by one root: the Secret cacerts in its namespace; then start istiod and the workloads again",
            ),
            Self::PortName {
                cluster,
                service,
                port,
            } => (
                format!("Service {service} in cluster {cluster}: {port}"),
                "name the port after its protocol (http, http2, grpc, tcp or tls, alone or with -…), or set appProtocol: Istio goes by them",
            ),
            Self::HeadlessPort {
                cluster,
                service,
                port,
                target,
            } => (
                format!(
                    "Service {service} in cluster {cluster} is headless: its name leads to pods, and these listen on {target}, not on {port}"
                ),
                "give the Service the port of its pods; published names are answered either way",
            ),
            Self::Locality {
                cluster,
                seen,
                wanted,
            } => (
                format!(
                    "the client's node in cluster {cluster} says {seen}, the document says {wanted}"
                ),
                "set topology.kubernetes.io/region and zone on the nodes as in the document, or correct the document: Istio prefers the nearest by them",
            ),
            Self::WrongCluster { seen, expected } => (
                format!("cluster {seen} answered, expected {}", listed(expected)),
                "traffic goes elsewhere when an endpoint is ejected or a name's record points elsewhere: look at the record checks, and try again",
            ),
            Self::Unmarked => (
                "the answer does not say which cluster it is from".to_owned(),
                "it did not come through a gateway of this mesh, or the gateway's routes are of before an apply with spec.answerHeader",
            ),
            Self::ServiceError { status, cluster } => (
                format!(
                    "the request arrived in cluster {cluster} and the service itself answers {status}"
                ),
                "look at the service's log; spec.services[].probe names another path to ask",
            ),
            Self::Status { status, expected } => (
                format!("status {status}, expected {expected}"),
                "spec.services[].probe says what to ask and which status is right",
            ),
            Self::Other(why) => (why.clone(), "try the same call by hand"),
            Self::NoDrill(why) => (
                why.clone(),
                "a drill shows something only where every client is answered to begin with; replicas are as they were",
            ),
            Self::NotMoved { expected } => (
                format!("traffic did not move to {} in time", listed(expected)),
                "look at the DestinationRule (outlierDetection) and at spec.services[].failover",
            ),
            Self::NotReturned { cluster } => (
                format!("traffic did not come back to {cluster} in time"),
                "an ejection can last for minutes; see whether the service's pods are ready",
            ),
            Self::NotRestored(why) => (
                format!("the replicas were not restored: {why}"),
                "`fedmesh-agent verify --restore` restores them from the annotation",
            ),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(" or ")
    }
}
