//! The catalogue of probable causes: code, message and hint.
//!
//! [`crate::explain`] has an entry for each code.

use serde::{Deserialize, Serialize};

use super::conditions::Condition;

/// The reason why a check did not pass, for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// A short identifier, such as `no-host`.
    pub code: String,
    /// The cause.
    pub message: String,
    /// The remedy.
    pub hint: String,
}

/// A probable cause. Its texts are names of the document or messages of programs.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "the sentence of a variant and a field's name say what the field is"
)]
pub enum Cause {
    /// The API server cannot be queried.
    NotAsked(String),
    /// An object does not exist in a cluster.
    ObjectMissing { cluster: String, object: String },
    /// An object differs from the rendered one.
    ObjectChanged { cluster: String, object: String },
    /// An object is as rendered, with fields that others have added.
    ObjectDrifted {
        cluster: String,
        object: String,
        fields: Vec<String>,
    },
    /// The server refuses an object, or does not show it.
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
    /// An object's controller has not set a status for its current state.
    NoStatus {
        cluster: String,
        object: String,
        condition: String,
    },
    /// An orphaned object of the mesh.
    ObjectSurplus { cluster: String, object: String },
    /// A Deployment without the replicas that it had before a drill.
    DrillLeft {
        cluster: String,
        object: String,
        replicas: u32,
    },
    /// The Corefile, or a similar configuration, differs from the applied one.
    ClusterDnsEdited { cluster: String, object: String },
    /// The gateways of these clusters have no address.
    GatewayAddress { clusters: Vec<String> },
    /// A name has no address in DNS yet.
    NoAddress,
    /// The records belong to another owner's ExternalDNS.
    ForeignOwner { found: String, ours: String },
    /// The records have the mesh's owner id and come from another object.
    SharedOwner { owner: String, resource: String },
    /// ExternalDNS is not running.
    ExternalDns(String),
    /// Unexpected addresses at the authoritative server.
    RecordDiffers,
    /// The authoritative server did not answer.
    NameServer { server: String, why: String },
    /// The cluster DNS does not forward the suffix to its name servers.
    StubDomain,
    /// A cache has an older answer; seconds until it expires.
    StaleRecord { ttl: u32 },
    /// The sidecar answers DNS, so the cluster DNS cannot be checked.
    SidecarDns,
    /// The client's pod has no program for DNS queries.
    NoDnsTool,
    /// The agent's machine resolves the name differently.
    LocalDns { private: bool },
    /// The client cannot resolve the name, and no other cause is known.
    Unresolved,
    /// The gateway has no route for the host or the path.
    NoHost,
    /// The sidecar has no route.
    NoRoute,
    /// No healthy upstream.
    Unhealthy,
    /// The Service has no ready endpoint, or does not exist.
    NoEndpoints { cluster: String, service: String },
    /// Connection refused, or broken before the request.
    Refused,
    /// The connection was reset; Envoy's reason, if it has one.
    Reset(String),
    /// No answer in time.
    Timeout,
    /// The TLS handshake failed.
    Tls(String),
    /// A gateway's certificate is not valid, or missing.
    Certificate(String),
    /// With mutual TLS, a certificate of another workload than the service's or the caller's.
    Identity(String),
    /// With mutual TLS, meshes without a common root with these clusters.
    NoCommonRoot { clusters: Vec<String> },
    /// The client's pod has no sidecar.
    NoSidecar,
    /// The service's pods refuse the client.
    AccessDenied,
    /// A client that is not among the callers was answered, with this status.
    NotDenied { status: u16 },
    /// The client is not among the callers, and no policy enforces it.
    NotACaller { client: String },
    /// The Service's port does not exist or is declared for another protocol.
    PortName {
        cluster: String,
        service: String,
        port: String,
    },
    /// The Service is headless and its port differs from its pods'.
    HeadlessPort {
        cluster: String,
        service: String,
        port: u16,
        target: u16,
    },
    /// A node has no locality, or another one than the document.
    Locality {
        cluster: String,
        seen: String,
        desired: String,
    },
    /// Another cluster answered.
    WrongCluster { seen: String, expected: Vec<String> },
    /// The answer does not identify its cluster.
    Unmarked,
    /// The request arrived and the service answered with an error.
    ServiceError { status: u16, cluster: String },
    /// A response with another status.
    Status { status: u16, expected: String },
    /// The agent's machine does not reach the address.
    NotFromHere(String),
    /// No client to call from.
    NoClient(String),
    /// RBAC does not allow commands in the client's pod.
    ExecForbidden(String),
    /// The client has no curl, or its output is unreadable.
    NoCurl(String),
    /// Anything else.
    Other(String),
    /// A drill was not started, or not completed.
    NoDrill(String),
    /// Traffic did not move to the expected clusters in time.
    NotMoved { expected: Vec<String> },
    /// Traffic did not come back in time.
    NotReturned { cluster: String },
    /// The replicas were not restored.
    NotRestored(String),
}

