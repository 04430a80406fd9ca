//! Checks whether the DNS suffix of a mesh is a public suffix, below which anyone may register names.
//!
//! The check is not in `shared`, because the list of public suffixes would add 180 KB, compressed, to the page.

use psl::Psl as _;
use shared::Mesh;
use shared::check::{Finding, Severity, code};

/// Adds a finding, before the hints, if `spec.dns.suffix` is a public suffix, such as `co.uk` or `github.io`.
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

/// Whether a name is a public suffix. Names below one are not, nor are names under a top-level domain that is not in
/// the list, such as `internal`. A top-level domain itself is reported by the checks in `shared`.
fn is_public(name: &str) -> bool {
    let suffix = psl::List.suffix(name.as_bytes());
    name.contains('.')
        && suffix.is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn only_public_suffixes_are_reported() {
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
