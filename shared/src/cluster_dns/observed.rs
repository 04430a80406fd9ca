//! The observed DNS of a cluster: the servers that pods query, the caches of its nodes, and their ConfigMaps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::corefile::Corefile;
use super::merge::server;
use super::servers::{Program, Server};
use super::{CONFIG_MAPS, KUBESPRAY_CACHE, NAMESPACE, OPENSHIFT, RKE2, key};
use crate::kubernetes::object::{Key, texts};
use crate::mesh::DnsFlavour;

/// `CoreDNS`, as installed by kubeadm and almost all others.
const COREDNS: &str = "coredns";
/// The additions to a managed Corefile on AKS and k3s.
const COREDNS_CUSTOM: &str = "coredns-custom";
/// kube-dns, as on GKE.
const KUBE_DNS: &str = "kube-dns";
/// NodeLocal DNSCache, which queries external names without the cluster's DNS.
const NODE_LOCAL_DNS: &str = "node-local-dns";

/// The address of the cluster's DNS in the Corefile of `NodeLocal DNSCache`, which replaces it.
const CLUSTER_DNS_VARIABLE: &str = "__PILLAR__CLUSTER__DNS__";
/// The address of the cache in its Corefile, which it replaces.
const LOCAL_DNS_VARIABLE: &str = "__PILLAR__LOCAL__DNS__";

/// A Service that pods query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name, in [`NAMESPACE`].
    pub name: String,
    /// The label selector of its pods, in the syntax of requests; empty if it has none.
    pub selector: String,
    addresses: Vec<String>,
}

/// The DNS Services among those of [`NAMESPACE`], a list as the API server returns it; each selector has one entry.
pub fn services(list: &Value) -> Vec<Service> {
    let mut found: Vec<Service> = Vec::new();
    for service in list["items"].as_array().into_iter().flatten() {
        let (metadata, spec) = (&service["metadata"], &service["spec"]);
        let name = metadata["name"].as_str().unwrap_or_default();
        let label = |label: &str| metadata["labels"][label].as_str().unwrap_or_default();
        let is_dns = name == "kube-dns"
            || label("k8s-app") == "kube-dns"
            || label("kubernetes.io/cluster-service") == "true";
        let mut ports = spec["ports"].as_array().into_iter().flatten();
        if !is_dns || !ports.any(|port| port["port"] == 53) {
            continue;
        }
        let pairs = spec["selector"].as_object().into_iter().flatten();
        let mut pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
            .collect();
        pairs.sort();
        let (selector, addresses) = (pairs.join(","), texts(&spec["clusterIPs"]));
        let addresses = addresses.map(str::to_owned);
        match found.iter_mut().find(|one| one.selector == selector) {
            Some(same) => same.addresses.extend(addresses),
            None => found.push(Service {
                name: name.to_owned(),
                selector,
                addresses: addresses.collect(),
            }),
        }
    }
    found
}

/// The servers behind the Services that pods query, and the caches of nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The Services without a pod.
    pub(super) without_pods: Vec<String>,
    pub(super) servers: Vec<Server>,
    daemon_sets: Vec<Server>,
    addresses: BTreeSet<String>,
}

impl Found {
    /// From the Services with the lists of their pods, and the list of DaemonSets in [`NAMESPACE`].
    pub fn new(services: &[(Service, Value)], daemon_sets: &Value) -> Self {
        let mut found = Self::default();
        for (service, pods) in services {
            found.addresses.extend(service.addresses.iter().cloned());
            let pods = pods["items"].as_array().map_or(&[][..], Vec::as_slice);
            if pods.is_empty() {
                found.without_pods.push(service.name.clone());
            }
            for server in pods.iter().map(Server::of_pod) {
                if !found.servers.contains(&server) {
                    found.servers.push(server);
                }
            }
        }
        let sets = daemon_sets["items"].as_array().into_iter().flatten();
        let sets = sets.map(Server::of_daemon_set);
        found.daemon_sets = sets
            .filter(|set| matches!(set.program, Program::NodeCache | Program::CoreDns))
            .collect();
        found
    }
}

/// The observed DNS of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// `None` if it was not, or could not be, looked up: then the ConfigMaps with well-known names are those of the DNS.
    pub found: Option<Found>,
    /// The existing ConfigMaps.
    pub maps: BTreeMap<Key, Value>,
}

impl Observed {
    /// The ConfigMaps to read, as far as those that were read show them; call it again once they are read.
    pub fn config_maps(&self) -> BTreeSet<Key> {
        let mut keys: BTreeSet<Key> = CONFIG_MAPS.map(|name| key(NAMESPACE, name)).into();
        let known = if self.has_servers() {
            Vec::new()
        } else {
            well_known()
        };
        for server in self.looked_up().chain(&known) {
            keys.extend(
                server
                    .config
                    .iter()
                    .map(|(config_map, _)| config_map.clone()),
            );
            keys.extend(self.additions(server).cloned());
        }
        keys
    }

    /// Whether the servers that pods query were found.
    pub fn has_servers(&self) -> bool {
        let mut found = self.found.iter();
        found.any(|found| !found.servers.is_empty())
    }

