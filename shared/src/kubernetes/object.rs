//! Kubernetes objects, and the kinds that fedmesh renders.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use crate::kubernetes::pointer::IgnoredField;

/// The step of an apply in which an object is sent; each step waits for the previous one.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    serde::Deserialize,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum Wave {
    /// Namespaces.
    Namespaces,
    /// Custom resource definitions; done when each is Established.
    Definitions,
    /// Accounts, roles and bindings, and objects that an engine needs before all others.
    Accounts,
    /// Services, and the gateways that ServiceEntries select.
    Services,
    /// Deployments.
    Workloads,
    /// Istio's objects, those of the Gateway API and exports, and an engine's objects that carry them.
    Istio,
    /// The cluster DNS configuration.
    ClusterDns,
    /// DNS records.
    Dns,
}

impl Wave {
    /// All waves in their order.
    pub const ALL: [Self; 8] = [
        Self::Namespaces,
        Self::Definitions,
        Self::Accounts,
        Self::Services,
        Self::Workloads,
        Self::Istio,
        Self::ClusterDns,
        Self::Dns,
    ];

    /// The wave of a rendered kind that is known by its name only; [`crate::engine::wave`] knows those of engines too.
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Namespace" | "Secret") => Self::Namespaces,
            ("apiextensions.k8s.io", _) => Self::Definitions,
            ("", "ServiceAccount") | ("rbac.authorization.k8s.io", _) => Self::Accounts,
            ("", _) | (ISTIO_GROUP, "WorkloadEntry") => Self::Services,
            ("apps", _) => Self::Workloads,
            ("externaldns.k8s.io", _) => Self::Dns,
            // Istio's, the Gateway API's, and exports.
            _ => Self::Istio,
        }
    }

    /// The number that file names start with, so that they sort by wave.
    pub const fn number(self) -> u8 {
        match self {
            Self::Namespaces => 10,
            Self::Definitions => 20,
            Self::Accounts => 30,
            Self::Services => 40,
            Self::Workloads => 50,
            Self::Istio => 60,
            Self::ClusterDns => 65,
            Self::Dns => 70,
        }
    }

    /// Its name for display.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Whether objects of a kind are namespaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// Cluster-scoped.
    Cluster,
}

/// The API group of Istio's kinds for traffic.
pub(crate) const ISTIO_GROUP: &str = "networking.istio.io";
/// The API group of Istio's kinds for security.
pub(crate) const SECURITY_GROUP: &str = "security.istio.io";

/// A kind of object, with all that a request needs without discovery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// API version, such as `v1`.
    pub version: Cow<'static, str>,
    /// The kind, such as `VirtualService`.
    pub kind: Cow<'static, str>,
    /// The plural in URLs, such as `virtualservices`.
    pub plural: Cow<'static, str>,
    /// Namespaced or not.
    pub scope: Scope,
    /// The wave in which it is applied.
    pub wave: Wave,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    scope: Scope,
    wave: Wave,
) -> Kind {
    Kind {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed(version),
        kind: Cow::Borrowed(kind),
        plural: Cow::Borrowed(plural),
        scope,
        wave,
    }
}

