//! Expectations of a verification: the answers with nothing down, and the addresses that names resolve to.

use std::net::IpAddr;

use serde::Serialize;

use crate::mesh::Protocol;
use crate::resolved::mutual::Mutual;
use crate::resolved::published::{Level, PublishedName, answered_by};
use crate::resolved::{Address, Port, Probe, Resolved, Service};
use crate::traffic::answers::{Answers, by_dns, in_mesh};
use crate::traffic::outage::Outage;

/// All expectations of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expectations {
    /// Names with their addresses.
    pub records: Vec<Record>,
    /// Requests to gateways.
    pub gateways: Vec<GatewayCall>,
    /// Requests from clients in the meshes.
    pub calls: Vec<Call>,
}

/// A name and the addresses that it must resolve to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The name.
    pub host: String,
    /// `<name>.<namespace>` of the service.
    pub service: String,
    /// Sorted. Names without a record have no expectation, nor have those that lead to load balancers' host names,
    /// whose addresses are the cloud's choice.
    pub addresses: Vec<IpAddr>,
}

/// A request to the gateway of a cluster that serves; for TCP and TLS, a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayCall {
    /// The cluster.
    pub cluster: String,
    /// `<name>.<namespace>` of the service.
    pub service: String,
    /// The called host.
    pub host: String,
    /// The gateway's address, or its load balancer's host name.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// The protocol at the port.
    pub protocol: Protocol,
    /// Whether the gateway terminates TLS there, with a certificate for the name.
    pub tls: bool,
    /// The port under which the service's names are called.
    pub published: u16,
    /// The expected SNI and identity of mutual TLS that the gateway passes through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutual: Option<Mutual>,
    /// The request, where the protocol has requests.
    pub probe: Probe,
    /// The cluster itself; empty if answers do not identify it.
    pub answered_by: Vec<String>,
}

/// A request from a client in a mesh; for TCP and TLS, a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The client's cluster.
    pub client: String,
    /// `<name>.<namespace>` of the service.
    pub service: String,
    /// The called host.
    pub url_host: String,
    /// The published port, or the Service's for its local name.
    pub port: u16,
    /// The protocol at the port.
    pub protocol: Protocol,
    /// The published port that the call is for.
    pub published: u16,
    /// Whether it is the service's first port, which is not displayed.
    pub is_first_port: bool,
    /// `local`, `vanity`, `global`, `region` or `zone`.
    pub level: &'static str,
    /// The request, where the protocol has requests.
    pub probe: Probe,
    /// Any of these clusters must answer; empty if answers do not identify the cluster, or the call is refused. If no
    /// cluster can answer, since the name has no record yet, the clusters of the document: the call fails until they
    /// do.
    pub answered_by: Vec<String>,
    /// Whether the client is not among the service's callers, so that the service's pods refuse it (403); see
    /// [`Self::by_stranger`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl Call {
    /// The same call by a client that is not among the service's callers; `None` if its result is unknown: the service
    /// refuses no client or may accept it as a caller, the protocol has no status, or its namespace does not see the
    /// name.
    pub fn by_stranger(&self, resolved: &Resolved, namespace: &str, account: &str) -> Option<Self> {
        let mut services = resolved.services.iter();
        let service = services.find(|service| service.id() == self.service)?;
        let mut clusters = resolved.clusters.iter();
        let client = clusters.position(|one| one.name.as_str() == self.client)?;
        let seen_by = service.seen_by(client);
        let is_seen = self.level == LOCAL || seen_by.is_none_or(|all| all.contains(namespace));
        let is_published = service.refuses_strangers()
            && !service.may_take(client, namespace, account, resolved)
            && self.protocol.is_http()
            && is_seen;
        is_published.then(|| Self {
            answered_by: Vec::new(),
            refused: true,
            ..self.clone()
        })
    }
}

/// The level of the Service's own name.
const LOCAL: &str = "local";

/// The expectations with nothing down.
pub fn expect(resolved: &Resolved) -> Expectations {
    let mut expectations = Expectations::default();
    for (index, service) in resolved.services.iter().enumerate() {
        records(resolved, index, &mut expectations.records);
        gateways(resolved, service, &mut expectations.gateways);
        for client in 0..resolved.clusters.len() {
            calls(resolved, index, client, &mut expectations.calls);
        }
    }
    expectations
}

