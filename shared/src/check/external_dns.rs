//! Rules about `spec.dns.externalDns`.

use super::labels::labels;
use super::{Findings, code, provider};
use crate::defaults;
use crate::mesh;
use crate::name::Label;
use crate::render::external_dns::OWN_FLAGS;
use crate::resolved::{self, Resolved};

/// Since this minor version `ExternalDNS` reads only its own kind of record, and exits without its CRD
/// (`source/crd.go`; kubernetes-sigs/external-dns#6414). The major version is 0.
const READS_NO_OTHER_KIND: u16 = 21;

pub(super) fn check(
    given: &mesh::ExternalDns,
    mesh_name: Option<&Label>,
    findings: &mut Findings,
) -> Option<resolved::ExternalDns> {
    let plain =
        |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let provider_good = plain(&given.provider);
    if !provider_good {
        findings.error(
            code::EMPTY_PROVIDER,
            "spec.dns.externalDns.provider",
            format!("{:?} is not a provider of ExternalDNS", given.provider),
            "write the provider that holds the zone, such as google, aws or rfc2136".into(),
        );
    }
    let owner_id = given
        .owner_id
        .clone()
        .or_else(|| mesh_name.map(ToString::to_string));
    let owner_good = owner_id
        .as_deref()
        .is_none_or(|id| plain(id) && !id.contains([',', '"', '=']));
    if !owner_good {
        findings.error(
            code::EMPTY,
            "spec.dns.externalDns.ownerId",
            "the owner id is empty or has blanks, commas, quotes or equals signs".into(),
            "use an owner id that no other ExternalDNS of this zone uses".into(),
        );
    }
    let namespace = findings.label(
        "spec.dns.externalDns.namespace",
        given
            .namespace
            .as_deref()
            .unwrap_or(defaults::DEFAULT_EXTERNAL_DNS_NAMESPACE),
        "ExternalDNS's namespace",
    );
    let arguments_good = arguments(&given.args, findings);
    let settings = provider::check(given, findings);
    labels(
        "spec.dns.externalDns.podLabels",
        &given.pod_labels,
        findings,
    );
    let secret = match &given.secret {
        None => None,
        Some(text) => Some(findings.secret(
            "spec.dns.externalDns.secret",
            text,
            "ExternalDNS's namespace",
        )?),
    };
    let mut settings = settings?;
    settings.args.extend(given.args.iter().cloned());
    Some(resolved::ExternalDns {
        provider: provider_good.then(|| given.provider.clone())?,
        owner_id: owner_id.filter(|_| owner_good)?,
        namespace: namespace?,
        args: arguments_good.then_some(settings.args)?,
        env: settings.env,
        credentials: settings.credentials,
        service_account_annotations: given.service_account_annotations.clone(),
        pod_labels: given.pod_labels.clone(),
        policy: given.policy.unwrap_or_default(),
        secret,
    })
}

/// Whether `ExternalDNS` reads the records of the federation's controller.
pub(super) fn check_version(resolved: &Resolved, findings: &mut Findings) {
    if resolved.dns.external_dns.is_none() {
        return;
    }
    let image = &resolved.images.external_dns;
    let path = "spec.images.externalDns";
    let (code, hint) = (
        code::FEDERATION_EXTERNAL_DNS,
        format!(
            "use an earlier version, such as `{}`, or `naming: service`, with which fedmesh renders the records",
            defaults::EXTERNAL_DNS_IMAGE
        ),
    );
    match version(image) {
        Some((0, ..READS_NO_OTHER_KIND)) => {}
        Some((major, minor)) => findings.warning(
            code,
            path,
            format!(
                "ExternalDNS {major}.{minor} does not read the federation controller's records, so nothing is published"
            ),
            hint,
        ),
        None => findings.hint(
            code,
            path,
            format!(
                "the version of the image {image:?} is unknown; ExternalDNS 0.{READS_NO_OTHER_KIND} and later does not read the federation controller's records"
            ),
            hint,
        ),
    }
}

/// Major and minor version in the tag of an image, such as `registry/name:v0.19.0@sha256:…`.
fn version(image: &str) -> Option<(u16, u16)> {
    let name = image.split('@').next()?.rsplit('/').next()?;
    let (_, tag) = name.split_once(':')?;
    let mut parts = tag.strip_prefix('v').unwrap_or(tag).split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Whether these arguments can be passed to `ExternalDNS`.
fn arguments(arguments: &[String], findings: &mut Findings) -> bool {
    let mut good = true;
    for (index, argument) in arguments.iter().enumerate() {
        let flag = argument
            .strip_prefix("--")
            .filter(|rest| !rest.contains(char::is_control))
            .map(|rest| rest.split('=').next().unwrap_or_default());
        let fault = match flag {
            None | Some("") => (
                format!("{argument:?} is not a flag"),
                "use the form `--flag=value`".to_owned(),
            ),
            Some(flag) if OWN_FLAGS.contains(&flag) => (
                format!("fedmesh sets `--{flag}` itself"),
                "remove it; other fields of the document set this flag".to_owned(),
            ),
            Some(_) => continue,
        };
        good = false;
        findings.error(
            code::BAD_ARGUMENT,
            &format!("spec.dns.externalDns.args[{index}]"),
            fault.0,
            fault.1,
        );
    }
    good
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_parsed_from_tags() {
        for (image, expected) in [
            (
                "registry.k8s.io/external-dns/external-dns:v0.19.0",
                Some((0, 19)),
            ),
            ("localhost:5000/external-dns:0.21", Some((0, 21))),
            ("bitnami/external-dns:0.20.1-debian-12-r1", Some((0, 20))),
            ("external-dns:v0.22.0@sha256:0123", Some((0, 22))),
            ("external-dns:latest", None),
            ("localhost:5000/external-dns", None),
            ("external-dns@sha256:0123", None),
            ("external-dns:v20250101", None),
        ] {
            assert_eq!(version(image), expected, "{image}");
        }
    }
}
