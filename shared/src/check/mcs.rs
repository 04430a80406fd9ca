//! Rules about exports by the Multi-Cluster Services API (KEP-1645).

use super::{Findings, code};
use crate::mesh::Spec;

pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    let mut services = spec.services.iter().enumerate();
    let path = if spec.mcs == Some(true) {
        "spec.mcs".to_owned()
    } else if let Some((index, _)) = services.find(|(_, service)| service.mcs == Some(true)) {
        format!("spec.services[{index}].mcs")
    } else {
        return;
    };
    findings.hint(
        code::MCS_CONTROLLER,
        &path,
        "a ServiceExport has no effect without a Multi-Cluster Services controller".into(),
        "install a controller in the clusters, which creates the ServiceImports and the names under `clusterset.local`"
            .into(),
    );
}