    /// The servers that pods query, or those with well-known names.
    pub(super) fn servers(&self, flavour: Option<DnsFlavour>) -> Vec<Server> {
        let is_wanted = |server: &Server| match flavour {
            None => true,
            Some(DnsFlavour::CoreDns) => server.program == Program::CoreDns,
            Some(DnsFlavour::KubeDns) => server.program == Program::KubeDns,
            Some(DnsFlavour::None) => false,
        };
        let found = self.found.iter().flat_map(|found| &found.servers);
        let found: Vec<Server> = found.filter(|one| is_wanted(one)).cloned().collect();
        if !found.is_empty() {
            return found;
        }
        let known = well_known().into_iter();
        let known = known.filter(|server| server.program != Program::NodeCache);
        let mut known: Vec<Server> = known
            .filter(|server| {
                let mut config = server.config.iter();
                is_wanted(server) && config.any(|(of, _)| self.maps.contains_key(of))
            })
            .collect();
        // When CoreDNS replaces kube-dns, it keeps kube-dns's ConfigMap.
        if known.iter().any(|one| one.program == Program::CoreDns) {
            known.retain(|one| one.program == Program::CoreDns);
        }
        known
    }

    /// The caches of nodes.
    pub(super) fn caches(&self) -> Vec<Server> {
        let Some(found) = &self.found else {
            return self.known_caches();
        };
        if found.servers.is_empty() {
            // A DNS outside of the cluster has caches of its own.
            let is_outside = !found.without_pods.is_empty();
            return if is_outside {
                Vec::new()
            } else {
                self.known_caches()
            };
        }
        let sets = found.daemon_sets.iter().filter(|set| {
            let mut servers = found.servers.iter();
            let is_server = servers.any(|server| server.workload == set.workload);
            let binds = || self.corefile(set).is_some_and(is_on_the_node);
            !is_server && (set.program == Program::NodeCache || binds())
        });
        sets.cloned().collect()
    }

    fn known_caches(&self) -> Vec<Server> {
        let known = well_known().into_iter();
        let known = known.filter(|server| server.program == Program::NodeCache);
        known
            .filter(|server| self.corefile(server).is_some())
            .collect()
    }

    /// All servers, those with well-known names last.
    pub(super) fn all(&self) -> Vec<Server> {
        self.looked_up().cloned().chain(well_known()).collect()
    }

    fn looked_up(&self) -> impl Iterator<Item = &Server> {
        let found = self.found.iter();
        found.flat_map(|found| found.servers.iter().chain(&found.daemon_sets))
    }

    /// The Corefile of a server.
    pub(super) fn corefile(&self, server: &Server) -> Option<&str> {
        let (config_map, key) = server.config.as_ref()?;
        self.maps.get(config_map)?["data"][key].as_str()
    }

    /// The ConfigMap from which a Corefile imports server blocks, as on AKS and k3s, whose operators undo changes of
    /// the Corefile itself.
    pub(super) fn additions<'a>(&self, server: &'a Server) -> Option<&'a Key> {
        let corefile = Corefile::parse(self.corefile(server)?).ok()?;
        let mut directories = corefile.imports.iter();
        let found = directories.find_map(|path| server.directory(path.strip_suffix("/*.server")?));
        found.filter(|found| server.config.as_ref().is_some_and(|(own, _)| own != *found))
    }

    /// Whether an address is that of the cluster's DNS.
    pub(super) fn is_cluster_dns(&self, address: &str) -> bool {
        let mut found = self.found.iter().flat_map(|found| &found.addresses);
        address == CLUSTER_DNS_VARIABLE || found.any(|one| server(one) == server(address))
    }
}

/// Whether a Corefile is that of a cache on each node: it listens on a link-local address.
fn is_on_the_node(corefile: &str) -> bool {
    let is_local = |to: &str| {
        to.starts_with("169.254.") || to.starts_with("fe80:") || to == LOCAL_DNS_VARIABLE
    };
    Corefile::parse(corefile).is_ok_and(|corefile| {
        let mut binds = corefile.blocks.iter();
        binds.any(|block| {
            let binds = corefile.arguments(block, "bind");
            binds.into_iter().flatten().any(is_local)
        })
    })
}

/// The servers as distributions name them.
fn well_known() -> Vec<Server> {
    let here = |name| key(NAMESPACE, name);
    let custom = Some(("/etc/coredns/custom", here(COREDNS_CUSTOM)));
    let kube_dns = || Some(("/etc/kube-dns", here(KUBE_DNS)));
    vec![
        Server::known(
            Program::CoreDns,
            "deployment/coredns",
            here(COREDNS),
            custom,
        ),
        Server::known(
            Program::CoreDns,
            "deployment/rke2-coredns-rke2-coredns",
            here(RKE2),
            None,
        ),
        Server::known(
            Program::CoreDns,
            "daemonset/dns-default",
            key(OPENSHIFT.0, OPENSHIFT.1),
            None,
        ),
        Server::known(
            Program::KubeDns,
            "deployment/kube-dns",
            here(KUBE_DNS),
            None,
        ),
        Server::known(
            Program::NodeCache,
            "daemonset/node-local-dns",
            here(NODE_LOCAL_DNS),
            kube_dns(),
        ),
        Server::known(
            Program::NodeCache,
            "daemonset/nodelocaldns",
            here(KUBESPRAY_CACHE),
            kube_dns(),
        ),
    ]
}
