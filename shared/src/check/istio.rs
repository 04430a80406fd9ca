//! Rules about `spec.istio`: features that an older Istio lacks.

use super::{Findings, code};
use crate::defaults;
use crate::istio::{
    IstioVersion, OLDEST_ISTIO, OLDEST_ISTIO_WITH_EXPORTS, OLDEST_ISTIO_WITH_LOCALITY,
    OLDEST_ISTIO_WITH_MUTUAL_SERVERS, OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES,
};
use crate::mesh::{Caller, Endpoints, ExternalProtocol, Protocol, Service, Spec};
use crate::passthrough::{self, IstioFields};
use crate::resolved::{self, ExternalHost, Resolved, Retry};

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
        for at in lacking_fields(service, istio) {
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
fn lacking_fields(service: &Service, istio: IstioVersion) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |message, given: &IstioFields, at: &str| {
        passthrough::each_message(message, given, at, &mut |at, message, given| {
            for (name, value) in given {
                let field = message.fields.get(name);
                if field.is_some_and(|field| field.is_lacking(istio, value)) {
                    found.push(format!("{at}.{name}"));
                }
            }
        });
    };
    for (index, route) in service.routes.iter().enumerate() {
        look(passthrough::route(), route, &format!("routes[{index}]"));
    }
    for (index, subset) in service.subsets.iter().enumerate() {
        look(passthrough::subset(), subset, &format!("subsets[{index}]"));
    }
    if let Some(policy) = &service.traffic_policy {
        look(passthrough::traffic_policy(), policy, "trafficPolicy");
    }
    let failover = service.failover.as_ref();
    if let Some(detection) = failover.and_then(|one| one.outlier_detection.as_ref()) {
        let at = "failover.outlierDetection";
        look(passthrough::outlier_detection(), detection, at);
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