/// Codes of conditions that may pass by themselves.
const MAY_PASS: [&str; 4] = ["not-asked", "no-status", "no-client", "name-server"];

impl Explanation {
    /// Whether a check that could not be made may succeed a little later.
    pub fn may_pass(&self) -> bool {
        MAY_PASS.contains(&self.code.as_str())
    }
}

impl Cause {
    /// The stable code for programs, such as `no-host`.
    pub fn code(&self) -> &'static str {
        self.into()
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
                "run `fedmesh-agent apply` to create it",
            ),
            Self::ObjectChanged { cluster, object } => (
                format!("{object} in cluster {cluster} differs from the document"),
                "run `fedmesh-agent plan` to see the difference and what an apply does about it",
            ),
            Self::ObjectDrifted {
                cluster,
                object,
                fields,
            } => (
                format!(
                    "{object} in cluster {cluster} has fields that the document does not have: {}",
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
                "fix the cause: `fedmesh-agent plan` reports it too, and an apply fails on it",
            ),
            Self::NotAccepted {
                cluster,
                object,
                conditions,
            } => {
                let names: Vec<&str> = conditions.iter().map(|one| one.name.as_str()).collect();
                (
                    format!(
                        "Istio does not accept {object} in cluster {cluster}: {}",
                        names.join(", ")
                    ),
                    "see its status: `kubectl get -o yaml`",
                )
            }
            Self::NoStatus {
                cluster,
                object,
                condition,
            } => (
                format!("{object} in cluster {cluster} has no status from Istio yet: {condition}"),
                "wait a moment after an apply (--wait 1m); otherwise check istiod's log, spec.istio and PILOT_ENABLE_GATEWAY_API_STATUS",
            ),
            Self::ObjectSurplus { cluster, object } => (
                format!("{object} in cluster {cluster} is orphaned: an earlier apply created it"),
                "run `fedmesh-agent apply` to prune it",
            ),
            Self::DrillLeft {
                cluster,
                object,
                replicas,
            } => (
                format!(
                    "a drill scaled {object} in cluster {cluster} from {replicas} replicas to zero and did not restore them"
                ),
                "run `fedmesh-agent verify --restore`, unless a drill is running",
            ),
            Self::ClusterDnsEdited { cluster, object } => (
                format!("{object} in cluster {cluster} was changed after it was applied"),
                "run `fedmesh-agent plan` to see the difference; keep other zones in entries of their own",
            ),
            Self::NotAsked(why) => (why.clone(), "fix the access to this cluster and try again"),
            Self::GatewayAddress { clusters } => (
                format!("the gateway has no address in {}", listed(clusters)),
                "check the EXTERNAL-IP of the gateway's Service, or set the addresses of the gateway in the document; then apply again",
            ),
            Self::NoAddress => (
                "the name has no address in DNS".to_owned(),
                "wait a minute after an apply (--wait 5m); otherwise check the log of ExternalDNS",
            ),
            Self::ForeignOwner { found, ours } => (
                format!("the records belong to owner id {found:?}, not to {ours:?}"),
                "remove the name from the other ExternalDNS, or use another suffix",
            ),
            Self::SharedOwner { owner, resource } => (
                format!(
                    "the records of owner id {owner:?} come from {resource}, not from this mesh"
                ),
                "set a spec.dns.externalDns.ownerId of its own for each mesh: meshes with one owner id delete each other's records",
            ),
            Self::ExternalDns(why) => (
                format!("ExternalDNS does not publish the records: {why}"),
                "check its pod and its log; usual reasons are credentials, --provider and the zone",
            ),
            Self::RecordDiffers => (
                "the authoritative server has other addresses".to_owned(),
                "wait a minute after an apply (--wait 5m); otherwise check for a record made by hand",
            ),
            Self::NameServer { server, why } => (
                format!("name server {server} does not answer: {why}"),
                "check that this machine reaches it (UDP and TCP port 53) and that it serves the zone; or set spec.dns.nameservers, or --name-server for this machine alone",
            ),
            Self::StubDomain => (
                "the cluster DNS does not resolve the name"
                    .to_owned(),
                "check the forwarding of the suffix: spec.dns.nameservers, spec.clusters[].dnsFlavour, and NodeLocal DNS",
            ),
            Self::StaleRecord { ttl } => (
                format!("the cluster DNS has other addresses in its cache, for up to {ttl} s"),
                "wait (--wait 6m), or lower spec.dns.ttl before the next change",
            ),
            Self::SidecarDns => (
                "the sidecar answers DNS queries itself, so the cluster DNS is not checked"
                    .to_owned(),
                "nothing to do: with DNS capture, clients do not use the cluster DNS for these names",
            ),
            Self::NoDnsTool => (
                "the client's pod has neither nslookup, dig nor getent".to_owned(),
                "set --client to a pod that has one of them, such as the sample `sleep`",
            ),
            Self::LocalDns { private: true } => (
                "this machine resolves the name differently from the clusters".to_owned(),
                "nothing to do if the zone is private and this machine is outside of it",
            ),
            Self::LocalDns { private: false } => (
                "this machine resolves the name differently from the authoritative server"
                    .to_owned(),
                "check the delegation of the zone, or wait: its resolver may have an older answer",
            ),
            Self::Unresolved => (
                "the client cannot resolve the name".to_owned(),
                "see the record checks of this name",
            ),
            Self::NotFromHere(address) => (
                format!("this machine does not reach {address}"),
                "run the agent inside the network if gateways have private addresses, or rely on the calls from the clients",
            ),
            Self::NoClient(why) => (
                format!("no client to call from: {why}"),
                "add `sleep` to spec.samples, set --client NAMESPACE/SELECTOR, or remove --no-job",
            ),
            Self::ExecForbidden(why) => (
                format!("not allowed to run commands in the client's pod: {why}"),
                "ask for `create` on `pods/exec`, or remove --no-job",
            ),
            Self::NoCurl(why) => (
                format!("curl in the client's pod printed nothing readable: {why}"),
                "set --client to a pod whose first container has curl, such as the sample `sleep`",
            ),
            Self::NoSidecar => (
                "the client's pod has no sidecar, so its calls do not go through the mesh"
                    .to_owned(),
                "label its namespace istio-injection=enabled and restart the pod, or set --client to another pod",
            ),
            Self::AccessDenied => (
                "the service's pods refuse the client (403, RBAC: access denied)".to_owned(),
                "add the client to spec.services[].callers, or check the other AuthorizationPolicies that select the pods",
            ),
            Self::NotDenied { status } => (
                format!(
                    "the client is not a caller, but the service answers it with status {status}"
                ),
                "check that spec.services[].selector has the labels of the service's pods, and that these have a sidecar",
            ),
            Self::NotACaller { client } => (
                format!("{client} is not a caller"),
                "set --client to a pod of a caller",
            ),
            Self::NoHost => (
                "Envoy answered 404: the gateway or the client's sidecar has no route for this name or path".to_owned(),
                "check `istioctl proxy-config routes` of the gateway and of the client for other routes of the host, and spec.services[].routes",
            ),
            Self::NoRoute => (
                "the client's sidecar has no route for this name".to_owned(),
                "check for a Sidecar or exportTo that hides istio-system, and `istioctl proxy-status`",
            ),
            Self::Unhealthy => (
                "Envoy has no healthy endpoint for this name (UH)".to_owned(),
                "check `istioctl proxy-config endpoints` of the client: endpoints may be ejected for some seconds, or not resolved",
            ),
            Self::NoEndpoints { cluster, service } => (
                format!("Service {service} in cluster {cluster} has no ready endpoint"),
                "check its pods and its selector: `kubectl get endpointslices`",
            ),
            Self::Refused => (
                "connection refused (UF)".to_owned(),
                "check that the gateway's pods run, that its Service has the port, and that no firewall blocks it; if the \
                 gateway itself answers the name, check the client's sidecar (istioctl proxy-config cluster)",
            ),
            Self::Reset(reason) => (
                if reason.is_empty() {
                    "connection reset before an answer".to_owned()
                } else {
                    format!("connection reset before an answer: {reason}")
                },
                "check that both sides use the same protocol (port names, TLS, mTLS mode), and the log of the backend",
            ),
            Self::Timeout => (
                "connection timed out".to_owned(),
                "check firewalls and security groups between the networks; use a longer --timeout for a slow service",
            ),
            Self::Tls(why) => (
                format!("TLS handshake failed: {why}"),
                "check the mTLS mode (PeerAuthentication, DestinationRule) and the root certificates of the meshes",
            ),
            Self::Certificate(why) => (
                format!("the gateway's certificate is not valid: {why}"),
                "check the Secret of spec.tls.credentialName: it has to be in the namespace of the gateway's pods, for this name, not expired, and signed by an authority of spec.tls.ca",
            ),
            Self::Identity(why) => (
                format!("the identity of the other side is not accepted: {why}"),
                "check spec.services[].serviceAccount, spec.clusters[].trustDomain, and meshConfig.trustDomainAliases of both meshes",
            ),
            Self::NoCommonRoot { clusters } => (
                format!("no common root certificate with {}", clusters.join(", ")),
                "use one root for every istiod (the Secret cacerts in its namespace); then restart istiod and the workloads",
            ),
            Self::PortName {
                cluster,
                service,
                port,
            } => (
                format!("Service {service} in cluster {cluster}: {port}"),
                "name the port after its protocol (http, http2, grpc, tcp or tls, alone or with -…), or set appProtocol",
            ),
            Self::HeadlessPort {
                cluster,
                service,
                port,
                target,
            } => (
                format!(
                    "Service {service} in cluster {cluster} is headless, and its pods listen on {target}, not on {port}"
                ),
                "set the Service's port to that of its pods; published names work either way",
            ),
            Self::Locality {
                cluster,
                seen,
                desired,
            } => (
                format!(
                    "the client's node in cluster {cluster} has {seen}, the document has {desired}"
                ),
                "set topology.kubernetes.io/region and zone on the nodes as in the document, or change the document: Istio prefers near endpoints by them",
            ),
            Self::WrongCluster { seen, expected } => (
                format!("cluster {seen} answered, expected {}", listed(expected)),
                "check the records of the name, and try again: an endpoint may be ejected",
            ),
            Self::Unmarked => (
                "the answer has no header that identifies its cluster".to_owned(),
                "check that the address is that of a gateway of this mesh, and that the applied document does not turn off spec.answerHeader",
            ),
            Self::ServiceError { status, cluster } => (
                format!("the service in cluster {cluster} answers {status} itself"),
                "check the service's log, or set spec.services[].probe to another path",
            ),
            Self::Status { status, expected } => (
                format!("status {status}, expected {expected}"),
                "set spec.services[].probe to a path and the status that it answers",
            ),
            Self::Other(why) => (why.clone(), "try the same call by hand"),
            Self::NoDrill(why) => (
                why.clone(),
                "fix the failing calls first: a drill needs every client to be answered; the replicas are as before",
            ),
            Self::NotMoved { expected } => (
                format!("traffic did not move to {} in time", listed(expected)),
                "check the DestinationRule (outlierDetection) and spec.services[].failover",
            ),
            Self::NotReturned { cluster } => (
                format!("traffic did not come back to {cluster} in time"),
                "check that the service's pods are ready, or wait: an ejection can last for minutes",
            ),
            Self::NotRestored(why) => (
                format!("the replicas were not restored: {why}"),
                "run `fedmesh-agent verify --restore`, which reads them from the annotation",
            ),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "no cluster".to_owned()
    } else {
        names.join(" or ")
    }
}
