//! Whether a mesh would publish its names in a zone in which everybody may register one.
//!
//! Not in the core: the list of public suffixes would add 180 KB to the page, compressed.

use psl::Psl as _;
use shared::Mesh;
use shared::check::{Finding, Severity, code};

/// Adds a finding where `spec.dns.suffix` is a public suffix, such as `co.uk` or `github.io`, before the hints.
pub(crate) fn check(mesh: &Mesh, findings: &mut Vec<Finding>) {
    let suffix = &mesh.spec.dns.suffix;
    if !is_public(suffix) {
        return;
    }
    let finding = Finding {
        code: code::PUBLIC_SUFFIX.id.to_owned(),
        severity: Severity::Warning,
        path: "spec.dns.suffix".to_owned(),
        message: format!(
            "`{suffix}` is a public suffix: names directly below it belong to different owners"
        ),
        hint: format!("use a zone that you own, such as `mesh.your-name.{suffix}`"),
        fix: None,
    };
    let hints = findings
        .iter()
        .position(|one| one.severity == Severity::Hint);
    findings.insert(hints.unwrap_or(findings.len()), finding);
}

/// A name below one is fine, and so is one under a top-level domain that the list does not have, such as
/// `internal`. A top-level domain itself is an error of the core.
fn is_public(name: &str) -> bool {
    let suffix = psl::List.suffix(name.as_bytes());
    name.contains('.')
        && suffix.is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn zones_of_everybody_are_told_from_those_of_somebody() {
        for name in [
            "co.uk",
            "com.au",
            "github.io",
            "foo.ck",
            "s3.amazonaws.com",
            "blogspot.com",
        ] {
            assert!(is_public(name), "{name}");
        }
        for name in [
            "example.com",
            "mesh.example.co.uk",
            "example.co.uk",
            "me.github.io",
            "www.ck",
            "mesh.internal",
            "svc.internal",
            "my.zone",
            "corp.example",
            "mesh.corp",
            "my.dns.zone.name",
            "a.b.unknown-tld",
            "mesh.home.arpa",
            "com",
            "",
            ".",
            "..",
        ] {
            assert!(!is_public(name), "{name}");
        }
    }
}
