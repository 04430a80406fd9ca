//! Rules about `spec.external[].ports`.

use super::{Findings, code, port};
use crate::defaults::{DEFAULT_TLS_PORT, SYSTEM_CA};
use crate::istio::{IstioVersion, OLDEST_ISTIO_WITH_TLS};
use crate::mesh::{self, ExternalProtocol};
use crate::name::HostPattern;
use crate::resolved::{ExternalPort, Location, TlsOrigination};

pub(super) fn check(
    path: &str,
    given: &[mesh::ExternalPort],
    of: (&HostPattern, &Location),
    istio: Option<IstioVersion>,
    findings: &mut Findings,
) -> Option<Vec<ExternalPort>> {
    if given.is_empty() {
        return Some(vec![ExternalPort {
            number: DEFAULT_TLS_PORT,
            protocol: ExternalProtocol::Https,
            tls: None,
        }]);
    }
    let mut ports: Vec<Option<ExternalPort>> = Vec::new();
    for (index, given) in given.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let one = one_port(&path, given, of, istio, findings);
        if let Some(one) = &one
            && ports.iter().flatten().any(|port| port.number == one.number)
        {
            findings.error(
                code::PORT_TWICE,
                &format!("{path}.port"),
                format!("`{}` already has port `{}`", of.0, one.number),
                "list each port once, with one protocol".into(),
            );
        }
        ports.push(one);
    }
    ports.into_iter().collect()
}

fn one_port(
    path: &str,
    given: &mesh::ExternalPort,
    (host, place): (&HostPattern, &Location),
    istio: Option<IstioVersion>,
    findings: &mut Findings,
) -> Option<ExternalPort> {
    let number = port(findings, &format!("{path}.port"), given.port)?;
    let protocol = given.protocol.or(match number {
        80 => Some(ExternalProtocol::Http),
        443 => Some(ExternalProtocol::Https),
        _ => None,
    });
    let Some(protocol) = protocol else {
        findings.error(
            code::NO_PROTOCOL,
            &format!("{path}.protocol"),
            format!("port `{number}` has no protocol"),
            "set `protocol` to `http`, `https` (TLS from the caller) or `tcp`".into(),
        );
        return None;
    };
    if protocol == ExternalProtocol::Tcp && place.addresses().is_empty() {
        tcp_without_address(&format!("{path}.protocol"), number, host, findings);
    }
    let tls = match &given.tls {
        None => None,
        Some(tls) => {
            let path = format!("{path}.tls");
            if protocol != ExternalProtocol::Http || matches!(place, Location::Caller(_)) {
                findings.error(
                    code::BAD_ORIGINATION,
                    &path,
                    format!("a sidecar cannot originate TLS to `{host}` for calls to port `{number}`"),
                    "use protocol `http` and a single host that has addresses or is in DNS; or remove `tls`"
                        .into(),
                );
                return None;
            }
            Some(origination(&path, tls, host, istio, findings)?)
        }
    };
    Some(ExternalPort {
        number,
        protocol,
        tls,
    })
}

/// Istio then listens on the port of every address, unless it assigns an address to the host, which callers only see
/// with its DNS proxy.
fn tcp_without_address(path: &str, port: u16, host: &HostPattern, findings: &mut Findings) {
    let hint = format!("add the addresses of `{host}`");
    if host.is_wildcard {
        findings.error(
            code::TCP_WITHOUT_ADDRESS,
            path,
            format!("TCP carries no host name, so calls to port `{port}` of every address match `{host}`"),
            hint,
        );
    } else {
        findings.warning(
            code::TCP_WITHOUT_ADDRESS,
            path,
            format!("calls to port `{port}` of any address without a service go to `{host}`"),
            hint,
        );
    }
}

fn origination(
    path: &str,
    given: &mesh::TlsOrigination,
    host: &HostPattern,
    istio: Option<IstioVersion>,
    findings: &mut Findings,
) -> Option<TlsOrigination> {
    if istio.is_some_and(|istio| istio < OLDEST_ISTIO_WITH_TLS) {
        findings.error(
            code::OLD_ISTIO,
            path,
            format!("sidecars of Istio before {OLDEST_ISTIO_WITH_TLS} do not verify the certificates of external hosts"),
            format!("upgrade to Istio {OLDEST_ISTIO_WITH_TLS} or later"),
        );
        return None;
    }
    let target_port = match given.target_port {
        None => Some(DEFAULT_TLS_PORT),
        Some(number) => port(findings, &format!("{path}.targetPort"), number),
    };
    let mut subject_alt_names = given.subject_alt_names.clone();
    if subject_alt_names.is_empty() {
        subject_alt_names.push(host.to_string());
    }
    let empty = subject_alt_names.iter().position(String::is_empty);
    if let Some(index) = empty {
        findings.error(
            code::EMPTY,
            &format!("{path}.subjectAltNames[{index}]"),
            "the subject alternative name is empty".into(),
            "write a name from the host's certificate".into(),
        );
    }
    let file = given.ca_certificates.as_deref();
    let absolute = file.is_none_or(|file| file.starts_with('/'));
    if !absolute {
        findings.error(
            code::BAD_ORIGINATION,
            &format!("{path}.caCertificates"),
            format!("{:?} is not an absolute path", file.unwrap_or_default()),
            "write the path of a file in the sidecar, such as `/etc/ssl/private-ca/ca.pem`".into(),
        );
    }
    (empty.is_none() && absolute).then_some(TlsOrigination {
        target_port: target_port?,
        subject_alt_names,
        ca_certificates: file.unwrap_or(SYSTEM_CA).to_owned(),
    })
}
