//! DNS servers that fedmesh does not configure, with what to do there.

use serde_json::json;

use super::Owner;
use crate::findings::{Finding, Severity, code};
use crate::kubernetes::object::Key;

/// A DNS server whose configuration has to be changed by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manual {
    /// There is no known DNS.
    NotFound,
    /// The Service that pods query has no pods.
    NoPods(String),
    /// A workload that runs another DNS server.
    OtherProgram {
        /// As kubectl names it.
        workload: String,
        /// Its image.
        image: String,
    },
    /// A workload whose configuration is not in a ConfigMap.
    NoConfigMap(String),
    /// A ConfigMap that others write.
    Owned {
        /// Who writes it.
        owner: Owner,
        /// The ConfigMap.
        config_map: Key,
        /// Whether it is that of the cache on each node.
        is_cache: bool,
    },
}

impl Manual {
    /// That a cluster's DNS does not forward the zone, with the change that makes it do so.
    pub fn finding(
        &self,
        cluster: usize,
        name: &str,
        suffix: &str,
        nameservers: &[String],
    ) -> Finding {
        Finding {
            code: code::NO_CLUSTER_DNS.id.to_owned(),
            severity: Severity::Warning,
            path: format!("spec.clusters[{cluster}].dnsFlavour"),
            message: self.message(name, suffix),
            hint: self.hint(suffix, nameservers),
            fix: None,
        }
    }

    fn message(&self, cluster: &str, suffix: &str) -> String {
        match self {
            Self::NotFound => {
                format!("cluster {cluster} has neither CoreDNS nor kube-dns in kube-system")
            }
            Self::NoPods(service) => {
                format!("Service kube-system/{service} of cluster {cluster} has no pods")
            }
            Self::OtherProgram { workload, image } => format!(
                "{workload} of cluster {cluster} runs `{image}`, which is neither CoreDNS nor kube-dns"
            ),
            Self::NoConfigMap(workload) => {
                format!(
                    "the configuration of {workload} in cluster {cluster} is not in a ConfigMap"
                )
            }
            Self::Owned {
                owner,
                config_map,
                is_cache,
            } => {
                let problem = match is_cache {
                    false => format!("does not forward {suffix}"),
                    true => format!("forwards {suffix} past the cluster DNS"),
                };
                let writer = match owner {
                    Owner::Immutable => "it is immutable".to_owned(),
                    Owner::Rke2 => "RKE2 writes it from its chart".to_owned(),
                    Owner::OpenShift => "the DNS operator of OpenShift writes it".to_owned(),
                    Owner::K3s | Owner::Eks | Owner::Helm(_) => "others write it".to_owned(),
                };
                format!("{config_map} of cluster {cluster} {problem}, and {writer}")
            }
        }
    }

    fn hint(&self, suffix: &str, nameservers: &[String]) -> String {
        let servers = nameservers.join(", ");
        match self {
            Self::NotFound => format!(
                "add the name servers {servers} for {suffix} to its DNS by hand (OpenShift: spec.servers of \
                 dns.operator/default), and set dnsFlavour: none"
            ),
            Self::NoPods(_) => format!(
                "forward {suffix} to {servers} by hand in the DNS that pods use instead, such as with a private \
                 forwarding zone of Cloud DNS on GKE, and set dnsFlavour: none; or start the pods of the Service"
            ),
            Self::OtherProgram { .. } | Self::NoConfigMap(_) => format!(
                "forward {suffix} to {servers} in its configuration by hand, and set dnsFlavour: none"
            ),
            Self::Owned {
                owner: Owner::Rke2,
                is_cache: false,
                ..
            } => "add `extraConfig: {import: {parameters: /etc/coredns-custom/*.server}}`, `extraVolumes: [{name: custom, \
                 configMap: {name: coredns-custom, optional: true}}]` and `extraVolumeMounts: [{name: custom, \
                 mountPath: /etc/coredns-custom}]` to `spec.valuesContent` of HelmChartConfig kube-system/rke2-coredns, \
                 and apply again, which writes `coredns-custom`"
                .to_owned(),
            Self::Owned {
                owner: Owner::Rke2,
                is_cache: true,
                ..
            } => format!(
                "add `nodelocal: {{extraClusterDomains: [{suffix}]}}` to `spec.valuesContent` of HelmChartConfig \
                 kube-system/rke2-coredns"
            ),
            Self::Owned {
                owner: Owner::OpenShift,
                ..
            } => format!(
                "add {} to `spec.servers` of `dns.operator/default`",
                json!({
                    "name": "fedmesh", "zones": [suffix], "forwardPlugin": { "upstreams": nameservers },
                })
            ),
            Self::Owned { .. } => {
                format!("forward {suffix} to {servers} where this ConfigMap is generated")
            }
        }
    }
}
