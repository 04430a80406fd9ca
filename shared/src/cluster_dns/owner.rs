//! Who else writes a ConfigMap, and would remove a change.

use serde_json::Value;

use super::OPENSHIFT;
use crate::findings::{Finding, Severity, code};
use crate::kubernetes::object::Key;

/// Who writes a ConfigMap, or whether nobody can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Nobody: it is immutable.
    Immutable,
    /// The chart of RKE2.
    Rke2,
    /// The DNS operator of OpenShift.
    OpenShift,
    /// k3s, at each start of its servers.
    K3s,
    /// An update of the add-on of EKS.
    Eks,
    /// An upgrade of a Helm release.
    Helm(String),
}

impl Owner {
    /// By the marks of a ConfigMap.
    pub(super) fn of(config_map: &Key, map: &Value) -> Option<Self> {
        let metadata = &map["metadata"];
        let annotation = |name: &str| metadata["annotations"][name].as_str().unwrap_or_default();
        if map["immutable"] == true {
            return Some(Self::Immutable);
        }
        if config_map.namespace == OPENSHIFT.0 {
            return Some(Self::OpenShift);
        }
        match annotation("meta.helm.sh/release-name") {
            "" => {}
            "rke2-coredns" => return Some(Self::Rke2),
            release => return Some(Self::Helm(release.to_owned())),
        }
        if annotation("objectset.rio.cattle.io/owner-gvk").starts_with("k3s.cattle.io/") {
            return Some(Self::K3s);
        }
        let eks = &metadata["labels"]["eks.amazonaws.com/component"];
        eks.is_string().then_some(Self::Eks)
    }

    /// Whether a change is refused, or would be reverted without an upgrade by the user.
    pub(super) fn keeps_others_out(&self) -> bool {
        matches!(self, Self::Immutable | Self::Rke2 | Self::OpenShift)
    }

    /// That a change of a ConfigMap in a cluster does not last; `None` if it is not made.
    pub fn finding(&self, config_map: &Key, cluster: usize, name: &str) -> Option<Finding> {
        let (writer, hint) = match self {
            Self::Immutable | Self::Rke2 | Self::OpenShift => return None,
            Self::K3s => (
                "k3s writes it at each start".to_owned(),
                "upgrade k3s to a version whose Corefile imports `/etc/coredns/custom/*.server`, or apply again after \
                 each start of a server"
                    .to_owned(),
            ),
            Self::Eks => (
                "an update of the EKS add-on may write it".to_owned(),
                "update the add-on with `--resolve-conflicts PRESERVE`, and apply again after the update".to_owned(),
            ),
            Self::Helm(release) => (
                format!("an upgrade of the Helm release `{release}` writes it"),
                "add the zone to the values of the release too, or apply again after each upgrade".to_owned(),
            ),
        };
        Some(Finding {
            code: code::DNS_OVERWRITTEN.id.to_owned(),
            severity: Severity::Hint,
            path: format!("spec.clusters[{cluster}].dnsFlavour"),
            message: format!(
                "the forwarding in {config_map} of cluster {name} may be lost: {writer}"
            ),
            hint,
            fix: None,
        })
    }
}
