//! Rules about `spec.transport` and `spec.tls`.

use super::{Findings, code};
use crate::defaults::SYSTEM_CA;
use crate::istio::{IstioVersion, OLDEST_ISTIO_WITH_CHECKED_NAMES};
use crate::mesh::{Spec, Transport};
use crate::name::HostName;
use crate::resolved::published::Level;
use crate::resolved::{Resolved, Tls};

/// Limit of names in a message.
const NAMES_SHOWN: usize = 12;

/// `Some(None)` for plain HTTP, `None` with an error.
#[expect(
    clippy::option_option,
    reason = "as of every check: none with an error"
)]
pub(super) fn check(
    spec: &Spec,
    istio: Option<IstioVersion>,
    findings: &mut Findings,
) -> Option<Option<Tls>> {
    if !spec.has_transport(Transport::Tls) {
        if spec.tls.is_some() {
            findings.warning(
                code::TLS_UNUSED,
                "spec.tls",
                "`tls` has no effect, because no service uses `transport: tls`".into(),
                "set `spec.transport: tls`, or remove the field".into(),
            );
        }
        return Some(None);
    }
    if let Some(version) = istio.filter(|version| *version < OLDEST_ISTIO_WITH_CHECKED_NAMES) {
        findings.error(
            code::OLD_ISTIO,
            "spec.transport",
            format!("sidecars of Istio {version} do not verify the name in a certificate"),
            format!("use Istio {OLDEST_ISTIO_WITH_CHECKED_NAMES} or later, or `transport: http`"),
        );
        return None;
    }
    let given = spec.tls.clone().unwrap_or_default();
    let name = given.credential_name.unwrap_or_default();
    let credential = HostName::new(&name);
    if let Err(error) = &credential {
        findings.error(
            code::NO_CREDENTIAL,
            "spec.tls.credentialName",
            if name.is_empty() {
                "the name of the Secret is missing".into()
            } else {
                format!("{name:?} {error}")
            },
            "set the name of a `kubernetes.io/tls` Secret in the namespace of the gateways' pods"
                .into(),
        );
    }
    let ca = given.ca.unwrap_or_else(|| SYSTEM_CA.to_owned());
    let is_authority =
        ca == SYSTEM_CA || (ca.starts_with('/') && !ca.contains(char::is_whitespace));
    if !is_authority {
        findings.error(
            code::BAD_AUTHORITY,
            "spec.tls.ca",
            format!("{ca:?} is neither `{SYSTEM_CA}` nor an absolute path without white space"),
            "use the path of a file in the sidecars, such as /var/run/secrets/istio/root-cert.pem"
                .into(),
        );
        return None;
    }
    Some(Some(Tls {
        credential: credential.ok()?,
        min_version: given.min_version.unwrap_or_default(),
        redirect: given.redirect.unwrap_or(true),
        ca,
    }))
}

/// Requirements of the Secrets, which only their owner can fulfil. A wildcard matches one label (RFC 6125, 6.4.3): the
/// service's, so that all services of a namespace share one.
pub(super) fn certificates(resolved: &Resolved, findings: &mut Findings) {
    let Some(tls) = &resolved.tls else {
        return;
    };
    let mut names: Vec<String> = Vec::new();
    let taken = resolved.services.iter();
    for service in taken.filter(|service| service.is_http() && !service.is_mutual()) {
        for name in &service.names {
            let host = name.host.as_str();
            let desired = match (&name.level, host.split_once('.')) {
                (Level::Vanity, _) | (_, None) => host.to_owned(),
                (_, Some((_, rest))) => format!("*.{rest}"),
            };
            if !names.contains(&desired) {
                names.push(desired);
            }
        }
    }
    if names.is_empty() {
        return;
    }
    let more = names.len().saturating_sub(NAMES_SHOWN);
    names.truncate(NAMES_SHOWN);
    let mut listed = names.join(", ");
    if more > 0 {
        listed = format!("{listed} and {more} more (see `fedmesh-agent names`)");
    }
    let mut namespaces: Vec<&str> = Vec::new();
    for cluster in &resolved.clusters {
        let namespace = cluster.gateway.namespace.as_str();
        if !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    findings.hint(
        code::CERTIFICATE_NAMES,
        "spec.tls.credentialName",
        format!(
            "gateways present the certificate in the Secret `{}` of their namespace ({})",
            tls.credential,
            namespaces.join(", ")
        ),
        format!("check that the Secret exists, and that its certificate is valid for {listed}"),
    );
}
