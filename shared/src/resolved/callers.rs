//! Callers of a service (`spec.services[].callers`): where its names exist, which namespaces see them, and which
//! certificates its pods accept.

use std::collections::BTreeSet;

use crate::name::{HostName, Label};
use crate::resolved::{Resolved, Service};

/// One of `spec.services[].callers`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// Namespace of the callers; `None` for all.
    pub namespace: Option<Label>,
    /// Service accounts of the callers, sorted; empty for all of the namespace.
    pub service_accounts: Vec<HostName>,
    /// Indices of the callers' clusters, ascending, at least one.
    pub clusters: Vec<usize>,
}

impl Caller {
    pub(crate) fn new(
        namespace: Option<Label>,
        service_accounts: Vec<HostName>,
        clusters: Vec<usize>,
    ) -> Self {
        Self {
            namespace,
            service_accounts,
            clusters,
        }
    }

    fn is(&self, cluster: usize, namespace: &str, account: &str) -> bool {
        let of_account = |one: &HostName| one.as_str() == account;
        self.clusters.contains(&cluster)
            && self
                .namespace
                .as_ref()
                .is_none_or(|one| one.as_str() == namespace)
            && (self.service_accounts.is_empty() || self.service_accounts.iter().any(of_account))
    }
}

impl Service {
    /// Whether any workload in a cluster, by index, is a caller.
    pub fn is_called_from(&self, cluster: usize) -> bool {
        let callers = self.callers.as_ref();
        callers.is_none_or(|all| all.iter().any(|caller| caller.clusters.contains(&cluster)))
    }

    /// Those of `clusters` that have callers.
    pub(crate) fn called_from(&self, clusters: &[usize]) -> Vec<usize> {
        let clusters = clusters.iter().copied();
        clusters.filter(|&one| self.is_called_from(one)).collect()
    }

    /// The namespaces of a cluster that see the service's names, sorted; `None` for all.
    pub fn seen_by(&self, cluster: usize) -> Option<BTreeSet<&str>> {
        let Some(callers) = &self.callers else {
            let namespaces = self.export_to.iter().map(String::as_str);
            return (!self.export_to.is_empty()).then(|| namespaces.collect());
        };
        let here = callers.iter().filter(|one| one.clusters.contains(&cluster));
        here.map(|caller| caller.namespace.as_ref().map(Label::as_str))
            .collect()
    }

    /// Whether a workload, by cluster, namespace and service account, is a caller.
    pub fn is_called_by(&self, cluster: usize, namespace: &str, account: &str) -> bool {
        let callers = self.callers.as_ref();
        callers.is_none_or(|all| {
            all.iter()
                .any(|caller| caller.is(cluster, namespace, account))
        })
    }

    /// Whether the service's pods may accept a workload as a caller: identities do not distinguish clusters that share
    /// a trust domain, nor, for callers with a namespace, clusters whose trust domains are aliases.
    pub fn may_take(
        &self,
        cluster: usize,
        namespace: &str,
        account: &str,
        resolved: &Resolved,
    ) -> bool {
        let domain = |index: usize| &resolved.clusters[index].trust_domain;
        let mut callers = self.callers.iter().flatten();
        callers.any(|caller| {
            let mut clusters = caller.clusters.iter();
            clusters.any(|&one| {
                caller.is(one, namespace, account)
                    && (caller.namespace.is_some() || domain(one) == domain(cluster))
            })
        })
    }

    /// Whether the service's pods refuse other workloads than its callers: only mutual TLS identifies callers.
    pub fn refuses_strangers(&self) -> bool {
        self.callers.is_some() && self.is_mutual()
    }

    /// The identities of the callers, as principals of Istio's `AuthorizationPolicy`; sorted.
    ///
    /// A principal ends in `*` for all of a namespace or of a trust domain (istio `pilot/pkg/security/authz/matcher`,
    /// `StringMatcherWithPrefix`).
    pub(crate) fn principals(&self, resolved: &Resolved) -> BTreeSet<String> {
        let mut principals = BTreeSet::new();
        for caller in self.callers.iter().flatten() {
            for &cluster in &caller.clusters {
                let domain = &resolved.clusters[cluster].trust_domain;
                let Some(namespace) = &caller.namespace else {
                    principals.insert(format!("{domain}/*"));
                    continue;
                };
                let of = |account: &str| format!("{domain}/ns/{namespace}/sa/{account}");
                if caller.service_accounts.is_empty() {
                    principals.insert(of("*"));
                }
                principals.extend(caller.service_accounts.iter().map(|one| of(one.as_str())));
            }
        }
        principals
    }
}
