//! One round of checks: its input, and helpers that all families share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use serde_json::Value;
use shared::api::Status;
use shared::kubernetes::object::Key;
use shared::kubernetes::ownership;
use shared::mesh::Protocol;
use shared::render::{CALLERS_SUFFIX, WIDE};
use shared::resolved::callers::Caller;
use shared::resolved::{Local, Port, Resolved, Service};
use shared::traffic::expect::Expectations;
use shared::verify::{Backend, Check, DENIED, Family, Off, OffObject, Outcome, PortSeen};

use super::VerifyOptions;
use super::accepted::Accepted;
use super::mutual::Roots;
use super::objects::{off, off_object};
use crate::cluster::{self, Connection, Request};
use crate::operation::ObservedMesh;
use crate::stop::Stop;

/// The port of name servers that do not set one.
const DNS_PORT: u16 = 53;

/// Parallel requests to gateways and name servers.
pub(super) const AT_ONCE: usize = 16;

/// Runs all tasks, some at a time, and returns the results in order.
pub(super) async fn some_at_once<T>(at_once: usize, tasks: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(tasks).buffered(at_once).collect().await
}

/// The input of a round.
pub(super) struct Round<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) expectations: &'a Expectations,
    pub(super) observed: &'a ObservedMesh,
    pub(super) status: &'a Status,
    /// Istio's acceptance of Gateway API objects.
    pub(super) accepted: &'a Accepted,
    pub(super) options: &'a VerifyOptions,
    /// The roots of the meshes, where calls use mutual TLS.
    pub(super) roots: &'a Roots,
    /// Checks that have passed in earlier rounds.
    pub(super) passed: &'a Passed,
    pub(super) stop: &'a Stop,
}

/// Passed checks, by identity.
#[derive(Debug, Default)]
pub(super) struct Passed(BTreeMap<Identity, Check>);

/// Family, cluster, service, host, asked, expected: a check with another expectation is another check. The identity of
/// a call does not include its client.
type Identity = (Family, [String; 5]);

impl Passed {
    /// Stores the checks that need no retry.
    pub(super) fn remember(&mut self, checks: &[Check]) {
        for check in checks {
            if check.outcome == Outcome::Passed {
                self.0.insert(identity(check), check.clone());
            }
        }
    }

    /// The stored check with the same identity.
    pub(super) fn get(&self, check: &Check) -> Option<&Check> {
        self.0.get(&identity(check))
    }
}

fn identity(check: &Check) -> Identity {
    let anybody = String::new();
    let asked = if check.family == Family::Call {
        &anybody
    } else {
        &check.asked
    };
    let texts = [
        &check.cluster,
        &check.service,
        &check.host,
        asked,
        &check.expected,
    ];
    (check.family, texts.map(Clone::clone))
}

/// `status 200 from north or south`
pub(super) fn expected_text(status: Option<u16>, answered_by: &[String]) -> String {
    let status = status.map_or_else(|| "below 500".to_owned(), |status| status.to_string());
    if answered_by.is_empty() {
        format!("status {status}")
    } else {
        format!("status {status} from {}", answered_by.join(" or "))
    }
}

/// The expected result of a call, by protocol.
pub(super) fn expected_of(
    protocol: Protocol,
    status: Option<u16>,
    answered_by: &[String],
) -> String {
    match protocol {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc => expected_text(status, answered_by),
        Protocol::Tcp => "a connection that stays open".to_owned(),
        Protocol::Tls => "a TLS session".to_owned(),
    }
}

/// The expected result of a call that the service's pods refuse.
pub(super) fn expected_refusal() -> String {
    format!("status {DENIED}: refused")
}

