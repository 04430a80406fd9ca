//! Properties of a client's pod and of its node.

use serde_json::Value;

use crate::cluster::{Connection, Request};

/// Istio's sidecar, as a container or, since Kubernetes 1.29, an init container.
const SIDECAR: &str = "istio-proxy";

/// Properties of a client's pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// Whether its calls go through the mesh; `None` if unknown.
    pub(super) sidecar: Option<bool>,
    /// `region/zone` of its node, either part empty where a label is missing; `None` if access is forbidden.
    pub(super) locality: Option<String>,
}

/// The service account of a pod (set by the `ServiceAccount` admission plugin).
pub(super) fn account(pod: &Value) -> String {
    let given = pod["spec"]["serviceAccountName"].as_str();
    given.unwrap_or(DEFAULT_ACCOUNT).to_owned()
}

/// The service account of a pod that does not set one.
pub(super) const DEFAULT_ACCOUNT: &str = "default";

/// Whether the pod is ready to run commands.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The container that `kubectl exec` uses: the annotated default, else the first that is not Istio's.
pub(super) fn first_container(pod: &Value) -> String {
    let default = &pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"];
    let containers = pod["spec"]["containers"].as_array();
    let mut names = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container["name"].as_str())
        .filter(|name| *name != SIDECAR);
    default
        .as_str()
        .or_else(|| names.next())
        .unwrap_or_default()
        .to_owned()
}

/// Reads the properties of a pod and its node.
pub(super) async fn traits(connection: &Connection, pod: &Value) -> Traits {
    let has_sidecar = ["containers", "initContainers"].iter().any(|list| {
        let containers = pod["spec"][list].as_array();
        containers
            .into_iter()
            .flatten()
            .any(|container| container["name"] == SIDECAR)
    });
    // In ambient mode the node's proxy forwards the calls.
    let is_ambient = pod["metadata"]["annotations"]["ambient.istio.io/redirection"] == "enabled";
    Traits {
        sidecar: Some(has_sidecar || is_ambient),
        locality: locality(connection, pod).await,
    }
}

/// Locality as Istio determines it (`pilot/pkg/serviceregistry/kube/controller`): a label of the pod, else those of its
/// node.
async fn locality(connection: &Connection, pod: &Value) -> Option<String> {
    if let Some(label) = pod["metadata"]["labels"]["istio-locality"].as_str() {
        let mut parts = label.split(['.', '/']);
        let (region, zone) = (parts.next()?, parts.next().unwrap_or_default());
        return Some(format!("{region}/{zone}"));
    }
    let node = pod["spec"]["nodeName"].as_str()?;
    let request = Request::get(format!("/api/v1/nodes/{node}"));
    let node = connection.json(&request).await.ok()?;
    let label = |names: [&str; 2]| {
        let labels = &node["metadata"]["labels"];
        let found = names.iter().find_map(|name| labels[name].as_str());
        found.unwrap_or_default().to_owned()
    };
    Some(format!(
        "{}/{}",
        label([
            "topology.kubernetes.io/region",
            "failure-domain.beta.kubernetes.io/region"
        ]),
        label([
            "topology.kubernetes.io/zone",
            "failure-domain.beta.kubernetes.io/zone"
        ]),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{first_container, is_ready};

    #[test]
    fn readiness_and_the_container_of_pods() {
        let pod = |condition: &str, deleted: Option<&str>| {
            json!({
                "metadata": { "deletionTimestamp": deleted },
                "spec": { "containers": [{ "name": "istio-proxy" }, { "name": "sleep" }] },
                "status": { "conditions": [{ "type": "Ready", "status": condition }] },
            })
        };
        assert!(is_ready(&pod("True", None)));
        assert!(!is_ready(&pod("False", None)));
        assert!(!is_ready(&pod("True", Some("2026-01-01T00:00:00Z"))));
        assert_eq!(first_container(&pod("True", None)), "sleep");
        let mut named = pod("True", None);
        named["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] =
            json!("tools");
        assert_eq!(first_container(&named), "tools");
    }
}
