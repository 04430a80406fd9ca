//! Open Cluster Management: a ManifestWork in a cluster's namespace holds that cluster's objects.

use serde_json::Value;

use super::super::objects::{self, Object};
use super::{Carried, Expanded};
use crate::check::{Findings, code};
use crate::mesh::Target;

const GROUP: &str = "work.open-cluster-management.io";

/// The configuration of works stays, in a work without manifests.
pub(super) fn expand(objects: &mut [Object], expanded: &mut Expanded, findings: &mut Findings) {
    for work in objects {
        if work.group() != GROUP || work.kind() != "ManifestWork" {
            continue;
        }
        let workload = work.value.pointer_mut("/spec/workload");
        let manifests = match workload.and_then(Value::as_object_mut) {
            Some(workload) => workload.shift_remove("manifests"),
            None => None,
        };
        let Some(Value::Array(manifests)) = manifests else {
            continue;
        };
        let cluster = work.namespace().to_owned();
        for (index, value) in manifests.into_iter().enumerate() {
            if !value.as_object().is_some_and(objects::has_texts) {
                findings.warning(
                    code::FEDERATED_FAULT,
                    &format!("{} spec.workload.manifests[{index}]", work.place()),
                    "the manifest is not a Kubernetes object".into(),
                    "add `kind` and `metadata.name` to the manifest".into(),
                );
                continue;
            }
            let object = Object::new(work.file.clone(), work.cluster.clone(), value);
            expanded.add(Target::Ocm, Carried::new(object, vec![cluster.clone()]));
        }
    }
}