impl Round<'_> {
    /// Deadline of each check.
    pub(super) fn deadline(&self) -> Duration {
        self.options.timeout
    }

    /// The connection to a cluster, or the reason why there is none.
    pub(super) fn connection(&self, cluster: &str) -> Result<&Connection, String> {
        self.observed.connection(cluster).ok_or_else(|| {
            let clusters = &self.observed.plan.clusters;
            let error = clusters
                .iter()
                .find(|planned| planned.name == cluster)
                .and_then(|planned| planned.error.clone());
            error.unwrap_or_else(|| format!("cluster {cluster} was not observed"))
        })
    }

    /// The index of a cluster of the document.
    pub(super) fn cluster_index(&self, name: &str) -> Option<usize> {
        let mut clusters = self.resolved.clusters.iter();
        clusters.position(|cluster| cluster.name.as_str() == name)
    }

    /// The service that has this id.
    pub(super) fn service(&self, id: &str) -> Option<&Service> {
        self.resolved
            .services
            .iter()
            .find(|service| service.id() == id)
    }

    /// The Service behind a service's names in a cluster of the document.
    fn local<'s>(&self, service: &'s Service, cluster: &str) -> Option<Local<'s>> {
        let mut clusters = self.resolved.clusters.iter();
        let index = clusters.position(|one| one.name.as_str() == cluster)?;
        Some(service.local(index))
    }

    /// Whether the zone is private: its name servers must be configured, here as in the clusters.
    pub(super) fn is_private(&self) -> bool {
        !self.name_servers().is_empty()
    }

    /// The name servers to query: those of the options, else of the document; empty for the zone's own.
    pub(super) fn name_servers(&self) -> Vec<SocketAddr> {
        if !self.options.name_servers.is_empty() {
            return self.options.name_servers.clone();
        }
        let written = self.resolved.dns.nameservers.iter();
        written
            .filter_map(|text| {
                let with_port = text.parse().ok();
                with_port.or_else(|| Some(SocketAddr::new(text.parse().ok()?, DNS_PORT)))
            })
            .collect()
    }

    /// Those of `clusters` whose gateway for the service has no address.
    pub(super) fn without_address(&self, service: &str, clusters: &[String]) -> Vec<String> {
        let service = self.service(service);
        let named = self.resolved.clusters.iter().filter(|cluster| {
            let gateway = service.map_or(&cluster.gateway, |service| service.gateway_of(cluster));
            clusters.iter().any(|name| name == cluster.name.as_str())
                && gateway.addresses.as_ref().is_none_or(Vec::is_empty)
        });
        named.map(|cluster| cluster.name.to_string()).collect()
    }

    /// Objects of a service that are off, in all clusters.
    pub(super) fn off_objects(&self, service: &str) -> Vec<OffObject> {
        let Some(service) = self.service(service) else {
            return Vec::new();
        };
        self.off()
            .filter(|(cluster, key, _)| {
                let local = self.local(service, cluster);
                concerns(key, service, local, self.resolved.name.as_str())
            })
            .map(|(cluster, key, how)| off_object(cluster, key, how))
            .collect()
    }

    /// Objects of a cluster's DNS configuration that are off.
    pub(super) fn off_cluster_dns(&self, cluster: &str) -> Vec<OffObject> {
        self.off()
            .filter(|(name, key, _)| *name == cluster && key.kind == "ConfigMap")
            .map(|(cluster, key, how)| off_object(cluster, key, how))
            .collect()
    }

    fn off(&self) -> impl Iterator<Item = (&str, &Key, Off)> {
        let clusters = self.status.clusters.iter();
        clusters
            .flat_map(|cluster| off(cluster).map(|(key, how)| (cluster.name.as_str(), key, how)))
            .chain(self.accepted.off())
    }

    /// The backends of a published port of a service in some clusters, as far as they can be observed.
    pub(super) async fn backends(
        &self,
        service: &str,
        published: u16,
        clusters: &[String],
    ) -> Vec<Backend> {
        let Some(service) = self.service(service) else {
            return Vec::new();
        };
        let backends = clusters.iter().filter_map(|cluster| {
            let connection = self.connection(cluster).ok()?;
            let local = self.local(service, cluster)?;
            let mut ports = local.ports.iter();
            let port = ports.find(|port| port.published == published)?;
            Some(backend(connection, cluster, local, port).boxed())
        });
        let backends = some_at_once(AT_ONCE, backends.collect()).await;
        backends.into_iter().flatten().collect()
    }
}

/// Whether an object belongs to a service, or to all services, by the names that rendering sets.
fn concerns(key: &Key, service: &Service, local: Option<Local<'_>>, mesh: &str) -> bool {
    let id = service.id();
    // A service may have several Gateway API routes, `<service>.<port>.<number>`.
    let numbers = |rest: &str| rest.chars().all(|c| c == '.' || c.is_ascii_digit());
    let is_named = local.is_some_and(|local| {
        let rest = key.name.strip_prefix(local.name.as_str());
        let is_own =
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && numbers(rest));
        let is_policy = key.kind == "AuthorizationPolicy" && rest == Some(CALLERS_SUFFIX);
        let is_own = is_own || is_policy;
        key.namespace == local.namespace.as_str() && is_own
    });
    let of_gateways = ["Gateway", "HTTPRoute"]
        .iter()
        .any(|kind| key.kind.contains(kind));
    let gateway = if service.is_mutual() {
        ownership::east_west_name(mesh)
    } else {
        ownership::object_name(mesh)
    };
    let is_gateway = of_gateways && key.name == gateway;
    let is_wide = ["DestinationRule", "ServiceEntry"].contains(&key.kind.as_str())
        && key.name.starts_with(WIDE);
    let may_call = |namespace: &str| {
        let of_all = |caller: &Caller| {
            caller
                .namespace
                .as_ref()
                .is_none_or(|one| one.as_str() == namespace)
        };
        service
            .callers
            .as_ref()
            .is_none_or(|all| all.iter().any(of_all))
    };
    let is_sidecar = key.kind == "Sidecar" && may_call(&key.namespace);
    is_named
        || is_sidecar
        || is_gateway
        || is_wide
        || key.name == id
        || key
            .name
            .strip_prefix(&id)
            .is_some_and(|rest| rest.starts_with(".zone"))
        || service
            .names
            .iter()
            .any(|name| name.host.as_str() == key.name)
}

