//! A bed and a mesh on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock};

use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::operation::{ApplyOptions, Blocked, Locked, Operations, PlanError, Planned};
use fedmesh_agent::stop::Stop;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, ResourceExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::{ApiGroup, verbs};
use kube::{Client, Config, Discovery};
use serde_json::{Value, json};
use shared::api::{Event, Intent, Report};
use shared::kubernetes::ownership::{applyset_id, parent_name};
use shared::mesh::Mesh;
use shared::plan::decisions::Decisions;
use shared::plan::{Action, Plan};
use testbed::{Options, Testbed};
use tokio::runtime::Handle;
use tokio::sync::MutexGuard;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::block_in_place;

pub(crate) const WEST: &str = "west-context";
pub(crate) const EAST: &str = "east-context";
/// What the document calls them.
pub(crate) const CLUSTERS: [(&str, &str); 2] = [("sunset", WEST), ("sunrise", EAST)];

/// A bed with both contexts.
fn start_bed() -> Testbed {
    Testbed::start(Options::with_contexts([WEST, EAST])).unwrap()
}

/// The bed of all tests that stop no server and share no object.
pub(crate) fn shared_bed() -> &'static Testbed {
    static BED: OnceLock<Testbed> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock();
    BED.get_or_init(start_bed)
}

/// A second bed, for tests that stop a server or change what all meshes share: one at a time, each leaves it as
/// it found it. Starting a bed takes as long as most tests.
pub(crate) struct LoneBed {
    bed: &'static Testbed,
    turn: MutexGuard<'static, Option<&'static Testbed>>,
}

impl LoneBed {
    pub(crate) async fn take() -> Self {
        static TURN: tokio::sync::Mutex<Option<&Testbed>> = tokio::sync::Mutex::const_new(None);
        let mut turn = TURN.lock().await;
        let bed = *turn.get_or_insert_with(|| Box::leak(Box::new(start_bed())));
        Self { bed, turn }
    }

    /// The bed, which is the caller's own for as long as this value is there.
    pub(crate) fn bed(&self) -> &'static Testbed {
        self.bed
    }
}

impl Drop for LoneBed {
    fn drop(&mut self) {
        // Whatever a failed test left behind is nobody else's trouble.
        if std::thread::panicking() {
            *self.turn = None;
        }
    }
}

/// Makes a namespace that another test may have made before.
pub(crate) fn make_namespace(bed: &Testbed, context: &str, name: &str) {
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let apply = ["apply", "--server-side", "-f", "-"];
    bed.kubectl_with_input(context, &apply, &namespace.to_string())
        .unwrap();
}

/// A mesh with its namespace in both clusters of a bed.
pub(crate) struct Fixture<'a> {
    pub(crate) bed: &'a Testbed,
    pub(crate) name: &'static str,
    pub(crate) mesh: Mesh,
    pub(crate) operations: Operations,
    pub(crate) decisions: Decisions,
}

impl<'a> Fixture<'a> {
    /// One service, `orders`, published as `shop`; namespace and mesh have the given name.
    pub(crate) fn new(bed: &'a Testbed, name: &'static str) -> Self {
        for (_, context) in CLUSTERS {
            bed.kubectl(context, &["create", "namespace", name])
                .unwrap();
        }
        let operations = Operations::new(Some(bed.kubeconfig().to_owned()));
        Self {
            bed,
            name,
            mesh: document(name, &["orders"]),
            operations,
            decisions: Decisions::default(),
        }
    }

    pub(crate) async fn plan(&self) -> Planned {
        self.operations
            .plan_with(&self.mesh, Intent::Apply, &self.decisions)
            .await
            .unwrap()
    }

    pub(crate) async fn plan_removal(&self) -> Planned {
        self.operations
            .plan_with(&self.mesh, Intent::Remove, &self.decisions)
            .await
            .unwrap()
    }

    /// As the only writer.
    pub(crate) async fn lock(&self) -> Locked {
        let options = LockOptions::default();
        let lock = self
            .operations
            .lock(&self.mesh, &self.decisions, "test", options);
        lock.await.unwrap()
    }

    pub(crate) async fn carry_out(&self, planned: Planned, partial: bool) -> (Report, Vec<Event>) {
        self.carry_out_with(self.lock().await, planned, partial)
            .await
    }

    pub(crate) async fn carry_out_with(
        &self,
        locked: Locked,
        planned: Planned,
        partial: bool,
    ) -> (Report, Vec<Event>) {
        let (sender, mut receiver) = unbounded_channel();
        let plan = planned.approve(unguarded(partial)).unwrap();
        let report = locked.apply(plan, &Stop::never(), sender).await;
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        (report, events)
    }

    /// Plans and applies; all of it has to go well.
    pub(crate) async fn apply(&self) -> Report {
        let (report, _) = self.carry_out(self.plan().await, false).await;
        assert!(report.is_success(), "{report:#?}");
        report
    }

    pub(crate) async fn remove(&self) -> Report {
        let (report, _) = self.carry_out(self.plan_removal().await, false).await;
        assert!(report.is_success(), "{report:#?}");
        report
    }

