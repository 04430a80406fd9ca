//! The permissions that a command needs in a cluster, and the ClusterRole that grants them.
//!
//! Kinds come from the rendered objects; all else that the agent reads and writes is listed in this module only. A Role
//! is not enough: objects of the mesh are listed in all namespaces at once.

mod changes;
mod denials;
mod in_cluster;
mod objects;
mod role;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::check::{Finding, check};
use crate::facts::Facts;
use crate::kubernetes::object::{Kind, Object, Scope};
use crate::mesh::Mesh;
use crate::plan::desired::Desired;
use crate::resolved::Resolved;

use in_cluster::InCluster;
use objects::{CREATE, identity, record, removal_of_record};

pub use changes::to_carry_out;
pub use denials::denials;
pub use role::{Rule, cluster_role};

/// A command that connects to clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Command {
    /// Compares the clusters with the document.
    Status,
    /// Compares, and computes the changes of an apply.
    Plan,
    /// Writes the rendered objects, and prunes.
    Apply,
    /// Deletes everything of the mesh.
    Remove,
    /// Keeps the DNS records up to date.
    Follow,
    /// Sends traffic, from pods or Jobs, and runs drills.
    Verify,
    /// All operations of the page.
    Serve,
}

impl Command {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Plan,
        Self::Apply,
        Self::Remove,
        Self::Follow,
        Self::Verify,
        Self::Serve,
    ];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it has no effect if others apply the objects.
    pub const fn is_left_to_others(self) -> bool {
        matches!(self, Self::Status | Self::Plan | Self::Apply | Self::Follow)
    }

    /// Whether it carries out a plan.
    pub const fn carries_out(self) -> bool {
        matches!(self, Self::Apply | Self::Remove)
    }
}

/// A verb on a resource, as in an RBAC rule and a SelfSubjectAccessReview.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// The plural, with a subresource after a slash, such as `pods/exec`.
    pub resource: Cow<'static, str>,
    /// The namespace; `None` for all of them, and for cluster-scoped resources.
    pub namespace: Option<String>,
    /// The object; `None` for any.
    pub name: Option<String>,
    /// Such as `get`.
    pub verb: Cow<'static, str>,
}

/// When a permission is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Never required: without it the command continues, or reports the denial where it occurs.
    Optional,
    /// Depends on the state of the cluster; see [`to_carry_out`].
    Sometimes,
    /// Always: without it the command cannot begin.
    Always,
}

/// Checks and renders a document as if every gateway had an address, so that DNS records are rendered whether or not
/// their addresses are known.
///
/// # Errors
/// The document has errors; returns all findings.
pub fn render(mesh: &Mesh) -> Result<(Arc<Resolved>, Desired), Vec<Finding>> {
    // RFC 5737.
    let anywhere = Ipv4Addr::new(192, 0, 2, 1);
    let clusters = mesh.spec.clusters.iter();
    let gateways: BTreeMap<_, _> = clusters
        .clone()
        .map(|cluster| (cluster.name.clone(), vec![anywhere.to_string()]))
        .collect();
    let written = clusters.flat_map(|cluster| {
        let ingress = cluster.gateway.iter().flat_map(|one| &one.addresses);
        let east_west = cluster.east_west_gateway.iter();
        ingress.chain(east_west.flat_map(|one| &one.addresses))
    });
    let facts = Facts {
        east_west_gateways: gateways.clone(),
        gateways,
        // The check ignores keys that are not host names.
        host_names: written
            .map(|address| (address.clone(), vec![anywhere.into()]))
            .collect(),
        ..Facts::default()
    };
    let checked = check(mesh, &facts);
    let resolved = Arc::new(checked.resolved.ok_or(checked.findings)?);
    let desired = Desired::new(Arc::clone(&resolved));
    Ok((resolved, desired))
}

/// Permissions, each with when it is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs(BTreeMap<Permission, Need>);

impl Needs {
    /// Permissions of a command in a cluster, given by its index, and for the objects of the engine for it. `resolved`
    /// comes from `mesh`.
    pub fn new(
        mesh: &Mesh,
        resolved: &Resolved,
        objects: &[Object],
        cluster: usize,
        command: Command,
    ) -> Self {
        let written = &mesh.spec.clusters[cluster];
        let cluster = &resolved.clusters[cluster];
        let in_cluster = InCluster {
            spec: &mesh.spec,
            written,
            resolved,
            cluster,
            mesh: resolved.name.as_str(),
            objects,
        };
        let mut needs = Self::default();
        in_cluster.command(command, &mut needs);
        needs
    }

    /// Permissions to remove a mesh whose document cannot be rendered.
    pub fn to_remove(mesh: &str) -> Self {
        let mut needs = Self::default();
        needs.add(Need::Optional, identity());
        needs.add(Need::Always, record(mesh, "get"));
        needs.all(Need::Sometimes, removal_of_record(mesh));
        needs
    }

    /// All permissions with their need, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Permission, Need)> {
        self.0.iter().map(|(permission, need)| (permission, *need))
    }

    /// Whether the permission is included.
    pub fn contains(&self, permission: &Permission) -> bool {
        self.0.contains_key(permission)
    }

    fn add(&mut self, need: Need, permission: Permission) {
        let known = self.0.entry(permission).or_insert(need);
        *known = need.max(*known);
    }

    fn all(&mut self, need: Need, permissions: impl IntoIterator<Item = Permission>) {
        for permission in permissions {
            self.add(need, permission);
        }
    }
}

impl Permission {
    /// Every verb on every resource, as an administrator has.
    pub fn everything() -> Self {
        Self::new("*", "*", "*")
    }

    /// The same permission in all namespaces.
    #[must_use]
    pub fn everywhere(&self) -> Self {
        self.clone().within(None)
    }

    fn new(
        group: impl Into<Cow<'static, str>>,
        resource: impl Into<Cow<'static, str>>,
        verb: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            group: group.into(),
            resource: resource.into(),
            namespace: None,
            name: None,
            verb: verb.into(),
        }
    }

    fn of_kind(kind: &Kind, verb: &'static str) -> Self {
        Self::new(kind.group.clone(), kind.plural.clone(), verb)
    }

    /// A permission on an object. Cluster-scoped objects and RBAC are restricted by name, since all objects of such a
    /// kind would reach beyond the mesh; RBAC cannot restrict `create` by name.
    fn of_object(kind: &Kind, namespace: Option<&str>, name: &str, verb: &'static str) -> Self {
        let by_name = kind.scope == Scope::Cluster || kind.group == Kind::ROLE.group;
        let permission = Self::of_kind(kind, verb).within(namespace);
        if by_name && verb != CREATE {
            permission.named(name)
        } else {
            permission
        }
    }

    fn within(mut self, namespace: Option<&str>) -> Self {
        self.namespace = namespace.map(str::to_owned);
        self
    }

    fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}
