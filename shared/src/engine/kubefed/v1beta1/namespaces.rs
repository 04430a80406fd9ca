//! Existing namespaces that KubeFed takes over.

use crate::defaults;
use crate::findings::{Findings, code};
use crate::render::makes_namespace;
use crate::render::sidecar::called;
use crate::resolved::Resolved;

/// KubeFed overwrites the labels of a namespace that it takes over, including `istio-injection` (v0.10.0,
/// `pkg/controller/sync/dispatch/{managed,retain}.go`).
pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
    let mut there: Vec<&str> = Vec::new();
    for service in &resolved.services {
        // The namespace of its VirtualService, the Gateways, and the entries of its names.
        there.push(defaults::ISTIO_NAMESPACE);
        let locals = service.locals().into_keys();
        there.extend(locals.map(|(namespace, _)| namespace.as_str()));
        let gateways = service.clusters.iter();
        there.extend(gateways.map(|&at| {
            service
                .gateway_of(&resolved.clusters[at])
                .namespace
                .as_str()
        }));
    }
    for host in &resolved.external {
        there.push(defaults::ISTIO_NAMESPACE);
        if host.by_egress_gateway {
            let gateways = host.clusters.iter();
            let gateways = gateways.filter_map(|&at| resolved.clusters[at].egress_gateway.as_ref());
            there.extend(gateways.map(|gateway| gateway.namespace.as_str()));
        }
    }
    if resolved.sidecars.is_some() {
        let clusters = 0..resolved.clusters.len();
        there.extend(clusters.flat_map(|index| called(index, resolved).into_keys()));
    }
    // It skips the first of these; the others are created.
    there.retain(|name| *name != defaults::DEFAULT_NAMESPACE && !makes_namespace(name, resolved));
    there.sort_unstable();
    there.dedup();
    if !there.is_empty() {
        findings.warning(
            code::KUBEFED_NAMESPACES,
            "spec.target",
            format!(
                "KubeFed takes over existing namespaces and overwrites their labels: {}",
                there.join(", ")
            ),
            "run `kubectl label namespace NAME kubefed.io/managed=false` in each member before you apply".into(),
        );
    }
}