/// `None` if access is forbidden.
async fn backend(
    connection: &Connection,
    cluster: &str,
    local: Local<'_>,
    port: &Port,
) -> Option<Backend> {
    let (namespace, name) = (local.namespace.as_str(), local.name.as_str());
    let request = Request::get(format!("/api/v1/namespaces/{namespace}/services/{name}"));
    let found = connection.find(&request).await.ok()?;
    let mut backend = Backend {
        cluster: cluster.to_owned(),
        service: format!("{namespace}/{name}"),
        number: port.number,
        protocol: port.protocol,
        port: None,
        ready: Some(0),
        headless_target: None,
    };
    let Some(found) = found else {
        return Some(backend);
    };
    let ports = found["spec"]["ports"].as_array();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut ports = ports.into_iter().flatten();
    let seen = ports.find(|seen| seen["port"] == port.number);
    backend.port = seen.map(|seen| PortSeen {
        name: text(&seen["name"]),
        app_protocol: text(&seen["appProtocol"]),
    });
    if found["spec"]["clusterIP"] == "None" {
        // A named target port may differ from pod to pod.
        let target = seen.and_then(|seen| seen["targetPort"].as_u64()?.try_into().ok());
        backend.headless_target = target.filter(|target| *target != port.number);
    }
    let ready = cluster::ready_endpoints(connection, namespace, name).await;
    backend.ready = ready.ok().map(Option::unwrap_or_default);
    Some(backend)
}

#[cfg(test)]
mod tests {
    use shared::Mesh;
    use shared::facts::Facts;
    use shared::kubernetes::object::Key;

    use super::concerns;

    const MESH: &str = "\
apiVersion: fedmesh.dev/v1alpha1
kind: Mesh
metadata: {name: shop}
spec:
  dns: {suffix: mesh.example.org}
  clusters:
  - {name: north, region: eu, zone: eu-a, gateway: {addresses: [192.0.2.1]}}
  - {name: south, region: eu, zone: eu-b, gateway: {addresses: [192.0.2.2]}}
  services:
  - name: orders
    namespace: sales
    port: 8000
    hostname: shop-orders
    overrides: [{clusters: [south], namespace: other}]
  - {name: orders-archive, namespace: sales, port: 8000}
";

    #[test]
    fn objects_of_a_service_are_recognized_by_name() {
        let mesh = Mesh::read(MESH).unwrap();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let orders = &resolved.services[0];
        for (kind, namespace, name, is_theirs) in [
            ("VirtualService", "sales", "orders", true),
            ("VirtualService", "sales", "orders-archive", false),
            ("VirtualService", "other", "orders", false),
            ("AuthorizationPolicy", "sales", "orders-callers", true),
            ("Sidecar", "shop", "default", true),
            (
                "AuthorizationPolicy",
                "sales",
                "orders-archive-callers",
                false,
            ),
            ("HTTPRoute", "sales", "orders.80.2", true),
            ("HTTPRoute", "sales", "orders-archive.80", false),
            ("HTTPRoute", "istio-system", "fedmesh-shop", true),
            ("Gateway", "istio-system", "fedmesh-shop", true),
            ("Gateway", "istio-system", "fedmesh-other", false),
            ("DNSEndpoint", "istio-system", "orders.sales", true),
            ("ServiceEntry", "istio-system", "orders.sales.zones", true),
            (
                "ServiceEntry",
                "istio-system",
                "orders-archive.sales.zones",
                false,
            ),
            (
                "ServiceEntry",
                "istio-system",
                "orders.sales.external.svc.mesh.example.org",
                true,
            ),
            (
                "ServiceEntry",
                "istio-system",
                "orders-archive.sales.external.svc.mesh.example.org",
                false,
            ),
        ] {
            let key = Key {
                group: String::new(),
                kind: kind.into(),
                namespace: namespace.into(),
                name: name.into(),
            };
            let north = Some(orders.local(0));
            assert_eq!(concerns(&key, orders, north, "shop"), is_theirs, "{key}");
            if key.kind == "VirtualService" && key.name == "orders" {
                let south = Some(orders.local(1));
                assert_eq!(concerns(&key, orders, south, "shop"), !is_theirs, "{key}");
            }
        }
    }
}
