//! Rules about `spec.dns.levels` and `spec.services[].levels`.

use super::dns::published_by;
use super::{Findings, code};
use crate::mesh::{Endpoints, NameLevel, Service, Spec};
use crate::resolved::Resolved;

/// etcd's default limit of one object (`--max-request-bytes`): 1.5 MiB.
const OBJECT_MAX: usize = 1536 * 1024;

/// The levels of a service's names.
pub(super) fn of_service(spec: &Spec, service: &Service) -> Vec<NameLevel> {
    let given = service.levels.as_ref().or(spec.dns.levels.as_ref());
    given
        .cloned()
        .unwrap_or_else(|| NameLevel::DEFAULT.to_vec())
}

pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    if let Some(levels) = &spec.dns.levels {
        let is_in_use = spec.services.iter().any(|one| one.levels.is_none());
        list("spec.dns.levels", levels, is_in_use, spec, findings);
    }
    for (index, service) in spec.services.iter().enumerate() {
        if let Some(levels) = &service.levels {
            let path = format!("spec.services[{index}].levels");
            list(&path, levels, true, spec, findings);
        }
    }
}

/// One list; `is_in_use` is whether any service uses it.
fn list(path: &str, levels: &[NameLevel], is_in_use: bool, spec: &Spec, findings: &mut Findings) {
    for (index, level) in levels.iter().enumerate() {
        if levels[..index].contains(level) {
            findings.error(
                code::DUPLICATE,
                &format!("{path}[{index}]"),
                format!("`{}` is already in the list", level.as_str()),
                "remove the duplicate".into(),
            );
        }
    }
    if !levels.contains(&NameLevel::Global) {
        findings.error(
            code::MISSING_LEVEL,
            path,
            "`global` is missing: the other names fall back to the global name".into(),
            "add `global`".into(),
        );
        return;
    }
    let is_default = NameLevel::ALL
        .iter()
        .all(|level| levels.contains(level) == NameLevel::DEFAULT.contains(level));
    if !is_in_use || is_default {
        return;
    }
    let by_names = spec.endpoints() == Endpoints::Names;
    let mut narrow = [NameLevel::Zone, NameLevel::Cluster].iter();
    if by_names && spec.clusters.len() > 1 && !narrow.any(|level| levels.contains(level)) {
        findings.error(
            code::ENDPOINTS_NEED_ZONES,
            path,
            "`zone` is missing: with `endpoints: names`, the endpoints of other clusters are the names of \
             their zones, or their own"
                .into(),
            "set `spec.endpoints: addresses`, or add `zone` or `cluster`".into(),
        );
        findings.fix_at("spec.endpoints", "addresses");
    }
    if let Some(publisher) = published_by(spec) {
        findings.error(
            code::LEVELS_OF_CONTROLLER,
            path,
            format!(
                "with `naming: gateway`, the {} writes the records, of the levels global, region and zone",
                publisher.name
            ),
            "use `naming: service` or another target, or remove the field".into(),
        );
    }
}

/// Whether each gateway's names fit into one object: they grow with services times zones.
pub(super) fn check_gateways(resolved: &Resolved, findings: &mut Findings) {
    let bytes = |cluster: usize| -> usize {
        let services = resolved.services.iter();
        let here = services.filter(|one| one.clusters.contains(&cluster) && !one.is_mutual());
        // Each name has quotes and a comma.
        let names = here.flat_map(|one| &one.names);
        names.map(|name| name.host.as_str().len() + 3).sum()
    };
    let largest = (0..resolved.clusters.len()).max_by_key(|&cluster| bytes(cluster));
    let Some(cluster) = largest.filter(|&cluster| bytes(cluster) > OBJECT_MAX) else {
        return;
    };
    findings.warning(
        code::GATEWAY_TOO_LARGE,
        "spec.dns.levels",
        format!(
            "the names in the Gateway of `{}` take {} KiB, and API servers usually store objects of at most {} KiB",
            resolved.clusters[cluster].name,
            bytes(cluster) / 1024,
            OBJECT_MAX / 1024
        ),
        "set `dns.levels: [global, region]` with `endpoints: addresses`, or divide the services into several meshes"
            .into(),
    );
}
