//! Drills: possible targets, the requested target, and the results.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::resolved::published::{Level, PublishedName};
use crate::resolved::{Resolved, Service};

/// A drill: one service was scaled to zero in one cluster, and restored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drill {
    /// `<name>.<namespace>` of the service.
    pub service: String,
    /// The cluster where it was scaled down.
    pub cluster: String,
    /// The called name.
    pub host: String,
    /// The scaled workloads, `namespace/name`, with their replicas.
    pub workloads: Vec<(String, u32)>,
    /// The results of each client.
    pub clients: Vec<DrillClient>,
    /// The reason why the replicas of the workloads were not restored, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_restored: Option<String>,
}

/// The results of one client. Times are in milliseconds; absent if the event did not happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillClient {
    /// The client's cluster.
    pub cluster: String,
    /// The clusters that should have answered during the drill.
    pub expected: Vec<String>,
    /// The clusters that answered during the drill.
    pub answered_by: Vec<String>,
    /// Total number of requests.
    pub requests: u32,
    /// Requests without a good answer.
    pub lost: u32,
    /// Time from the scale-down until only the expected clusters answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_after: Option<u32>,
    /// Time from the restore until the first cluster answered again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_after: Option<u32>,
}

/// The step of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DrillStep {
    /// Clients send requests; the service is scaled down when all of them are answered.
    Before,
    /// The Deployments are scaled to zero; clients watch traffic move.
    Away,
    /// The replicas are restored; clients watch traffic come back.
    Back,
}

impl DrillStep {
    /// The step as text.
    pub fn words(self, service: &str, cluster: &str) -> String {
        match self {
            Self::Before => {
                format!("{service} still runs in {cluster}; checking that all clients are answered")
            }
            Self::Away => {
                format!("{service} is scaled down in {cluster}; waiting for traffic to move")
            }
            Self::Back => {
                format!("{service} is restored in {cluster}; waiting for traffic to return")
            }
        }
    }
}

/// A service that can be drilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drillable {
    /// `<name>.<namespace>`
    pub service: String,
    /// The clusters where it can be scaled down, in the order of the document.
    pub clusters: Vec<String>,
}

/// The services that can be drilled, in the order of the document.
pub fn drillable(resolved: &Resolved) -> Vec<Drillable> {
    let services = resolved.services.iter();
    let may_be = services.filter(|service| called_name(resolved, service).is_ok());
    may_be
        .map(|service| Drillable {
            service: service.id(),
            clusters: service
                .clusters
                .iter()
                .map(|&index| resolved.clusters[index].name.to_string())
                .collect(),
        })
        .collect()
}

/// The target of a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillTarget {
    /// `<name>` or `<name>.<namespace>`
    pub service: String,
    /// The cluster; default the first that serves it.
    pub cluster: Option<String>,
}

/// A target that is in the document and can be drilled.
#[derive(Debug)]
pub struct DrillPlace<'a> {
    /// The service.
    pub service: &'a Service,
    /// Its index in the document.
    pub service_index: usize,
    /// The name that clients call: the global one.
    pub name: &'a PublishedName,
    /// The cluster.
    pub cluster: &'a str,
    /// Its index in the document.
    pub cluster_index: usize,
}

/// The text is not `SERVICE[@CLUSTER]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form SERVICE[@CLUSTER]; use one such as orders.sales@north")]
pub struct DrillTargetError(String);

impl FromStr for DrillTarget {
    type Err = DrillTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, cluster) = match text.split_once('@') {
            Some((service, cluster)) => (service, Some(cluster.to_owned())),
            None => (text, None),
        };
        if service.is_empty() || cluster.as_ref().is_some_and(String::is_empty) {
            return Err(DrillTargetError(text.to_owned()));
        }
        Ok(Self {
            service: service.to_owned(),
            cluster,
        })
    }
}

/// The reason why a target cannot be drilled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDrillable {
    /// No service has the name.
    #[error("the document has no service {0}")]
    Unknown(String),
    /// Services of several namespaces have it.
    #[error("several services are named {0}; use <name>.<namespace>")]
    Ambiguous(String),
    /// Service, cluster.
    #[error("{0} does not run in cluster {1}")]
    NotThere(String, String),
    /// Answers do not identify their cluster, for any service.
    #[error("with spec.answerHeader: false, answers do not identify their cluster")]
    NoAnswerHeader,
    /// `transport: mtls`
    #[error("calls of {0} use mutual TLS, so answers do not identify their cluster")]
    Mutual(String),
    /// Connections have no header.
    #[error("{0} has no HTTP port, so answers do not identify their cluster")]
    NotHttp(String),
    /// No other cluster serves it.
    #[error("{0} runs in one cluster only, so traffic cannot move")]
    Alone(String),
    /// The name that traffic would move for does not exist.
    #[error("{0} has no global name")]
    NoGlobalName(String),
}

impl NotDrillable {
    /// The remedy.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unknown(_) | Self::Ambiguous(_) => {
                "use the service's name and namespace as in the document, such as orders.sales"
            }
            Self::NotThere(..) => {
                "use a cluster that the service runs in, or none for the first of them"
            }
            Self::NoAnswerHeader => {
                "remove spec.answerHeader (Istio 1.0 does not support it), and apply"
            }
            Self::Mutual(_) | Self::NotHttp(_) => {
                "use a service with an HTTP port and without mutual TLS"
            }
            Self::Alone(_) | Self::NoGlobalName(_) => {
                "use a service that runs in at least two clusters"
            }
        }
    }
}

