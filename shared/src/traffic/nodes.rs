//! The zones of nodes, by which Istio finds the nearest endpoint: a pod on a node in a zone that the document lacks may
//! prefer another cluster to its own.

use std::collections::BTreeSet;

use crate::findings::{Finding, Severity, code};
use crate::name::Label;
use crate::resolved::Cluster;

/// The label of a node's region.
pub const REGION_LABEL: &str = "topology.kubernetes.io/region";
/// The label of a node's zone.
pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Selectors of the nodes of a cluster that are not where the document has it: each finds some of them.
pub fn selectors(cluster: &Cluster) -> [String; 2] {
    let zones: Vec<&str> = cluster.zones.iter().map(Label::as_str).collect();
    // `notin` alone also selects nodes without the label.
    [
        format!("{ZONE_LABEL},{ZONE_LABEL} notin ({})", zones.join(",")),
        format!("{REGION_LABEL},{REGION_LABEL} notin ({})", cluster.region),
    ]
}

/// The finding for nodes that are somewhere else; `places` are their localities, `region/zone`.
pub fn elsewhere(index: usize, cluster: &Cluster, places: &BTreeSet<String>) -> Option<Finding> {
    if places.is_empty() {
        return None;
    }
    let places: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    let known: Vec<String> = cluster.places().map(|place| format!("`{place}`")).collect();
    Some(finding(
        index,
        Severity::Warning,
        format!(
            "nodes of cluster `{}` are in {}, the document has {}: calls of pods on these nodes may go to another \
             cluster first",
            cluster.name,
            places.join(", "),
            known.join(", ")
        ),
        "list all zones of the nodes in `zones`, in place of `zone`".to_owned(),
    ))
}

/// The finding for nodes that could not be read.
pub fn unread(index: usize, cluster: &str, why: &str) -> Finding {
    finding(
        index,
        Severity::Hint,
        format!("whether the nodes of cluster `{cluster}` are in its zones is unknown: {why}"),
        format!("compare them with the labels `{ZONE_LABEL}` of the nodes"),
    )
}

fn finding(index: usize, severity: Severity, message: String, hint: String) -> Finding {
    Finding {
        code: code::NODES_ELSEWHERE.id.to_owned(),
        severity,
        path: format!("spec.clusters[{index}].zone"),
        message,
        hint,
        fix: None,
    }
}
