//! Rules about `spec.clusters`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Findings, code, port};
use crate::facts::Facts;
use crate::mesh::{self, Spec, Transport};
use crate::name::{HostName, Label};
use crate::resolved::{self, Address, Cluster};

pub(super) fn check(spec: &Spec, facts: &Facts, findings: &mut Findings) -> Option<Vec<Cluster>> {
    if spec.clusters.is_empty() {
        findings.error(
            code::NO_CLUSTER,
            "spec.clusters",
            "there is no cluster".into(),
            "add the clusters that share services, each with its region and zone".into(),
        );
        return None;
    }
    let resolved: Vec<Option<Cluster>> = spec
        .clusters
        .iter()
        .enumerate()
        .map(|(index, cluster)| one(index, cluster, spec, facts, findings))
        .collect();
    duplicates(spec, findings);
    zones(spec, findings);
    resolved.into_iter().collect()
}

fn one(
    index: usize,
    cluster: &mesh::Cluster,
    spec: &Spec,
    facts: &Facts,
    findings: &mut Findings,
) -> Option<Cluster> {
    let at = |field: &str| format!("spec.clusters[{index}].{field}");
    let name = findings.label(&at("name"), &cluster.name, "the cluster");
    let region = locality(findings, &at("region"), &cluster.region, "region");
    let zone = locality(findings, &at("zone"), &cluster.zone, "zone");
    if cluster.context.as_deref() == Some("") {
        findings.error(
            code::EMPTY,
            &at("context"),
            "the context is empty".into(),
            "write a context of the kubeconfig, or remove the field to take the cluster's name"
                .into(),
        );
    }
    let tls = spec.transport == Some(Transport::Tls);
    let gateway = gateway(&at("gateway"), cluster, tls, facts, findings);
    Some(Cluster {
        context: cluster
            .context
            .clone()
            .unwrap_or_else(|| cluster.name.clone()),
        name: name?,
        region: region?,
        zone: zone?,
        gateway: gateway?,
        dns_flavour: cluster.dns_flavour,
    })
}

/// An empty region or zone gives names with a hole (`…svc..example.org`), so it is no small fault.
fn locality(findings: &mut Findings, path: &str, text: &str, what: &str) -> Option<Label> {
    if text.is_empty() {
        findings.error(
            code::NO_LOCALITY,
            path,
            format!("the cluster has no {what}"),
            format!(
                "write its {what}, as the label topology.kubernetes.io/{what} of its nodes has it"
            ),
        );
        return None;
    }
    findings.label(path, text, "the cluster")
}

fn gateway(
    path: &str,
    cluster: &mesh::Cluster,
    tls: bool,
    facts: &Facts,
    findings: &mut Findings,
) -> Option<resolved::Gateway> {
    let given = cluster.gateway.clone().unwrap_or_default();
    let service = findings.label(
        &format!("{path}.service"),
        given
            .service
            .as_deref()
            .unwrap_or(resolved::DEFAULT_GATEWAY_SERVICE),
        "the gateway's Service",
    );
    let namespace = findings.label(
        &format!("{path}.namespace"),
        given
            .namespace
            .as_deref()
            .unwrap_or(resolved::ISTIO_NAMESPACE),
        "the gateway's namespace",
    );
    let port = match given.port {
        Some(number) => port(findings, &format!("{path}.port"), number),
        None => Some(resolved::usual_gateway_port(tls)),
    };
    let selector = selector(&format!("{path}.selector"), given.selector, findings);
    let addresses = if given.addresses.is_empty() {
        match facts.gateways.get(&cluster.name) {
            // What a cluster says is not checked against the document's rules: an address that
            // cannot be read is left out, and the finding on the records says so.
            Some(found) => Some(Some(
                found.iter().filter_map(|text| address(text)).collect(),
            )),
            None => Some(None),
        }
    } else {
        addresses(&format!("{path}.addresses"), &given.addresses, findings).map(Some)
    };
    Some(resolved::Gateway {
        service: service?,
        namespace: namespace?,
        selector: selector?,
        addresses: addresses?,
        port: port?,
    })
}

