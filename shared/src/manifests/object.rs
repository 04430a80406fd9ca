//! An object of given manifests, with its file and cluster.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::defaults::{DEFAULT_CLUSTER_DOMAIN, DEFAULT_NAMESPACE};
use crate::kubernetes::object::{ISTIO_GROUP, SECURITY_GROUP};
use crate::kubernetes::ownership::{MANAGED_BY, MANAGED_BY_LABEL};

/// Kinds of Istio, some of which exist in other APIs as well.
const ISTIO_KINDS: [&str; 6] = [
    "DestinationRule",
    "Gateway",
    "ServiceEntry",
    "Sidecar",
    "VirtualService",
    "WorkloadEntry",
];

/// A given object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its file.
    pub file: String,
    /// Its cluster, if given.
    pub cluster: Option<String>,
    /// The DNS domain of its cluster.
    pub domain: Cow<'static, str>,
    /// The whole object; `kind` is a text, and so are `metadata.name` and `metadata.namespace` if set.
    pub value: Value,
    /// For a ServiceEntry, the selected endpoints (`workloads`).
    pub selected: Vec<Value>,
    /// For a VirtualService with routes for sidecars alone, its `spec` without them.
    pub at_gateways: Option<Value>,
}

/// Whether kind, name and namespace are as in [`Object`]. Kustomize's own file, for example, has no name.
pub fn has_texts(fields: &Map<String, Value>) -> bool {
    let metadata = fields.get("metadata").and_then(Value::as_object);
    let text = |field: &str| metadata.and_then(|metadata| metadata.get(field));
    fields.get("kind").is_some_and(Value::is_string)
        && text("name").is_none_or(Value::is_string)
        && text("namespace").is_none_or(|namespace| namespace.is_string() || namespace.is_null())
}

impl Object {
    /// An object of a file and, if given, a cluster.
    pub const fn new(file: String, cluster: Option<String>, value: Value) -> Self {
        Self {
            file,
            cluster,
            domain: Cow::Borrowed(DEFAULT_CLUSTER_DOMAIN),
            value,
            selected: Vec::new(),
            at_gateways: None,
        }
    }

    /// API group; empty for the core group.
    pub fn group(&self) -> &str {
        let version = self.value["apiVersion"].as_str().unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// API version, without the group.
    pub fn version(&self) -> &str {
        let version = self.value["apiVersion"].as_str().unwrap_or_default();
        version.rsplit('/').next().unwrap_or_default()
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// Whether it is of a kind; for a kind of Istio, its group is compared too.
    pub fn is(&self, kind: &str) -> bool {
        self.kind() == kind && (!ISTIO_KINDS.contains(&kind) || self.group() == ISTIO_GROUP)
    }

    /// The name; empty if unset.
    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// The namespace; `default` if unset, as in kubectl.
    pub fn namespace(&self) -> &str {
        self.value["metadata"]["namespace"]
            .as_str()
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.value["metadata"]["labels"][name].as_str()
    }

    /// The endpoints of a ServiceEntry: its own, or the selected ones.
    pub fn endpoints(&self) -> &[Value] {
        match list(&self.value["spec"]["endpoints"]) {
            [] => &self.selected,
            own => own,
        }
    }

    /// The routes of a VirtualService in a section, `http`, `tls` or `tcp`; at a gateway, those that gateways take.
    pub fn routes(&self, section: &str) -> &[Value] {
        let spec = self.at_gateways.as_ref();
        list(&spec.unwrap_or(&self.value["spec"])[section])
    }

    /// Whether fedmesh rendered it.
    pub fn is_ours(&self) -> bool {
        self.label(MANAGED_BY_LABEL) == Some(MANAGED_BY)
    }

    /// File, kind, namespace and name, the path in findings.
    pub fn place(&self) -> String {
        let namespace = match self.value["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/"),
            None => String::new(),
        };
        // Kustomize's own file, for example, has no name.
        let id = match self.name() {
            "" => String::new(),
            name => format!(" {namespace}{name}"),
        };
        format!("{}: {}{id}", self.file, self.kind())
    }
}

/// The `apiVersion` of an object whose kind is known by name only; `version` is Istio's.
pub fn api_version(kind: &str, version: &str) -> String {
    match kind {
        _ if ISTIO_KINDS.contains(&kind) => format!("{ISTIO_GROUP}/{version}"),
        "AuthorizationPolicy" => format!("{SECURITY_GROUP}/{version}"),
        "Deployment" => "apps/v1".to_owned(),
        "GRPCRoute" | "HTTPRoute" | "TCPRoute" | "TLSRoute" => {
            "gateway.networking.k8s.io/v1".to_owned()
        }
        "ServiceExport" => "multicluster.x-k8s.io/v1alpha1".to_owned(),
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            "rbac.authorization.k8s.io/v1".to_owned()
        }
        _ => "v1".to_owned(),
    }
}

/// A nested field; null if missing.
pub fn field<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| &value[*name])
}

/// The items of a list; empty for any other value.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A map as JSON; `None` if it is empty.
pub fn filled(fields: Map<String, Value>) -> Option<Map<String, Value>> {
    (!fields.is_empty()).then_some(fields)
}

/// Size of a value as JSON, in bytes.
pub fn bytes(value: &Value) -> usize {
    value.to_string().len()
}
