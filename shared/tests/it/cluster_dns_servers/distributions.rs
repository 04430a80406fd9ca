//! Clusters with the DNS of distributions: the objects that these create, with the fields that matter.

use serde_json::{Value, json};
use shared::check::Finding;
use shared::cluster_dns::{
    Forwarding, Found, Observed, StubDomain, checked_key, forwarding, services,
};

pub(super) const SUFFIX: &str = "mesh.example.com";
pub(super) const SERVER: &str = "10.0.0.53";
pub(super) const COREFILE: &str =
    ".:53 {\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n    reload\n}\n";
pub(super) const IMPORTING: &str =
    ".:53 {\n    forward . /etc/resolv.conf\n    reload\n}\nimport /etc/coredns/custom/*.server\n";

/// The objects of a cluster.
#[derive(Default, Clone)]
pub(super) struct Cluster {
    pub(super) services: Vec<Value>,
    pub(super) pods: Vec<Value>,
    pub(super) daemon_sets: Vec<Value>,
    pub(super) maps: Vec<Value>,
}

impl Cluster {
    /// As the agent reads it.
    pub(super) fn observed(&self) -> Observed {
        let pods = json!({ "items": self.pods });
        let services = services(&json!({ "items": self.services }));
        let services: Vec<_> = services
            .into_iter()
            .map(|service| (service, pods.clone()))
            .collect();
        let mut dns = Observed {
            found: Some(Found::new(&services, &json!({ "items": self.daemon_sets }))),
            ..Observed::default()
        };
        for _ in 0..2 {
            let wanted = dns.config_maps();
            let maps = self.maps.iter().map(|map| {
                let metadata = &map["metadata"];
                let text = |field: &str| metadata[field].as_str().unwrap();
                (
                    checked_key(text("namespace"), text("name")).unwrap(),
                    map.clone(),
                )
            });
            dns.maps = maps.filter(|(key, _)| wanted.contains(key)).collect();
        }
        dns
    }

    pub(super) fn forwarding(&self) -> Forwarding {
        let stub = StubDomain {
            mesh: "demo",
            suffix: SUFFIX,
            nameservers: &[SERVER.to_owned()],
        };
        forwarding(&self.observed(), None, "demo", Some(stub))
    }

    /// The ConfigMaps that change, and the findings about the rest.
    pub(super) fn planned(&self) -> (Vec<String>, Vec<Finding>) {
        let Forwarding { edits, manual } = self.forwarding();
        let edits = edits.into_iter().map(Result::unwrap);
        let edits = edits.filter(|edit| !edit.is_done());
        let servers = [SERVER.to_owned()];
        let findings = manual.iter();
        (
            edits.map(|edit| edit.config_map.name).collect(),
            findings
                .map(|one| one.finding(1, "north", SUFFIX, &servers))
                .collect(),
        )
    }

    /// The text of a key after the change.
    pub(super) fn changed(&self, name: &str, key: &str) -> String {
        let edits = self.forwarding().edits.into_iter().map(Result::unwrap);
        let found = edits.filter(|edit| edit.config_map.name == name);
        let object = found.map(|edit| edit.object()).next().expect("an edit");
        object["data"][key].as_str().unwrap().to_owned()
    }

    pub(super) fn with_map(mut self, map: Value) -> Self {
        self.maps
            .retain(|one| one["metadata"]["name"] != map["metadata"]["name"]);
        self.maps.push(map);
        self
    }
}

pub(super) fn service(name: &str, labels: &Value, selector: &Value) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "kube-system", "labels": labels },
        "spec": {
            "clusterIPs": ["10.96.0.10"], "selector": selector,
            "ports": [{ "name": "metrics", "port": 9153 }, { "name": "dns", "port": 53, "protocol": "UDP" }],
        },
    })
}

/// The Service of kubeadm, k3s, AKS, EKS and GKE.
pub(super) fn kube_dns_service() -> Value {
    let labels = json!({ "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true" });
    service("kube-dns", &labels, &json!({ "k8s-app": "kube-dns" }))
}

pub(super) fn map(namespace: &str, name: &str, data: &Value) -> Value {
    json!({
        "metadata": { "name": name, "namespace": namespace, "resourceVersion": "7" },
        "data": data,
    })
}

pub(super) fn corefile(name: &str, text: &str) -> Value {
    map("kube-system", name, &json!({ "Corefile": text }))
}

/// A pod of a Deployment.
pub(super) fn pod(deployment: &str, spec: &Value) -> Value {
    json!({
        "metadata": {
            "name": format!("{deployment}-7c65d6cfc9-x2x2x", ), "namespace": "kube-system",
            "labels": { "k8s-app": "kube-dns", "pod-template-hash": "7c65d6cfc9" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("{deployment}-7c65d6cfc9") }],
        },
        "spec": spec,
    })
}

pub(super) fn daemon_set(name: &str, spec: &Value) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "kube-system" },
        "spec": { "template": { "spec": spec } },
    })
}

/// `CoreDNS` with its Corefile in a ConfigMap, and another one beside it.
pub(super) fn coredns(config_map: &str, beside: Option<(&str, &str)>) -> Value {
    let mut mounts = vec![json!({ "name": "config-volume", "mountPath": "/etc/coredns" })];
    let items = json!([{ "key": "Corefile", "path": "Corefile" }]);
    let mut volumes = vec![json!({
        "name": "config-volume", "configMap": { "name": config_map, "items": items },
    })];
    if let Some((path, name)) = beside {
        mounts.push(json!({ "name": "custom", "mountPath": path }));
        volumes.push(json!({ "name": "custom", "configMap": { "name": name, "optional": true } }));
    }
    json!({
        "containers": [{
            "name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1.12.1",
            "args": ["-conf", "/etc/coredns/Corefile"], "volumeMounts": mounts,
        }],
        "volumes": volumes,
    })
}

