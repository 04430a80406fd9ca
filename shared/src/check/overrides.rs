//! Rules about `spec.services[].overrides`.

use std::collections::{BTreeMap, BTreeSet};

use super::chosen::Chosen;
use super::{Findings, code, port};
use crate::defaults::DEFAULT_NAMESPACE;
use crate::mesh::{self, Sample, Spec};
use crate::name::Label;
use crate::resolved::{Cluster, Local, Override, Port, Service};

/// A service without its overrides.
pub(super) struct Usual<'a> {
    pub(super) name: &'a Label,
    pub(super) namespace: &'a Label,
    pub(super) ports: &'a [Port],
    /// Indices of the clusters that run it.
    pub(super) clusters: &'a [usize],
}

/// The overrides of a service, by cluster.
pub(super) fn of_service(
    path: &str,
    given: &[mesh::Override],
    usual: &Usual<'_>,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<BTreeMap<usize, Override>> {
    let mut all = BTreeMap::new();
    let mut good = true;
    for (index, one) in given.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let there = there(&at, one, usual, findings);
        let clusters = clusters(&at, one, usual, spec, findings);
        let (Some(there), Some(clusters)) = (there, clusters) else {
            good = false;
            continue;
        };
        if (&there.name, &there.namespace, there.ports.as_slice())
            == (usual.name, usual.namespace, usual.ports)
        {
            findings.warning(
                code::OVERRIDES_NOTHING,
                &at,
                "the override changes nothing".into(),
                "set `name`, `namespace`, `port` or `ports` to a different value, or remove the override".into(),
            );
            continue;
        }
        for cluster in clusters {
            if all.insert(cluster, there.clone()).is_some() {
                let name = &spec.clusters[cluster].name;
                findings.error(
                    code::OVERRIDDEN_TWICE,
                    &at,
                    format!("an earlier override is also for cluster `{name}`"),
                    "write one override with all changes of the cluster".into(),
                );
                good = false;
            }
        }
    }
    good.then_some(all)
}

/// The Kubernetes Service of an override.
fn there(
    at: &str,
    given: &mesh::Override,
    usual: &Usual<'_>,
    findings: &mut Findings,
) -> Option<Override> {
    let mut label = |field: &str, text: Option<&String>, usual: &Label, what: &str| match text {
        Some(text) => findings.label(&format!("{at}.{field}"), text, what),
        None => Some(usual.clone()),
    };
    let name = label("name", given.name.as_ref(), usual.name, "the service");
    let namespace = given.namespace.as_ref();
    let namespace = label(
        "namespace",
        namespace,
        usual.namespace,
        "the service's namespace",
    );
    let ports = ports(at, given, usual.ports, findings);
    Some(Override {
        name: name?,
        namespace: namespace?,
        ports: ports?,
    })
}

fn ports(
    at: &str,
    given: &mesh::Override,
    usual: &[Port],
    findings: &mut Findings,
) -> Option<Vec<Port>> {
    let mut ports = usual.to_vec();
    if let Some(number) = given.port {
        let at = format!("{at}.port");
        let [only] = ports.as_mut_slice() else {
            not_a_port(
                &at,
                "`port` is ambiguous: the service has several ports".into(),
                usual,
                findings,
            );
            return None;
        };
        only.number = port(findings, &at, number)?;
    }
    let mut changed: Vec<u32> = Vec::new();
    for (index, one) in given.ports.iter().enumerate() {
        let at = format!("{at}.ports[{index}]");
        let twice = given.port.is_some() || changed.contains(&one.published);
        let mut of = ports.iter_mut();
        let of = of.find(|port| u32::from(port.published) == one.published);
        match of {
            Some(_) if twice => {
                findings.error(
                    code::OVERRIDDEN_TWICE,
                    &at,
                    format!(
                        "the port published on `{}` is overridden twice",
                        one.published
                    ),
                    "list each port once".into(),
                );
                return None;
            }
            Some(of) => of.number = port(findings, &format!("{at}.port"), one.port)?,
            None => {
                let what = format!("the service publishes no port on `{}`", one.published);
                not_a_port(&format!("{at}.published"), what, usual, findings);
                return None;
            }
        }
        changed.push(one.published);
    }
    let numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
    let twice = (1..numbers.len()).find(|&place| numbers[..place].contains(&numbers[place]));
    if let Some(place) = twice {
        findings.error(
            code::SERVICE_PORT_TWICE,
            at,
            format!("port `{}` is used twice", numbers[place]),
            "use a different number for each port of the service".into(),
        );
        return None;
    }
    Some(ports)
}

