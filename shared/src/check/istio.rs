//! Rules about `spec.istio`: features that an older Istio lacks.

use serde_json::Value;

use super::{Findings, code};
use crate::defaults;
use crate::istio::{
    IstioVersion, OLDEST_ISTIO, OLDEST_ISTIO_WITH_EXPORTS, OLDEST_ISTIO_WITH_LOCALITY,
    OLDEST_ISTIO_WITH_MUTUAL_SERVERS, OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES,
};
use crate::mesh::{Caller, Endpoints, ExternalProtocol, Protocol, Service, Spec};
use crate::resolved::{self, ExternalHost, Resolved, Retry};

/// Fields of a route that are newer than [`OLDEST_ISTIO`], each with the last minor version of Istio 1 that is known to
/// lack it. Sources: the references in istio.io/archive/v1.0 and v1.1; `networking/v1alpha3/*.proto` of istio/api for
/// 1.2 (982e5c3888c6), 1.3 (483f2547d882), 1.4 (35e06ef8d838) and 1.5 (228308df3f1b), and of its v1.25.0.
/// `fault.abort.grpcStatus` exists in older ones too, without effect (pull request 39295 of istio/istio, after the
/// branch of 1.14).
const OF_ROUTES: &[(&str, u16)] = &[
    ("headers", 0),
    ("to.headers", 0),
    ("fault.delay.percentage", 0),
    ("fault.abort.percentage", 0),
    ("retries.retryOn", 0),
    ("match.queryParams", 1),
    ("match.ignoreUriCase", 2),
    ("match.withoutHeaders", 4),
    ("redirect.redirectCode", 2),
    ("redirect.derivePort", 5),
    ("redirect.port", 5),
    ("redirect.scheme", 5),
    ("directResponse", 5),
    ("fault.abort.grpcStatus", 14),
    ("rewrite.uriRegexRewrite", 5),
    ("retries.retryRemoteLocalities", 4),
    ("retries.backoff", 25),
    ("retries.retryIgnorePreviousHosts", 25),
    ("mirrorPercentage", 4),
    ("mirrors", 5),
    ("corsPolicy.allowOrigins", 4),
    ("corsPolicy.unmatchedPreflights", 5),
];

/// Fields of a policy, from the same sources; a value follows its field.
const OF_POLICIES: &[(&str, u16)] = &[
    ("connectionPool.tcp.tcpKeepalive", 0),
    ("connectionPool.http.idleTimeout", 0),
    ("outlierDetection.minHealthPercent", 0),
    ("connectionPool.tcp.idleTimeout", 5),
    ("connectionPool.tcp.maxConnectionDuration", 5),
    ("connectionPool.http.h2UpgradePolicy", 2),
    ("connectionPool.http.maxConcurrentStreams", 5),
    ("connectionPool.http.useClientProtocol", 5),
    ("loadBalancer.simple.LEAST_REQUEST", 5),
    ("loadBalancer.consistentHash.httpQueryParameterName", 4),
    ("loadBalancer.consistentHash.ringHash", 5),
    ("loadBalancer.consistentHash.maglev", 5),
    ("loadBalancer.warmup", 5),
    ("outlierDetection.consecutive5xxErrors", 4),
    ("outlierDetection.consecutiveGatewayErrors", 4),
    ("outlierDetection.consecutiveLocalOriginFailures", 5),
    ("outlierDetection.splitExternalLocalOriginErrors", 5),
];

/// `None` together with an error.
pub(super) fn version(text: Option<&str>, findings: &mut Findings) -> Option<IstioVersion> {
    let text = text.unwrap_or(defaults::DEFAULT_ISTIO);
    let Some(version) = IstioVersion::parse(text) else {
        findings.error(
            code::BAD_ISTIO,
            "spec.istio",
            format!("{text:?} is not an Istio version"),
            "write the major and minor version, such as \"1.27\"".into(),
        );
        return None;
    };
    if version < OLDEST_ISTIO {
        findings.error(
            code::OLD_ISTIO,
            "spec.istio",
            format!(
                "Istio {version} is unsupported: its objects differ from those of {OLDEST_ISTIO}"
            ),
            format!("upgrade the clusters to Istio {OLDEST_ISTIO} or later"),
        );
        return None;
    }
    Some(version)
}

