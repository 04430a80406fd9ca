//! The DNS servers of a cluster, with the ConfigMaps that configure them, as their pods show them.

use serde_json::Value;

use super::checked_key;
use crate::kubernetes::object::{Key, texts};

/// A DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) program: Program,
    /// Its workload as kubectl names it, such as `deployment/coredns`.
    pub(super) workload: String,
    /// The file of its Corefile, or the directory of kube-dns's configuration.
    path: String,
    /// The ConfigMap with its configuration, and the key of the Corefile; `None` if its files are elsewhere.
    pub(super) config: Option<(Key, String)>,
    mounts: Vec<Mount>,
}

/// The program of a DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    CoreDns,
    /// `NodeLocal DNSCache`: `CoreDNS` that completes its Corefile at its start.
    NodeCache,
    KubeDns,
    /// Another one, with its image.
    Other(String),
}

/// A ConfigMap in the files of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    /// The directory, or the file if there is a `sub_path`.
    path: String,
    sub_path: Option<String>,
    config_map: Key,
    /// Keys with their file names; empty if each key is a file of its name.
    items: Vec<(String, String)>,
}

const COREFILE: &str = "/etc/coredns/Corefile";
/// The Corefile that `NodeLocal DNSCache` completes (`kubernetes/dns`, `cmd/node-cache/main.go`).
const BASE_COREFILE: &str = "/etc/coredns/Corefile.base";

impl Server {
    /// The server that runs in a pod.
    pub(super) fn of_pod(pod: &Value) -> Self {
        let metadata = &pod["metadata"];
        let owner = &metadata["ownerReferences"][0];
        let (kind, name) = (owner["kind"].as_str(), owner["name"].as_str());
        let workload = match (kind, name) {
            (Some("ReplicaSet"), Some(name)) => {
                let hash = metadata["labels"]["pod-template-hash"].as_str();
                let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
                format!("deployment/{}", deployment.unwrap_or(name))
            }
            (Some(kind), Some(name)) => format!("{}/{name}", kind.to_lowercase()),
            _ => "deployment/coredns".to_owned(),
        };
        Self::of_spec(&pod["spec"], metadata, workload)
    }

    /// The server that runs in the pods of a DaemonSet.
    pub(super) fn of_daemon_set(set: &Value) -> Self {
        let metadata = &set["metadata"];
        let workload = format!("daemonset/{}", text(&metadata["name"]));
        Self::of_spec(&set["spec"]["template"]["spec"], metadata, workload)
    }

    /// A server with its configuration in one ConfigMap, and another one in a directory.
    pub(super) fn known(
        program: Program,
        workload: &str,
        config: Key,
        beside: Option<(&str, Key)>,
    ) -> Self {
        let mounts = beside.map(|(path, config_map)| Mount {
            path: path.to_owned(),
            sub_path: None,
            config_map,
            items: Vec::new(),
        });
        Self {
            program,
            workload: workload.to_owned(),
            path: COREFILE.to_owned(),
            config: Some((config, "Corefile".to_owned())),
            mounts: mounts.into_iter().collect(),
        }
    }

    fn of_spec(spec: &Value, metadata: &Value, workload: String) -> Self {
        let containers = || list(&spec["containers"]).iter();
        let found = containers().find_map(|one| program(one).map(|found| (one, found)));
        let Some((container, (program, path))) = found else {
            let image = containers().next().map(|one| text(&one["image"]));
            return Self {
                program: Program::Other(image.unwrap_or_default().to_owned()),
                workload,
                path: String::new(),
                config: None,
                mounts: Vec::new(),
            };
        };
        let mounts = mounts(spec, container, text(&metadata["namespace"]));
        let file = |path: &str| {
            let mut mounts = mounts.iter();
            mounts.find_map(|mount| Some((mount.config_map.clone(), mount.key_of(path)?)))
        };
        let config = match program {
            Program::KubeDns => {
                let mut mounts = mounts.iter();
                let mount = mounts.find(|mount| mount.path == path);
                mount.map(|mount| (mount.config_map.clone(), String::new()))
            }
            Program::NodeCache => {
                let base = flag(container, "basecorefile").unwrap_or(BASE_COREFILE);
                file(base).or_else(|| file(&path))
            }
            _ => file(&path),
        };
        Self {
            program,
            workload,
            path,
            config,
            mounts,
        }
    }

