//! Clusters with nodes and pods, a mesh in each, and a DNS zone: all components on the way of a request from one mesh
//! to another are real.
//!
//! All processes run in namespaces of their own, with addresses in 10.250.1.0/24 that exist only there, so several beds
//! can run at once. A thread that [enters](MeshBed::enter) the bed's network can reach the API servers, the gateways
//! and the name server, and so can all processes and threads that it starts.

mod authority;
mod cgroup;
mod delay;
mod kubefed;
mod manifests;
mod name_server;
mod network;
mod node;
mod running_pod;
mod setup;
mod trust;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::bed::{in_parallel, kubeconfig};
use crate::images::{ImageNames, Requirement, Seed, requirements};
use crate::kubectl::Kubectl;
use crate::process::OwnedFolder;
use crate::tools::{CONTROL_PLANE, COREDNS, ISTIOCTL, KUBECTL};
use crate::{BedError, Unsupported};
pub use authority::{Authority, SignedKey};
pub use delay::Delay;
pub use name_server::NameServer;
use network::{Hub, address, command_in};
use node::{Node, Parts};
pub use running_pod::RunningPod;
use setup::{Clock, Setup};
pub use trust::TrustDomain;

const READY_WITHIN: Duration = Duration::from_mins(2);
const POLL_EVERY: Duration = Duration::from_millis(100);

/// A cluster of the bed: one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshCluster {
    /// Its context in the kubeconfig.
    pub context: String,
    /// Its node's region.
    pub region: String,
    /// Its node's zone.
    pub zone: String,
    /// The DNS domain of its Services, such as [`DEFAULT_DOMAIN`](Self::DEFAULT_DOMAIN).
    pub domain: String,
}

impl MeshCluster {
    /// The default domain of Kubernetes, Istio and a Mesh document.
    pub const DEFAULT_DOMAIN: &str = "cluster.local";
}

/// The mode of mutual TLS between sidecars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mtls {
    /// Plain requests are refused.
    Strict,
    /// Plain requests are accepted; Istio's default.
    Permissive,
}

/// Options of a bed with pods.
#[derive(Debug, Clone)]
pub struct MeshOptions {
    /// The clusters, nine at most.
    pub clusters: Vec<MeshCluster>,
    /// The DNS zone.
    pub zone: String,
    /// The mode in all meshes.
    pub mtls: Mtls,
    /// Images in the manifests under test.
    pub images: ImageNames,
}

/// Running clusters, removed without a trace when this value is dropped or its process ends.
#[derive(Debug)]
pub struct MeshBed {
    // Dropped in this order: the folder last.
    clusters: Vec<Node>,
    name_server: NameServer,
    authority: Authority,
    hub: Hub,
    kubeconfig: PathBuf,
    kubectl: Kubectl,
    folder: OwnedFolder,
}

impl MeshBed {
    /// Whether this machine supports such a bed.
    ///
    /// # Errors
    /// The user is not root, or the machine has only control groups of version 2.
    pub fn is_possible() -> Result<(), Unsupported> {
        if !rustix::process::geteuid().is_root() {
            return Err(Unsupported::NotRoot);
        }
        if !cgroup::Cgroups::are_supported() {
            return Err(Unsupported::NoCgroups);
        }
        Ok(())
    }

