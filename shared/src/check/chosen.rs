//! Clusters that are selected by names or by labels.

use std::collections::BTreeMap;

use super::clusters::listed;
use super::labels::labels;
use super::{Findings, code};
use crate::mesh::Spec;

/// A selection of clusters in the document.
pub(super) struct Chosen<'a> {
    /// The parent of `clusters` and `clusterSelector`.
    pub(super) path: &'a str,
    pub(super) clusters: Option<&'a [String]>,
    pub(super) selector: &'a BTreeMap<String, String>,
}

/// The finding for an empty selection.
pub(super) struct NoCluster {
    pub(super) code: code::Code,
    /// For an empty list.
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
    /// For labels that no cluster has.
    pub(super) labels_hint: &'static str,
}

impl Chosen<'_> {
    /// Whether either field is set.
    pub(super) fn is_given(&self) -> bool {
        self.clusters.is_some() || !self.selector.is_empty()
    }

    /// The field that is set.
    pub(super) fn field(&self) -> String {
        let name = if self.selector.is_empty() {
            "clusters"
        } else {
            "clusterSelector"
        };
        format!("{}.{name}", self.path)
    }

    /// The indices of the clusters, ascending, at least one; of all clusters without a selection.
    pub(super) fn find_or_all(
        &self,
        none: &NoCluster,
        spec: &Spec,
        findings: &mut Findings,
    ) -> Option<Vec<usize>> {
        if !self.is_given() {
            return Some((0..spec.clusters.len()).collect());
        }
        let clusters = self.find(spec, findings)?;
        if clusters.is_empty() {
            let (message, hint) = if self.selector.is_empty() {
                (none.message, none.hint)
            } else {
                ("no cluster has these labels", none.labels_hint)
            };
            findings.error(none.code, &self.field(), message.into(), hint.into());
            return None;
        }
        Some(clusters)
    }

    /// The indices of the clusters, ascending.
    pub(super) fn find(&self, spec: &Spec, findings: &mut Findings) -> Option<Vec<usize>> {
        if self.selector.is_empty() {
            return listed(
                &self.field(),
                self.clusters.unwrap_or_default(),
                spec,
                findings,
            );
        }
        if self.clusters.is_some() {
            findings.error(
                code::CLUSTERS_TWICE,
                &self.field(),
                "`clusters` conflicts with `clusterSelector`".into(),
                "remove `clusters` or `clusterSelector`".into(),
            );
            return None;
        }
        if !labels(&self.field(), self.selector, findings) {
            return None;
        }
        let mut selected = Vec::new();
        for (index, cluster) in spec.clusters.iter().enumerate() {
            if cluster.has_labels(self.selector) {
                selected.push(index);
            }
        }
        Some(selected)
    }
}
