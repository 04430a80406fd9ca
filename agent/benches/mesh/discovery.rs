//! Istio's discovery across clusters: multi-primary on different networks, as Istio's installation guide says.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::federation::{CONTEXTS, NAMESPACE};

const NETWORK: &str = "topology.istio.io/network";

/// Has every istiod watch every cluster. Blocks until the pods that must know their network are ready.
pub(crate) fn enable(bed: &Bed) {
    for context in CONTEXTS {
        join_network(bed, context);
        for other in CONTEXTS.iter().filter(|other| **other != context) {
            bed.apply(context, &remote_secret(bed, other));
        }
    }
}

/// What the pods of a cluster have besides.
pub(crate) fn labels(context: &str) -> Value {
    json!({ NETWORK: context })
}

/// A network for each cluster, as pods of one do not reach those of another.
fn join_network(bed: &Bed, context: &str) {
    let label = format!("{NETWORK}={context}");
    for object in ["namespace/istio-system", "service/istio-eastwestgateway"] {
        let namespace = "--namespace=istio-system";
        bed.kubectl(context, &["label", object, namespace, &label]);
    }
    let view = ["ISTIO_META_NETWORK", "ISTIO_META_REQUESTED_NETWORK_VIEW"]
        .map(|variable| format!("{variable}={context}"));
    let gateway = "deployment/istio-eastwestgateway";
    let set = ["set", "env", gateway, "--namespace=istio-system"];
    bed.kubectl(context, &[&set[..], &[&view[0], &view[1]]].concat());
    let patch = json!({"spec": {"template": {"metadata": {"labels": labels(context)}}}});
    let namespace = format!("--namespace={NAMESPACE}");
    let patching = ["patch", "deployment/httpbin", &namespace, "--patch"];
    bed.kubectl(context, &[&patching[..], &[&patch.to_string()]].concat());
    for deployment in [
        ("istio-system", "istio-eastwestgateway"),
        (NAMESPACE, "httpbin"),
    ] {
        bed.mesh.wait_for_pods(context, deployment).unwrap();
    }
}

/// What `istioctl create-remote-secret` prints, with the credentials of the bed.
fn remote_secret(bed: &Bed, of: &str) -> Value {
    let view = ["config", "view", "--minify", "--flatten", "--raw"];
    let kubeconfig = bed.kubectl(of, &view);
    let encoded = base64::engine::general_purpose::STANDARD.encode(kubeconfig);
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": format!("istio-remote-secret-{of}"), "namespace": "istio-system",
            "labels": {"istio/multiCluster": "true"},
            "annotations": {"networking.istio.io/cluster": of},
        },
        "data": { of: encoded },
    })
}
