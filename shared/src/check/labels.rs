//! Rules about labels of Kubernetes objects anywhere in a document.

use std::collections::BTreeMap;

use super::{Findings, code};
use crate::name::HostName;

/// Whether an API server accepts these labels; otherwise there are findings.
pub(super) fn labels(
    path: &str,
    given: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> bool {
    given
        .iter()
        .all(|(key, value)| label(path, key, value, findings))
}

/// The same for one label.
pub(super) fn label(path: &str, key: &str, value: &str, findings: &mut Findings) -> bool {
    let good = is_label_key(key) && is_label_value(value);
    if !good {
        findings.error(
            code::BAD_LABEL,
            path,
            format!("`{key}: {value}` is not a valid label"),
            "use a name and a value that Kubernetes accepts, such as `app: orders`".into(),
        );
    }
    good
}

/// Kubernetes' rule for label values: empty, or 63 of `[A-Za-z0-9._-]` with an alphanumeric at both ends.
fn is_label_value(text: &str) -> bool {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.is_empty()
        || (text.len() <= 63
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && alphanumeric(text.chars().next())
            && alphanumeric(text.chars().last()))
}

/// Kubernetes' rule for label keys: an optional host name and a slash before a name.
fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text
        .split_once('/')
        .map_or((None, text), |(p, n)| (Some(p), n));
    prefix.is_none_or(|prefix| HostName::new(prefix).is_ok())
        && !name.is_empty()
        && is_label_value(name)
}
