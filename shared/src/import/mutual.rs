//! Services with mutual TLS. Gateways do not see their requests, so no route has their protocols; the rules of their
//! names have the SNI of gateways and the identities that callers accept.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::locals::LocalService;
use super::names::{self, At, Names};
use super::ports::{Entries, Known, number};
use super::services::{Found, begin, in_full, is_at_gateway, local, pair};
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::DEFAULT_TRUST_DOMAIN;
use crate::manifests::{field, list, texts};
use crate::mesh::Transport;

/// Limit of tried assignments of trust domains to clusters.
const MOST_TRIED: u32 = 1_000;

/// Adds them to the services.
pub(super) fn find(world: &World, names: &Names, entries: &Entries, services: &mut Vec<Found>) {
    let serving = serving(world);
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut all: Vec<Found> = Vec::new();
    for (_, rule) in world.of_kind("DestinationRule") {
        let host = field(&rule.value, &["spec", "host"]).as_str();
        let host = host.unwrap_or_default();
        let policy = field(&rule.value, &["spec", "trafficPolicy"]);
        let (Some(name), Some((id, ports))) = (names.read(host), ways(host, policy, entries))
        else {
            continue;
        };
        let index = *known.entry(id).or_insert_with_key(|id| {
            all.push(begin(pair(id)));
            all.len() - 1
        });
        let found = &mut all[index];
        match (name.prefix, name.at) {
            (_, At::Vanity(label)) => found.service.hostname = Some(label.to_owned()),
            (Some((first, second)), At::Global) if found.places.is_empty() => {
                found.prefixes.push((first.to_owned(), second.to_owned()));
                for &cluster in serving.get(host).into_iter().flatten() {
                    found.places.push(LocalService {
                        cluster,
                        service: found.id(),
                        ports: ports.clone(),
                    });
                }
                identities(policy, found);
                let known = found.service.hostname.take();
                found.service.hostname = known.or_else(|| alias(world, names, host));
            }
            _ => {}
        }
    }
    all.retain(|found| !found.places.is_empty());
    for found in &mut all {
        found.service.transport = Some(Transport::Mtls);
    }
    services.append(&mut all);
}

/// For each host inside the mesh the clusters that call it at a gateway of their own.
fn serving(world: &World) -> BTreeMap<&str, BTreeSet<usize>> {
    let mut serving: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (cluster, entry) in world.of_kind("ServiceEntry") {
        let spec = &entry.value["spec"];
        let mut endpoints = entry.endpoints().iter();
        if spec["location"] == "MESH_INTERNAL"
            && endpoints.any(|one| local(&one["address"], entry).is_some())
        {
            for host in texts(&spec["hosts"]) {
                serving.entry(host).or_default().insert(cluster);
            }
        }
    }
    serving
}

/// The Service, name and namespace, and its ports, of a rule's SNIs; `None` if they match no Service.
fn ways(host: &str, policy: &Value, entries: &Entries) -> Option<((String, String), Vec<Known>)> {
    let settings = list(&policy["portLevelSettings"]);
    let mut id = None;
    let mut known = Vec::new();
    for (published, protocol) in entries.of([host].into_iter()) {
        let of_port = |one: &&Value| number(&one["port"]["number"]) == Some(published);
        let tls = &settings.iter().find(of_port).unwrap_or(policy)["tls"];
        let (number, backend) = of_sni(tls)?;
        id = Some(backend);
        known.push(Known {
            number,
            protocol,
            published,
        });
    }
    id.map(|id| (id, known))
}

/// The port, and name and namespace, of the Service in the SNI that gateways pass through.
fn of_sni(tls: &Value) -> Option<(u32, (String, String))> {
    let sni = tls["sni"].as_str()?.strip_prefix("outbound_.")?;
    let (port, at) = sni.split_once("_._.")?;
    Some((port.parse().ok()?, in_full(at)?.0))
}

/// The Services in the SNIs of a policy.
pub(super) fn backends(policy: &Value) -> Vec<(String, String)> {
    let settings = list(&policy["portLevelSettings"]).iter();
    let all = settings.chain([policy]);
    all.filter_map(|one| Some(of_sni(&one["tls"])?.1)).collect()
}

/// The service account and its possible trust domains, from a policy.
fn identities(policy: &Value, found: &mut Found) {
    let of_port = &policy["portLevelSettings"][0]["tls"];
    let tls = if of_port.is_null() {
        &policy["tls"]
    } else {
        of_port
    };
    for identity in texts(&tls["subjectAltNames"]) {
        if let Some((domain, rest)) = identity
            .strip_prefix("spiffe://")
            .and_then(|rest| rest.split_once("/ns/"))
            && let Some((_, account)) = rest.split_once("/sa/")
        {
            found.trust_domains.insert(domain.to_owned());
            found.service.service_account = Some(account.to_owned());
        }
    }
}

/// The vanity name of a global name, which has no rule: its calls are routed to the global name, and its record is in
/// the same object.
fn alias(world: &World, names: &Names, global: &str) -> Option<String> {
    let routes = world.of_kind("VirtualService").map(|(_, object)| object);
    let routes = routes.filter(|object| !is_at_gateway(object));
    let records = world.of_kind("DNSEndpoint").map(|(_, object)| object);
    let mut hosts = routes.chain(records).map(names::hosts);
    let beside = hosts.find(|all| all.contains(&global))?;
    beside.iter().find_map(|host| match names.read(host)?.at {
        At::Vanity(label) => Some(label.to_owned()),
        _ => None,
    })
}

