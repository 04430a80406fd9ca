//! Rules about the DNS domains of clusters.

use serde_json::Value;

use super::{Findings, code};
use crate::mesh::Spec;
use crate::name::HostName;
use crate::resolved::Resolved;

/// The DNS domain of a cluster. A DNS that forwards the zone of the suffix answers no name below it by itself.
pub(super) fn domain(
    path: &str,
    text: &str,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<HostName> {
    let domain = match HostName::new(text) {
        Ok(domain) => domain,
        Err(error) => {
            findings.error(
                code::BAD_CLUSTER_DOMAIN,
                path,
                format!("{text:?} {error}"),
                "use the `clusterDomain` of the cluster's kubelets, such as cluster.local".into(),
            );
            return None;
        }
    };
    let suffix = spec.dns.suffix.as_str();
    if !spec.dns.nameservers.is_empty() && text != suffix && domain.lies_in(suffix) {
        findings.error(
            code::BAD_CLUSTER_DOMAIN,
            path,
            format!(
                "`{text}` is inside the zone `{suffix}`, which cluster DNS would forward to the name servers"
            ),
            "set `spec.dns.suffix` to a zone that contains no cluster domain".into(),
        );
        return None;
    }
    Some(domain)
}

/// Mirrors to a Service by a host that some clusters of the service do not have.
pub(super) fn mirrors(spec: &Spec, resolved: &Resolved, findings: &mut Findings) {
    for (index, (given, service)) in spec.services.iter().zip(&resolved.services).enumerate() {
        for (place, route) in given.routes.iter().enumerate() {
            let at = format!("spec.services[{index}].routes[{place}]");
            let one = route
                .get("mirror")
                .map(|mirror| (format!("{at}.mirror"), mirror));
            let several = route.get("mirrors").and_then(Value::as_array);
            let several = several.into_iter().flatten().enumerate();
            let several = several.map(|(number, mirror)| {
                let at = format!("{at}.mirrors[{number}].destination");
                (at, &mirror["destination"])
            });
            for (at, mirror) in one.into_iter().chain(several) {
                if let Some(host) = mirror["host"].as_str() {
                    mirror_host(
                        &format!("{at}.host"),
                        host,
                        &service.clusters,
                        resolved,
                        findings,
                    );
                }
            }
        }
    }
}

fn mirror_host(
    path: &str,
    host: &str,
    clusters: &[usize],
    resolved: &Resolved,
    findings: &mut Findings,
) {
    let has = |domain: &HostName| host.ends_with(&format!(".svc.{domain}"));
    let mut all = resolved.clusters.iter();
    if !all.any(|cluster| has(&cluster.cluster_domain)) {
        return;
    }
    let mut serving = clusters.iter().map(|&at| &resolved.clusters[at]);
    if let Some(other) = serving.find(|cluster| !has(&cluster.cluster_domain)) {
        findings.warning(
            code::MIRROR_DOMAIN,
            path,
            format!(
                "`{host}` is no host in cluster `{}`, whose domain is `{}`, so its requests are not mirrored",
                other.name, other.cluster_domain
            ),
            "use a Service in the namespace of the service by its name alone, or a published name".into(),
        );
    }
}
