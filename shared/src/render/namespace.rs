//! Namespaces that samples and `ExternalDNS` need.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::samples;
use crate::defaults::{DEFAULT_NAMESPACE, ISTIO_NAMESPACE};
use crate::kubernetes::object::{Kind, Object};
use crate::origin::Origin;
use crate::placed::Placed;
use crate::resolved::Resolved;

/// Namespaces that exist in every cluster with Istio.
const GIVEN: [&str; 3] = [DEFAULT_NAMESPACE, ISTIO_NAMESPACE, "kube-system"];

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let mut desired: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for &sample in &resolved.samples {
        for place in samples::places(sample, resolved) {
            let clusters = place.clusters();
            desired.entry(place.namespace).or_default().extend(clusters);
        }
    }
    let mut placed = Vec::new();
    if let Some(external_dns) = &resolved.dns.external_dns {
        let (namespace, cluster) = (external_dns.namespace.as_str(), resolved.dns.cluster);
        // One object for each namespace: a sample may run there too.
        if let Some(clusters) = desired.get_mut(namespace) {
            clusters.insert(cluster);
        } else if !GIVEN.contains(&namespace) {
            let own = Placed::same(object(namespace), "namespaces", vec![cluster]);
            placed.push(own.with_origin(Origin::ExternalDns).on_hub());
        }
    }
    for (namespace, clusters) in desired
        .iter()
        .filter(|(name, _)| !GIVEN.contains(&name.as_str()))
    {
        let clusters = clusters.iter().copied().collect();
        let one = Placed::same(object(namespace), "namespaces", clusters);
        placed.push(one.with_origin(Origin::Samples));
    }
    placed
}

/// Whether clusters get this namespace with a sample.
pub(crate) fn makes_namespace(name: &str, resolved: &Resolved) -> bool {
    let samples = resolved.samples.iter();
    let mut places = samples.flat_map(|&sample| samples::places(sample, resolved));
    !GIVEN.contains(&name) && places.any(|place| place.namespace == name)
}

fn object(name: &str) -> Object {
    Object::new(Kind::NAMESPACE, None, name, json!({}))
}