fn not_a_port(at: &str, what: String, usual: &[Port], findings: &mut Findings) {
    let published: Vec<String> = usual
        .iter()
        .map(|port| port.published.to_string())
        .collect();
    findings.error(
        code::OVERRIDDEN_PORT,
        at,
        what,
        format!(
            "write `ports: [{{published: …, port: …}}]` with one of the published ports: {}",
            published.join(", ")
        ),
    );
}

/// Indices of the clusters of an override, at least one.
fn clusters(
    at: &str,
    given: &mesh::Override,
    usual: &Usual<'_>,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let chosen = Chosen {
        path: at,
        clusters: given.clusters.as_deref(),
        selector: &given.cluster_selector,
    };
    let named = chosen.find(spec, findings)?;
    let mut clusters = named.clone();
    clusters.retain(|cluster| usual.clusters.contains(cluster));
    let elsewhere = named.iter().find(|cluster| !clusters.contains(cluster));
    match elsewhere {
        None if named.is_empty() => {
            findings.error(
                code::EMPTY,
                &chosen.field(),
                "the override is for no cluster".into(),
                "list the clusters that it is for, or add the labels that it selects to clusters"
                    .into(),
            );
            None
        }
        // Labels may select further clusters, which do not run the service.
        Some(&elsewhere) if given.clusters.is_some() || clusters.is_empty() => {
            findings.error(
                code::OVERRIDDEN_ELSEWHERE,
                &chosen.field(),
                format!(
                    "the service does not run in cluster `{}`",
                    spec.clusters[elsewhere].name
                ),
                "list clusters that run the service, or add the cluster to those of the service"
                    .into(),
            );
            None
        }
        _ => Some(clusters),
    }
}

/// Two services with the same Kubernetes Service in a cluster, whose objects would have the same name. Without
/// overrides another rule reports it.
pub(super) fn across(
    services: &[Service],
    spec: &Spec,
    clusters: &[Cluster],
    findings: &mut Findings,
) {
    if services.iter().all(|service| service.overrides.is_empty()) {
        return;
    }
    let mut taken: BTreeMap<(usize, &Label, &Label), usize> = BTreeMap::new();
    // Two that conflict in several clusters are reported once.
    let mut reported = BTreeSet::new();
    for (index, service) in services.iter().enumerate() {
        for &cluster in &service.clusters {
            let local = service.local(cluster);
            let place = (cluster, local.namespace, local.name);
            let (overridden, other) = match taken.insert(place, index) {
                Some(before) if services[before].id() != service.id() => {
                    let is_here = service.overrides.contains_key(&cluster);
                    let other = format!("`{}`", services[before].id());
                    (if is_here { index } else { before }, other)
                }
                None if is_sleep(service, local, spec) => (index, "the sample sleep".into()),
                _ => continue,
            };
            if reported.insert((index, other.clone())) {
                findings.error(
                    code::OVERRIDES_COLLIDE,
                    &format!("spec.services[{overridden}].overrides"),
                    format!(
                        "in cluster `{}`, `{}` and {other} are both the Kubernetes Service `{}/{}`",
                        clusters[cluster].name,
                        service.id(),
                        local.namespace,
                        local.name
                    ),
                    "use a different Kubernetes Service for each of them".into(),
                );
            }
        }
    }
}

/// Whether one sample would be the same as the other.
fn is_sleep(service: &Service, local: Local<'_>, spec: &Spec) -> bool {
    let all = [Sample::Httpbin, Sample::Sleep];
    service.name.as_str() == Sample::Httpbin.as_str()
        && all.iter().all(|sample| spec.samples.contains(sample))
        && local.name.as_str() == Sample::Sleep.as_str()
        && local.namespace.as_str() == DEFAULT_NAMESPACE
}
