//! Kubernetes API servers without nodes: one etcd, N kube-apiservers.

mod admission;
pub(crate) mod certificates;
pub(crate) mod control_plane;
mod error;
pub(crate) mod kubeconfig;
mod kubectl;
pub(crate) mod kubefed;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub use admission::IstioAdmission;
use control_plane::{ApiServer, Etcd, Programs};
pub use error::{BedError, Unsupported};
pub use kubefed::KubeFed;

use crate::kubectl::{Kubectl, WAIT_FOR_DEFINITIONS};
use crate::process::{OwnedFolder, OwnedProcess};
use crate::tools::{self, ToolError};

/// The CRDs that a bed installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrdSet {
    /// Istio's own kinds.
    Istio,
    /// ExternalDNS's `DNSEndpoint`.
    ExternalDns,
    /// The CRDs of federation-v2's controller in its host cluster.
    FederationV2,
    /// The CRDs of KubeFed's chart in its host cluster.
    KubeFed,
    /// The Gateway API's standard channel.
    GatewayApi,
    /// `ServiceExport` of the Multi-Cluster Services API.
    Mcs,
}

/// A cluster of the bed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Its context in the kubeconfig. The kubeconfig's cluster and user have other names, so that a mix-up is detected.
    pub context: String,
}

/// Options of a bed.
#[derive(Debug, Clone)]
pub struct Options {
    /// The clusters.
    pub clusters: Vec<ClusterOptions>,
    /// CRDs that are installed and established in each cluster.
    pub crds: Vec<CrdSet>,
    /// Namespaces that are created in each cluster, as by an installation of Istio.
    pub namespaces: Vec<String>,
}

impl Options {
    /// Clusters with the contexts `cluster1`, `cluster2` and so on, with the CRDs that most tests need and the
    /// namespace `istio-system`.
    pub fn with_clusters(count: usize) -> Self {
        Self::with_contexts((1..=count).map(|number| format!("cluster{number}")))
    }

    /// Clusters with these contexts, with the CRDs that most tests need and the namespace `istio-system`.
    pub fn with_contexts(contexts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            clusters: contexts
                .into_iter()
                .map(|context| ClusterOptions {
                    context: context.into(),
                })
                .collect(),
            crds: vec![CrdSet::Istio, CrdSet::ExternalDns, CrdSet::FederationV2],
            namespaces: vec!["istio-system".to_owned()],
        }
    }
}

/// Running API servers, stopped when this value is dropped or its process ends.
#[derive(Debug)]
pub struct Testbed {
    // Dropped in this order: the folder last.
    namespace_controller: OwnedProcess,
    clusters: Vec<Cluster>,
    etcd: Etcd,
    kubeconfig: PathBuf,
    kubectl: Kubectl,
    folder: OwnedFolder,
}

#[derive(Debug)]
struct Cluster {
    context: String,
    server: Mutex<ApiServer>,
}

impl Testbed {
    /// Builds programs that are missing in the cache and starts the bed: all its servers ready, all its CRDs
    /// established. Blocks for five to ten seconds (minutes for a build).
    ///
    /// # Errors
    /// A tool is not available, or a server does not become ready; the error has the end of its log.
    pub fn start(options: Options) -> Result<Self, BedError> {
        let Options {
            clusters,
            crds,
            namespaces,
        } = options;
        let programs = Programs::ensure()?;
        let crds = crds
            .iter()
            .map(|set| set.files())
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let folder = OwnedFolder::new("fedmesh-testbed-").map_err(|source| BedError::File {
            path: std::env::temp_dir(),
            source,
        })?;
        let etcd = Etcd::start(folder.path(), &programs)?;
        let servers = in_parallel(&clusters, |cluster| {
            ApiServer::start(folder.path(), &cluster.context, etcd.port(), &programs)
        })?;
        let kubeconfig = folder.path().join("kubeconfig");
        kubeconfig::write(&kubeconfig, servers.iter().map(ApiServer::entry))?;
        let bed = Self {
            namespace_controller: programs
                .start_namespace_controller(folder.path(), &kubeconfig)?,
            clusters: std::iter::zip(clusters, servers)
                .map(|(ClusterOptions { context }, server)| Cluster {
                    context,
                    server: Mutex::new(server),
                })
                .collect(),
            etcd,
            kubectl: Kubectl::new(programs.kubectl, kubeconfig.clone(), folder.path()),
            kubeconfig,
            folder,
        };
        in_parallel(&bed.clusters, |cluster| {
            bed.set_up(&cluster.context, &crds, &namespaces)
        })?;
        Ok(bed)
    }