    /// The ConfigMap whose keys are the files of a directory that the Corefile imports.
    pub(super) fn directory(&self, import: &str) -> Option<&Key> {
        let absolute = if import.starts_with('/') {
            import.to_owned()
        } else {
            let (directory, _) = self.path.rsplit_once('/')?;
            format!("{directory}/{import}")
        };
        let mut mounts = self.mounts.iter();
        let mount = mounts.find(|mount| {
            mount.path == absolute && mount.items.is_empty() && mount.sub_path.is_none()
        })?;
        Some(&mount.config_map)
    }

    /// Whether it reads a ConfigMap.
    pub(super) fn reads(&self, config_map: &Key) -> bool {
        let mut mounts = self.mounts.iter();
        mounts.any(|mount| mount.config_map == *config_map)
    }
}

impl Mount {
    /// The key with the contents of a file.
    fn key_of(&self, path: &str) -> Option<String> {
        let name = match &self.sub_path {
            Some(name) => (path == self.path).then_some(name.as_str())?,
            None => path.strip_prefix(&self.path)?.strip_prefix('/')?,
        };
        if self.items.is_empty() {
            return (!name.contains('/')).then(|| name.to_owned());
        }
        let mut items = self.items.iter();
        items
            .find(|(_, file)| file == name)
            .map(|(key, _)| key.clone())
    }
}

/// The DNS server of a container, with its path.
fn program(container: &Value) -> Option<(Program, String)> {
    let image = text(&container["image"]);
    let corefile = flag(container, "conf");
    if flag(container, "localip").is_some() || image.contains("node-cache") {
        let corefile = corefile.unwrap_or("/etc/Corefile");
        return Some((Program::NodeCache, corefile.to_owned()));
    }
    if let Some(directory) = flag(container, "config-dir") {
        let directory = directory.trim_end_matches('/');
        return Some((Program::KubeDns, directory.to_owned()));
    }
    (corefile.is_some() || image.contains("coredns")).then(|| {
        let corefile = corefile.unwrap_or(COREFILE);
        (Program::CoreDns, corefile.to_owned())
    })
}

/// The value of a flag: `-conf X`, `--conf=X`.
fn flag<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let mut words = texts(&container["command"]).chain(texts(&container["args"]));
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix('-') else {
            continue;
        };
        match flag.strip_prefix('-').unwrap_or(flag).strip_prefix(name) {
            Some("") => return words.next(),
            Some(value) if value.starts_with('=') => return Some(&value[1..]),
            _ => {}
        }
    }
    None
}

/// The ConfigMaps that a container mounts.
fn mounts(spec: &Value, container: &Value, namespace: &str) -> Vec<Mount> {
    let mut found = Vec::new();
    for mount in list(&container["volumeMounts"]) {
        let mut volumes = list(&spec["volumes"]).iter();
        let Some(volume) = volumes.find(|one| one["name"] == mount["name"]) else {
            continue;
        };
        let projected = list(&volume["projected"]["sources"]);
        for source in std::iter::once(volume).chain(projected) {
            let source = &source["configMap"];
            // The API server does not check the name.
            let Some(config_map) = checked_key(namespace, text(&source["name"])) else {
                continue;
            };
            let items = list(&source["items"]).iter();
            let items = items.map(|item| (text(&item["key"]), text(&item["path"])));
            found.push(Mount {
                path: text(&mount["mountPath"]).trim_end_matches('/').to_owned(),
                sub_path: mount["subPath"].as_str().map(str::to_owned),
                config_map,
                items: items.map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
            });
        }
    }
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
