//! The DNS domain of a cluster's Services, which its cluster DNS answers: that of the document should be it.

use super::corefile::Corefile;
use super::observed::Observed;
use crate::findings::{Finding, Fix, Severity, code};
use crate::mesh::DnsFlavour;
use crate::resolved::Resolved;

/// The domains that the `CoreDNS` of a cluster serves. Empty if they are unknown: kube-dns has its domain in its arguments,
/// and a Corefile may have it in a variable.
pub fn domains(dns: &Observed) -> Vec<String> {
    let servers = dns.servers(Some(DnsFlavour::CoreDns));
    let mut domains: Vec<String> = Vec::new();
    for text in servers.iter().filter_map(|server| dns.corefile(server)) {
        let corefile = Corefile::parse(text).unwrap_or_default();
        for domain in corefile.kubernetes() {
            // `{$DOMAIN}`, or the root of a block that serves it.
            if domain.contains('{') || domain.is_empty() {
                return Vec::new();
            }
            let domain = domain.to_ascii_lowercase();
            if !domains.contains(&domain) {
                domains.push(domain);
            }
        }
    }
    domains
}

/// The finding for a cluster, by index, whose cluster DNS does not serve the domain of the document.
pub fn finding(domains: &[String], index: usize, resolved: &Resolved) -> Option<Finding> {
    let cluster = &resolved.clusters[index];
    let given = cluster.cluster_domain.as_str();
    let is_core_dns = matches!(cluster.dns_flavour, None | Some(DnsFlavour::CoreDns));
    let first = domains.first().filter(|_| is_core_dns)?;
    if domains.iter().any(|domain| domain == given) {
        return None;
    }
    let path = format!("spec.clusters[{index}].clusterDomain");
    let hint = match domains {
        [only] => format!("set `clusterDomain: {only}`, if its kubelets and its Istio have it too"),
        _ => "set `clusterDomain` to that of its kubelets and its Istio".to_owned(),
    };
    Some(Finding {
        code: code::OTHER_CLUSTER_DOMAIN.id.to_owned(),
        severity: Severity::Warning,
        message: format!(
            "CoreDNS of cluster `{}` serves {}, so Services have no name below `{given}`",
            cluster.name,
            domains
                .iter()
                .map(|domain| format!("`{domain}`"))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        hint,
        fix: (domains.len() == 1).then(|| Fix {
            path: path.clone(),
            value: first.clone(),
        }),
        path,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::domains;
    use crate::cluster_dns::{NAMESPACE, Observed, key};

    #[test]
    fn domains_are_those_of_the_plugin() {
        for (corefile, expected) in [
            (
                ".:53 {\n errors\n kubernetes corp.local in-addr.arpa ip6.arpa {\n  pods insecure\n }\n}\n",
                &["corp.local"][..],
            ),
            (
                ".:53 {\n kubernetes Corp.Local. cluster.local 10.0.0.0/8\n}\n",
                &["corp.local", "cluster.local"],
            ),
            (
                "corp.local in-addr.arpa {\n kubernetes\n}\n. {\n forward . 9.9.9.9\n}\n",
                &["corp.local"],
            ),
            (
                "(all) {\n kubernetes corp.local\n}\n. {\n import all\n}\n",
                &["corp.local"],
            ),
            // Unknown.
            (".:53 {\n kubernetes {$DOMAIN} in-addr.arpa\n}\n", &[]),
            (".:53 {\n kubernetes\n}\n", &[]),
            (".:53 {\n forward . 9.9.9.9\n}\n", &[]),
            (".:53 {", &[]),
        ] {
            let map = json!({ "data": { "Corefile": corefile } });
            let seen = Observed {
                found: None,
                maps: BTreeMap::from([(key(NAMESPACE, "coredns"), map)]),
            };
            assert_eq!(domains(&seen), expected, "{corefile}");
        }
        assert!(domains(&Observed::default()).is_empty());
    }
}