fn records(resolved: &Resolved, index: usize, records: &mut Vec<Record>) {
    let service = &resolved.services[index];
    for name in &service.names {
        let answers = by_dns(resolved, index, name, &Outage::default());
        let targets = answers.by().iter().flat_map(|&cluster| {
            service
                .gateway_of(&resolved.clusters[cluster])
                .addresses
                .iter()
                .flatten()
        });
        let addresses: Option<Vec<IpAddr>> = targets
            .map(|address| match address {
                Address::Ip(ip) => Some(*ip),
                Address::Host(_) => None,
            })
            .collect();
        let Some(mut addresses) = addresses.filter(|list| !list.is_empty()) else {
            continue;
        };
        addresses.sort_unstable();
        addresses.dedup();
        records.push(Record {
            host: name.host.to_string(),
            service: service.id(),
            addresses,
        });
    }
}

fn gateways(resolved: &Resolved, service: &Service, calls: &mut Vec<GatewayCall>) {
    for &index in &service.clusters {
        let cluster = &resolved.clusters[index];
        for address in service.gateway_of(cluster).addresses.iter().flatten() {
            for port in &service.ports {
                for name in &service.names {
                    // The name makes no difference to plain TCP, and mutual TLS has a name of its own, so each is
                    // called once.
                    let is_one = port.protocol == Protocol::Tcp || service.is_mutual();
                    if is_one && name.level != Level::Global {
                        continue;
                    }
                    calls.push(GatewayCall {
                        cluster: cluster.name.to_string(),
                        service: service.id(),
                        host: name.host.to_string(),
                        address: address.to_string(),
                        port: service.port_at(port, cluster),
                        protocol: port.protocol,
                        tls: resolved.tls.is_some()
                            && port.protocol.is_http()
                            && !service.is_mutual(),
                        mutual: service
                            .is_mutual()
                            .then(|| Mutual::new(port, service, cluster, resolved)),
                        published: port.published,
                        probe: service.probe.clone(),
                        answered_by: named(resolved, service, port, &[index]),
                    });
                }
            }
        }
    }
}

fn calls(resolved: &Resolved, index: usize, client: usize, calls: &mut Vec<Call>) {
    let service = &resolved.services[index];
    // The answering clusters are the same for every port.
    let answering: Vec<(&PublishedName, Vec<usize>)> = service
        .names
        .iter()
        .map(|name| {
            let by = match in_mesh(resolved, client, index, name, &Outage::default()) {
                Answers::Nobody(_) => answered_by(name, &service.names).to_vec(),
                Answers::By(by) | Answers::Partly { by, .. } => by,
            };
            (name, by)
        })
        .collect();
    let local = service.local(client);
    for (place, port) in local.ports.iter().enumerate() {
        let call = |url_host, number, level, answered_by| Call {
            client: resolved.clusters[client].name.to_string(),
            service: service.id(),
            url_host,
            port: number,
            protocol: port.protocol,
            published: port.published,
            is_first_port: place == 0,
            level,
            probe: service.probe.clone(),
            answered_by,
            refused: false,
        };
        if service.clusters.contains(&client) {
            // The call passes no gateway.
            let host = local.host(&resolved.clusters[client]);
            let mut call = call(host, port.number, LOCAL, Vec::new());
            call.refused = !service.is_called_from(client);
            if call.protocol == Protocol::Tls {
                // Certificates are for published names only.
                call.protocol = Protocol::Tcp;
            }
            let is_published = service.refuses_strangers() && call.protocol.is_http();
            if !call.refused || is_published {
                calls.push(call);
            }
        }
        if !service.is_called_from(client) {
            continue;
        }
        for (name, by) in &answering {
            calls.push(call(
                name.host.to_string(),
                port.published,
                name.level.as_str(),
                named(resolved, service, port, by),
            ));
        }
    }
}

/// Names of the clusters, if answers identify them.
fn named(resolved: &Resolved, service: &Service, port: &Port, clusters: &[usize]) -> Vec<String> {
    if !resolved.answer_header || !port.protocol.is_http() || service.is_mutual() {
        return Vec::new();
    }
    let names = clusters
        .iter()
        .map(|&index| resolved.clusters[index].name.to_string());
    names.collect()
}
