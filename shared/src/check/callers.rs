//! Rules about `spec.services[].callers` and `spec.services[].selector`.

use std::collections::BTreeSet;

use super::chosen::{Chosen, NoCluster};
use super::labels::labels;
use super::{Findings, code};
use crate::mesh::{self, Spec, Transport};
use crate::name::HostName;
use crate::resolved::callers::Caller;
use crate::resolved::{Resolved, Service};

/// The callers of a service; `Some(None)` for all, `None` with an error.
#[expect(
    clippy::option_option,
    reason = "as of every check: none with an error"
)]
pub(super) fn of_service(
    index: usize,
    service: &mesh::Service,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<Option<Vec<Caller>>> {
    let path = format!("spec.services[{index}]");
    let transport = spec.transport_of(service);
    let has_good_selector = selector(&path, service, transport, findings);
    let Some(given) = &service.callers else {
        return has_good_selector.then_some(None);
    };
    let path = format!("{path}.callers");
    let mut good = has_good_selector;
    if given.is_empty() {
        good = false;
        findings.error(
            code::NO_CALLER,
            &path,
            "the list is empty, so no client can call the service".into(),
            "add a caller, or remove the field to allow all clients".into(),
        );
    }
    if !service.export_to.is_empty() {
        good = false;
        findings.error(
            code::CALLERS_AND_EXPORTS,
            &format!("spec.services[{index}].exportTo"),
            "`exportTo` conflicts with `callers`, which already sets the namespaces that see the names".into(),
            "remove `exportTo`".into(),
        );
    }
    if transport != Transport::Mtls {
        findings.warning(
            code::CALLERS_NOT_ENFORCED,
            &path,
            format!(
                "with `transport: {}`, the service receives no identity of its callers, so no call is refused; \
                 other callers do not see the names, but nothing refuses them",
                transport.as_str()
            ),
            "set `transport: mtls` to refuse all other callers".into(),
        );
    }
    let callers: Vec<Option<Caller>> = given
        .iter()
        .enumerate()
        .map(|(index, caller)| one(&format!("{path}[{index}]"), caller, spec, findings))
        .collect();
    let callers: Option<Vec<Caller>> = callers.into_iter().collect();
    callers.filter(|_| good).map(Some)
}

fn one(path: &str, given: &mesh::Caller, spec: &Spec, findings: &mut Findings) -> Option<Caller> {
    if *given == mesh::Caller::default() {
        findings.error(
            code::EMPTY,
            path,
            "the caller has no field".into(),
            "set namespace, serviceAccounts, clusters or clusterSelector".into(),
        );
        return None;
    }
    let namespace = match &given.namespace {
        Some(text) => {
            let at = format!("{path}.namespace");
            Some(findings.label(&at, text, "the callers' namespace")?)
        }
        None => None,
    };
    if namespace.is_none() && !given.service_accounts.is_empty() {
        findings.error(
            code::EMPTY,
            &format!("{path}.serviceAccounts"),
            "the service accounts have no namespace".into(),
            "set `namespace`".into(),
        );
        return None;
    }
    let accounts = accounts(path, &given.service_accounts, findings);
    let clusters = clusters(path, given, spec, findings);
    Some(Caller::new(namespace, accounts?, clusters?))
}

fn accounts(path: &str, given: &[String], findings: &mut Findings) -> Option<Vec<HostName>> {
    let mut accounts = BTreeSet::new();
    let mut good = true;
    for (index, text) in given.iter().enumerate() {
        let path = format!("{path}.serviceAccounts[{index}]");
        match HostName::new(text) {
            Ok(account) => {
                if accounts.insert(account) {
                    continue;
                }
                good = false;
                let hint = "remove the duplicate".into();
                findings.error(
                    code::DUPLICATE,
                    &path,
                    format!("`{text}` is already in the list"),
                    hint,
                );
            }
            Err(error) => {
                good = false;
                let hint = "use the `serviceAccountName` of the callers' pods".into();
                findings.error(code::BAD_IDENTITY, &path, format!("{text:?} {error}"), hint);
            }
        }
    }
    good.then(|| accounts.into_iter().collect())
}

fn clusters(
    path: &str,
    given: &mesh::Caller,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let chosen = Chosen {
        path,
        clusters: given.clusters.as_deref(),
        selector: &given.cluster_selector,
    };
    let none = NoCluster {
        code: code::CALLED_FROM_NO_CLUSTER,
        message: "the list of clusters is empty",
        hint: "add the callers' clusters, or remove the field for all clusters",
        labels_hint: "add the labels to the callers' clusters, in spec.clusters[].labels",
    };
    chosen.find_or_all(&none, spec, findings)
}

/// Whether the labels of a service's pods are valid, and set if required.
fn selector(
    path: &str,
    service: &mesh::Service,
    transport: Transport,
    findings: &mut Findings,
) -> bool {
    let path = format!("{path}.selector");
    let is_needed = service.callers.is_some() && transport == Transport::Mtls;
    if service.selector.is_empty() {
        if is_needed {
            findings.error(
                code::NO_POD_LABELS,
                &path,
                "the labels of the service's pods are missing, so no policy can select the pods"
                    .into(),
                "set the labels of the service's pods, such as those in the Service's selector"
                    .into(),
            );
        }
        return !is_needed;
    }
    if !is_needed {
        findings.warning(
            code::MTLS_UNUSED,
            &path,
            "`selector` has no effect, because no policy is rendered for the service's pods".into(),
            "set `callers` and `transport: mtls`, or remove the field".into(),
        );
    }
    labels(&path, &service.selector, findings)
}

/// Checks of the resolved document: identities that are less specific than the document.
pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
    for (index, service) in resolved.services.iter().enumerate() {
        if service.refuses_strangers() {
            for (at, caller) in service.callers.iter().flatten().enumerate() {
                let path = format!("spec.services[{index}].callers[{at}]");
                alike(&path, caller, service, resolved, findings);
            }
        }
    }
}

/// An identity has a trust domain, not a cluster; and Istio treats the trust domains of a mesh and its aliases as equal
/// in principals with a namespace (istio `pilot/pkg/security/trustdomain`, `ReplaceTrustDomainAliases`), which all
/// clusters' are.
fn alike(
    path: &str,
    caller: &Caller,
    service: &Service,
    resolved: &Resolved,
    findings: &mut Findings,
) {
    let domain = |index: usize| &resolved.clusters[index].trust_domain;
    let is_taken = |other: usize| {
        caller.namespace.is_some()
            || caller
                .clusters
                .iter()
                .any(|&one| domain(one) == domain(other))
    };
    let is_caller = |other: usize| {
        let mut callers = service.callers.iter().flatten();
        callers.any(|one| {
            one.clusters.contains(&other)
                && (one.namespace.is_none()
                    || one.namespace == caller.namespace
                        && (one.service_accounts.is_empty()
                            || one.service_accounts == caller.service_accounts))
        })
    };
    let others = (0..resolved.clusters.len()).filter(|&other| is_taken(other) && !is_caller(other));
    let others: Vec<&str> = others
        .map(|other| resolved.clusters[other].name.as_str())
        .collect();
    if others.is_empty() {
        return;
    }
    findings.warning(
        code::CLUSTERS_ALIKE_TO_CALLED,
        path,
        format!(
            "workloads in {} have the same identities as these callers and are not refused",
            others.join(", ")
        ),
        "use a different trust domain for each cluster, or check that no other workload there has the namespace and the service account".into(),
    );
}
