//! Rules about `transport: mtls`, and about services whose transport differs from the document's.

use super::{Findings, code};
use crate::defaults::DEFAULT_TRUST_DOMAIN;
use crate::istio::OLDEST_ISTIO_WITH_MTLS;
use crate::mesh::{self, Spec, Transport};
use crate::name::HostName;
use crate::resolved::Resolved;

/// The trust domain of a cluster; `None` with an error.
pub(super) fn trust_domain(
    path: &str,
    cluster: &mesh::Cluster,
    findings: &mut Findings,
) -> Option<HostName> {
    let text = cluster
        .trust_domain
        .as_deref()
        .unwrap_or(DEFAULT_TRUST_DOMAIN);
    identity(
        path,
        text,
        "use the cluster's `meshConfig.trustDomain`, such as prod.example.com",
        findings,
    )
}

/// The service account of a service, if set; `None` with an error.
#[expect(
    clippy::option_option,
    reason = "as of every check: none with an error"
)]
pub(super) fn of_service(
    index: usize,
    service: &mesh::Service,
    transport: Transport,
    findings: &mut Findings,
) -> Option<Option<HostName>> {
    let at = |field: &str| format!("spec.services[{index}].{field}");
    if transport == Transport::Mtls {
        if !service.routes.is_empty() {
            findings.error(
                code::MTLS_ROUTES,
                &at("routes"),
                "gateways forward mutual TLS without terminating it, so routes cannot match requests".into(),
                "remove the routes and configure them in the service's own cluster, or use `transport: tls`"
                    .into(),
            );
        }
    } else if service.service_account.is_some() {
        findings.warning(
            code::MTLS_UNUSED,
            &at("serviceAccount"),
            "`serviceAccount` has no effect without mutual TLS: callers do not check the identity"
                .into(),
            "set `transport: mtls`, or remove the field".into(),
        );
    }
    let Some(text) = &service.service_account else {
        return Some(None);
    };
    let hint = "use the `serviceAccountName` of the service's pods";
    identity(&at("serviceAccount"), text, hint, findings).map(Some)
}

fn identity(path: &str, text: &str, hint: &str, findings: &mut Findings) -> Option<HostName> {
    let name = HostName::new(text);
    if let Err(error) = &name {
        let message = format!("{text:?} {error}");
        findings.error(code::BAD_IDENTITY, path, message, hint.into());
    }
    name.ok()
}

/// Checks of the resolved document.
pub(super) fn check(spec: &Spec, resolved: &Resolved, findings: &mut Findings) {
    let Some(path) = first(spec) else {
        unused(spec, findings);
        return;
    };
    if resolved.istio < OLDEST_ISTIO_WITH_MTLS {
        findings.error(
            code::OLD_ISTIO,
            &path,
            format!(
                "gateways of Istio {} forward mutual TLS only with an extra environment variable",
                resolved.istio
            ),
            format!("use Istio {OLDEST_ISTIO_WITH_MTLS} or later, or another transport"),
        );
    }
    if let Some(publisher) = resolved.dns.publisher {
        findings.error(
            code::MTLS_RECORDS,
            &path,
            format!(
                "with `naming: gateway`, the {} writes the records, and it supports ingress gateways only",
                publisher.name
            ),
            "use `naming: service`, another target, or another transport".into(),
        );
    }
    findings.hint(
        code::MTLS_ROOT,
        &path,
        "callers and services reject certificates that another root has signed".into(),
        "use one root certificate for every istiod (the Secret `cacerts` in its namespace); `verify` \
         compares them"
            .into(),
    );
    trust_domains(resolved, findings);
    for (index, service) in resolved.services.iter().enumerate() {
        if service.is_mutual() && !service.overrides.is_empty() {
            findings.error(
                code::MTLS_OVERRIDES,
                &format!("spec.services[{index}].overrides"),
                format!(
                    "gateways forward mutual TLS by the Service's name and port, so `{}` must be the same \
                     in every cluster",
                    service.id()
                ),
                "remove the overrides, or use another transport".into(),
            );
        }
        if service.is_mutual() && service.service_account.is_none() {
            findings.hint(
                code::NO_SERVICE_ACCOUNT,
                &format!("spec.services[{index}].serviceAccount"),
                format!(
                    "callers of `{}` accept every workload whose certificate the root has signed",
                    service.id()
                ),
                "set the service account of its pods, the same in every cluster".into(),
            );
        }
    }
}

/// The first path with mutual TLS in the document.
fn first(spec: &Spec) -> Option<String> {
    if spec.transport == Some(Transport::Mtls) && spec.has_transport(Transport::Mtls) {
        return Some("spec.transport".to_owned());
    }
    let mut services = spec.services.iter();
    let index = services.position(|service| spec.transport_of(service) == Transport::Mtls)?;
    Some(format!("spec.services[{index}].transport"))
}

/// A gateway's HTTP port supports one transport.
pub(super) fn mixed(spec: &Spec, findings: &mut Findings) {
    let ends_at_gateway = |transport| match transport {
        Transport::Http | Transport::Tls => Some(transport),
        Transport::Mtls => None,
    };
    let mut first = None;
    for (index, service) in spec.services.iter().enumerate() {
        let Some(ours) = ends_at_gateway(spec.transport_of(service)) else {
            continue;
        };
        let first = *first.get_or_insert(ours);
        if ours != first {
            findings.error(
                code::TRANSPORTS_MIXED,
                &format!("spec.services[{index}].transport"),
                format!(
                    "ingress gateways already use `{}` for other services, so they cannot use `{}`",
                    first.as_str(),
                    ours.as_str()
                ),
                "use one of the two for all services; `mtls` works with either".into(),
            );
        }
    }
}

fn unused(spec: &Spec, findings: &mut Findings) {
    for (index, cluster) in spec.clusters.iter().enumerate() {
        for (field, is_there) in [
            ("eastWestGateway", cluster.east_west_gateway.is_some()),
            ("trustDomain", cluster.trust_domain.is_some()),
        ] {
            if is_there {
                findings.warning(
                    code::MTLS_UNUSED,
                    &format!("spec.clusters[{index}].{field}"),
                    format!("`{field}` has no effect without mutual TLS"),
                    "set `transport: mtls`, or remove the field".into(),
                );
            }
        }
    }
}

/// A sidecar accepts callers of its own trust domain and of its aliases (istio `pilot/pkg/features/security.go`,
/// `PILOT_SKIP_VALIDATE_TRUST_DOMAIN`).
fn trust_domains(resolved: &Resolved, findings: &mut Findings) {
    let mut domains: Vec<&str> = Vec::new();
    for cluster in &resolved.clusters {
        let domain = cluster.trust_domain.as_str();
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    if domains.len() < 2 {
        return;
    }
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        let domain = cluster.trust_domain.as_str();
        let others: Vec<&str> = domains
            .iter()
            .copied()
            .filter(|other| *other != domain)
            .collect();
        findings.hint(
            code::TRUST_DOMAINS,
            &format!("spec.clusters[{index}].trustDomain"),
            format!(
                "sidecars of `{}` reject callers of other trust domains, unless its mesh has them as aliases",
                cluster.name
            ),
            format!(
                "set `trustDomain: {domain}` and `trustDomainAliases: [{}]` in its meshConfig",
                others.join(", ")
            ),
        );
    }
}
