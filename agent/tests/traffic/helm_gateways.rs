//! Gateways as Istio's Helm chart installs them: in a namespace of their own, with labels that come from the name of the
//! release.

use serde_json::{Value, json};

use crate::bed::{Bed, CLUSTERS, text};
use crate::tls::put_certificate_in;
use crate::zones::{certificate_names, in_transport};

const RELEASE: &str = "istio-ingress";
const NAMESPACE: &str = "istio-ingress";

/// The load balancer's address of the gateway in a cluster.
fn address(cluster: usize) -> String {
    format!("10.250.1.{}", 61 + cluster)
}

/// The objects of the chart `gateway` that matter here.
fn chart() -> Value {
    let labels = json!({ "app": RELEASE, "istio": "ingress" });
    let mut pod_labels = labels.clone();
    pod_labels["sidecar.istio.io/inject"] = "true".into();
    let ports = [
        ("status-port", 15021),
        ("http2", 80),
        ("https", 443),
        ("tls", 15443),
    ];
    let ports = ports.map(|(name, port)| json!({ "name": name, "port": port, "targetPort": port }));
    let metadata = json!({ "name": RELEASE, "namespace": NAMESPACE, "labels": labels });
    let secrets =
        json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"] }]);
    json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } },
        { "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
            "rules": secrets,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RELEASE },
            "subjects": [{ "kind": "ServiceAccount", "name": RELEASE, "namespace": NAMESPACE }],
        },
        {
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "type": "LoadBalancer", "selector": labels, "ports": ports },
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": {
                        "labels": pod_labels,
                        "annotations": { "inject.istio.io/templates": "gateway" },
                    },
                    "spec": {
                        "serviceAccountName": RELEASE,
                        "securityContext": { "sysctls": [
                            { "name": "net.ipv4.ip_unprivileged_port_start", "value": "0" },
                        ] },
                        "containers": [{
                            "name": "istio-proxy", "image": "auto",
                            // Images of the bed are in no registry.
                            "imagePullPolicy": "IfNotPresent",
                        }],
                    },
                },
            },
        },
    ] })
}

fn install(bed: &Bed) {
    for (number, (context, ..)) in CLUSTERS.iter().enumerate() {
        bed.kubectl_apply(context, &chart());
        let address = address(number);
        let mut ip = bed.mesh.node_command(context, "ip").unwrap();
        ip.args(["addr", "replace", &format!("{address}/32"), "dev", "eth0"]);
        assert!(ip.status().unwrap().success());
        let kubectl = bed.mesh.kubectl();
        kubectl
            .publish_addresses(context, (NAMESPACE, RELEASE), &[&address])
            .unwrap();
    }
    for (context, ..) in CLUSTERS {
        bed.mesh
            .wait_for_pods(context, (NAMESPACE, RELEASE))
            .unwrap();
    }
}

#[test]
#[ignore = "in the long run"]
fn gateways_of_the_helm_chart_carry_every_transport() {
    let bed = Bed::with_usual();
    install(&bed);
    let with_gateway = |gateway: Value| {
        let mut document = bed.document();
        for cluster in document["spec"]["clusters"].as_array_mut().unwrap() {
            cluster["gateway"] = gateway.clone();
            cluster["eastWestGateway"] = gateway.clone();
        }
        document
    };
    // With Istio's own label nothing would be served, and the plan says so.
    let without = with_gateway(json!({ "service": RELEASE, "namespace": NAMESPACE }));
    let without = bed.write("without", &without);
    let plan = text(&bed.agent(&["plan", "-f", without.to_str().unwrap()]));
    assert!(
        plan.contains("FM0214") && plan.contains("`selector: {istio: ingress}`"),
        "{plan}"
    );

    let document = with_gateway(json!({
        "service": RELEASE, "namespace": NAMESPACE, "selector": { "istio": "ingress" },
    }));
    for transport in ["http", "tls", "mtls"] {
        println!("{transport}");
        let document = in_transport(document.clone(), transport);
        if transport == "tls" {
            let names = certificate_names(&document);
            for (context, ..) in CLUSTERS {
                put_certificate_in(&bed, context, NAMESPACE, bed.mesh.authority(), &names);
            }
        }
        bed.apply(&document);
        bed.verified(&document);
    }
    bed.apply(&bed.document());
    for (context, ..) in CLUSTERS {
        bed.kubectl(context, &["delete", "namespace", NAMESPACE]);
    }
}
