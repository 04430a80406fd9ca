//! Who calls a service (`spec.services[].callers`): where its names exist, which namespaces see them, and whose
//! certificates its pods take.

use std::collections::BTreeSet;

use crate::name::{HostName, Label};
use crate::resolved::{Resolved, Service};

/// One of `spec.services[].callers`, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// Their namespace; `None` for all.
    pub namespace: Option<Label>,
    /// Their service accounts, sorted; empty for all of the namespace.
    pub service_accounts: Vec<HostName>,
    /// Indices of their clusters, ascending, at least one.
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
    /// Whether anybody in a cluster, by index, calls it.
    pub fn is_called_from(&self, cluster: usize) -> bool {
        let callers = self.callers.as_ref();
        callers.is_none_or(|all| all.iter().any(|caller| caller.clusters.contains(&cluster)))
    }

    /// Those of some clusters from which it is called.
    pub(crate) fn called_from(&self, clusters: &[usize]) -> Vec<usize> {
        let clusters = clusters.iter().copied();
        clusters.filter(|&one| self.is_called_from(one)).collect()
    }

    /// The namespaces of a cluster that see its names, sorted; `None` for all.
    pub fn seen_by(&self, cluster: usize) -> Option<BTreeSet<&str>> {
        let Some(callers) = &self.callers else {
            let namespaces = self.export_to.iter().map(String::as_str);
            return (!self.export_to.is_empty()).then(|| namespaces.collect());
        };
        let here = callers.iter().filter(|one| one.clusters.contains(&cluster));
        here.map(|caller| caller.namespace.as_ref().map(Label::as_str))
            .collect()
    }

    /// Whether a workload, by cluster, namespace and service account, is among its callers.
    pub fn is_called_by(&self, cluster: usize, namespace: &str, account: &str) -> bool {
        let callers = self.callers.as_ref();
        callers.is_none_or(|all| {
            all.iter()
                .any(|caller| caller.is(cluster, namespace, account))
        })
    }

    /// Whether its pods may take a workload for one of its callers: identities do not tell clusters apart where these
    /// have a trust domain in common, and, of callers with a namespace, where they know each other's.
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

    /// Whether its pods refuse workloads that are not among its callers: only mutual TLS tells them who calls.
    pub fn refuses_strangers(&self) -> bool {
        self.callers.is_some() && self.is_mutual()
    }

    /// The identities of its callers, as an `AuthorizationPolicy` of Istio has principals; sorted.
    ///
    /// A principal ends in `*` where all of a namespace or of a trust domain are meant (istio
    /// `pilot/pkg/security/authz/matcher`, `StringMatcherWithPrefix`).
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
