//! Requirements of `spec.endpoints` on the engine, and settings without effect.

use super::{Findings, code};
use crate::gateways::kind::GatewayKind;
use crate::mesh::{Endpoints, Spec};

pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    if spec.endpoints() != Endpoints::Addresses {
        cluster_ips(spec, findings);
        return;
    }
    let target = spec.target.unwrap_or_default();
    if !target.is_applied_to_each_cluster() {
        findings.warning(
            code::ENDPOINTS_NOT_FOLLOWED,
            "spec.endpoints",
            format!(
                "with the engine {}, `fedmesh-agent follow` does not write the gateways' addresses into the meshes",
                target.as_str()
            ),
            "use `names`; or apply the document again whenever a gateway's address changes".into(),
        );
    }
}

fn cluster_ips(spec: &Spec, findings: &mut Findings) {
    for (index, cluster) in spec.clusters.iter().enumerate() {
        for kind in GatewayKind::ALL {
            if kind.given_cluster_ip(cluster).is_some() {
                findings.hint(
                    code::CLUSTER_IP_UNUSED,
                    &format!("spec.clusters[{index}].{}.clusterIP", kind.field()),
                    "`clusterIP` has no effect with `endpoints: names`".into(),
                    "remove it, or set `endpoints: addresses`".into(),
                );
            }
        }
    }
}
