//! A cluster of one node: containerd, etcd and Kubernetes' daemons in namespaces of their own.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::MeshCluster;
use super::cgroup::Cgroups;
use super::network::{Hub, address, namespace_of, start_in_new_namespace};
use crate::BedError;
use crate::bed::control_plane::random_token;
use crate::bed::{certificates, kubeconfig};
use crate::images::PAUSE_IMAGE;
use crate::process::OwnedProcess;

const SCRIPT: &str = include_str!("node.sh");

/// The common parts of all nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The folder with etcd and Kubernetes' daemons.
    pub(super) programs: &'a Path,
    pub(super) seed: &'a Path,
    /// The folder of the bed's files.
    pub(super) folder: &'a Path,
}

#[derive(Debug)]
pub(super) struct Node {
    // Dropped in this order: processes before their groups.
    process: OwnedProcess,
    _cgroups: Cgroups,
    pub(super) number: u8,
    pub(super) cluster: MeshCluster,
    pub(super) entry: kubeconfig::Entry,
}

impl Node {
    pub(super) fn start(
        number: u8,
        cluster: &MeshCluster,
        parts: Parts<'_>,
        hub: &Hub,
    ) -> Result<Self, BedError> {
        let node = Files {
            number,
            name: format!("{}-node", cluster.context),
            folder: parts.folder.join(&cluster.context),
            domain: cluster.domain.clone(),
        };
        let cgroups = Cgroups::make(&format!("fedmesh-{}-{number}", hub.process_id()))?;
        let admin = node.write(&cluster.context, &cgroups)?;
        let labels = format!(
            "topology.kubernetes.io/region={},topology.kubernetes.io/zone={}",
            cluster.region, cluster.zone
        );
        let (address, pods) = (node.address().to_string(), node.pods());
        let services = node.services();
        let environment: &[(&str, &OsStr)] = &[
            ("FOLDER", node.folder.as_os_str()),
            ("PROGRAMS", parts.programs.as_os_str()),
            ("SEED", parts.seed.as_os_str()),
            ("NODE", node.name.as_ref()),
            ("ADDRESS", address.as_ref()),
            ("PODS", pods.as_ref()),
            ("SERVICES", services.as_ref()),
            ("LABELS", labels.as_ref()),
            ("DOMAIN", node.domain.as_ref()),
        ];
        let script = node.folder.join("node.sh").display().to_string();
        let arguments = [
            "--net",
            "--mount",
            "--propagation=private",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "bash",
            &script,
        ];
        let process = start_in_new_namespace(&arguments, environment, &node.folder, "node")?;
        hub.plug(number, &process, node.address())?;
        // The node waits for its network.
        let plugged = node.folder.join("plugged");
        fs::write(&plugged, "").map_err(|source| BedError::File {
            path: plugged,
            source,
        })?;
        Ok(Self {
            process,
            _cgroups: cgroups,
            number,
            cluster: cluster.clone(),
            entry: kubeconfig::Entry {
                context: cluster.context.clone(),
                server: format!("https://{}:6443", node.address()),
                authority: node.folder.join("ca.crt"),
                token: admin,
            },
        })
    }

    pub(super) fn namespace(&self) -> PathBuf {
        namespace_of(&self.process)
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }
}

/// The address of the cluster DNS, by the number of the cluster.
pub(super) fn dns_service(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 90 + number, 0, 10)
}

/// A node's configuration.
struct Files {
    number: u8,
    name: String,
    folder: PathBuf,
    /// The DNS domain of Services.
    domain: String,
}

impl Files {
    fn address(&self) -> Ipv4Addr {
        address::node(self.number)
    }

    fn pods(&self) -> String {
        format!("10.{}.0.0/16", 140 + self.number)
    }

    fn services(&self) -> String {
        format!("10.{}.0.0/16", 90 + self.number)
    }

    /// Writes all files and returns the administrator's token.
    fn write(&self, context: &str, cgroups: &Cgroups) -> Result<String, BedError> {
        let logs = self.folder.join("logs");
        fs::create_dir_all(&logs).map_err(|source| BedError::File { path: logs, source })?;
        certificates::write(
            &self.folder,
            context,
            &[
                "kubernetes.default.svc".to_owned(),
                "localhost".to_owned(),
                "127.0.0.1".to_owned(),
                self.address().to_string(),
                format!("10.{}.0.1", 90 + self.number),
            ],
        )?;
        let admin = random_token()?;
        let mut tokens = format!("{admin},{context}-admin,{context}-admin,system:masters\n");
        for (file, user, groups) in [
            (
                "controllers",
                "system:kube-controller-manager",
                String::new(),
            ),
            ("scheduler", "system:kube-scheduler", String::new()),
            ("kube-proxy", "system:kube-proxy", String::new()),
            (
                "kubelet",
                &*format!("system:node:{}", self.name),
                ",system:nodes".to_owned(),
            ),
        ] {
            let token = random_token()?;
            let _infallible = writeln!(tokens, "{token},{user},{file}{groups}");
            kubeconfig::write(
                &self.folder.join(format!("{file}.kubeconfig")),
                [kubeconfig::Entry {
                    context: context.to_owned(),
                    server: "https://127.0.0.1:6443".to_owned(),
                    authority: self.folder.join("ca.crt"),
                    token,
                }],
            )?;
        }
        let resolv = format!("nameserver {}\n", address::RESOLVER);
        for (file, text) in [
            ("tokens.csv", tokens),
            ("node.sh", SCRIPT.to_owned()),
            ("resolv.conf", resolv),
            ("containerd.toml", containerd()),
            ("bridge.conflist", self.bridge().to_string()),
            ("kubelet.json", self.kubelet(cgroups).to_string()),
            ("kube-proxy.json", self.kube_proxy().to_string()),
        ] {
            let path = self.folder.join(file);
            fs::write(&path, text).map_err(|source| BedError::File { path, source })?;
        }
        Ok(admin)
    }

    fn bridge(&self) -> Value {
        let subnet = format!("10.{}.0.0/24", 140 + self.number);
        json!({
            "cniVersion": "1.0.0",
            "name": "pods",
            "plugins": [
                {
                    "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                    "ipam": {
                        "type": "host-local", "dataDir": "/run/cni/ipam",
                        "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": true}},
            ],
        })
    }

    fn kubelet(&self, cgroups: &Cgroups) -> Value {
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": cgroups.root(),
            "failCgroupV1": false,
            "failSwapOn": false,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "clusterDNS": [dns_service(self.number)],
            "clusterDomain": self.domain,
            "resolvConf": self.folder.join("resolv.conf"),
            "volumePluginDir": "/var/lib/kubelet/volumeplugins",
            // The seed's images must stay, however full the machine's disk is.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {
                "memory.available": "100Mi", "nodefs.available": "0%",
                "nodefs.inodesFree": "0%", "imagefs.available": "0%",
            },
            "nodeStatusUpdateFrequency": "2s",
            // Delay until a changed ConfigMap reaches the files in a pod; the default is a minute.
            "syncFrequency": "2s",
            "oomScoreAdj": 0,
        })
    }

    fn kube_proxy(&self) -> Value {
        json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clientConnection": {"kubeconfig": self.folder.join("kube-proxy.kubeconfig")},
            "clusterCIDR": self.pods(),
            "hostnameOverride": self.name,
            "oomScoreAdj": 0,
            "nodePortAddresses": ["10.250.1.0/24"],
            // These are settings of the whole machine.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        })
    }
}

fn containerd() -> String {
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
disable_apparmor = true
# Without it, no pod starts where this process may not lower the score.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "/run/cni/net.d"
"#
    )
}