fn selector(
    path: &str,
    given: BTreeMap<String, String>,
    findings: &mut Findings,
) -> Option<BTreeMap<String, String>> {
    if given.is_empty() {
        return Some(BTreeMap::from([(
            "istio".to_owned(),
            "ingressgateway".to_owned(),
        )]));
    }
    for (key, value) in &given {
        if !is_label_key(key) || !is_label_value(value) {
            findings.error(
                code::BAD_SELECTOR,
                path,
                format!("{key}: {value} is not a label"),
                "write labels of the gateway's pods, such as istio: ingressgateway".into(),
            );
            return None;
        }
    }
    Some(given)
}

/// Kubernetes' rule for label values: empty, or 63 of `[A-Za-z0-9._-]` with an alphanumeric at both ends.
fn is_label_value(text: &str) -> bool {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.is_empty()
        || (text.len() <= 63
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && alphanumeric(text.chars().next())
            && alphanumeric(text.chars().last()))
}

/// Kubernetes' rule for label keys: an optional host name and a slash before a name.
fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text
        .split_once('/')
        .map_or((None, text), |(p, n)| (Some(p), n));
    prefix.is_none_or(|prefix| HostName::new(prefix).is_ok())
        && !name.is_empty()
        && is_label_value(name)
}

fn addresses(path: &str, texts: &[String], findings: &mut Findings) -> Option<Vec<Address>> {
    let mut good = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if let Some(address) = address(text) {
            good.push(address);
        } else {
            findings.error(
                code::BAD_ADDRESS,
                &format!("{path}[{index}]"),
                format!("{text:?} is neither an IP address nor a host name"),
                "write an address under which other clusters reach the gateway, such as 203.0.113.7".into(),
            );
        }
    }
    (good.len() == texts.len()).then_some(good)
}

fn address(text: &str) -> Option<Address> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Address::Ip(ip));
    }
    // `1.2.3` is a slip in an IP address, not a host: no top-level domain is all digits.
    let last = text.rsplit('.').next().unwrap_or_default();
    if last.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    HostName::new(&text.to_ascii_lowercase())
        .ok()
        .map(Address::Host)
}

fn duplicates(spec: &Spec, findings: &mut Findings) {
    let mut names = BTreeMap::new();
    let mut contexts = BTreeMap::new();
    for (index, cluster) in spec.clusters.iter().enumerate() {
        if cluster.name.is_empty() {
            continue;
        }
        if let Some(first) = names.insert(cluster.name.clone(), index) {
            findings.error(
                code::DUPLICATE,
                &format!("spec.clusters[{index}].name"),
                format!(
                    "{:?} is also the name of cluster {}",
                    cluster.name,
                    first + 1
                ),
                "give each cluster a name of its own".into(),
            );
            continue;
        }
        let context = cluster.context.as_ref().unwrap_or(&cluster.name);
        if let Some(first) = contexts.insert(context.clone(), cluster.name.clone()) {
            findings.error(
                code::ONE_CONTEXT_TWICE,
                &format!("spec.clusters[{index}].context"),
                format!("the context {context:?} is also that of {first}"),
                "two entries with one context are one cluster: correct the context, or remove one"
                    .into(),
            );
        }
    }
}

fn zones(spec: &Spec, findings: &mut Findings) {
    let mut zones: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut regions: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, cluster) in spec.clusters.iter().enumerate() {
        let (region, zone) = (cluster.region.as_str(), cluster.zone.as_str());
        if region.is_empty() || zone.is_empty() {
            continue;
        }
        let path = format!("spec.clusters[{index}].zone");
        if let Some(first) = zones.insert((region, zone), &cluster.name) {
            findings.hint(
                code::ONE_ZONE_TWICE,
                &path,
                format!(
                    "{first} is in {region}/{zone} too, so the zone's names are answered by both"
                ),
                "nothing to do, if this is so".into(),
            );
        }
        if let Some(first) = regions
            .insert(zone, region)
            .filter(|first| *first != region)
        {
            findings.hint(
                code::ZONE_IN_TWO_REGIONS,
                &path,
                format!("the regions {first} and {region} both have a zone {zone}"),
                "their names differ by the region; correct the zone if it is a slip".into(),
            );
        }
    }
}
