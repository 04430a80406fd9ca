//! Whether `ExternalDNS` reads the records of the federation's controller.

use crate::defaults;
use crate::findings::{Findings, code};
use crate::resolved::Resolved;

/// Since this minor version `ExternalDNS` reads only its own kind of record, and exits without its CRD
/// (`source/crd.go`; kubernetes-sigs/external-dns#6414). The major version is 0.
const READS_NO_OTHER_KIND: u16 = 21;

pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
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