/// The trust domain of each cluster; `None` if it is the default or unknown.
///
/// A rule has the domains of all clusters that run its service, without assignment. So they are assigned such that each
/// service has the domains of its rules.
pub(super) fn trust_domains(
    services: &[Found],
    clusters: usize,
    findings: &mut Findings,
) -> Vec<Option<String>> {
    let mut domains_of: Vec<(BTreeSet<usize>, &BTreeSet<String>)> = Vec::new();
    for one in services.iter().filter(|one| !one.trust_domains.is_empty()) {
        let said = (one.clusters(), &one.trust_domains);
        if !domains_of.contains(&said) {
            domains_of.push(said);
        }
    }
    let candidates: Vec<Vec<&str>> = (0..clusters)
        .map(|cluster| {
            let mut of_cluster = domains_of
                .iter()
                .filter(|(runs, _)| runs.contains(&cluster));
            let first = of_cluster.next().map(|(_, domains)| *domains);
            let all = first.into_iter().flatten().map(String::as_str);
            let in_all = |domain: &&str| of_cluster.clone().all(|(_, all)| all.contains(*domain));
            let good: Vec<&str> = all.filter(in_all).collect();
            if good.is_empty() {
                vec![DEFAULT_TRUST_DOMAIN]
            } else {
                good
            }
        })
        .collect();
    let explains = |chosen: &[usize]| {
        domains_of.iter().all(|(runs, domains)| {
            let given = runs
                .iter()
                .map(|&cluster| candidates[cluster][chosen[cluster]]);
            given.collect::<BTreeSet<&str>>().len() == domains.len()
        })
    };
    let mut chosen = vec![0; clusters];
    let mut found: Option<Vec<usize>> = None;
    // Until all are tried, there may be another.
    let mut certain = false;
    for _ in 0..MOST_TRIED {
        if explains(&chosen) {
            if found.is_some() {
                break;
            }
            found = Some(chosen.clone());
        }
        // Counts up, the last cluster first.
        let next = (0..clusters).rfind(|&at| {
            chosen[at] = (chosen[at] + 1) % candidates[at].len();
            chosen[at] > 0
        });
        if next.is_none() {
            certain = true;
            break;
        }
    }
    let chosen = found.unwrap_or_else(|| vec![0; clusters]);
    (0..clusters)
        .map(|cluster| {
            let domain = candidates[cluster][chosen[cluster]];
            if !certain && candidates[cluster].len() > 1 {
                findings.warning(
                    code::ASSUMED,
                    &format!("spec.clusters[{cluster}].trustDomain"),
                    format!(
                        "the trust domain is ambiguous: callers accept services from any of {}",
                        candidates[cluster].join(", ")
                    ),
                    format!(
                        "check the trust domain of the cluster, which is `{domain}` in the document"
                    ),
                );
            }
            (domain != DEFAULT_TRUST_DOMAIN).then(|| domain.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Found, LocalService, begin, trust_domains};
    use crate::check::Findings;

    fn found(clusters: &[usize], domains: &[&str]) -> Found {
        let mut found = begin(("a", "b"));
        found.places = clusters
            .iter()
            .map(|&cluster| LocalService {
                cluster,
                service: found.id(),
                ports: Vec::new(),
            })
            .collect();
        found.trust_domains = domains.iter().map(|&domain| domain.to_owned()).collect();
        found
    }

    /// Each of two clusters has one of two domains, six times: 64 assignments are possible, and the first comes late.
    #[test]
    fn one_assignment_is_assumed_beyond_the_limit() {
        let services: Vec<Found> = (0..6)
            .map(|pair| found(&[2 * pair, 2 * pair + 1], &["a.example", "b.example"]))
            .collect();
        let mut findings = Findings::default();
        let given = trust_domains(&services, 12, &mut findings);
        assert_eq!(given.len(), 12);
        assert_eq!(findings.0.len(), 12);
    }

    #[test]
    fn every_service_has_the_domains_of_its_rules() {
        let (own, usual) = ("a.example", "cluster.local");
        for (services, expected, assumed) in [
            (vec![], [None, None], 0),
            (vec![found(&[0, 1], &[])], [None, None], 0),
            (vec![found(&[0], &[own])], [Some(own), None], 0),
            (
                vec![found(&[0, 1], &[own, usual]), found(&[1], &[own])],
                [None, Some(own)],
                0,
            ),
            (
                vec![found(&[0, 1], &[own, usual]), found(&[0], &[own])],
                [Some(own), None],
                0,
            ),
            // Either of them.
            (vec![found(&[0, 1], &[own, usual])], [Some(own), None], 2),
            // No cluster can have both.
            (
                vec![found(&[0], &[own]), found(&[0], &["b.example"])],
                [None, None],
                0,
            ),
        ] {
            let mut findings = Findings::default();
            let given = trust_domains(&services, 2, &mut findings);
            let given: Vec<Option<&str>> = given.iter().map(Option::as_deref).collect();
            assert_eq!(given, expected);
            assert_eq!(findings.0.len(), assumed, "{expected:?}");
        }
    }
}
