//! `ExternalDNS` in the DNS cluster, with read access to the records in its own namespace only.

use serde_json::json;

use super::{dns_endpoint, skeleton};
use crate::defaults::CREDENTIALS_FOLDER;
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership::TXT_PREFIX;
use crate::placed::Placed;
use crate::resolved::Resolved;

/// The source of the records: objects of a CustomResourceDefinition.
pub(crate) const SOURCE: &str = "crd";
/// Flags that [`render`] sets, and others that a document may not set.
pub(crate) const OWN_FLAGS: &[&str] = &[
    "source",
    "crd-source-apiversion",
    "crd-source-kind",
    "namespace",
    "provider",
    "domain-filter",
    "managed-record-types",
    "policy",
    "registry",
    "txt-owner-id",
    "txt-prefix",
    "txt-suffix",
    "once",
    "dry-run",
];
/// Flags that leave out or replace records which the mesh publishes. With the policy `sync`, ExternalDNS then deletes
/// those that it has published before. Source: `pkg/apis/externaldns/types.go` of v0.19.0.
pub(crate) const FILTER_FLAGS: &[&str] = &[
    "annotation-filter",
    "label-filter",
    "exclude-domains",
    "exclude-record-types",
    "exclude-target-net",
    "target-net-filter",
    "regex-domain-filter",
    "regex-domain-exclusion",
    "default-targets",
    "force-default-targets",
];
/// Labels of its pods that a document cannot change.
pub(crate) const OWN_POD_LABELS: [&str; 2] = ["app", "sidecar.istio.io/inject"];
const NAME: &str = "external-dns";
const SUBJECT: &str = "external-dns";

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let Some(external_dns) = &resolved.dns.external_dns else {
        return Vec::new();
    };
    let namespace = external_dns.namespace.as_str();
    let (group, version) = match resolved.dns.publisher {
        Some(publisher) => (publisher.group, publisher.version),
        None => ("externaldns.k8s.io", "v1alpha1"),
    };
    // A controller writes each record into the namespace of the gateway that the record is named after.
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
    let mut account = labelled(Kind::SERVICE_ACCOUNT, namespace, json!({}));
    account
        .annotations
        .extend(external_dns.service_account_annotations.clone());
    let mut role = skeleton(
        r#"{"rules":[{"apiGroups":[],"resources":["dnsendpoints"],"verbs":["get","list","watch"]},
        {"apiGroups":[],"resources":["dnsendpoints/status"],"verbs":["update"]}]}"#,
    );
    for rule in 0..2 {
        role["rules"][rule]["apiGroups"] = json!([group]);
    }
    let role = labelled(Kind::ROLE, records_namespace, role);
    let mut binding = skeleton(
        r#"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"external-dns"},
        "subjects":[{"kind":"ServiceAccount","name":"external-dns","namespace":""}]}"#,
    );
    binding["subjects"][0]["namespace"] = namespace.into();
    let binding = labelled(Kind::ROLE_BINDING, records_namespace, binding);
    let mut args = vec![
        format!("--source={SOURCE}"),
        format!("--crd-source-apiversion={group}/{version}"),
        "--crd-source-kind=DNSEndpoint".to_owned(),
        format!("--namespace={records_namespace}"),
        format!("--provider={}", external_dns.provider),
        format!("--domain-filter={}", external_dns.zone),
        "--managed-record-types=A".to_owned(),
        "--managed-record-types=AAAA".to_owned(),
        "--managed-record-types=CNAME".to_owned(),
        format!("--policy={}", external_dns.policy.as_str()),
        "--registry=txt".to_owned(),
        format!("--txt-owner-id={}", external_dns.owner_id),
        format!("--txt-prefix={TXT_PREFIX}"),
    ];
    args.extend(external_dns.args.iter().cloned());
    // Two of them at once would undo each other's work, so the old one stops first.
    let mut deployment = skeleton(
        r#"{"spec":{"replicas":1,"strategy":{"type":"Recreate"},"selector":{"matchLabels":{"app":"external-dns"}},
        "template":{"metadata":{"labels":{"app":"external-dns","sidecar.istio.io/inject":"false"}},
        "spec":{"serviceAccountName":"external-dns","containers":[{"name":"external-dns"}]}}}}"#,
    );
    let pod = &mut deployment["spec"]["template"];
    for (name, value) in &external_dns.pod_labels {
        let labels = &mut pod["metadata"]["labels"];
        // Its own labels identify the pod.
        if labels[name].is_null() {
            labels[name] = value.as_str().into();
        }
    }
    let container = &mut pod["spec"]["containers"][0];
    container["image"] = resolved.images.external_dns.as_str().into();
    container["args"] = args.into();
    if let Some(secret) = &external_dns.secret {
        container["envFrom"] = json!([{ "secretRef": { "name": secret.as_str() } }]);
    }
    if !external_dns.env.is_empty() {
        let variables = external_dns.env.iter();
        let variables = variables.map(|(name, value)| json!({ "name": name, "value": value }));
        container["env"] = variables.collect();
    }
    if let Some((secret, key)) = &external_dns.credentials {
        container["volumeMounts"] =
            json!([{ "name": "credentials", "mountPath": CREDENTIALS_FOLDER, "readOnly": true }]);
        pod["spec"]["volumes"] = json!([{
            "name": "credentials",
            "secret": { "secretName": secret.as_str(), "items": [{ "key": key, "path": key }] },
        }]);
    }
    let deployment = labelled(Kind::DEPLOYMENT, namespace, deployment);
    [account, role, binding, deployment]
        .into_iter()
        .map(|object| Placed::same(object, SUBJECT, vec![resolved.dns.cluster]).on_hub())
        .collect()
}