    /// The kubeconfig, with a context for each cluster; the first is current.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The contexts, in the order of the options.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.clusters.iter().map(|cluster| cluster.context.as_str())
    }

    /// The folder with logs and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The kubectl that [`Testbed::kubectl`] runs.
    pub fn kubectl_path(&self) -> &Path {
        self.kubectl.program()
    }

    /// The ids of all daemons.
    pub fn process_ids(&self) -> Vec<u32> {
        let servers = self
            .clusters
            .iter()
            .filter_map(|cluster| lock(&cluster.server).process_id());
        let others = [self.namespace_controller.id(), self.etcd.process_id()];
        others.into_iter().chain(servers).collect()
    }

    /// Stops a cluster's API server: connections are refused.
    ///
    /// # Errors
    /// The context is unknown.
    pub fn stop_api_server(&self, context: &str) -> Result<(), BedError> {
        lock(&self.cluster(context)?.server).stop();
        Ok(())
    }

    /// Starts it again, at the same address, with the same objects.
    ///
    /// # Errors
    /// It does not become ready, or the context is unknown.
    pub fn start_api_server(&self, context: &str) -> Result<(), BedError> {
        lock(&self.cluster(context)?.server).start_again(self.etcd.port())
    }

    /// Makes a cluster's API server hang: connections stay open without responses, until
    /// [`Testbed::resume_api_server`].
    ///
    /// # Errors
    /// It is not running, or the context is unknown.
    pub fn pause_api_server(&self, context: &str) -> Result<(), BedError> {
        self.with_process(context, OwnedProcess::pause)
    }

    /// Ends [`Testbed::pause_api_server`].
    ///
    /// # Errors
    /// It is not running, or the context is unknown.
    pub fn resume_api_server(&self, context: &str) -> Result<(), BedError> {
        self.with_process(context, OwnedProcess::resume)
    }

    fn with_process(
        &self,
        context: &str,
        action: fn(&OwnedProcess) -> io::Result<()>,
    ) -> Result<(), BedError> {
        let server = lock(&self.cluster(context)?.server);
        let process = server.process().ok_or_else(|| BedError::NotRunning {
            context: context.to_owned(),
        })?;
        action(process).map_err(|source| BedError::Signal {
            context: context.to_owned(),
            source,
        })
    }

    fn entry(&self, context: &str) -> Result<kubeconfig::Entry, BedError> {
        Ok(lock(&self.cluster(context)?.server).entry())
    }

    fn cluster(&self, context: &str) -> Result<&Cluster, BedError> {
        self.clusters
            .iter()
            .find(|cluster| cluster.context == context)
            .ok_or_else(|| BedError::NoSuchContext {
                context: context.to_owned(),
                known: self.contexts().collect::<Vec<_>>().join(", "),
            })
    }

    fn set_up(
        &self,
        context: &str,
        crds: &[PathBuf],
        namespaces: &[String],
    ) -> Result<(), BedError> {
        for namespace in namespaces {
            self.kubectl(context, &["create", "namespace", namespace])?;
        }
        if crds.is_empty() {
            return Ok(());
        }
        let files = crds
            .iter()
            .map(|file| format!("--filename={}", file.display()));
        let mut apply = vec!["create".to_owned(), "--validate=false".to_owned()];
        apply.extend(files);
        self.kubectl(
            context,
            &apply.iter().map(String::as_str).collect::<Vec<_>>(),
        )?;
        self.kubectl(context, &WAIT_FOR_DEFINITIONS)?;
        Ok(())
    }
}

impl CrdSet {
    /// Files with the CRDs, fetched first if they are not in the cache.
    ///
    /// # Errors
    /// A file is not available.
    pub fn files(self) -> Result<Vec<PathBuf>, ToolError> {
        let file = match self {
            Self::Istio => tools::ISTIO_CRDS.ensure(),
            Self::ExternalDns => tools::EXTERNAL_DNS_CRDS.ensure(),
            Self::FederationV2 => tools::federation_v2_crds(),
            Self::KubeFed => {
                let types = tools::KUBEFED_TYPES_CRDS.ensure()?;
                return Ok(vec![tools::KUBEFED_CRDS.ensure()?, types]);
            }
            Self::GatewayApi => {
                let files = tools::GATEWAY_API_CRDS.iter();
                return files.map(tools::ModuleFile::ensure).collect();
            }
            Self::Mcs => tools::MCS_CRDS.ensure(),
        };
        Ok(vec![file?])
    }
}

/// Runs the same for each item in parallel; returns the first error.
pub(crate) fn in_parallel<Item: Sync, Made: Send>(
    items: &[Item],
    action: impl Fn(&Item) -> Result<Made, BedError> + Sync,
) -> Result<Vec<Made>, BedError> {
    std::thread::scope(|scope| {
        let running = items
            .iter()
            .map(|item| scope.spawn(|| action(item)))
            .collect::<Vec<_>>();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

/// A test that panicked while it held the lock does not affect the server.
fn lock(server: &Mutex<ApiServer>) -> std::sync::MutexGuard<'_, ApiServer> {
    server
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
