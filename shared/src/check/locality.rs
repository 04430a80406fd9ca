//! Rules about `spec.locality` and `spec.services[].locality`.

use std::collections::BTreeMap;

use super::{Findings, Severity, code};
use crate::mesh;
use crate::name::Label;
use crate::resolved::preferences::{Area, Preferences};
use crate::resolved::{Cluster, Resolved, Service};
use crate::traffic::endpoints::narrowest;
use crate::traffic::locality::{has_others, is_part};

/// The preferences of the document or of a service.
#[derive(Default)]
pub(super) struct Rules {
    /// A caller's region, or any, and the next region.
    next: Vec<(Option<Label>, Label)>,
    /// A caller's place, or any, and the shares.
    shares: Vec<(Option<Area>, Shares)>,
}

/// Places with their percentages.
type Shares = Vec<(Area, u8)>;

impl Rules {
    fn next(&self, region: &Label) -> Option<usize> {
        self.next
            .iter()
            .position(|(from, to)| to != region && from.as_ref().is_none_or(|from| from == region))
    }

    fn shares(&self, client: &Cluster) -> Option<usize> {
        self.shares
            .iter()
            .position(|(from, _)| from.as_ref().is_none_or(|from| from.has(client)))
    }
}

/// `None` only together with an error. `has_others`: services have shares of their own in place of these.
pub(super) fn check(
    path: &str,
    given: Option<&mesh::Locality>,
    has_others: bool,
    clusters: &[Cluster],
    findings: &mut Findings,
) -> Option<Rules> {
    let Some(given) = given else {
        return Some(Rules::default());
    };
    let mut next = Vec::new();
    for (index, one) in given.failover.iter().enumerate() {
        let at = format!("{path}.failover[{index}]");
        let from = one
            .from
            .as_ref()
            .map(|text| region(&format!("{at}.from"), text, clusters, findings));
        let to = region(&format!("{at}.to"), &one.to, clusters, findings);
        if one.from.as_ref() == Some(&one.to) {
            findings.error(
                code::REGION_TO_ITSELF,
                &format!("{at}.to"),
                format!("the region `{}` falls back to itself", one.to),
                "use another region".into(),
            );
            next.push(None);
            continue;
        }
        next.push(match (from, to) {
            (Some(None), _) | (_, None) => None,
            (from, Some(to)) => Some((from.flatten(), to)),
        });
    }
    let mut shares = Vec::new();
    for (index, one) in given.distribute.iter().enumerate() {
        let at = format!("{path}.distribute[{index}]");
        let from = one
            .from
            .as_ref()
            .map(|text| place(&format!("{at}.from"), text, clusters, findings));
        let to = distribution(&format!("{at}.to"), &one.to, clusters, findings);
        shares.push(match (from, to) {
            (Some(None), _) | (_, None) => None,
            (from, Some(to)) => Some((from.flatten(), to)),
        });
    }
    let rules = Rules {
        next: next.into_iter().collect::<Option<_>>()?,
        shares: shares.into_iter().collect::<Option<_>>()?,
    };
    unused(path, &rules, has_others, clusters, findings);
    Some(rules)
}

fn region(path: &str, text: &str, clusters: &[Cluster], findings: &mut Findings) -> Option<Label> {
    let known = |cluster: &&Cluster| cluster.region.as_str() == text;
    let found = clusters.iter().find(known);
    if found.is_none() {
        let regions = clusters.iter().map(|cluster| cluster.region.to_string());
        let message = format!("no cluster is in the region {text:?}");
        nobody_there(path, message, regions.collect(), findings);
    }
    found.map(|cluster| cluster.region.clone())
}

/// A region, a zone as `region/zone`, or a cluster as `region/zone/cluster`.
fn place(path: &str, text: &str, clusters: &[Cluster], findings: &mut Findings) -> Option<Area> {
    let parts: Vec<&str> = text.splitn(3, '/').collect();
    let [region, zone, ..] = parts[..] else {
        return Some(Area {
            region: self::region(path, text, clusters, findings)?,
            zone: None,
            cluster: None,
        });
    };
    let areas = clusters.iter().flat_map(|one| {
        let zones = one.zones.iter();
        zones.map(|zone| Area {
            region: one.region.clone(),
            zone: Some(zone.clone()),
            cluster: parts.get(2).map(|_| one.name.clone()),
        })
    });
    let found = areas.clone().find(|area| area.to_string() == text);
    if found.is_none() {
        let of_zone = format!("{region}/{zone}");
        let in_zone = areas.filter(|area| is_part(&area.to_string(), &of_zone));
        let in_zone: Vec<String> = in_zone.map(|area| area.to_string()).collect();
        let name = parts.get(2).filter(|_| !in_zone.is_empty());
        let (message, known) = if let Some(name) = name {
            (format!("`{of_zone}` has no cluster {name:?}"), in_zone)
        } else {
            let zones = clusters.iter().flat_map(Cluster::places).collect();
            (format!("no cluster is in the zone {of_zone:?}"), zones)
        };
        nobody_there(path, message, known, findings);
    }
    found
}