impl Kind {
    /// `v1` Namespace.
    pub const NAMESPACE: Self = kind(
        "",
        "v1",
        "Namespace",
        "namespaces",
        Scope::Cluster,
        Wave::Namespaces,
    );
    /// `apiextensions.k8s.io/v1` CustomResourceDefinition.
    pub const CUSTOM_RESOURCE_DEFINITION: Self = kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        Scope::Cluster,
        Wave::Definitions,
    );
    /// `v1` Secret; the only one is the record of the mesh's objects, which is deleted last.
    pub const SECRET: Self = kind(
        "",
        "v1",
        "Secret",
        "secrets",
        Scope::Namespaced,
        Wave::Namespaces,
    );
    /// `coordination.k8s.io/v1` Lease, held by a writer of a mesh; not part of a bundle.
    pub const LEASE: Self = kind(
        "coordination.k8s.io",
        "v1",
        "Lease",
        "leases",
        Scope::Namespaced,
        Wave::Namespaces,
    );
    /// `v1` ServiceAccount.
    pub const SERVICE_ACCOUNT: Self = kind(
        "",
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        Scope::Namespaced,
        Wave::Accounts,
    );
    /// `rbac.authorization.k8s.io/v1` Role.
    pub const ROLE: Self = kind(
        "rbac.authorization.k8s.io",
        "v1",
        "Role",
        "roles",
        Scope::Namespaced,
        Wave::Accounts,
    );
    /// `rbac.authorization.k8s.io/v1` RoleBinding.
    pub const ROLE_BINDING: Self = kind(
        "rbac.authorization.k8s.io",
        "v1",
        "RoleBinding",
        "rolebindings",
        Scope::Namespaced,
        Wave::Accounts,
    );
    /// `rbac.authorization.k8s.io/v1` ClusterRole.
    pub const CLUSTER_ROLE: Self = kind(
        "rbac.authorization.k8s.io",
        "v1",
        "ClusterRole",
        "clusterroles",
        Scope::Cluster,
        Wave::Accounts,
    );
    /// `v1` Service.
    pub const SERVICE: Self = kind(
        "",
        "v1",
        "Service",
        "services",
        Scope::Namespaced,
        Wave::Services,
    );
    /// `apps/v1` Deployment.
    pub const DEPLOYMENT: Self = kind(
        "apps",
        "v1",
        "Deployment",
        "deployments",
        Scope::Namespaced,
        Wave::Workloads,
    );
    /// `externaldns.k8s.io/v1alpha1` DNSEndpoint.
    pub const DNS_ENDPOINT: Self = kind(
        "externaldns.k8s.io",
        "v1alpha1",
        "DNSEndpoint",
        "dnsendpoints",
        Scope::Namespaced,
        Wave::Dns,
    );

    /// `multicluster.x-k8s.io/v1alpha1` ServiceExport: the version that all controllers of the API serve.
    pub const SERVICE_EXPORT: Self = kind(
        "multicluster.x-k8s.io",
        "v1alpha1",
        "ServiceExport",
        "serviceexports",
        Scope::Namespaced,
        Wave::Istio,
    );

    /// A kind of `gateway.networking.k8s.io/v1`.
    pub const fn gateway_api(name: &'static str, plural: &'static str) -> Self {
        kind(
            "gateway.networking.k8s.io",
            "v1",
            name,
            plural,
            Scope::Namespaced,
            Wave::Istio,
        )
    }

    /// A kind of `networking.istio.io` in the version that the given API version names.
    pub const fn istio(version: &'static str, name: &'static str, plural: &'static str) -> Self {
        kind(
            ISTIO_GROUP,
            version,
            name,
            plural,
            Scope::Namespaced,
            Wave::Istio,
        )
    }

    /// `AuthorizationPolicy` of `security.istio.io` in the version that the given API version names.
    pub const fn authorization_policy(version: &'static str) -> Self {
        kind(
            SECURITY_GROUP,
            version,
            "AuthorizationPolicy",
            "authorizationpolicies",
            Scope::Namespaced,
            Wave::Istio,
        )
    }

    /// Whether it is the kind of `networking.istio.io` with this name.
    pub fn is_istio(&self, kind: &str) -> bool {
        self.group == ISTIO_GROUP && self.kind == kind
    }

    /// `group/version`, or only the version in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `Kind.group`, or only the kind in the core group: the form of `ApplySet` annotations.
    pub fn group_kind(&self) -> String {
        group_kind(&self.group, &self.kind)
    }
}

/// Whether fedmesh renders objects of a kind, in any version of its group; without the kinds that engines add, see
/// [`crate::engine::is_written`].
pub(crate) fn is_rendered(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(kind, "Namespace" | "ServiceAccount" | "Service"),
        "apps" => kind == "Deployment",
        "rbac.authorization.k8s.io" => matches!(kind, "ClusterRole" | "Role" | "RoleBinding"),
        "apiextensions.k8s.io" => kind == "CustomResourceDefinition",
        SECURITY_GROUP => kind == "AuthorizationPolicy",
        ISTIO_GROUP
        | "gateway.networking.k8s.io"
        | "multicluster.x-k8s.io"
        | "externaldns.k8s.io" => true,
        _ => false,
    }
}

