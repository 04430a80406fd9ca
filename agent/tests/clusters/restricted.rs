//! Users whose rights end where those of most people do.

use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::operation::{ApplyOptions, Operations, Planned};
use fedmesh_agent::stop::Stop;
use serde_json::{Value, json};
use shared::api::{Intent, Report};

use crate::fixture::{CLUSTERS, Fixture};

/// A user of one cluster who may do everything that a public zone takes, and some things with the
/// ConfigMaps of kube-system.
pub(crate) struct Restricted {
    operations: Operations,
    _folder: tempfile::TempDir,
}

impl Restricted {
    pub(crate) fn new(fixture: &Fixture<'_>, context: &str, verbs: &[&str]) -> Self {
        let user = format!("{}-user-{}", fixture.name, verbs.len());
        let all = |groups: &[&str], resources: &[&str]| json!({ "apiGroups": groups, "resources": resources, "verbs": ["*"] });
        let mut rules = vec![
            all(
                &[
                    "networking.istio.io",
                    "externaldns.k8s.io",
                    "apps",
                    "apiextensions.k8s.io",
                ],
                &["*"],
            ),
            all(&[""], &["namespaces", "secrets", "services"]),
            all(&["coordination.k8s.io"], &["leases"]),
        ];
        if !verbs.is_empty() {
            rules.push(json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": verbs }));
        }
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": { "name": user }, "rules": rules,
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": { "name": user },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user },
                "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
            },
        ] });
        fixture
            .bed
            .kubectl_with_input(context, &["create", "-f", "-"], &list.to_string())
            .unwrap();
        let config = std::fs::read_to_string(fixture.bed.kubeconfig()).unwrap();
        let mut config: Value = serde_json::from_str(&config).unwrap();
        let index = CLUSTERS.iter().position(|(_, of)| *of == context).unwrap();
        config["users"][index]["user"]["as"] = user.into();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, config.to_string()).unwrap();
        Self {
            operations: Operations::new(Some(file)),
            _folder: folder,
        }
    }

    /// Plans once the server knows of the role.
    pub(crate) async fn plan(&self, fixture: &Fixture<'_>, intent: Intent) -> Planned {
        for _ in 0..50 {
            let planned = self.operations.plan(&fixture.mesh, intent).await.unwrap();
            if planned
                .plan
                .clusters
                .iter()
                .all(|cluster| cluster.error.is_none())
            {
                return planned;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the role is never known");
    }

    pub(crate) async fn carry_out(&self, fixture: &Fixture<'_>, planned: Planned) -> Report {
        let (sender, _receiver) = tokio::sync::mpsc::unbounded_channel();
        let options = ApplyOptions::default();
        let stop = Stop::never();
        let locked = self
            .operations
            .lock(
                &fixture.mesh,
                &fixture.decisions,
                "test",
                LockOptions::default(),
            )
            .await
            .unwrap();
        locked.apply(planned, options, &stop, sender).await
    }
}