fn nobody_there(path: &str, message: String, mut known: Vec<String>, findings: &mut Findings) {
    known.sort_unstable();
    known.dedup();
    findings.error(
        code::UNKNOWN_LOCALITY,
        path,
        message,
        format!("use one of: {}", known.join(", ")),
    );
}

fn distribution(
    path: &str,
    given: &BTreeMap<String, u32>,
    clusters: &[Cluster],
    findings: &mut Findings,
) -> Option<Shares> {
    // Sorted by place, as in an import.
    let mut shares: BTreeMap<Area, u8> = BTreeMap::new();
    let mut good = true;
    for (text, &percent) in given {
        let at = format!("{path}.{text}");
        match (u8::try_from(percent), place(&at, text, clusters, findings)) {
            (Ok(share @ 1..=100), Some(place)) => {
                let in_both = shares.keys().find_map(|other| {
                    let mut both = clusters.iter().filter(|one| other.has(one));
                    Some((other, both.find(|one| place.has(one))?))
                });
                if let Some((other, cluster)) = in_both {
                    findings.error(
                        code::SHARES_OVERLAP,
                        &at,
                        format!(
                            "`{place}` overlaps with `{other}`, which has a share too: cluster `{}` is in both",
                            cluster.name
                        ),
                        "use areas that have no cluster in common, such as a region or its zones, but not both"
                            .into(),
                    );
                    good = false;
                }
                shares.insert(place, share);
            }
            (Ok(1..=100), None) => good = false,
            _ => {
                findings.error(
                    code::BAD_SHARES,
                    &at,
                    format!("the share `{percent}` is out of range (1–100)"),
                    "use a percentage from 1 to 100; regions and zones that are not listed receive no calls".into(),
                );
                good = false;
            }
        }
    }
    let sum: u32 = given
        .values()
        .fold(0, |sum, share| sum.saturating_add(*share));
    if good && sum != 100 {
        findings.error(
            code::BAD_SHARES,
            path,
            format!("the shares add up to {sum} percent"),
            "set the shares so that they add up to 100".into(),
        );
        good = false;
    }
    good.then(|| shares.into_iter().collect())
}

/// Reports an entry that matches no caller after the earlier ones. With `has_others`, other shares can take the place of these, so that
/// the failover applies to some callers.
fn unused(
    path: &str,
    rules: &Rules,
    has_others: bool,
    clusters: &[Cluster],
    findings: &mut Findings,
) {
    let mut tell = |at: String| {
        findings.warning(
            code::FITS_NO_CALLER,
            &at,
            "the entry applies to no caller, because other settings apply to all callers that it matches".into(),
            "remove it, or move it before the broader entries".into(),
        );
    };
    for index in 0..rules.next.len() {
        let mut callers = clusters.iter();
        if !callers.any(|client| rules.next(&client.region) == Some(index)) {
            tell(format!("{path}.failover[{index}]"));
        }
    }
    for index in 0..rules.shares.len() {
        if !clusters
            .iter()
            .any(|client| rules.shares(client) == Some(index))
        {
            tell(format!("{path}.distribute[{index}]"));
        }
    }
    let mut clients = clusters.iter();
    if !rules.next.is_empty() && !has_others && clients.all(|client| rules.shares(client).is_some())
    {
        tell(format!("{path}.failover"));
    }
}

/// The preferences of a service: its own, else those of the document. `serving` are the clusters that run it, `own` is
/// the setting at `path`.
pub(super) fn of_service(
    path: &str,
    own: &Rules,
    all: &Rules,
    serving: &[usize],
    clusters: &[Cluster],
    findings: &mut Findings,
) -> Preferences {
    let runs_in = |place: &Area| serving.iter().any(|&index| place.has(&clusters[index]));
    let in_region = |region: &Label| {
        runs_in(&Area {
            region: region.clone(),
            zone: None,
            cluster: None,
        })
    };
    for (index, (_, to)) in own.next.iter().enumerate() {
        if !in_region(to) {
            findings.warning(
                code::NOT_RUN_THERE,
                &format!("{path}.failover[{index}].to"),
                format!("the service does not run in `{to}`"),
                "use a region where the service runs".into(),
            );
        }
    }
    for (index, (_, to)) in own.shares.iter().enumerate() {
        for (place, _) in to.iter().filter(|(place, _)| !runs_in(place)) {
            findings.error(
                code::NOT_RUN_THERE,
                &format!("{path}.distribute[{index}].to.{place}"),
                format!("the service does not run in `{place}`"),
                "use a region or zone where the service runs".into(),
            );
        }
    }
    let mut preferences = Preferences::default();
    if serving.len() < 2 {
        return preferences;
    }
    let next = if own.next.is_empty() { all } else { own };
    for client in clusters {
        if let Some(index) = next.next(&client.region) {
            let (from, to) = (&client.region, &next.next[index].1);
            let third = |&index: &usize| ![from, to].contains(&&clusters[index].region);
            if in_region(to) && serving.iter().any(third) {
                preferences.next.insert(from.clone(), to.clone());
            }
        }
    }
    let shares = if own.shares.is_empty() { all } else { own };
    for (client, cluster) in clusters.iter().enumerate() {
        if let Some(index) = shares.shares(cluster) {
            let to = &shares.shares[index].1;
            if to.iter().all(|(place, _)| runs_in(place)) {
                preferences.shares.insert(client, to.clone());
            }
        }
    }
    preferences
}

