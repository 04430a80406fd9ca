//! KubeFed, as a process with one of the clusters as its host.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::control_plane::{Daemon, free_port, with_free_port};
use super::kubeconfig::{self, Entry};
use super::{BedError, CrdSet, Testbed};
use crate::kubectl::Kubectl;
use crate::process::OwnedProcess;
use crate::tools::{KUBEFED, KUBEFED_TYPES};

/// The namespace of KubeFed's own objects.
const NAMESPACE: &str = "kube-federation-system";

/// KubeFed's controller manager. It manages the clusters' objects until this value is dropped.
#[derive(Debug)]
pub struct KubeFed {
    process: OwnedProcess,
    port: u16,
}

impl Testbed {
    /// Installs KubeFed in a cluster as its chart does, without its webhook, and joins clusters, each given by name and
    /// context. Blocks until all of them are ready.
    ///
    /// # Errors
    /// KubeFed is not available or does not become ready, or the context is unknown.
    pub fn start_kubefed(&self, host: &str, members: &[(&str, &str)]) -> Result<KubeFed, BedError> {
        let members = members
            .iter()
            .map(|(name, context)| Ok((*name, self.entry(context)?)))
            .collect::<Result<Vec<_>, BedError>>()?;
        start(&self.kubectl, self.folder(), self.entry(host)?, &members)
    }
}

pub(crate) fn start(
    kubectl: &Kubectl,
    folder: &Path,
    host: Entry,
    members: &[(&str, Entry)],
) -> Result<KubeFed, BedError> {
    let program = KUBEFED.ensure()?;
    let context = host.context.clone();
    install(kubectl, &context)?;
    for (name, member) in members {
        join(kubectl, &context, name, member)?;
    }
    let own_kubeconfig = folder.join("kubefed-kubeconfig");
    kubeconfig::write(&own_kubeconfig, [host])?;
    let log = folder.join("kubefed.log");
    let kubefed = with_free_port("kubefed", &log, |port, _attempt| {
        let arguments = [
            format!("--kubeconfig={}", own_kubeconfig.display()),
            format!("--kubefed-namespace={NAMESPACE}"),
            format!("--healthz-addr=127.0.0.1:{port}"),
            format!("--metrics-addr=127.0.0.1:{}", free_port()?),
            "--v=2".to_owned(),
        ];
        let process = OwnedProcess::start(&program, arguments, &[], &log).map_err(|source| {
            BedError::File {
                path: program.clone(),
                source,
            }
        })?;
        Ok((KubeFed { process, port }, log.clone()))
    })?;
    let wait = [
        "wait",
        "kubefedclusters",
        "--all",
        "--for=condition=Ready",
        "--timeout=60s",
        "--namespace",
        NAMESPACE,
    ];
    kubectl.run(&context, &wait)?;
    Ok(kubefed)
}

/// Creates the objects of KubeFed's chart in its host cluster.
fn install(kubectl: &Kubectl, context: &str) -> Result<(), BedError> {
    let definitions = CrdSet::KubeFed.files()?;
    let mut apply = vec!["apply".to_owned(), "--server-side".to_owned()];
    apply.extend(
        definitions
            .iter()
            .map(|file| format!("--filename={}", file.display())),
    );
    let apply: Vec<&str> = apply.iter().map(String::as_str).collect();
    kubectl.run(context, &apply)?;
    let wait = ["wait", "crd", "--all", "--for=condition=Established"];
    kubectl.run(context, &wait)?;
    kubectl.run(context, &["create", "namespace", NAMESPACE])?;
    let types = KUBEFED_TYPES.ensure()?.display().to_string();
    kubectl.run(context, &["create", "--namespace", NAMESPACE, "-f", &types])?;
    create(kubectl, context, &config())
}

/// The chart's configuration, with shorter times.
fn config() -> Value {
    json!({
        "apiVersion": "core.kubefed.io/v1beta1", "kind": "KubeFedConfig",
        "metadata": { "name": "kubefed", "namespace": NAMESPACE },
        "spec": {
            "scope": "Cluster",
            "controllerDuration": {
                "availableDelay": "1s", "unavailableDelay": "1s", "cacheSyncTimeout": "5m",
            },
            "leaderElect": {
                "leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "5s",
                "resourceLock": "configmaps",
            },
            "clusterHealthCheck": {
                "period": "1s", "failureThreshold": 3, "successThreshold": 1, "timeout": "3s",
            },
            "syncController": { "maxConcurrentReconciles": 1, "adoptResources": "Enabled" },
            "statusController": { "maxConcurrentReconciles": 1 },
            "featureGates": [
                { "name": "PushReconciler", "configuration": "Enabled" },
                { "name": "SchedulerPreferences", "configuration": "Enabled" },
            ],
        },
    })
}

/// Creates the objects of `kubefedctl join`, but with the token of the cluster's administrator instead of an account's
/// with about the same permissions.
fn join(kubectl: &Kubectl, host: &str, name: &str, member: &Entry) -> Result<(), BedError> {
    let authority = std::fs::read(&member.authority).map_err(|source| BedError::File {
        path: member.authority.clone(),
        source,
    })?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "stringData": { "token": member.token },
    });
    let cluster = json!({
        "apiVersion": "core.kubefed.io/v1beta1", "kind": "KubeFedCluster",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "apiEndpoint": member.server, "caBundle": STANDARD.encode(&authority),
            "secretRef": { "name": name },
        },
    });
    create(kubectl, host, &secret)?;
    create(kubectl, host, &cluster)
}

fn create(kubectl: &Kubectl, context: &str, object: &Value) -> Result<(), BedError> {
    kubectl
        .run_with_input(context, &["create", "-f", "-"], &object.to_string())
        .map(drop)
}

impl KubeFed {
    /// Its log.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn log(&self) -> std::io::Result<String> {
        self.process.output()
    }
}

impl Daemon for KubeFed {
    fn process_mut(&mut self) -> Option<&mut OwnedProcess> {
        Some(&mut self.process)
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }
}
