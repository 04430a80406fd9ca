//! Rules about `spec.services[].port`, `protocol` and `ports`.
//!
//! Gateways and sidecars route requests on one port by host, TLS by SNI, and plain TCP by port only.

use super::{Findings, code, port};
use crate::defaults::{DEFAULT_GATEWAY_PORT, DEFAULT_TLS_PORT};
use crate::mesh::{self, Protocol, Spec};
use crate::resolved::{Cluster, Port, Service};

pub(super) fn of_service(
    index: usize,
    service: &mesh::Service,
    findings: &mut Findings,
) -> Option<Vec<Port>> {
    let at = |field: &str| format!("spec.services[{index}].{field}");
    let short = mesh::Port {
        port: service.port.unwrap_or_default(),
        protocol: service.protocol,
        published: None,
    };
    let written = match (service.port, service.ports.as_slice()) {
        (None, []) => {
            findings.error(
                code::NO_PORT,
                &at("port"),
                "the service has no port".into(),
                "set `port` to the port of the Kubernetes Service, or list several in `ports`"
                    .into(),
            );
            return None;
        }
        (Some(_), []) => std::slice::from_ref(&short),
        (None, ports) if service.protocol.is_none() => ports,
        (port, _) => {
            let field = if port.is_some() { "port" } else { "protocol" };
            findings.error(
                code::NO_PORT,
                &at(field),
                format!("`{field}` conflicts with `ports`"),
                format!("list all ports in `ports` and remove `{field}`"),
            );
            return None;
        }
    };
    let mut ports: Vec<Port> = Vec::new();
    let mut good = true;
    for (place, one) in written.iter().enumerate() {
        let at = |field: &str| path(index, service, place, field);
        let protocol = one.protocol.unwrap_or_default();
        let number = port(findings, &at("port"), one.port);
        let published = match one.published {
            Some(published) => port(findings, &at("published"), published),
            None if protocol == Protocol::Tls => Some(DEFAULT_TLS_PORT),
            None if protocol.is_http() && !ports.iter().any(|port| port.protocol.is_http()) => {
                Some(DEFAULT_GATEWAY_PORT)
            }
            None => number,
        };
        let (Some(number), Some(published)) = (number, published) else {
            good = false;
            continue;
        };
        for other in &ports {
            let (field, what) = if other.number == number {
                ("port", format!("port `{number}` is listed twice"))
            } else if other.published == published {
                let first = other.number;
                let what =
                    format!("ports `{first}` and `{number}` are both published on `{published}`");
                ("published", what)
            } else {
                continue;
            };
            good = false;
            findings.error(
                code::SERVICE_PORT_TWICE,
                &at(field),
                what,
                "use a different number and a different published port for each port".into(),
            );
            break;
        }
        ports.push(Port::new(number, protocol, published));
    }
    good.then_some(ports)
}

/// The path of a port's field, also in shorthand form.
fn path(index: usize, service: &mesh::Service, place: usize, field: &str) -> String {
    if service.ports.is_empty() {
        format!("spec.services[{index}].port")
    } else {
        format!("spec.services[{index}].ports[{place}].{field}")
    }
}

/// Reports settings for requests of a service without requests.
pub(super) fn http_only(index: usize, service: &mesh::Service, findings: &mut Findings) {
    // A refused connection is a gateway error to outlier detection (Istio's `consecutiveGatewayErrors`).
    let failover = service.failover.clone().map(|failover| mesh::Failover {
        connect_timeout: None,
        outlier_detection: None,
        ..failover
    });
    for (field, is_there) in [
        ("routes", !service.routes.is_empty()),
        (
            "failover",
            failover.is_some_and(|failover| failover != mesh::Failover::default()),
        ),
        ("probe", service.probe.is_some()),
    ] {
        if is_there {
            findings.error(
                code::HTTP_ONLY,
                &format!("spec.services[{index}].{field}"),
                format!("`{field}` requires an HTTP port, and the service has no HTTP port"),
                format!(
                    "remove `{field}`, or set the protocol of a port to `http`, `http2` or `grpc`"
                ),
            );
        }
    }
}

/// Conflicts between ports, and ports that affect other services.
pub(super) fn across(
    services: &[Service],
    spec: &Spec,
    clusters: &[Cluster],
    findings: &mut Findings,
) {
    // The first service on each published port.
    let mut firsts: Vec<(&Service, &Port)> = Vec::new();
    for (index, service) in services.iter().enumerate() {
        for (place, port) in service.ports.iter().enumerate() {
            let published = port.published;
            let path = path(index, &spec.services[index], place, "published");
            let first = firsts
                .iter()
                .find(|(_, first)| first.published == published);
            if let Some((of, first)) = first
                && (first.protocol == Protocol::Tcp
                    || first.protocol.family() != port.protocol.family())
            {
                let protocol = first.protocol.as_str();
                let what = format!(
                    "conflicts with the same port of service `{}` ({protocol})",
                    of.id()
                );
                in_the_way(findings, &path, published, &what);
            } else if published != DEFAULT_GATEWAY_PORT
                && !service.is_mutual()
                && let Some(cluster) = clusters
                    .iter()
                    .find(|cluster| cluster.gateway.port == published)
            {
                let what = format!(
                    "conflicts with the gateway of cluster `{}`, which serves published port 80 on it",
                    cluster.name
                );
                in_the_way(findings, &path, published, &what);
            }
            if first.is_some() {
                continue;
            }
            firsts.push((service, port));
            let usual = [DEFAULT_GATEWAY_PORT, DEFAULT_TLS_PORT].contains(&published);
            if !usual && !service.is_mutual() {
                findings.hint(
                    code::GATEWAY_SERVICE_PORT,
                    &path,
                    format!(
                        "published port `{published}` is not a default port of a gateway's Service"
                    ),
                    format!("check that the Services of the gateways have port `{published}`"),
                );
            }
            if port.protocol == Protocol::Tcp {
                tcp(findings, &path, published, service, services);
            }
        }
    }
}

/// Istio opens the port on all addresses in every sidecar.
fn tcp(
    findings: &mut Findings,
    path: &str,
    published: u16,
    service: &Service,
    services: &[Service],
) {
    for other in services {
        let inside = other.clusters.iter().any(|&cluster| {
            let mut ports = other.local(cluster).ports.iter();
            ports.any(|port| port.number == published && port.protocol.is_http())
        });
        if inside {
            let what = format!(
                "conflicts with an HTTP port of service `{}` inside its clusters",
                other.id()
            );
            in_the_way(findings, path, published, &what);
            return;
        }
    }
    findings.hint(
        code::TCP_TELLS_NO_NAME,
        path,
        format!(
            "in every cluster, calls to port `{published}` of all published names and of hosts unknown to Istio go to `{}`",
            service.id()
        ),
        "use a published port on which clients call no other host".into(),
    );
}

fn in_the_way(findings: &mut Findings, path: &str, published: u16, what: &str) {
    findings.error(
        code::PUBLISHED_TWICE,
        path,
        format!("published port `{published}` {what}"),
        "use another published port: HTTP ports can share one, TLS ports can share one, plain TCP ports cannot"
            .into(),
    );
}