/// Services to which the document's shares do not apply, although they run in several clusters.
pub(super) fn report_for_all(
    spec: &mesh::Spec,
    all: &Rules,
    services: &[Service],
    clusters: &[Cluster],
    findings: &mut Findings,
) {
    for (index, (_, to)) in all.shares.iter().enumerate() {
        for (place, _) in to {
            let lack: Vec<String> = services
                .iter()
                .zip(&spec.services)
                .filter(|(service, given)| {
                    let own = given.locality.as_ref();
                    let mut serving = service.clusters.iter();
                    service.clusters.len() > 1
                        && own.is_none_or(|own| own.distribute.is_empty())
                        && !serving.any(|&cluster| place.has(&clusters[cluster]))
                })
                .map(|(service, _)| service.id())
                .collect();
            if let Some(first) = lack.first() {
                let others = lack.len() - 1;
                let others = if others == 0 {
                    String::new()
                } else {
                    format!(" and {others} more")
                };
                findings.hint(
                    code::NOT_RUN_THERE,
                    &format!("spec.locality.distribute[{index}].to.{place}"),
                    format!("no cluster in `{place}` runs `{first}`{others}, so these calls go to the nearest cluster"),
                    "set `locality.distribute` of such services to distribute their calls too"
                        .into(),
                );
            }
        }
    }
}

/// Preferences that Istio cannot have for some callers.
pub(super) fn check_callers(spec: &mesh::Spec, resolved: &Resolved, findings: &mut Findings) {
    let mut found = Findings::default();
    for (index, service) in resolved.services.iter().enumerate() {
        let own = spec
            .services
            .get(index)
            .and_then(|one| one.locality.as_ref());
        let path = |field: &str, is_own: bool| {
            if is_own {
                format!("spec.services[{index}].locality.{field}")
            } else {
                format!("spec.locality.{field}")
            }
        };
        let is_own = own.is_some_and(|own| !own.failover.is_empty());
        let clients = resolved.clusters.iter().enumerate();
        let mut clients = clients.filter(|(client, here)| {
            service.locality.next.contains_key(&here.region)
                && has_others(*client, &service.clusters, &resolved.clusters)
        });
        if let Some((_, here)) = clients.next() {
            found.warning(
                code::REGION_AFTER_OTHERS,
                &path("failover", is_own),
                format!(
                    "callers in `{}`, which has several zones, go to the other clusters of `{}` next, and then to any \
                     other region: Istio can prefer one of the two",
                    here.name, here.region
                ),
                "check whether this is acceptable; with `distribute`, callers go to chosen regions".into(),
            );
        }
        let is_own = own.is_some_and(|own| !own.distribute.is_empty());
        let shares = service.locality.shares.iter();
        let clusters = shares.flat_map(|(client, shares)| {
            let clusters = shares.iter().filter_map(|(area, _)| area.cluster.as_ref());
            clusters.map(move |cluster| (*client, cluster))
        });
        for (client, cluster) in clusters {
            if let Some(severity) = shared_endpoint(client, cluster, service, resolved) {
                found.add(
                    severity,
                    code::CLUSTER_WITHOUT_NAME,
                    &path("distribute", is_own),
                    format!(
                        "cluster `{cluster}` has no name of its own, so its endpoint leads to all clusters of its zone"
                    ),
                    "add `cluster` to `spec.dns.levels`, or set `spec.endpoints: addresses`".into(),
                );
            }
        }
    }
    findings.add_new(found);
}

/// Whether the endpoint of a cluster for callers in `client` also leads to others: an error if it is that of another cluster
/// too, a warning if only its addresses contain the other's.
fn shared_endpoint(
    client: usize,
    cluster: &Label,
    service: &Service,
    resolved: &Resolved,
) -> Option<Severity> {
    let mut clusters = resolved.clusters.iter();
    let at = clusters.position(|one| one.name == *cluster)?;
    if resolved.endpoints != mesh::Endpoints::Names || at == client {
        return None;
    }
    let name = narrowest(at, service, resolved)?;
    let mut others = name.clusters.iter().filter(|&&other| other != at);
    others.clone().next()?;
    let is_one = others.any(|&other| {
        let others = narrowest(other, service, resolved);
        other != client && others.is_some_and(|other| other.host == name.host)
    });
    Some(if is_one {
        Severity::Error
    } else {
        Severity::Warning
    })
}