    /// The requirements besides Go, including those of the images.
    pub fn requirements() -> impl Iterator<Item = &'static Requirement> {
        const NODES: &[Requirement] = &[
            Requirement::new("bash", "bash"),
            Requirement::new("bind9", "named"),
            Requirement::new("bind9-dnsutils", "nsupdate"),
            Requirement::new("containernetworking-plugins", "/usr/lib/cni/bridge"),
            Requirement::new("runc", "runc"),
            Requirement::new("util-linux", "nsenter"),
        ];
        NODES.iter().chain(requirements())
    }

    /// Builds programs that are missing in the cache and starts the bed: every node ready, Istio serving, gateways with
    /// addresses, DNS answering in pods. Blocks for about half a minute (twenty minutes for a full build). Prints its
    /// progress to standard error.
    ///
    /// # Errors
    /// A tool is not available, the user is not root, or a component does not become ready.
    pub fn start(options: &MeshOptions) -> Result<Self, BedError> {
        Self::is_possible()?;
        let control_plane = CONTROL_PLANE.ensure()?;
        let (kubectl, istioctl) = (KUBECTL.ensure()?, ISTIOCTL.ensure()?);
        let coredns = COREDNS.ensure()?;
        let seed = Seed::ensure(&options.images)?;

        let clock = Clock::start();
        let folder = OwnedFolder::new("fedmesh-mesh-").map_err(|source| BedError::File {
            path: std::env::temp_dir(),
            source,
        })?;
        let hub = Hub::start(folder.path())?;
        let name_server = NameServer::start(&options.zone, &coredns, folder.path(), &hub)?;
        clock.say("the zone's name server answers");
        let parts = Parts {
            programs: control_plane.parent().unwrap_or(Path::new("/")),
            seed: &seed,
            folder: folder.path(),
        };
        let mut clusters = Vec::new();
        for (number, cluster) in (1..).zip(&options.clusters) {
            clusters.push(Node::start(number, cluster, parts, &hub)?);
        }
        let kubeconfig = folder.path().join("kubeconfig");
        kubeconfig::write(&kubeconfig, clusters.iter().map(|node| node.entry.clone()))?;
        let kubectl =
            Kubectl::new(kubectl, kubeconfig.clone(), folder.path()).in_network(hub.namespace());
        let bed = Self {
            clusters,
            name_server,
            authority: Authority::new()?,
            hub,
            kubeconfig,
            kubectl,
            folder,
        };
        let one_at_a_time = Mutex::new(());
        in_parallel(&bed.clusters, |node| {
            let setup = Setup {
                node,
                bed: &bed,
                istioctl: &istioctl,
                mtls: options.mtls,
                clock: &clock,
            };
            setup.run(&one_at_a_time)
        })?;
        Ok(bed)
    }

    /// Moves the calling thread into the bed's network, with all processes and threads that it starts from then on.
    ///
    /// # Errors
    /// The bed has ended, or the user is not root.
    pub fn enter(&self) -> Result<(), BedError> {
        network::enter(&self.hub.namespace())
    }

    /// A command that runs in the bed's network.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command_in(&self.hub.namespace(), program)
    }

    /// A command that runs in the network of a cluster's node, such as nft to disconnect it.
    ///
    /// # Errors
    /// The context is unknown.
    pub fn node_command(
        &self,
        context: &str,
        program: impl AsRef<OsStr>,
    ) -> Result<Command, BedError> {
        Ok(command_in(&self.node(context)?.namespace(), program))
    }

    /// A command that runs in the network of a running pod, behind its sidecar: a program of this machine, as if it
    /// were in one of the pod's containers.
    ///
    /// # Errors
    /// The context is unknown, or the pod does not run.
    pub fn pod_command(
        &self,
        context: &str,
        pod: (&str, &str),
        program: impl AsRef<OsStr>,
    ) -> Result<Command, BedError> {
        Ok(self.pod(context, pod)?.command(program))
    }

    /// A running pod, for repeated access.
    ///
    /// # Errors
    /// The context is unknown, or the pod does not run.
    pub fn pod(&self, context: &str, pod: (&str, &str)) -> Result<RunningPod, BedError> {
        let uid = self.pod_field(context, pod, "uid")?;
        RunningPod::of(uid).ok_or_else(|| no_pod(context, pod))
    }

    /// The name of a running pod that is not being deleted, given by namespace and selector. kubectl's own choice for a
    /// Deployment may be a terminating pod, which runs until the end of its grace period.
    ///
    /// # Errors
    /// The context is unknown, or there is no such pod.
    pub fn pod_name(&self, context: &str, pod: (&str, &str)) -> Result<String, BedError> {
        self.pod_field(context, pod, "name")
    }

    fn pod_field(
        &self,
        context: &str,
        (namespace, selector): (&str, &str),
        field: &str,
    ) -> Result<String, BedError> {
        let template = format!(
            "--output=go-template={{{{range .items}}}}{{{{if not .metadata.deletionTimestamp}}}}\
             {{{{.metadata.{field}}}}} {{{{end}}}}{{{{end}}}}"
        );
        let arguments = ["get", "pods", "--namespace", namespace, "--selector"];
        let of_those = [selector, "--field-selector=status.phase=Running", &template];
        let found = self
            .kubectl
            .run(context, &[&arguments[..], &of_those[..]].concat())?;
        let first = found.split_whitespace().next();
        first
            .map(str::to_owned)
            .ok_or_else(|| no_pod(context, (namespace, selector)))
    }

    /// kubectl with the bed's kubeconfig, in its network.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The kubeconfig, with a context for each cluster; the first is current. Its addresses are those of the bed's
    /// network.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The contexts, in the order of the options.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.clusters.iter().map(|node| node.entry.context.as_str())
    }

    /// The name server of the zone.
    pub fn name_server(&self) -> &NameServer {
        &self.name_server
    }

    /// Restarts the pods of a Deployment. Blocks until they are ready.
    ///
    /// # Errors
    /// The Deployment does not exist, or its pods do not become ready.
    pub fn start_anew(
        &self,
        context: &str,
        (namespace, name): (&str, &str),
    ) -> Result<(), BedError> {
        let in_namespace = format!("--namespace={namespace}");
        let deployment = format!("deployment/{name}");
        let restart = ["rollout", "restart", &in_namespace, &deployment];
        self.kubectl.run(context, &restart)?;
        self.wait_for_pods(context, (namespace, name))
    }

    /// Waits until all pods of a Deployment, given by namespace and name, are ready and up to date.
    ///
    /// # Errors
    /// The context is unknown, or the pods do not become ready within a minute.
    pub fn wait_for_pods(
        &self,
        context: &str,
        (namespace, name): (&str, &str),
    ) -> Result<(), BedError> {
        let namespace = format!("--namespace={namespace}");
        let deployment = format!("deployment/{name}");
        let status = ["rollout", "status", "--timeout=60s"];
        let of = [namespace.as_str(), &deployment];
        self.kubectl
            .run(context, &[&status[..], &of[..]].concat())
            .map(drop)
    }

    /// The root of all meshes.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A Mesh document for the bed, with the samples in all clusters.
    pub fn example_document(&self) -> String {
        let server = &self.name_server;
        let clusters: Vec<_> = self.clusters.iter().map(|node| &node.cluster).collect();
        let document = serde_json::json!({
            "apiVersion": "fedmesh.dev/v1alpha1",
            "kind": "Mesh",
            "metadata": {"name": "demo"},
            "spec": {
                "dns": {
                    "suffix": server.zone,
                    "ttl": 2,
                    "nameservers": [server.address()],
                    "externalDns": {
                        "provider": "rfc2136",
                        "namespace": manifests::EXTERNAL_DNS_NAMESPACE,
                        "secret": manifests::CREDENTIALS,
                        "args": server.external_dns_arguments(),
                    },
                },
                "clusters": clusters.iter().map(|cluster| {
                    let mut one = serde_json::json!({
                        "name": cluster.context, "region": cluster.region, "zone": cluster.zone,
                    });
                    if cluster.domain != MeshCluster::DEFAULT_DOMAIN {
                        one["clusterDomain"] = cluster.domain.as_str().into();
                    }
                    one
                }).collect::<Vec<_>>(),
                "services": [{
                    "name": "httpbin", "port": 8000, "hostname": "httpbin",
                    "failover": {"retry": true},
                    "probe": {"path": "/html", "status": 200},
                }],
                "samples": ["httpbin", "sleep"],
            },
        });
        format!("{document:#}\n")
    }

    /// The bed's network namespace, as a file.
    pub fn network(&self) -> PathBuf {
        self.hub.namespace()
    }

    /// The folder with logs and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The first address of a cluster's gateway.
    ///
    /// # Errors
    /// The context is unknown.
    pub fn gateway_address(&self, context: &str) -> Result<String, BedError> {
        Ok(address::gateway(self.node(context)?.number).to_string())
    }

    /// Changes the addresses of a cluster's gateway, as a cloud's controller does; an empty list removes them.
    ///
    /// # Errors
    /// The context is unknown, or an address cannot be added to its node.
    pub fn move_gateway(&self, context: &str, addresses: &[&str]) -> Result<(), BedError> {
        self.move_service(context, "istio-ingressgateway", addresses)
    }

    /// Delays packets between a cluster's node and the nodes of the other clusters, by `round_trip` in both directions
    /// together, until the value is dropped. Traffic of the hub, such as responses of API servers and of DNS, is not
    /// delayed. Delays of two clusters add up between them.
    ///
    /// # Errors
    /// The context is unknown, its delay is set already, or the machine has no TAP devices.
    pub fn delay(&self, context: &str, round_trip: Duration) -> Result<Delay<'_>, BedError> {
        Delay::start(&self.hub, self.node(context)?.number, round_trip)
    }

    fn move_service(
        &self,
        context: &str,
        service: &str,
        addresses: &[&str],
    ) -> Result<(), BedError> {
        for address in addresses {
            let output = self
                .node_command(context, "ip")?
                .args(["addr", "replace", &format!("{address}/32"), "dev", "eth0"])
                .output()
                .map_err(|source| BedError::File {
                    path: PathBuf::from("nsenter"),
                    source,
                })?;
            if !output.status.success() {
                return Err(BedError::Command {
                    command: format!("ip addr replace {address}/32"),
                    output: String::from_utf8_lossy(&output.stderr).into_owned(),
                });
            }
        }
        self.kubectl
            .publish_addresses(context, ("istio-system", service), addresses)
    }

    /// The ids of the processes that own all others.
    pub fn process_ids(&self) -> Vec<u32> {
        let nodes = self.clusters.iter().map(Node::process_id);
        nodes
            .chain(self.name_server.process_ids())
            .chain([self.hub.process_id()])
            .collect()
    }

    fn node(&self, context: &str) -> Result<&Node, BedError> {
        self.clusters
            .iter()
            .find(|node| node.entry.context == context)
            .ok_or_else(|| BedError::NoSuchContext {
                context: context.to_owned(),
                known: self.contexts().collect::<Vec<_>>().join(", "),
            })
    }
}

fn no_pod(context: &str, (namespace, selector): (&str, &str)) -> BedError {
    BedError::NoPod {
        context: context.to_owned(),
        pod: format!("{namespace}/{selector}"),
    }
}
