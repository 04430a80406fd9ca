//! The initial objects of a cluster of the bed: roles of the daemons, its DNS, and the installation of Istio.

use serde_json::{Value, json};

use super::MeshCluster;
use super::node::dns_service;
use crate::images::{COREDNS_IMAGE, ISTIO_HUB, ISTIO_TAG};

/// kubeadm's Corefile, with shorter times; `DOMAIN` is that of Services.
const COREFILE: &str = "\
.:53 {
    errors
    health {
       lameduck 1s
    }
    ready
    kubernetes DOMAIN in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 5
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 2
    loop
    reload 2s 1s
    loadbalance
}
";

/// The namespace of ExternalDNS, with the credentials of the zone in it.
pub(super) const EXTERNAL_DNS_NAMESPACE: &str = "external-dns";
/// The Secret with them.
pub(super) const CREDENTIALS: &str = "dns-credentials";

/// The namespaces, the zone's credentials, the roles and the DNS of a cluster, as a
/// `List`.
pub(super) fn base(number: u8, domain: &str, (variable, secret): (&str, &str)) -> Value {
    let rbac = "rbac.authorization.k8s.io";
    let role = |kind: &str, name: &str, subject: Value, to: &str| {
        json!({
            "apiVersion": format!("{rbac}/v1"), "kind": kind, "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": to},
            "subjects": [subject],
        })
    };
    let in_kube_system = |name: &str| json!({"name": name, "namespace": "kube-system"});
    let coredns = json!({
        "name": "coredns",
        "image": COREDNS_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"containerPort": 53, "protocol": "UDP", "name": "dns"},
            {"containerPort": 53, "protocol": "TCP", "name": "dns-tcp"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": true}],
    });
    json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}},
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": EXTERNAL_DNS_NAMESPACE}},
            {
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": CREDENTIALS, "namespace": EXTERNAL_DNS_NAMESPACE},
                "stringData": {variable: secret},
            },
            role(
                "ClusterRoleBinding", "kube-proxy",
                json!({"kind": "User", "name": "system:kube-proxy", "apiGroup": rbac}),
                "system:node-proxier",
            ),
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": in_kube_system("coredns")},
            {
                "apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "system:coredns"},
                "rules": [
                    {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
                ],
            },
            role(
                "ClusterRoleBinding", "system:coredns",
                json!({"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}),
                "system:coredns",
            ),
            {
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": in_kube_system("coredns"),
                "data": {"Corefile": COREFILE.replace("DOMAIN", domain)},
            },
            {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": in_kube_system("coredns"),
                "spec": {
                    "selector": {"matchLabels": {"k8s-app": "kube-dns"}},
                    "template": {
                        "metadata": {"labels": {"k8s-app": "kube-dns"}},
                        "spec": {
                            "serviceAccountName": "coredns",
                            "dnsPolicy": "Default",
                            "priorityClassName": "system-cluster-critical",
                            "containers": [coredns],
                            "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
                        },
                    },
                },
            },
            {
                "apiVersion": "v1", "kind": "Service", "metadata": in_kube_system("kube-dns"),
                "spec": {
                    "clusterIP": dns_service(number),
                    "selector": {"k8s-app": "kube-dns"},
                    "ports": [
                        {"name": "dns", "port": 53, "protocol": "UDP"},
                        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                    ],
                },
            },
        ],
    })
}

/// The gateway for mutual TLS of other clusters, under the name that Istio gives it.
pub(super) const EAST_WEST_GATEWAY: &str = "istio-eastwestgateway";

/// The input of `istioctl manifest generate`.
///
/// Envoy is its project's own build, without the filters of Istio's build, so all features that need them are disabled
/// here: telemetry (`istio.stats`), the exchange of metadata between peers, and the ALPN filter. Objects of fedmesh are
/// affected in one way: ports of Services must be named after their protocol, since without the exchange a port's
/// protocol is not detected under mutual TLS.
pub(super) fn istio(cluster: &MeshCluster) -> Value {
    let small = json!({"requests": {"cpu": "10m", "memory": "32Mi"}});
    json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": {"name": "bed", "namespace": "istio-system"},
        "spec": {
            "profile": "default",
            "hub": ISTIO_HUB,
            "tag": ISTIO_TAG,
            "meshConfig": {
                "accessLogFile": "/dev/stdout",
                "enablePrometheusMerge": false,
                // Interval until an unresolved name is queried again; Istio's default is 60s.
                "dnsRefreshRate": "2s",
                "defaultConfig": {
                    "concurrency": 1,
                    "holdApplicationUntilProxyStarts": true,
                    "terminationDrainDuration": "1s",
                },
            },
            "components": {
                "pilot": {"k8s": {"replicaCount": 1, "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}}},
                "ingressGateways": [
                    {
                        "name": "istio-ingressgateway",
                        "enabled": true,
                        "k8s": {"replicaCount": 1, "resources": small},
                    },
                    {
                        "name": EAST_WEST_GATEWAY,
                        "enabled": true,
                        "label": {"istio": "eastwestgateway", "app": EAST_WEST_GATEWAY},
                        "k8s": {
                            "replicaCount": 1,
                            "resources": small,
                            "service": {"ports": [{"name": "tls", "port": 15443, "targetPort": 15443}]},
                        },
                    },
                ],
            },
            "values": {
                "telemetry": {"enabled": false},
                "global": {
                    "multiCluster": {"clusterName": cluster.context},
                    "imagePullPolicy": "IfNotPresent",
                    "proxy": {
                        "clusterDomain": cluster.domain,
                        // The defaults delay every pod by up to 15 s.
                        "readinessInitialDelaySeconds": 0,
                        "readinessPeriodSeconds": 1,
                        "resources": small,
                    },
                },
                "pilot": {
                    "autoscaleEnabled": false,
                    "traceSampling": 0,
                    "env": {
                        "PILOT_ENABLE_METADATA_EXCHANGE": "false",
                        "PILOT_ENABLE_ALPN_FILTER": "false",
                        "ENABLE_LEADER_ELECTION": "false",
                        "PILOT_DEBOUNCE_AFTER": "50ms",
                    },
                },
                "gateways": {"istio-ingressgateway": {"autoscaleEnabled": false, "injectionTemplate": ""}},
            },
        },
    })
}

/// Mutual TLS in the whole mesh.
pub(super) fn peer_authentication(mode: &str) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": "istio-system"},
        "spec": {"mtls": {"mode": mode}},
    })
}
