//! Users whose rights end where those of most people do.

use std::time::Duration;

use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::operation::{Operations, Planned};
use fedmesh_agent::stop::Stop;
use serde_json::{Value, json};
use shared::access::{self, Command, Needs};
use shared::api::{Intent, Report};
use shared::mesh::Mesh;

use crate::fixture::{CLUSTERS, Fixture, unguarded};

/// Somebody who may do in some clusters what roles allow, and everything in the others.
pub(crate) struct Restricted {
    operations: Operations,
    _folder: tempfile::TempDir,
}

/// The rules of the ClusterRole that is printed for a command in a cluster.
pub(crate) fn printed_rules(mesh: &Mesh, context: &str, command: Command) -> Vec<Value> {
    let (resolved, desired) = access::render(mesh).unwrap();
    let index = index_of(context);
    let objects = desired.of(resolved.clusters[index].name.as_str());
    let needs = Needs::new(mesh, &resolved, &objects, index, command);
    let role = access::cluster_role(&mesh.metadata.name, command, &needs);
    let role = role.to_json();
    role["rules"].as_array().unwrap().clone()
}

fn index_of(context: &str) -> usize {
    let mut clusters = CLUSTERS.iter();
    clusters.position(|(_, of)| *of == context).unwrap()
}

impl Restricted {
    /// A user of one cluster who may do everything that a public zone takes, and some things with the
    /// ConfigMaps of kube-system.
    pub(crate) fn new(fixture: &Fixture<'_>, context: &str, verbs: &[&str]) -> Self {
        let user = format!("{}-user-{}", fixture.name, verbs.len());
        let mut rules = printed_rules(&fixture.mesh, context, Command::Apply);
        rules.retain(|rule| rule["resources"] != json!(["configmaps"]));
        if !verbs.is_empty() {
            rules.push(json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": verbs }));
        }
        Self::with_rules(fixture, &user, &[(context, rules)])
    }

    /// A user with these rules, by context.
    pub(crate) fn with_rules(
        fixture: &Fixture<'_>,
        user: &str,
        clusters: &[(&str, Vec<Value>)],
    ) -> Self {
        let config = std::fs::read_to_string(fixture.bed.kubeconfig()).unwrap();
        let mut config: Value = serde_json::from_str(&config).unwrap();
        for (context, rules) in clusters {
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
            config["users"][index_of(context)]["user"]["as"] = user.into();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, config.to_string()).unwrap();
        Self {
            operations: Operations::new(Some(file)),
            _folder: folder,
        }
    }

    /// The operations of this user.
    pub(crate) fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Plans once the server knows of the role.
    pub(crate) async fn plan(&self, fixture: &Fixture<'_>, intent: Intent) -> Planned {
        let planned = self.plan_until(fixture, intent, |planned| {
            let mut clusters = planned.plan.clusters.iter();
            clusters.all(|cluster| cluster.error.is_none())
        });
        planned.await
    }

    /// Plans until the plan is as it should be: a server learns of roles a little later.
    pub(crate) async fn plan_until(
        &self,
        fixture: &Fixture<'_>,
        intent: Intent,
        is_expected: impl Fn(&Planned) -> bool,
    ) -> Planned {
        let mut last = None;
        for _ in 0..50 {
            let planned = self.operations.plan(&fixture.mesh, intent).await.unwrap();
            if is_expected(&planned) {
                return planned;
            }
            last = Some(planned);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the role is never known: {:#?}", last.unwrap().plan);
    }

    pub(crate) async fn carry_out(&self, fixture: &Fixture<'_>, planned: Planned) -> Report {
        let (sender, _receiver) = tokio::sync::mpsc::unbounded_channel();
        let plan = planned.approve(unguarded(false)).unwrap();
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
        locked.apply(plan, &stop, sender).await
    }
}