/// Features of the document that its Istio lacks.
pub(super) fn lacking(spec: &Spec, istio: Option<IstioVersion>, findings: &mut Findings) {
    let Some(istio) = istio else {
        return;
    };
    let mut lacks = |path: &str| {
        findings.error(
            code::OLD_ISTIO,
            path,
            format!("Istio {istio} does not support this setting"),
            "remove it, or upgrade the clusters and set `spec.istio` to their version".into(),
        );
    };
    if istio.is_oldest() && spec.answer_header == Some(true) {
        lacks("spec.answerHeader");
    }
    if istio < OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES && spec.endpoints == Some(Endpoints::Addresses) {
        lacks("spec.endpoints");
    }
    if istio.is_oldest() && spec.sidecars.is_some() {
        lacks("spec.sidecars");
    }
    let without_locality = !istio.has_locality();
    if without_locality && spec.locality.is_some() {
        lacks("spec.locality");
    }
    for (index, service) in spec.services.iter().enumerate() {
        let path = format!("spec.services[{index}]");
        if without_locality && service.locality.is_some() {
            lacks(&format!("{path}.locality"));
        }
        if istio < OLDEST_ISTIO_WITH_EXPORTS && !service.export_to.is_empty() {
            lacks(&format!("{path}.exportTo"));
        }
        let has_namespace = |caller: &Caller| caller.namespace.is_some();
        let callers = service.callers.as_deref().unwrap_or_default();
        if istio < OLDEST_ISTIO_WITH_EXPORTS && callers.iter().any(has_namespace) {
            lacks(&format!("{path}.callers"));
        }
        for at in later_fields(service, istio) {
            lacks(&format!("{path}.{at}"));
        }
        if istio.is_oldest() {
            for at in switched_off(service) {
                lacks(&format!("{path}.{at}"));
            }
        }
    }
}

/// Paths of a service's pass-through fields that Istio lacks.
fn later_fields(service: &Service, istio: IstioVersion) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |value: &Value, at: &str, table: &[(&str, u16)]| {
        for (path, last_without) in table {
            if istio <= IstioVersion::v1(*last_without) {
                let names: Vec<&str> = path.split('.').collect();
                locate(value, &names, at, &mut found);
            }
        }
    };
    for (index, route) in service.routes.iter().enumerate() {
        let route = Value::Object(route.clone());
        look(&route, &format!("routes[{index}]"), OF_ROUTES);
    }
    for (index, subset) in service.subsets.iter().enumerate() {
        let at = format!("subsets[{index}].trafficPolicy");
        look(
            &subset.get("trafficPolicy").cloned().unwrap_or_default(),
            &at,
            OF_POLICIES,
        );
    }
    if let Some(policy) = &service.traffic_policy {
        look(&Value::Object(policy.clone()), "trafficPolicy", OF_POLICIES);
    }
    let failover = service.failover.as_ref();
    if let Some(detection) = failover.and_then(|one| one.outlier_detection.clone()) {
        let policy = serde_json::json!({ "outlierDetection": detection });
        look(&policy, "failover", OF_POLICIES);
    }
    found
}

/// Paths where a service disables retries: Istio 1.0 requires at least one attempt (`validateHTTPRetry` of its Pilot).
fn switched_off(service: &Service) -> impl Iterator<Item = String> {
    let retries = service.routes.iter().map(|route| route.get("retries"));
    retries.enumerate().filter_map(|(index, retries)| {
        let attempts = retries?["attempts"].as_u64();
        (attempts.unwrap_or_default() == 0).then(|| format!("routes[{index}].retries"))
    })
}

/// Adds the paths of a field, or of a value of it, in all items of lists.
fn locate(value: &Value, names: &[&str], at: &str, found: &mut Vec<String>) {
    match (value, names) {
        (_, []) => found.push(at.to_owned()),
        (Value::Array(items), _) => {
            for (index, item) in items.iter().enumerate() {
                locate(item, names, &format!("{at}[{index}]"), found);
            }
        }
        (Value::Object(fields), [name, rest @ ..]) => {
            if let Some(value) = fields.get(*name) {
                locate(value, rest, &format!("{at}.{name}"), found);
            }
        }
        (Value::String(text), [only]) if text == only => found.push(at.to_owned()),
        _ => {}
    }
}

/// Checks of the resolved document.
pub(super) fn check(spec: &Spec, resolved: &Resolved, findings: &mut Findings) {
    let several = |service: &resolved::Service| service.clusters.len() > 1;
    let several = resolved.services.iter().any(several);
    if resolved.istio.is_oldest() {
        identified_by_port(resolved, findings);
        answers_unnamed(spec, resolved, findings);
        if several {
            clusters_alike(resolved, findings);
        }
    } else if !resolved.istio.has_locality() && several {
        findings.warning(
            code::NEARNESS_OF_THE_MESH,
            "spec.istio",
            format!(
                "Istio {} has no rule for locality preference: only the mesh configuration sets it",
                resolved.istio
            ),
            format!(
                "set `meshConfig.localityLbSetting` in every cluster, or upgrade to Istio \
                 {OLDEST_ISTIO_WITH_LOCALITY} or later"
            ),
        );
    }
    if resolved.istio < OLDEST_ISTIO_WITH_MUTUAL_SERVERS {
        egress_gateways(resolved, findings);
    }
}