/// Identifies an object in a cluster, in any API version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for a cluster-scoped kind.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// Whether its kind is the one of `networking.istio.io` with this name.
    pub fn is_istio(&self, kind: &str) -> bool {
        self.group == ISTIO_GROUP && self.kind == kind
    }

    /// `Kind.group`, or only the kind in the core group: the form of `ApplySet` annotations.
    pub fn group_kind(&self) -> String {
        group_kind(&self.group, &self.kind)
    }

    /// `Kind/namespace/name`, or `Kind/name` for a cluster-scoped kind: the form of an object in options.
    pub fn reference(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

fn group_kind(group: &str, kind: &str) -> String {
    if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}.{group}")
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// The texts in a list; empty for any other value.
pub fn texts(list: &Value) -> impl Iterator<Item = &str> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str)
}

/// An object to apply, without a status.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The kind.
    pub kind: Kind,
    /// The namespace; `None` for a cluster-scoped kind.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Every top-level field except `apiVersion`, `kind` and `metadata`, in order.
    pub body: Map<String, Value>,
    /// Fields that are omitted, since they are left to other managers once the object exists. They are not serialized.
    pub ignored: Vec<IgnoredField>,
}

impl Object {
    /// An object without labels. `body` is a JSON object with every top-level field but
    /// `apiVersion`, `kind` and `metadata`.
    pub fn new(kind: Kind, namespace: Option<&str>, name: impl Into<String>, body: Value) -> Self {
        debug_assert_eq!(
            kind.scope == Scope::Namespaced,
            namespace.is_some(),
            "{}",
            kind.kind
        );
        let Value::Object(body) = body else {
            unreachable!("a body is written as an object at every call");
        };
        Self {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.into(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            body,
            ignored: Vec::new(),
        }
    }

    /// The object with one more label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The kind that a CustomResourceDefinition defines, in its first served version.
    pub fn defines(&self) -> Option<Kind> {
        if self.kind != Kind::CUSTOM_RESOURCE_DEFINITION {
            return None;
        }
        let spec = self.body.get("spec")?;
        let text = |value: &Value| value.as_str().map(|text| Cow::Owned(text.to_owned()));
        let mut versions = spec["versions"].as_array()?.iter();
        let version = versions.find(|version| version["served"] == true)?;
        Some(Kind {
            group: text(&spec["group"])?,
            version: text(&version["name"])?,
            kind: text(&spec["names"]["kind"])?,
            plural: text(&spec["names"]["plural"])?,
            scope: if spec["scope"] == "Namespaced" {
                Scope::Namespaced
            } else {
                Scope::Cluster
            },
            wave: self.kind.wave,
        })
    }

    /// Its key.
    pub fn key(&self) -> Key {
        Key {
            group: self.kind.group.to_string(),
            kind: self.kind.kind.to_string(),
            namespace: self.namespace.clone().unwrap_or_default(),
            name: self.name.clone(),
        }
    }

    /// The whole object as JSON, with fields in the usual order.
    pub fn to_json(&self) -> Value {
        // With text keys only, this cannot fail; nor can the next.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// [`to_json`](Self::to_json) as text, without the intermediate value.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Serializes fields in the usual order.
impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(3 + self.body.len()))?;
        fields.serialize_entry("apiVersion", &self.kind.api_version())?;
        fields.serialize_entry("kind", &self.kind.kind)?;
        let metadata = Metadata {
            name: &self.name,
            namespace: self.namespace.as_deref(),
            labels: &self.labels,
            annotations: &self.annotations,
        };
        fields.serialize_entry("metadata", &metadata)?;
        for (field, value) in &self.body {
            fields.serialize_entry(field, value)?;
        }
        fields.end()
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::{Kind, Wave};

    #[test]
    fn a_kind_by_name_has_the_wave_of_its_constant() {
        for kind in [
            Kind::NAMESPACE,
            Kind::CUSTOM_RESOURCE_DEFINITION,
            Kind::SECRET,
            Kind::SERVICE_ACCOUNT,
            Kind::ROLE,
            Kind::ROLE_BINDING,
            Kind::SERVICE,
            Kind::DEPLOYMENT,
            Kind::DNS_ENDPOINT,
            Kind::SERVICE_EXPORT,
            Kind::gateway_api("HTTPRoute", "httproutes"),
            Kind::istio("v1", "Gateway", "gateways"),
            Kind::authorization_policy("v1"),
        ] {
            assert_eq!(
                Wave::of(&kind.group, &kind.kind),
                kind.wave,
                "{}",
                kind.kind
            );
        }
    }
}
