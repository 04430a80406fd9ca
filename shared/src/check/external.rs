//! Rules about `spec.external`: values that Istio refuses in a ServiceEntry (`pkg/config/validation`), and values that
//! it accepts although calls are then misrouted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::clusters::listed;
use super::{Findings, code, external_port};
use crate::istio::IstioVersion;
use crate::kubernetes::ownership;
use crate::mesh::{self, ExternalProtocol, Spec};
use crate::name::{HOST_NAME_MAX, HostPattern, Label};
use crate::resolved::{ExternalHost, ExternalPort, Location, Service};

pub(super) fn check(
    spec: &Spec,
    mesh_name: Option<&Label>,
    istio: Option<IstioVersion>,
    services: Option<&[Service]>,
    findings: &mut Findings,
) -> Option<Vec<ExternalHost>> {
    let mut resolved = Vec::new();
    for (index, given) in spec.external.iter().enumerate() {
        let path = format!("spec.external[{index}]");
        let one = one(&path, given, spec, istio, findings);
        if let Some(one) = &one {
            own_names(
                &path,
                &one.host,
                spec,
                services.unwrap_or_default(),
                findings,
            );
        }
        resolved.push(one);
    }
    let resolved = resolved.into_iter().collect::<Option<Vec<_>>>()?;
    if let Some(name) = mesh_name {
        object_names(name, &resolved, findings);
    }
    tcp_once(&resolved, findings);
    Some(resolved)
}

fn one(
    path: &str,
    given: &mesh::ExternalHost,
    spec: &Spec,
    istio: Option<IstioVersion>,
    findings: &mut Findings,
) -> Option<ExternalHost> {
    let host = host(&format!("{path}.host"), &given.host, spec, findings);
    let place = place(
        &format!("{path}.addresses"),
        &given.addresses,
        host.as_ref().is_some_and(|host| host.is_wildcard),
        findings,
    );
    let clusters = callers(&format!("{path}.clusters"), given, spec, findings);
    let (host, place) = (host?, place?);
    let ports = external_port::check(
        &format!("{path}.ports"),
        &given.ports,
        (&host, &place),
        istio,
        findings,
    );
    let (ports, clusters) = (ports?, clusters?);
    let by_egress_gateway = given.egress_gateway.unwrap_or(false);
    if by_egress_gateway {
        egress_gateway(&format!("{path}.egressGateway"), &clusters, spec, findings);
        distinguishable(
            &format!("{path}.egressGateway"),
            &host,
            &place,
            &ports,
            findings,
        );
    }
    Some(ExternalHost {
        host,
        place,
        ports,
        clusters,
        by_egress_gateway,
    })
}

fn egress_gateway(path: &str, clusters: &[usize], spec: &Spec, findings: &mut Findings) {
    for cluster in clusters.iter().map(|&index| &spec.clusters[index]) {
        if cluster.egress_gateway.is_none() {
            findings.error(
                code::NO_EGRESS_GATEWAY,
                path,
                format!("cluster `{}` has no egress gateway", cluster.name),
                "add `egressGateway: {}` to the cluster if it runs Istio's own egress gateway"
                    .into(),
            );
        }
    }
}

/// A call at an egress gateway has lost its port and address: it only has the request's host, or the SNI.
fn distinguishable(
    path: &str,
    host: &HostPattern,
    place: &Location,
    ports: &[ExternalPort],
    findings: &mut Findings,
) {
    let count = |protocol| {
        let same = ports.iter().filter(|port| port.protocol == protocol);
        same.count()
    };
    if matches!(place, Location::Caller(_))
        || count(ExternalProtocol::Tcp) > 0
        || count(ExternalProtocol::Http) > 1
        || count(ExternalProtocol::Https) > 1
    {
        findings.error(
            code::NOT_BY_EGRESS_GATEWAY,
            path,
            format!("an egress gateway receives only the name `{host}`, not the address and port of the call"),
            "use a single host with one `http` port, one `https` port, or both".into(),
        );
    }
}

fn host(path: &str, text: &str, spec: &Spec, findings: &mut Findings) -> Option<HostPattern> {
    const HINT: &str =
        "write a host name such as api.example.com, or *.example.com for all below it";
    let is_of_cluster = |host: &HostPattern| {
        let mut domains = spec.clusters.iter().map(mesh::Cluster::domain);
        host.name.lies_in("svc") || domains.any(|domain| host.meets(domain))
    };
    let (message, hint) = match HostPattern::new(text) {
        Ok(host) if is_of_cluster(&host) => {
            findings.error(
                code::CLUSTERS_OWN_HOST,
                path,
                format!("`{text}` covers names of the clusters' own services"),
                "remove it; to call a service from other clusters, add it to `spec.services`"
                    .into(),
            );
            return None;
        }
        // A short name is a Service in the caller's namespace.
        Ok(host) if !host.is_wildcard && host.name.labels() == 1 => {
            (format!("{text:?} has no domain"), HINT)
        }
        Ok(host) => {
            let last = host.name.as_str().rsplit('.').next().unwrap_or_default();
            if last.bytes().any(|byte| !byte.is_ascii_digit()) {
                return Some(host);
            }
            (
                format!("{text:?} is an IP address, not a host name"),
                "set `host` to a name, and add the address to `addresses`",
            )
        }
        Err(error) => (format!("{text:?} {error}"), HINT),
    };
    findings.error(code::BAD_EXTERNAL_HOST, path, message, hint.into());
    None
}

