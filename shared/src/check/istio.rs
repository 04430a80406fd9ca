//! Rules about `spec.istio`: what an older Istio does not know.

use serde_json::Value;

use super::{Findings, code};
use crate::mesh::{Service, Spec};
use crate::resolved::{
    self, IstioVersion, OLDEST_ISTIO, OLDEST_ISTIO_WITH_EXPORTS, OLDEST_ISTIO_WITH_LOCALITY,
    Resolved,
};

/// Fields of a route that came later than [`OLDEST_ISTIO`], each with the last minor version of Istio 1 that is
/// known to lack it. Sources: the reference in istio.io/archive/v1.1; `networking/v1alpha3/*.proto` of
/// istio/api as 1.2 (982e5c3888c6), 1.3 (483f2547d882), 1.4 (35e06ef8d838) and 1.5 (228308df3f1b) had them,
/// and of its v1.25.0. `fault.abort.grpcStatus` stands in older ones too, and does nothing (pull request 39295 of
/// istio/istio, after the branch of 1.14).
const OF_ROUTES: &[(&str, u16)] = &[
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

/// Those of a policy, from the same sources; a value stands behind its field.
const OF_POLICIES: &[(&str, u16)] = &[
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
    let text = text.unwrap_or(resolved::DEFAULT_ISTIO);
    let Some(version) = IstioVersion::parse(text) else {
        findings.error(
            code::BAD_ISTIO,
            "spec.istio",
            format!("{text:?} is not an Istio version"),
            "write major and minor, such as \"1.27\"".into(),
        );
        return None;
    };
    if version < OLDEST_ISTIO {
        findings.error(
            code::OLD_ISTIO,
            "spec.istio",
            format!(
                "endpoints of Istio {version} have no locality, and any failure of a service looks like one \
                 of its gateway"
            ),
            format!("fedmesh renders for Istio {OLDEST_ISTIO} and later"),
        );
        return None;
    }
    Some(version)
}

/// What the document asks for and its Istio does not have.
pub(super) fn lacking(spec: &Spec, istio: Option<IstioVersion>, findings: &mut Findings) {
    let Some(istio) = istio else {
        return;
    };
    let mut lacks = |path: &str| {
        findings.error(
            code::OLD_ISTIO,
            path,
            format!("Istio {istio} does not have this"),
            "remove it, or set spec.istio to a later version, where the clusters have it".into(),
        );
    };
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
        for at in later_fields(service, istio) {
            lacks(&format!("{path}.{at}"));
        }
    }
}

/// Where a service has fields that are passed on and that Istio lacks.
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

/// Adds the paths of a field, or of a value behind it; lists have it in any of their items.
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

/// What only shows once everything is resolved.
pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
    let mut services = resolved.services.iter();
    if !resolved.istio.has_locality() && services.any(|service| service.clusters.len() > 1) {
        findings.warning(
            code::NEARNESS_OF_THE_MESH,
            "spec.istio",
            format!(
                "no rule of Istio {} says that near clusters come first: that is a setting of the mesh as a \
                 whole",
                resolved.istio
            ),
            format!(
                "see to meshConfig.localityLbSetting in every cluster, or use Istio \
                 {OLDEST_ISTIO_WITH_LOCALITY} or later"
            ),
        );
    }
}
