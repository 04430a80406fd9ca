//! Rules about the sample bookinfo, whose services call each other by fixed names and a fixed port.

use super::{Findings, code};
use crate::defaults::BOOKINFO_PORT;
use crate::mesh::{BookinfoProgram, Sample};
use crate::resolved::Resolved;

pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
    if !resolved.samples.contains(&Sample::Bookinfo) {
        if resolved.bookinfo.is_some() {
            findings.warning(
                code::BOOKINFO_UNUSED,
                "spec.bookinfo",
                "bookinfo is not among the samples, so its route rules are not rendered".into(),
                "add bookinfo to spec.samples, or remove the field".into(),
            );
        }
        return;
    }
    let namespace = resolved.namespace_of(Sample::Bookinfo);
    let rules = resolved.bookinfo.map_or(&[][..], |routes| routes.rules());
    for (index, service) in resolved.services.iter().enumerate() {
        let mut programs = BookinfoProgram::ALL.iter();
        if service.namespace.as_str() != namespace
            || !programs.any(|program| program.service() == service.name.as_str())
        {
            continue;
        }
        let path = format!("spec.services[{index}]");
        let has_rule = rules.iter().any(|(name, _)| *name == service.name.as_str());
        if has_rule && !(service.subsets.is_empty() && service.traffic_policy.is_empty()) {
            findings.error(
                code::BOOKINFO_POLICY,
                &path,
                format!(
                    "`{}` has subsets or a trafficPolicy, but bookinfo's route rules have a DestinationRule for it too",
                    service.id()
                ),
                "remove one of the two: Istio supports one DestinationRule for a service".into(),
            );
        }
        // The page's own Service has its shared ports; no sample calls it.
        let is_page = Sample::Bookinfo.service() == Some(service.name.as_str());
        let mut ports = service.ports.iter();
        if !is_page && ports.any(|port| port.number != BOOKINFO_PORT) {
            findings.error(
                code::BOOKINFO_SERVICE_PORT,
                &path,
                format!(
                    "bookinfo calls its service `{}` on port {BOOKINFO_PORT}",
                    service.id()
                ),
                format!("set `port: {BOOKINFO_PORT}`"),
            );
        }
        // The page calls the others in its own namespace, by their own names.
        let mut overrides = service.overrides.values();
        if overrides.any(|one| !is_page || one.name != service.name) {
            findings.error(
                code::BOOKINFO_SERVICE_PORT,
                &format!("{path}.overrides"),
                format!(
                    "bookinfo calls its service `{}` by this name, namespace and port in every cluster",
                    service.id()
                ),
                if is_page {
                    "override its namespace or its ports only".into()
                } else {
                    "remove the overrides".into()
                },
            );
        }
    }
}