fn place(
    path: &str,
    given: &[String],
    wildcard: bool,
    findings: &mut Findings,
) -> Option<Location> {
    let mut caller = wildcard;
    let mut good = true;
    for (index, text) in given.iter().enumerate() {
        let (ip, bits) = match text.split_once('/') {
            Some((ip, bits)) => (ip, Some(bits)),
            None => (text.as_str(), None),
        };
        caller |= bits.is_some();
        let known = ip.parse::<IpAddr>().is_ok_and(|ip| {
            let most = if ip.is_ipv4() { 32 } else { 128 };
            bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
        });
        if !known {
            good = false;
            findings.error(
                code::BAD_EXTERNAL_ADDRESS,
                &format!("{path}[{index}]"),
                format!("{text:?} is neither an IP address nor a CIDR range"),
                "use an address such as `192.0.2.7` or a range such as `10.20.0.0/16`; a host name belongs in `host`".into(),
            );
        }
    }
    let addresses = given.to_vec();
    good.then_some(match (caller, given.is_empty()) {
        (true, _) => Location::Caller(addresses),
        (false, true) => Location::Dns,
        (false, false) => Location::Addresses(addresses),
    })
}

fn callers(
    path: &str,
    given: &mesh::ExternalHost,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let Some(names) = &given.clusters else {
        return Some((0..spec.clusters.len()).collect());
    };
    if names.is_empty() {
        findings.error(
            code::CALLED_FROM_NOWHERE,
            path,
            format!(
                "the list of clusters that may call {:?} is empty",
                given.host
            ),
            "list the clusters that may call it, or remove the field for all clusters".into(),
        );
        return None;
    }
    listed(path, names, spec, findings)
}

/// A published name must lead to its service.
fn own_names(
    path: &str,
    host: &HostPattern,
    spec: &Spec,
    services: &[Service],
    findings: &mut Findings,
) {
    let path = format!("{path}.host");
    let suffix = spec.dns.suffix.as_str();
    let mut names = services.iter().flat_map(|service| &service.names);
    if !host.is_wildcard && names.any(|name| name.host == host.name) {
        findings.error(
            code::MESH_OWN_HOST,
            &path,
            format!("`{host}` is already published for a service"),
            "remove it: the service's callers can call it already".into(),
        );
    } else if !suffix.is_empty() && host.meets(suffix) {
        findings.warning(
            code::MESH_OWN_HOST,
            &path,
            format!("`{host}` covers names below `{suffix}`, which are for shared services"),
            "list external hosts one by one, or set `spec.dns.suffix` to a zone of its own".into(),
        );
    }
}

/// Two ServiceEntries of one host override each other (istio/istio#26282).
fn object_names(mesh: &Label, hosts: &[ExternalHost], findings: &mut Findings) {
    let mut names = BTreeMap::new();
    for (index, one) in hosts.iter().enumerate() {
        let path = format!("spec.external[{index}].host");
        let name = ownership::external_name(mesh.as_str(), &one.host);
        let length = name.len();
        if length > HOST_NAME_MAX {
            findings.error(
                code::NAME_TOO_LONG,
                &path,
                format!(
                    "the name of its objects is {length} characters long (at most {HOST_NAME_MAX})"
                ),
                "shorten the name of the mesh".into(),
            );
        }
        if let Some(first) = names.insert(name, index) {
            findings.error(
                code::DUPLICATE,
                &path,
                format!(
                    "the objects of `{}` have the same name as those of `{}`, external host {}",
                    one.host,
                    hosts[first].host,
                    first + 1
                ),
                "list each host once, with all its ports".into(),
            );
        }
    }
}

/// Of two hosts with one TCP port at one address, a sidecar uses only the first.
fn tcp_once(hosts: &[ExternalHost], findings: &mut Findings) {
    for (index, one) in hosts.iter().enumerate() {
        for (place, port) in one.ports.iter().enumerate() {
            let rival = hosts[..index].iter().find(|other| {
                let has_port = other.ports.iter().any(|other| {
                    other.number == port.number && other.protocol == ExternalProtocol::Tcp
                });
                has_port
                    && port.protocol == ExternalProtocol::Tcp
                    && other
                        .clusters
                        .iter()
                        .any(|cluster| one.clusters.contains(cluster))
                    && share_an_address(&other.place, &one.place)
            });
            if let Some(rival) = rival {
                findings.error(
                    code::TCP_TWICE,
                    &format!("spec.external[{index}].ports[{place}].port"),
                    format!(
                        "calls to port `{}` go to `{}`: sidecars distinguish TCP hosts by port and address only",
                        port.number, rival.host
                    ),
                    "set different addresses or different ports for the two hosts".into(),
                );
            }
        }
    }
}

fn share_an_address(one: &Location, other: &Location) -> bool {
    let (one, other) = (one.addresses(), other.addresses());
    one.is_empty() && other.is_empty() || one.iter().any(|address| other.contains(address))
}
