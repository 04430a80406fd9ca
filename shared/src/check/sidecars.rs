//! Rules about `spec.sidecars`.

use std::collections::BTreeSet;

use super::{Findings, code};
use crate::defaults::ISTIO_NAMESPACE;
use crate::mesh::Sidecars;
use crate::name::{HostPattern, Label};
use crate::render::sidecar::{ALL_OF, called};
use crate::resolved::Resolved;

/// All hosts.
const ANY: &str = "*";

/// Further hosts of callers' namespaces; `Some(None)` without Sidecars, `None` with an error.
#[expect(
    clippy::option_option,
    reason = "as of every check: none with an error"
)]
pub(super) fn hosts(
    given: Option<&Sidecars>,
    findings: &mut Findings,
) -> Option<Option<BTreeSet<String>>> {
    let Some(Sidecars { hosts }) = given else {
        return Some(None);
    };
    let mut good = true;
    for (index, host) in hosts.iter().enumerate() {
        let path = format!("spec.sidecars.hosts[{index}]");
        good &= is_host(&path, host, findings) && is_new(&path, host, index, hosts, findings);
    }
    good.then(|| Some(hosts.iter().cloned().collect()))
}

/// Whether Istio accepts the host (`ValidateNamespaceSlashWildcardHostname` of its Pilot) and it has an effect in the
/// Sidecars of all namespaces.
fn is_host(path: &str, host: &str, findings: &mut Findings) -> bool {
    let mut invalid = |message: String, hint: &str| {
        findings.error(code::BAD_EGRESS_HOST, path, message, hint.into());
        false
    };
    let Some((namespace, name)) = host.split_once('/') else {
        return invalid(
            format!("`{host}` is not of the form `namespace/dnsName`"),
            "add the namespace before it, such as `payments/*`, or `*` for any namespace, such as `*/api.example.com`",
        );
    };
    if namespace == "." {
        return invalid(
            "a Sidecar already includes all hosts of its own namespace".into(),
            "remove it, or use the name of a namespace",
        );
    }
    if (namespace, name) == (ANY, ANY) {
        return invalid(
            format!(
                "`{host}` includes all hosts of all namespaces, so the Sidecars have no effect"
            ),
            "use the namespaces that the callers call, or remove `spec.sidecars`",
        );
    }
    if namespace != ANY
        && let Err(error) = Label::new(namespace)
    {
        return invalid(
            format!("the namespace `{namespace}` {error}"),
            "use the name of a namespace, or `*` for any",
        );
    }
    if name != ANY
        && let Err(error) = HostPattern::new(name)
    {
        return invalid(
            format!("the DNS name `{name}` {error}"),
            "use a host such as api.payments.svc.cluster.local or *.example.com, or * for all of the namespace",
        );
    }
    true
}

/// Whether it is neither covered by another host nor always included.
fn is_new(path: &str, host: &str, index: usize, hosts: &[String], findings: &mut Findings) -> bool {
    let namespace = host.split('/').next().unwrap_or_default();
    let whole = format!("{namespace}{ALL_OF}");
    let other = if namespace == ISTIO_NAMESPACE || host != whole && hosts.contains(&whole) {
        whole.as_str()
    } else if hosts[..index].iter().any(|one| one == host) {
        host
    } else {
        return true;
    };
    findings.error(
        code::DUPLICATE,
        path,
        format!("`{other}` is already included"),
        "remove it".into(),
    );
    false
}

/// Reports callers that get no Sidecar.
pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
    if resolved.sidecars.is_none() {
        return;
    }
    let mut clusters = 0..resolved.clusters.len();
    if clusters.all(|cluster| called(cluster, resolved).is_empty()) {
        findings.hint(
            code::SIDECARS_UNUSED,
            "spec.sidecars",
            format!(
                "no caller sets a namespace other than `{ISTIO_NAMESPACE}`, so no Sidecar is rendered"
            ),
            "set the namespace of callers, or remove the field".into(),
        );
        return;
    }
    for (index, service) in resolved.services.iter().enumerate() {
        for (at, caller) in service.callers.iter().flatten().enumerate() {
            if caller.namespace.is_none() {
                findings.warning(
                    code::CALLERS_WITHOUT_SIDECAR,
                    &format!("spec.services[{index}].callers[{at}]"),
                    "the caller sets no namespace, and Sidecars are rendered only for namespaces that callers set".into(),
                    "set `namespace`; add a caller for each namespace that calls the service".into(),
                );
            }
        }
    }
}
