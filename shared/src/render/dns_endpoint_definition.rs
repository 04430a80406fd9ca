//! The definition of DNSEndpoint, for the rendered `ExternalDNS`, which does not include it.
//!
//! The schema is that of `ExternalDNS` v0.23.0 (`config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml`).

use super::dns_endpoint::controller_publishes;
use super::skeleton;
use crate::kubernetes::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::Resolved;

const DEFINITION: &str = r#"{"spec":{"group":"externaldns.k8s.io",
"names":{"kind":"DNSEndpoint","listKind":"DNSEndpointList","plural":"dnsendpoints","singular":"dnsendpoint"},
"scope":"Namespaced","versions":[{"name":"v1alpha1","served":true,"storage":true,"subresources":{"status":{}},
"schema":{"openAPIV3Schema":{"type":"object","properties":{
"spec":{"type":"object","properties":{"endpoints":{"type":"array","items":{"type":"object","properties":{
"dnsName":{"type":"string"},"recordType":{"type":"string"},"recordTTL":{"type":"integer","format":"int64"},
"targets":{"type":"array","items":{"type":"string"}},"setIdentifier":{"type":"string"},
"labels":{"type":"object","additionalProperties":{"type":"string"}},
"providerSpecific":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"value":{"type":"string"}}}}}}}}},
"status":{"type":"object","properties":{"observedGeneration":{"type":"integer","format":"int64"}}}}}}}]}}"#;

pub(super) fn render(resolved: &Resolved) -> Option<Placed> {
    if resolved.dns.external_dns.is_none() || controller_publishes(resolved) {
        return None;
    }
    let mut object = Object::new(
        Kind::CUSTOM_RESOURCE_DEFINITION,
        None,
        "dnsendpoints.externaldns.k8s.io",
        skeleton(DEFINITION),
    );
    // The group is Kubernetes' own, for which API servers require this annotation.
    object.annotations.insert(
        "api-approved.kubernetes.io".to_owned(),
        "https://github.com/kubernetes-sigs/external-dns/pull/2007".to_owned(),
    );
    Some(Placed::same(object, "external-dns", vec![resolved.dns.cluster]).on_hub())
}

#[cfg(test)]
mod tests {
    use super::DEFINITION;
    use crate::kubernetes::object::Kind;

    #[test]
    fn the_definition_matches_the_kind_of_records() {
        let body: serde_json::Value = serde_json::from_str(DEFINITION).expect("JSON");
        let (spec, kind) = (&body["spec"], Kind::DNS_ENDPOINT);
        assert_eq!(spec["group"], *kind.group);
        assert_eq!(spec["names"]["kind"], *kind.kind);
        assert_eq!(spec["names"]["plural"], *kind.plural);
        assert_eq!(spec["versions"][0]["name"], *kind.version);
    }
}
