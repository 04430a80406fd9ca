//! Parses manifests to objects, each with its file and cluster.

use serde_json::{Map, Value};

use super::{ImportError, Source};
use crate::defaults::DEFAULT_NAMESPACE;
pub(super) use crate::kubernetes::object::texts;
use crate::kubernetes::object::{ISTIO_GROUP, SECURITY_GROUP};
use crate::kubernetes::ownership::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::yaml;

/// Limit of the input in bytes: a hundred clusters with twenty services each have 110 MB.
pub(super) const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Heading of a cluster's objects in a bundle that is one stream.
const CLUSTER_HEADING: &str = "# cluster: ";
/// Heading of a file's objects in such a stream.
const FILE_HEADING: &str = "# file: ";
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
pub(super) struct Object {
    /// Its file.
    pub(super) file: String,
    /// Its cluster, if given.
    pub(super) cluster: Option<String>,
    /// The whole object; `kind` is a text, and so are `metadata.name` and `metadata.namespace` if set.
    pub(super) value: Value,
    /// For a ServiceEntry, the selected endpoints (`workloads`).
    pub(super) selected: Vec<Value>,
}

/// A list of operations of JSON Patch (RFC 6902), which only Kustomize reads.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    /// Its file.
    pub(super) file: String,
    /// The operations.
    pub(super) operations: Vec<Value>,
}

/// The content of the texts.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// In the given order; lists are split.
    pub(super) objects: Vec<Object>,
    pub(super) patches: Vec<Patch>,
}

pub(super) fn read(sources: &[Source]) -> Result<Given, ImportError> {
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    if bytes > MAX_BYTES {
        return Err(ImportError::TooLarge(bytes));
    }
    let mut given = Given::default();
    for source in sources {
        for part in parts(source) {
            let documents = yaml::documents(part.text).map_err(|mut error| {
                error.line = error.line.map(|line| line + part.lines_before);
                ImportError::Read {
                    file: part.file.clone(),
                    error,
                }
            })?;
            for document in documents {
                match document {
                    Value::Array(operations) if is_patch(&operations) => {
                        given.patches.push(Patch {
                            file: part.file.clone(),
                            operations,
                        });
                    }
                    document => take_apart(document, &part, &mut given.objects)?,
                }
            }
        }
    }
    Ok(given)
}

fn is_patch(operations: &[Value]) -> bool {
    let good = |one: &Value| one["op"].is_string() && one["path"].is_string();
    !operations.is_empty() && operations.iter().all(good)
}

/// A text for one cluster.
struct Part<'a> {
    file: String,
    cluster: Option<String>,
    text: &'a str,
    lines_before: u64,
}

/// A stream has headings; any other text is one part.
fn parts(source: &Source) -> Vec<Part<'_>> {
    // Some editors write it; YAML 1.2 (5.2) allows it.
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut parts = Vec::new();
    let (mut file, mut cluster) = (source.file.clone(), source.cluster.clone());
    let (mut start, mut at, mut line, mut first) = (0, 0, 0, 0);
    for whole in text.split_inclusive('\n') {
        let of_cluster = whole.strip_prefix(CLUSTER_HEADING);
        let of_file = whole.strip_prefix(FILE_HEADING);
        if of_cluster.is_some() || of_file.is_some() {
            parts.push(Part {
                file: file.clone(),
                cluster: cluster.clone(),
                text: &text[start..at],
                lines_before: first,
            });
            (start, first) = (at, line);
        }
        if let Some(name) = of_cluster {
            cluster = Some(name.trim().to_owned());
        }
        if let Some(name) = of_file {
            name.trim().clone_into(&mut file);
        }
        at += whole.len();
        line += 1;
    }
    parts.push(Part {
        file,
        cluster,
        text: &text[start..],
        lines_before: first,
    });
    parts
}

fn take_apart(
    document: Value,
    part: &Part<'_>,
    objects: &mut Vec<Object>,
) -> Result<(), ImportError> {
    let not_an_object = |what: &str| ImportError::NotAnObject {
        file: part.file.clone(),
        what: what.to_owned(),
    };
    let Value::Object(mut fields) = document else {
        return Err(not_an_object("a document that is not a map"));
    };
    let Some(kind) = fields.get("kind").and_then(Value::as_str) else {
        return Err(not_an_object("a document without kind"));
    };
    if kind.ends_with("List") && fields.get("items").is_some_and(Value::is_array) {
        if let Some(Value::Array(items)) = fields.shift_remove("items") {
            for item in items {
                take_apart(item, part, objects)?;
            }
        }
        return Ok(());
    }
    if !has_texts(&fields) {
        return Err(not_an_object(&format!(
            "a {kind} whose name or namespace is not a string"
        )));
    }
    objects.push(Object::new(
        part.file.clone(),
        part.cluster.clone(),
        Value::Object(fields),
    ));
    Ok(())
}

/// Whether kind, name and namespace are as in [`Object`]. Kustomize's own file, for example, has no name.
pub(super) fn has_texts(fields: &Map<String, Value>) -> bool {
    let metadata = fields.get("metadata").and_then(Value::as_object);
    let text = |field: &str| metadata.and_then(|metadata| metadata.get(field));
    fields.get("kind").is_some_and(Value::is_string)
        && text("name").is_none_or(Value::is_string)
        && text("namespace").is_none_or(|namespace| namespace.is_string() || namespace.is_null())
}

impl Object {
    pub(super) const fn new(file: String, cluster: Option<String>, value: Value) -> Self {
        let selected = Vec::new();
        Self {
            file,
            cluster,
            value,
            selected,
        }
    }

    /// API group; empty for the core group.
    pub(super) fn group(&self) -> &str {
        let version = self.value["apiVersion"].as_str().unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// API version, without the group.
    pub(super) fn version(&self) -> &str {
        let version = self.value["apiVersion"].as_str().unwrap_or_default();
        version.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// Whether it is of a kind; for a kind of Istio, its group is compared too.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind() == kind && (!ISTIO_KINDS.contains(&kind) || self.group() == ISTIO_GROUP)
    }

    pub(super) fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// The namespace; `default` if unset, as in kubectl.
    pub(super) fn namespace(&self) -> &str {
        self.value["metadata"]["namespace"]
            .as_str()
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.value["metadata"]["labels"][name].as_str()
    }

    /// The endpoints of a ServiceEntry: its own, or the selected ones.
    pub(super) fn endpoints(&self) -> &[Value] {
        match list(&self.value["spec"]["endpoints"]) {
            [] => &self.selected,
            own => own,
        }
    }

    /// Whether fedmesh rendered it.
    pub(super) fn is_ours(&self) -> bool {
        self.label(MANAGED_BY_LABEL) == Some(MANAGED_BY)
    }

    /// File, kind, namespace and name, the path in findings.
    pub(super) fn place(&self) -> String {
        let namespace = match self.value["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/"),
            None => String::new(),
        };
        format!("{}: {} {namespace}{}", self.file, self.kind(), self.name())
    }
}

/// The `apiVersion` of an object whose kind is known by name only; `version` is Istio's.
pub(super) fn api_version(kind: &str, version: &str) -> String {
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
pub(super) fn field<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| &value[*name])
}

/// The items of a list; empty for any other value.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A map as JSON; `None` if it is empty.
pub(super) fn filled(fields: Map<String, Value>) -> Option<Map<String, Value>> {
    (!fields.is_empty()).then_some(fields)
}
