//! The selector of a gateway, compared with the pods behind its Service.

use serde_json::{Value, json};
use shared::check::{Finding, Severity};

use crate::fixture::{EAST, Fixture, WEST, shared_bed};

const SERVICE: &str = "edge";

/// Creates a gateway's Service with a selector, and a pod with labels.
fn install(fixture: &Fixture<'_>, context: &str, namespace: &str, selector: &Value, pod: &Value) {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } },
        {
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": SERVICE, "namespace": namespace },
            "spec": { "selector": selector, "ports": [{ "port": 80 }] },
        },
        {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "gateway", "namespace": namespace, "labels": pod },
            "spec": { "automountServiceAccountToken": false,
                "containers": [{ "name": "proxy", "image": "proxy.example/proxy:1" }] },
        },
    ] });
    let bed = fixture.bed;
    bed.kubectl_with_input(context, &["apply", "-f", "-"], &list.to_string())
        .unwrap();
}

async fn found(fixture: &Fixture<'_>) -> Vec<Finding> {
    let mut findings = fixture.plan().await.findings;
    findings.retain(|finding| finding.code == "FM0214");
    findings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_with_other_labels_is_found_with_the_selector_that_matches() {
    let mut fixture = Fixture::new(shared_bed(), "selectors");
    let namespace = format!("{}-edge", fixture.name);
    for cluster in &mut fixture.mesh.spec.clusters {
        let gateway = cluster.gateway.as_mut().unwrap();
        gateway.service = Some(SERVICE.to_owned());
        gateway.namespace = Some(namespace.clone());
    }
    // There is no gateway yet, which is not the selector's fault.
    assert!(found(&fixture).await.is_empty());

    // One of the Helm chart, and one that Istio made for a Gateway of the Gateway API.
    let helm = json!({ "app": SERVICE, "istio": "edge" });
    install(&fixture, WEST, &namespace, &helm, &helm);
    let made = json!({ "gateway.networking.k8s.io/gateway-name": "web" });
    install(&fixture, EAST, &namespace, &made, &made);
    let findings = found(&fixture).await;
    let hints: Vec<(&str, &str)> = findings
        .iter()
        .map(|one| (one.path.as_str(), one.hint.as_str()))
        .collect();
    assert_eq!(findings.len(), 2, "{findings:#?}");
    for ((path, hint), (index, selector)) in hints.iter().zip([
        (0, "`selector: {istio: edge}`"),
        (
            1,
            "`selector: {gateway.networking.k8s.io/gateway-name: web}`",
        ),
    ]) {
        assert_eq!(*path, format!("spec.clusters[{index}].gateway.selector"));
        assert!(hint.contains(selector), "{hint}");
    }
    assert!(findings.iter().all(|one| one.severity == Severity::Warning));

    // The selector of the hint matches; so does one that only the pods have.
    let selector = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    let clusters = &mut fixture.mesh.spec.clusters;
    clusters[0].gateway.as_mut().unwrap().selector = selector("istio", "edge");
    let more = json!({ "gateway.networking.k8s.io/gateway-name": "web", "tier": "front" });
    clusters[1].gateway.as_mut().unwrap().selector = selector("tier", "front");
    fixture.kubectl(
        EAST,
        &["delete", "pod", "gateway", "-n", &namespace, "--now"],
    );
    install(&fixture, EAST, &namespace, &made, &more);
    assert!(found(&fixture).await.is_empty());
}