/// `NodeLocal DNSCache`, as in the documentation of Kubernetes.
pub(super) fn node_cache(image: &str, config_map: &str, reads_kube_dns: bool) -> Value {
    let mut mounts = vec![json!({ "name": "config-volume", "mountPath": "/etc/coredns" })];
    let items = json!([{ "key": "Corefile", "path": "Corefile.base" }]);
    let mut volumes = vec![json!({
        "name": "config-volume", "configMap": { "name": config_map, "items": items },
    })];
    if reads_kube_dns {
        mounts.push(json!({ "name": "kube-dns-config", "mountPath": "/etc/kube-dns" }));
        volumes.push(json!({
            "name": "kube-dns-config", "configMap": { "name": "kube-dns", "optional": true },
        }));
    }
    json!({
        "hostNetwork": true,
        "containers": [{
            "name": "node-cache", "image": image,
            "args": ["-localip", "169.254.20.10", "-conf", "/etc/Corefile", "-upstreamsvc", "kube-dns-upstream"],
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    })
}

/// The Corefile of a cache; `above` are the upstreams of all other names.
pub(super) fn cache_corefile(zones: &str, cluster_dns: &str, above: &str) -> String {
    format!(
        "{zones} {{\n    bind 169.254.20.10\n    forward . {cluster_dns} {{\n        force_tcp\n    }}\n}}\n\
         .:53 {{\n    reload\n    bind 169.254.20.10\n    forward . {above}\n}}\n"
    )
}

pub(super) fn kubeadm() -> Cluster {
    Cluster {
        services: vec![kube_dns_service()],
        pods: vec![pod("coredns", &coredns("coredns", None))],
        daemon_sets: vec![daemon_set(
            "kube-proxy",
            &json!({ "containers": [{ "image": "kube-proxy:v1" }] }),
        )],
        maps: vec![corefile("coredns", COREFILE)],
    }
}

pub(super) fn kubespray(above: &str) -> Cluster {
    let labels = json!({ "k8s-app": "kube-dns", "addonmanager.kubernetes.io/mode": "Reconcile" });
    let cache = node_cache(
        "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0",
        "nodelocaldns",
        false,
    );
    Cluster {
        services: vec![service(
            "coredns",
            &labels,
            &json!({ "k8s-app": "kube-dns" }),
        )],
        daemon_sets: vec![daemon_set("nodelocaldns", &cache)],
        ..kubeadm()
    }
    .with_map(corefile(
        "nodelocaldns",
        &cache_corefile("cluster.local:53", "10.96.0.10", above),
    ))
}

pub(super) fn rke2_corefile(text: &str) -> Value {
    let mut map = corefile("rke2-coredns-rke2-coredns", text);
    map["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "rke2-coredns" });
    map
}

pub(super) fn rke2_cache(zones: &str) -> Value {
    let text = cache_corefile(zones, "10.96.0.10", "__PILLAR__UPSTREAM__SERVERS__");
    let mut map = corefile("node-local-dns", &text);
    map["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "rke2-coredns" });
    map
}

pub(super) fn rke2(corefile: &str, beside: Option<(&str, &str)>) -> Cluster {
    let selector = json!({
        "app.kubernetes.io/instance": "rke2-coredns", "app.kubernetes.io/name": "rke2-coredns",
        "k8s-app": "kube-dns",
    });
    let name = "rke2-coredns-rke2-coredns";
    let labels = json!({ "k8s-app": "kube-dns", "helm.sh/chart": "rke2-coredns-1.43.302" });
    Cluster {
        services: vec![service(name, &labels, &selector)],
        pods: vec![pod(name, &coredns(name, beside))],
        maps: vec![rke2_corefile(corefile)],
        ..Cluster::default()
    }
}

pub(super) fn openshift(corefile: &str) -> Cluster {
    Cluster {
        services: vec![service(
            "kubelet",
            &json!({ "k8s-app": "kubelet" }),
            &json!({}),
        )],
        maps: vec![map(
            "openshift-dns",
            "dns-default",
            &json!({ "Corefile": corefile }),
        )],
        ..Cluster::default()
    }
}

pub(super) fn gke(pods: bool, maps: Vec<Value>) -> Cluster {
    let kube_dns = json!({
        "containers": [
            { "image": "gke.gcr.io/k8s-dns-kube-dns:1.23.0", "args": ["--config-dir=/kube-dns-config"],
              "volumeMounts": [{ "name": "kube-dns-config", "mountPath": "/kube-dns-config" }] },
            { "image": "gke.gcr.io/k8s-dns-dnsmasq-nanny:1.23.0", "args": ["-configDir=/etc/k8s/dns/dnsmasq-nanny"] },
        ],
        "volumes": [{ "name": "kube-dns-config", "configMap": { "name": "kube-dns", "optional": true } }],
    });
    let cache = node_cache(
        "gke.gcr.io/k8s-dns-node-cache:1.23.0",
        "node-local-dns",
        true,
    );
    let cache_map = cache_corefile(
        "cluster.local:53",
        "__PILLAR__CLUSTER__DNS__",
        "__PILLAR__UPSTREAM__SERVERS__",
    );
    Cluster {
        services: vec![kube_dns_service()],
        pods: pods
            .then(|| pod("kube-dns", &kube_dns))
            .into_iter()
            .collect(),
        daemon_sets: vec![daemon_set("node-local-dns", &cache)],
        maps: [maps, vec![corefile("node-local-dns", &cache_map)]].concat(),
    }
}
