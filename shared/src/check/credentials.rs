//! Credentials anywhere in a document: a document is committed, sent and pasted, and everyone who may read Deployments
//! can read the rendered manifests.

use serde_json::Value;

use super::{Finding, Findings, code};
use crate::mesh::Mesh;
use crate::text::credential;

const ARGUMENTS: &str = "spec.dns.externalDns.args";

/// Adds a finding for each credential, and removes the other findings that quote one.
pub(super) fn check(mesh: &Mesh, findings: &mut Findings) {
    let mut found = Vec::new();
    let document = serde_json::to_value(mesh).unwrap_or_default();
    walk(&document, "", false, &mut found);
    findings
        .0
        .retain(|finding| !found.iter().any(|one| quotes(finding, one)));
    for one in found {
        findings.error(code::CREDENTIAL, &one.path, one.message, one.hint);
    }
}

/// Whether a finding quotes the credential. A short one may occur by chance.
fn quotes(finding: &Finding, credential: &Found) -> bool {
    const LONG: usize = 6;
    let text = credential.text;
    if finding.path != credential.path && text.len() < LONG {
        return false;
    }
    let escaped = text.escape_debug().to_string();
    let fix = finding.fix.as_ref().map_or("", |fix| fix.value.as_str());
    let mut words = [finding.message.as_str(), finding.hint.as_str(), fix].into_iter();
    !text.is_empty() && words.any(|words| words.contains(text) || words.contains(&escaped))
}

/// A credential in a document.
struct Found<'a> {
    path: String,
    /// The text that contains it.
    text: &'a str,
    message: String,
    hint: String,
}

/// `is_header` is whether the fields are headers of a request or a response.
fn walk<'a>(value: &'a Value, path: &str, is_header: bool, found: &mut Vec<Found<'a>>) {
    match value {
        Value::String(text) => found.extend(of_text(text, path)),
        Value::Array(items) => {
            let mut is_of_flag = false;
            for (index, item) in items.iter().enumerate() {
                let at = format!("{path}[{index}]");
                let behind = item
                    .as_str()
                    .filter(|text| is_of_flag && !text.starts_with('-'));
                if let Some(text) = behind {
                    found.push(Found {
                        path: at,
                        text,
                        message: "the argument is the credential of the flag before it".to_owned(),
                        hint:
                            "remove both, and put the credential into a Secret that `secret` names"
                                .to_owned(),
                    });
                } else {
                    walk(item, &at, false, found);
                }
                is_of_flag =
                    path == ARGUMENTS && item.as_str().is_some_and(credential::has_value_behind);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                let at = format!("{path}{dot}{name}");
                match field.as_str() {
                    // `%` starts a variable that Envoy replaces.
                    Some(text) if is_header && credential::is_name(name) && !text.contains('%') => {
                        found.push(Found {
                            path: at,
                            text,
                            message: format!("the header `{name}` is set to a credential"),
                            hint: "remove it; let the caller or the service add it from a Secret"
                                .to_owned(),
                        });
                    }
                    _ => walk(field, &at, name == "set" || name == "add", found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn of_text<'a>(text: &'a str, path: &str) -> Option<Found<'a>> {
    let is_argument = path.starts_with(ARGUMENTS);
    if let Some(flag) = credential::flag(text).filter(|_| is_argument) {
        return Some(Found {
            path: path.to_owned(),
            text: text.split_once('=').map_or("", |(_, value)| value),
            message: format!("`--{flag}` puts a credential into a manifest"),
            hint: format!(
                "put it into a Secret under `EXTERNAL_DNS_{}`, and set `secret` to the name of the Secret",
                flag.to_ascii_uppercase().replace('-', "_")
            ),
        });
    }
    let kind = credential::kind_of(text)?;
    let flag = text
        .split_once('=')
        .map(|(flag, _)| flag)
        .filter(|_| is_argument);
    let subject = flag.unwrap_or("the value");
    Some(Found {
        path: path.to_owned(),
        text,
        message: format!("{subject} contains {kind}"),
        hint: hint(path, flag),
    })
}

fn hint(path: &str, flag: Option<&str>) -> String {
    if let Some(flag) = flag {
        return format!(
            "put the value into a Secret under `EXTERNAL_DNS_{}`, and set `secret` to the name of the Secret",
            flag.trim_start_matches('-')
                .to_ascii_uppercase()
                .replace('-', "_")
        );
    }
    if path.starts_with("spec.gitops.") {
        return "remove it; Argo CD and Flux read it from their own Secrets".to_owned();
    }
    if path.starts_with("spec.images.") {
        return "remove it, and add a Secret to `imagePullSecrets` of the pods' ServiceAccount"
            .to_owned();
    }
    "remove it, and put it into a Secret".to_owned()
}
