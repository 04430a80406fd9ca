//! Watches the objects that the records depend on. A watch only signals that something changed.

use std::time::Duration;

use futures::{StreamExt as _, pin_mut};
use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta};
use kube::runtime::watcher::{self, Event, watcher};
use shared::Mesh;
use shared::kubernetes::object::Kind;
use shared::kubernetes::ownership;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use super::RESYNC;
use crate::cluster::{ENDPOINT_SLICES, RetryPolicy, SERVICE_NAME_LABEL};
use crate::gateways::followed_services;
use crate::operation::Operations;

/// Delay after the first failure, which doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest delay.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One watch: a kind, in a namespace or in all.
struct Watch {
    context: String,
    resource: ApiResource,
    /// The namespace; `None` for all.
    namespace: Option<String>,
    config: watcher::Config,
}

/// Watches the gateways without addresses in the document, and the kinds of objects of the mesh in `kept`, by context.
/// The watches end when the set is dropped.
pub(super) fn start(
    operations: &Operations,
    mesh: &Mesh,
    kept: &[(String, Kind)],
    changed: &Sender<()>,
) -> JoinSet<()> {
    let ours = format!(
        "{}={}",
        ownership::PART_OF_LABEL,
        ownership::applyset_id(&mesh.metadata.name)
    );
    let kept = kept.iter().map(|(context, kind)| Watch {
        context: context.clone(),
        resource: resource(&kind.group, &kind.version, &kind.kind),
        namespace: None,
        config: watcher::Config::default().labels(&ours),
    });
    let mut watches: Vec<Watch> = kept.collect();
    for cluster in &mesh.spec.clusters {
        let context = cluster.context.as_ref().unwrap_or(&cluster.name);
        let (group, version, kind) = ENDPOINT_SLICES;
        for (namespace, service) in followed_services(mesh, cluster) {
            let slices =
                watcher::Config::default().labels(&format!("{SERVICE_NAME_LABEL}={service}"));
            let services = watcher::Config::default().fields(&format!("metadata.name={service}"));
            for (resource, config) in [
                (resource("", "v1", "Service"), services),
                (resource(group, version, kind), slices),
            ] {
                watches.push(Watch {
                    context: context.clone(),
                    resource,
                    namespace: Some(namespace.clone()),
                    config,
                });
            }
        }
    }
    let mut tasks = JoinSet::new();
    for watch in watches {
        tasks.spawn(watch.keep(operations.clone(), changed.clone()));
    }
    tasks
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Why a watch ended.
enum Ended {
    Forbidden(String),
    Lost(String),
}

impl Ended {
    fn of(error: &watcher::Error) -> Self {
        use watcher::Error::{InitialListFailed, WatchStartFailed};
        match error {
            InitialListFailed(kube::Error::Api(status))
            | WatchStartFailed(kube::Error::Api(status))
                if status.code == 403 =>
            {
                Self::Forbidden(status.message.clone())
            }
            _ => Self::Lost(error.to_string()),
        }
    }
}

impl Watch {
    /// Watches forever. After a failure, the kubeconfig is read again, since its credentials may have been renewed.
    async fn keep(self, operations: Operations, changed: Sender<()>) {
        let mut pause = FIRST_PAUSE;
        let mut has_warned = false;
        loop {
            let before = tokio::time::Instant::now();
            let why = self.watch(&operations, &changed).await;
            if before.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
                has_warned = false;
            }
            let (context, kind) = (&self.context, &self.resource.kind);
            match why {
                // A pass reports clusters that cannot be reached, but not missing permissions.
                Ended::Forbidden(why) if !has_warned => {
                    has_warned = true;
                    tracing::warn!(
                        "context {context}: not allowed to watch {kind}, so changes are detected up to {} \
                        minutes late: {why}; allow list and watch",
                        RESYNC.as_secs() / 60
                    );
                }
                Ended::Forbidden(why) | Ended::Lost(why) => {
                    tracing::debug!(%context, %kind, "the watch ended: {why}");
                }
            }
            tokio::time::sleep(pause.mul_f64(1.0 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn watch(&self, operations: &Operations, changed: &Sender<()>) -> Ended {
        let kubeconfig = match operations.read() {
            Ok(kubeconfig) => kubeconfig,
            Err(error) => return Ended::Lost(error.to_string()),
        };
        let connection = match kubeconfig.connect(&self.context, RetryPolicy::PLAN).await {
            Ok(connection) => connection,
            Err(why) => return Ended::Lost(why),
        };
        let client = connection.client();
        let api: Api<PartialObjectMeta<DynamicObject>> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &self.resource),
            None => Api::all_with(client, &self.resource),
        };
        let events = watcher(api, self.config.clone());
        pin_mut!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init | Event::InitApply(_)) => {}
                Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => {
                    // If the channel is full, a change is signalled already.
                    _ = changed.try_send(());
                }
                Err(error) => return Ended::of(&error),
            }
        }
        Ended::Lost("the stream ended".to_owned())
    }
}