    pub(crate) fn kubectl(&self, context: &str, arguments: &[&str]) -> String {
        self.bed.kubectl(context, arguments).unwrap()
    }

    pub(crate) fn get(&self, context: &str, arguments: &[&str]) -> Value {
        let mut all = vec!["get", "-o", "json", "--show-managed-fields"];
        all.extend(arguments);
        serde_json::from_str(&self.kubectl(context, &all)).unwrap()
    }

    /// Every object with our labels, of every kind that the server has, and the parent, as
    /// `Kind namespace/name` with the resourceVersion. By kube's own client: kubectl takes over a second for so
    /// many kinds, and tests ask again and again.
    pub(crate) fn ours(&self, context: &str) -> BTreeMap<String, String> {
        let listed = self.list_ours(context);
        block_in_place(|| Handle::current().block_on(listed)).unwrap()
    }

    async fn list_ours(&self, context: &str) -> kube::Result<BTreeMap<String, String>> {
        let client = client(self.bed, context).await;
        let selectors = [
            format!("applyset.kubernetes.io/part-of={}", applyset_id(self.name)),
            format!("fedmesh.dev/mesh={}", self.name),
        ];
        let selectors = selectors.map(|labels| ListParams::default().labels(&labels));
        let discovery = Discovery::new(client.clone()).run_aggregated().await?;
        let kinds: Vec<ApiResource> = discovery
            .groups()
            .flat_map(ApiGroup::recommended_resources)
            .filter(|(_, can)| can.supports_operation(verbs::LIST))
            .map(|(kind, _)| kind)
            .collect();
        assert!(kinds.iter().any(|kind| kind.kind == "Secret"), "{kinds:?}");
        let lists = kinds.iter().flat_map(|kind| {
            let client = &client;
            selectors.iter().map(move |selector| async move {
                let api: Api<DynamicObject> = Api::all_with(client.clone(), kind);
                let list = api.list_metadata(selector).await?;
                let named = list.into_iter().map(|object| {
                    let namespace = object.namespace().unwrap_or_default();
                    let name = format!("{} {namespace}/{}", kind.kind, object.name_any());
                    (name, object.resource_version().unwrap())
                });
                Ok::<_, kube::Error>(named.collect::<Vec<_>>())
            })
        });
        let lists: Vec<_> = stream::iter(lists)
            .buffer_unordered(8)
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    pub(crate) fn parent(&self) -> String {
        format!("Secret istio-system/{}", parent_name(self.name))
    }
}

/// Options that confirm every deletion.
pub(crate) fn unguarded(partial: bool) -> ApplyOptions {
    ApplyOptions {
        partial,
        allow_delete: Some(usize::MAX),
    }
}

/// Why a plan must not be applied.
pub(crate) fn blocked(planned: Planned) -> Blocked {
    planned.approve(unguarded(false)).unwrap_err()
}

/// A client that has nothing to do with fedmesh.
pub(crate) async fn client(bed: &Testbed, context: &str) -> Client {
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let kubeconfig = Kubeconfig::read_from(bed.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

/// A document with services in the namespace that is named as the mesh; the first is also published
/// as `shop`.
pub(crate) fn document(name: &str, services: &[&str]) -> Mesh {
    let mut text = format!(
        "apiVersion: fedmesh.dev/v1alpha1\n\
         kind: Mesh\n\
         metadata: {{name: {name}}}\n\
         spec:\n\
         \x20 dns: {{suffix: {name}.example.net}}\n\
         \x20 clusters:\n"
    );
    for (index, (cluster, context)) in CLUSTERS.iter().enumerate() {
        writeln!(
            text,
            "  - {{name: {cluster}, context: {context}, region: r1, zone: r1-{index}, \
             gateway: {{addresses: [203.0.113.{index}], clusterIP: 10.96.113.{index}}}}}"
        )
        .unwrap();
    }
    text.push_str("  services:\n");
    for (index, service) in services.iter().enumerate() {
        let hostname = if index == 0 { ", hostname: shop" } else { "" };
        writeln!(
            text,
            "  - {{name: {service}, namespace: {name}, port: 8000{hostname}}}"
        )
        .unwrap();
    }
    Mesh::read(&text).unwrap()
}

/// How many steps of each action a plan has, over all clusters.
pub(crate) fn counts(plan: &Plan) -> BTreeMap<Action, usize> {
    let mut counts = BTreeMap::new();
    for (_, step) in plan.steps() {
        *counts.entry(step.action).or_default() += 1;
    }
    counts
}

/// Those of a cluster's steps that do something, as `action Kind namespace/name`.
pub(crate) fn steps(plan: &Plan, cluster: &str) -> Vec<String> {
    plan.steps()
        .filter(|(name, step)| *name == cluster && step.action != Action::Unchanged)
        .map(|(_, step)| format!("{} {}", step.action.as_str(), step.object))
        .collect()
}

/// The findings of a document that has errors.
pub(crate) fn errors(result: Result<Planned, PlanError>) -> Vec<String> {
    match result {
        Err(PlanError::Findings(findings)) => findings.into_iter().map(|f| f.code).collect(),
        other => panic!("{other:?}"),
    }
}
