//! `ExternalDNS` in the DNS cluster, allowed to read the records in its own namespace and no more.

use serde_json::json;

use super::dns_endpoint;
use crate::object::{Kind, Object};
use crate::ownership::TXT_PREFIX;
use crate::placed::Placed;
use crate::resolved::Resolved;

const NAME: &str = "external-dns";
const SUBJECT: &str = "external-dns";

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let Some(external_dns) = &resolved.dns.external_dns else {
        return Vec::new();
    };
    let namespace = external_dns.namespace.as_str();
    // Where the federation's controller writes the records, they are of its own kind.
    let (group, version) = if dns_endpoint::controller_publishes(resolved) {
        ("multiclusterdns.federation.k8s.io", "v1alpha1")
    } else {
        ("externaldns.k8s.io", "v1alpha1")
    };
    // The controller writes each record beside its ServiceDNSRecord, in the gateway's namespace.
    let records_namespace = if dns_endpoint::controller_publishes(resolved) {
        resolved.clusters[resolved.dns.cluster]
            .gateway
            .namespace
            .as_str()
    } else {
        namespace
    };
    let labelled =
        |kind, namespace, body| Object::new(kind, Some(namespace), NAME, body).label("app", NAME);
    let account = labelled(Kind::SERVICE_ACCOUNT, namespace, json!({}));
    let role = labelled(
        Kind::ROLE,
        records_namespace,
        json!({
            "rules": [
                { "apiGroups": [group], "resources": ["dnsendpoints"], "verbs": ["get", "list", "watch"] },
                { "apiGroups": [group], "resources": ["dnsendpoints/status"], "verbs": ["update"] },
            ],
        }),
    );
    let binding = labelled(
        Kind::ROLE_BINDING,
        records_namespace,
        json!({
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME },
            "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": namespace }],
        }),
    );
    let deployment = labelled(
        Kind::DEPLOYMENT,
        namespace,
        json!({
            "spec": {
                "replicas": 1,
                // Two at once would undo each other's work.
                "strategy": { "type": "Recreate" },
                "selector": { "matchLabels": { "app": NAME } },
                "template": {
                    "metadata": { "labels": { "app": NAME, "sidecar.istio.io/inject": "false" } },
                    "spec": {
                        "serviceAccountName": NAME,
                        "containers": [{
                            "name": NAME,
                            "image": resolved.images.external_dns,
                            "args": [
                                "--source=crd",
                                format!("--crd-source-apiversion={group}/{version}"),
                                "--crd-source-kind=DNSEndpoint",
                                format!("--namespace={records_namespace}"),
                                format!("--provider={}", external_dns.provider),
                                format!("--domain-filter={}", resolved.dns.suffix),
                                "--managed-record-types=A",
                                "--managed-record-types=AAAA",
                                "--managed-record-types=CNAME",
                                "--policy=sync",
                                "--registry=txt",
                                format!("--txt-owner-id={}", external_dns.owner_id),
                                format!("--txt-prefix={TXT_PREFIX}"),
                            ],
                        }],
                    },
                },
            },
        }),
    );
    [account, role, binding, deployment]
        .into_iter()
        .map(|object| Placed::same(object, SUBJECT, vec![resolved.dns.cluster]).on_hub())
        .collect()
}
