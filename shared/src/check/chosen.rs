//! Clusters that are chosen by their names or by their labels.

use std::collections::BTreeMap;

use super::clusters::listed;
use super::labels::labels;
use super::{Findings, code};
use crate::mesh::Spec;

/// What a part of the document says of clusters.
pub(super) struct Chosen<'a> {
    /// Where `clusters` and `clusterSelector` stand.
    pub(super) path: &'a str,
    pub(super) clusters: Option<&'a [String]>,
    pub(super) selector: &'a BTreeMap<String, String>,
}

/// What is wrong where no cluster is chosen.
pub(super) struct NoCluster {
    pub(super) code: code::Code,
    /// Where none is named.
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
    /// Where no cluster has the labels.
    pub(super) labels_hint: &'static str,
}

impl Chosen<'_> {
    /// Whether anything is said.
    pub(super) fn is_given(&self) -> bool {
        self.clusters.is_some() || !self.selector.is_empty()
    }

    /// The field that says it.
    pub(super) fn field(&self) -> String {
        let name = if self.selector.is_empty() {
            "clusters"
        } else {
            "clusterSelector"
        };
        format!("{}.{name}", self.path)
    }

    /// The indices of the clusters, ascending, of which there is one at least; of all where nothing is said.
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
