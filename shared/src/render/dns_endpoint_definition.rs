//! The definition of DNSEndpoint, for the `ExternalDNS` that we run: its program does not bring it.
//!
//! The schema says what `ExternalDNS` v0.23.0 reads
//! (`config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml`).

use serde_json::json;

use super::dns_endpoint::controller_publishes;
use crate::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::Resolved;

pub(super) fn render(resolved: &Resolved) -> Option<Placed> {
    if resolved.dns.external_dns.is_none() || controller_publishes(resolved) {
        return None;
    }
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let properties = json!({
        "type": "array",
        "items": { "type": "object", "properties": { "name": text, "value": text } },
    });
    let endpoint = json!({
        "type": "object",
        "properties": {
            "dnsName": text,
            "recordType": text,
            "recordTTL": { "type": "integer", "format": "int64" },
            "targets": texts,
            "setIdentifier": text,
            "labels": { "type": "object", "additionalProperties": text },
            "providerSpecific": properties,
        },
    });
    let mut object = Object::new(
        Kind::CUSTOM_RESOURCE_DEFINITION,
        None,
        "dnsendpoints.externaldns.k8s.io",
        json!({
            "spec": {
                "group": Kind::DNS_ENDPOINT.group,
                "names": {
                    "kind": Kind::DNS_ENDPOINT.kind,
                    "listKind": "DNSEndpointList",
                    "plural": Kind::DNS_ENDPOINT.plural,
                    "singular": "dnsendpoint",
                },
                "scope": "Namespaced",
                "versions": [{
                    "name": Kind::DNS_ENDPOINT.version,
                    "served": true,
                    "storage": true,
                    "subresources": { "status": {} },
                    "schema": { "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": { "endpoints": { "type": "array", "items": endpoint } },
                            },
                            "status": {
                                "type": "object",
                                "properties": { "observedGeneration": { "type": "integer", "format": "int64" } },
                            },
                        },
                    } },
                }],
            },
        }),
    );
    // The group is Kubernetes' own, where an API server asks for this.
    object.annotations.insert(
        "api-approved.kubernetes.io".to_owned(),
        "https://github.com/kubernetes-sigs/external-dns/pull/2007".to_owned(),
    );
    Some(Placed::same(object, "external-dns", vec![resolved.dns.cluster]).on_hub())
}