/// Ports that Istio 1.0 treats as plain TCP, and addresses that it does not read.
fn identified_by_port(resolved: &Resolved, findings: &mut Findings) {
    let hint = "upgrade the clusters to a later Istio";
    for (index, service) in resolved.services.iter().enumerate() {
        let ports = service.ports.iter();
        for port in ports.filter(|port| port.protocol == Protocol::Tls) {
            findings.error(
                code::OLD_ISTIO,
                &format!("spec.services[{index}]"),
                format!(
                    "sidecars of Istio {} do not read server names in TLS, so calls to port `{}` of any \
                     host go to this service",
                    resolved.istio, port.published
                ),
                format!("use protocol `tcp` with a port of its own, or {hint}"),
            );
        }
    }
    for (index, host) in resolved.external.iter().enumerate() {
        let path = format!("spec.external[{index}]");
        let addresses = host.place.addresses();
        let is_https = |port: &resolved::ExternalPort| port.protocol == ExternalProtocol::Https;
        if addresses.is_empty() && !host.by_egress_gateway && host.ports.iter().any(is_https) {
            findings.error(
                code::OLD_ISTIO,
                &path,
                format!(
                    "sidecars of Istio {} do not read server names in TLS, so calls to any host go to `{}`",
                    resolved.istio, host.host
                ),
                format!("add its addresses, set `egressGateway: true`, or {hint}"),
            );
        }
        for (place, address) in addresses.iter().enumerate() {
            if address.contains(':') {
                findings.error(
                    code::OLD_ISTIO,
                    &format!("{path}.addresses[{place}]"),
                    format!(
                        "Istio {} does not support IPv6 addresses such as `{address}`",
                        resolved.istio
                    ),
                    format!("remove it, or {hint}"),
                );
            }
        }
    }
}

fn answers_unnamed(spec: &Spec, resolved: &Resolved, findings: &mut Findings) {
    let is_seen = |service: &resolved::Service| service.is_http() && !service.is_mutual();
    if spec.answer_header.is_none() && resolved.services.iter().any(is_seen) {
        findings.warning(
            code::ANSWERS_UNNAMED,
            "spec.istio",
            format!(
                "gateways of Istio {} cannot add headers to responses, so no response identifies its cluster",
                resolved.istio
            ),
            "set `answerHeader: false` to accept this: `verify` then checks that names respond, not which cluster responds"
                .into(),
        );
    }
}

/// Features of Istio 1.0 that lack localities: destinations of calls, and reasons to leave a cluster.
fn clusters_alike(resolved: &Resolved, findings: &mut Findings) {
    findings.warning(
        code::CLUSTERS_ALIKE,
        "spec.istio",
        format!(
            "Istio {} does not support localities: it spreads calls evenly over all clusters that run a service, \
             and sends calls to failed clusters too once fewer than half are healthy",
            resolved.istio
        ),
        "upgrade to a later Istio to prefer the nearest cluster; or call names of regions and zones, which lead to \
         their clusters here too"
            .into(),
    );
    let repeated = |service: &resolved::Service| {
        service.clusters.len() > 1 && matches!(service.retry, Retry::All { .. })
    };
    let repeated = resolved.services.iter().any(repeated);
    findings.warning(
        code::ANY_FAILURE,
        "spec.istio",
        format!(
            "Istio {} counts every status of 500 or above as a failure, and ejects the cluster for a while; {}",
            resolved.istio,
            if repeated {
                "where `failover.retry` is true, it retries such calls and no others"
            } else {
                "it does not retry undelivered calls"
            }
        ),
        "use statuses below 500 for responses of healthy services".into(),
    );
}

/// From sidecars to egress gateways requests use the mesh's own mutual TLS.
fn egress_gateways(resolved: &Resolved, findings: &mut Findings) {
    let is_led = |host: &ExternalHost| {
        let mut ports = host.ports.iter();
        host.by_egress_gateway && ports.any(|port| port.protocol == ExternalProtocol::Http)
    };
    let hosts = resolved.external.iter().enumerate();
    for (index, _) in hosts.filter(|(_, host)| is_led(host)) {
        findings.error(
            code::OLD_ISTIO,
            &format!("spec.external[{index}].egressGateway"),
            format!(
                "egress gateways of Istio {} do not support the mesh's own mutual TLS",
                resolved.istio
            ),
            format!("upgrade to Istio {OLDEST_ISTIO_WITH_MUTUAL_SERVERS} or later, or use `https` ports only"),
        );
    }
}