impl DrillTarget {
    /// Finds the target in the document.
    ///
    /// # Errors
    /// It does not exist, or cannot be drilled.
    pub fn find<'a>(&self, resolved: &'a Resolved) -> Result<DrillPlace<'a>, NotDrillable> {
        let is_named = |service: &Service| {
            service.id() == self.service || service.name.as_str() == self.service
        };
        let mut named = resolved.services.iter().enumerate();
        let mut named = named.by_ref().filter(|(_, service)| is_named(service));
        let Some((service_index, service)) = named.next() else {
            return Err(NotDrillable::Unknown(self.service.clone()));
        };
        if named.next().is_some() {
            return Err(NotDrillable::Ambiguous(self.service.clone()));
        }
        let name_of = |index: usize| resolved.clusters[index].name.as_str();
        let is_desired = |index: &usize| {
            let desired = self.cluster.as_deref();
            desired.is_none_or(|cluster| cluster == name_of(*index))
        };
        let Some(cluster_index) = service.clusters.iter().copied().find(is_desired) else {
            let cluster = self.cluster.clone().unwrap_or_default();
            return Err(NotDrillable::NotThere(service.id(), cluster));
        };
        Ok(DrillPlace {
            service,
            service_index,
            name: called_name(resolved, service)?,
            cluster: name_of(cluster_index),
            cluster_index,
        })
    }
}

/// The name that clients call during a drill: answered by several clusters, and the answer identifies the cluster.
fn called_name<'a>(
    resolved: &Resolved,
    service: &'a Service,
) -> Result<&'a PublishedName, NotDrillable> {
    if !resolved.answer_header {
        return Err(NotDrillable::NoAnswerHeader);
    }
    if service.is_mutual() {
        return Err(NotDrillable::Mutual(service.id()));
    }
    if !service.is_http() {
        return Err(NotDrillable::NotHttp(service.id()));
    }
    if service.clusters.len() < 2 {
        return Err(NotDrillable::Alone(service.id()));
    }
    let mut names = service.names.iter();
    names
        .find(|name| name.level == Level::Global)
        .ok_or_else(|| NotDrillable::NoGlobalName(service.id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mesh;
    use crate::facts::Facts;

    const MESH: &str = "\
apiVersion: fedmesh.dev/v1alpha1
kind: Mesh
metadata: {name: demo}
spec:
  dns: {suffix: mesh.example.org}
  clusters:
  - {name: north, context: a, region: eu, zone: eu-a, gateway: {addresses: [203.0.113.1]}}
  - {name: south, context: b, region: eu, zone: eu-b, gateway: {addresses: [203.0.113.2]}}
  services:
  - {name: orders, namespace: sales, port: 8000}
  - {name: stock, namespace: depot, port: 8000}
  - {name: stock, namespace: shop, port: 8000}
  - {name: alone, namespace: sales, port: 8000, clusters: [south]}
  - {name: store, namespace: sales, port: 8001, protocol: tcp}
";

    fn resolved(text: &str) -> Resolved {
        let mesh = Mesh::read(text).unwrap();
        let checked = crate::check(&mesh, &Facts::default());
        checked
            .resolved
            .unwrap_or_else(|| panic!("{:#?}", checked.findings))
    }

    #[test]
    fn targets_are_read() {
        let target: DrillTarget = "orders.sales@north".parse().unwrap();
        assert_eq!(target.service, "orders.sales");
        assert_eq!(target.cluster.as_deref(), Some("north"));
        let target: DrillTarget = "orders".parse().unwrap();
        assert_eq!(target.cluster, None);
        for wrong in ["", "@north", "orders@"] {
            wrong.parse::<DrillTarget>().unwrap_err();
        }
    }

    #[test]
    fn a_target_is_found_or_refused_with_a_reason() {
        let resolved = resolved(MESH);
        let find = |text: &str| {
            let target: DrillTarget = text.parse().unwrap();
            let found = target.find(&resolved);
            found.map(|place| format!("{}@{}", place.service.id(), place.cluster))
        };
        assert_eq!(find("orders").unwrap(), "orders.sales@north");
        assert_eq!(find("orders.sales@south").unwrap(), "orders.sales@south");
        assert_eq!(find("stock.shop").unwrap(), "stock.shop@north");
        let refused = |text: &str| find(text).unwrap_err();
        assert_eq!(refused("none"), NotDrillable::Unknown("none".into()));
        assert_eq!(refused("stock"), NotDrillable::Ambiguous("stock".into()));
        assert_eq!(
            refused("orders@west"),
            NotDrillable::NotThere("orders.sales".into(), "west".into())
        );
        assert_eq!(refused("alone"), NotDrillable::Alone("alone.sales".into()));
        assert_eq!(
            refused("store"),
            NotDrillable::NotHttp("store.sales".into())
        );
    }

    #[test]
    fn drillable_services_are_valid_targets() {
        let names = |resolved: &Resolved| -> Vec<String> {
            let all = drillable(resolved).into_iter();
            all.map(|one| format!("{}@{}", one.service, one.clusters.join(",")))
                .collect()
        };
        assert_eq!(
            names(&resolved(MESH)),
            [
                "orders.sales@north,south",
                "stock.depot@north,south",
                "stock.shop@north,south"
            ]
        );
        let unmarked = MESH.replace("spec:\n", "spec:\n  answerHeader: false\n");
        assert!(names(&resolved(&unmarked)).is_empty());
    }
}
