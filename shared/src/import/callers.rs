//! Callers of a service, from objects of fedmesh only: the clusters and namespaces that have its names, and the
//! identities that its pods accept. Objects of other tools may have other reasons.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{self, Names};
use super::services::{Found, Index};
use super::world::World;
use crate::defaults::{DEFAULT_TRUST_DOMAIN, ISTIO_NAMESPACE};
use crate::manifests::{field, texts};
use crate::mesh::{Caller, Cluster, Service};
use crate::render::CALLERS_SUFFIX;

/// Evidence of a service's callers.
#[derive(Default)]
pub(super) struct Said {
    /// The clusters with its names, and the namespaces that see them; `None` for all.
    seen_by: BTreeMap<usize, Option<BTreeSet<String>>>,
    /// Principals that its pods accept.
    principals: BTreeSet<String>,
    /// Labels of its pods.
    selector: BTreeMap<String, String>,
}

/// For each of the services.
pub(super) fn find(world: &World, names: &Names, services: &[Found]) -> Vec<Said> {
    let index = Index::new(services);
    let mut said: Vec<Said> = services.iter().map(|_| Said::default()).collect();
    let ours = |kind| world.of_kind(kind).filter(|(_, object)| object.is_ours());
    for (cluster, entry) in ours("ServiceEntry") {
        let hosts = names::hosts(entry);
        let service = hosts
            .into_iter()
            .find_map(|host| index.published(host, names));
        if let Some(at) = service {
            let namespaces = texts(field(&entry.value, &["spec", "exportTo"]));
            let namespaces: BTreeSet<String> = namespaces.map(str::to_owned).collect();
            let is_all = namespaces.is_empty() || namespaces.contains("*");
            said[at]
                .seen_by
                .insert(cluster, (!is_all).then_some(namespaces));
        }
    }
    for (_, policy) in ours("AuthorizationPolicy") {
        let service = policy.name().strip_suffix(CALLERS_SUFFIX);
        let Some(at) = service.and_then(|name| index.named(name, policy.namespace())) else {
            continue;
        };
        let source = policy
            .value
            .pointer("/spec/rules/0/from/0/source/notPrincipals");
        let principals = source.map(texts).into_iter().flatten();
        said[at].principals = principals.map(str::to_owned).collect();
        let labels = field(&policy.value, &["spec", "selector", "matchLabels"]).as_object();
        let labels = labels.into_iter().flatten();
        said[at].selector = labels
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
    }
    said
}

impl Said {
    /// Sets the callers of a service that is not open to all. `with_sidecar` are the clusters and namespaces with a
    /// Sidecar, which only callers have.
    pub(super) fn write(
        self,
        service: &mut Service,
        clusters: &[Cluster],
        with_sidecar: &BTreeSet<(usize, &str)>,
    ) {
        let mut kinds = self.seen_by.values();
        let first = kinds.next();
        let is_alike = self.seen_by.len() == clusters.len() && kinds.all(|one| Some(one) == first);
        let has_sidecar = |(&cluster, namespaces): (&usize, &Option<BTreeSet<String>>)| {
            let mut namespaces = namespaces.iter().flatten();
            namespaces.all(|one| one == ISTIO_NAMESPACE || with_sidecar.contains(&(cluster, one)))
        };
        let is_export = is_alike
            && (first == Some(&None)
                || with_sidecar.is_empty()
                || !self.seen_by.iter().all(has_sidecar));
        let callers = if !self.principals.is_empty() {
            self.by_identity(clusters)
        } else if first.is_some() && !is_export {
            self.by_names()
        } else {
            return;
        };
        let callers = callers.into_iter();
        let callers = callers.map(|((namespace, called_from), accounts)| {
            let is_all = called_from.len() == clusters.len() && namespace.is_some();
            let names = called_from.iter().map(|&one| clusters[one].name.clone());
            Caller {
                namespace,
                service_accounts: accounts.into_iter().flatten().collect(),
                clusters: (!is_all).then(|| names.collect()),
                ..Caller::default()
            }
        });
        service.callers = Some(callers.collect());
        service.export_to.clear();
        service.selector = self.selector;
    }

    /// Namespaces, each with the clusters in which it sees the names.
    fn by_names(&self) -> Callers {
        let mut found: BTreeMap<Option<String>, BTreeSet<usize>> = BTreeMap::new();
        for (&cluster, namespaces) in &self.seen_by {
            match namespaces {
                None => _ = found.entry(None).or_default().insert(cluster),
                Some(namespaces) => {
                    for namespace in namespaces {
                        let clusters = found.entry(Some(namespace.clone())).or_default();
                        clusters.insert(cluster);
                    }
                }
            }
        }
        let found = found.into_iter();
        found.map(|callers| (callers, None)).collect()
    }

    /// Identities, each in the clusters with its trust domain that have the names.
    fn by_identity(&self, clusters: &[Cluster]) -> Callers {
        let mut whole: BTreeMap<Option<String>, BTreeSet<usize>> = BTreeMap::new();
        let mut accounts: BTreeMap<(String, String), BTreeSet<usize>> = BTreeMap::new();
        for principal in &self.principals {
            let Some((domain, rest)) = principal.split_once('/') else {
                continue;
            };
            let parts = rest
                .strip_prefix("ns/")
                .and_then(|rest| rest.split_once("/sa/"));
            let namespace = parts.map(|(namespace, _)| namespace);
            let sees = |cluster: usize| match (self.seen_by.get(&cluster), namespace) {
                (Some(None), _) => true,
                (Some(Some(all)), Some(one)) => all.contains(one),
                (Some(Some(_)), None) | (None, _) => false,
            };
            let called_from = (0..clusters.len()).filter(|&index| {
                let own = clusters[index].trust_domain.as_deref();
                own.unwrap_or(DEFAULT_TRUST_DOMAIN) == domain && sees(index)
            });
            let called_from: BTreeSet<usize> = called_from.collect();
            match parts {
                Some((namespace, account)) if account != "*" => accounts
                    .entry((namespace.to_owned(), account.to_owned()))
                    .or_default()
                    .extend(called_from),
                parts => whole
                    .entry(parts.map(|(namespace, _)| namespace.to_owned()))
                    .or_default()
                    .extend(called_from),
            }
        }
        let whole = whole.into_iter();
        let mut callers: Callers = whole.map(|callers| (callers, None)).collect();
        for ((namespace, account), called_from) in accounts {
            let known = callers
                .entry((Some(namespace), called_from))
                .or_insert_with(|| Some(BTreeSet::new()));
            // The whole namespace includes its accounts.
            if let Some(accounts) = known {
                accounts.insert(account);
            }
        }
        callers
    }
}

/// Callers by namespace and clusters, with their service accounts; `None` for all.
type Callers = BTreeMap<(Option<String>, BTreeSet<usize>), Option<BTreeSet<String>>>;
