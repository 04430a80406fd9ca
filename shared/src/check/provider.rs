//! Rules about the settings of a zone's provider, and their conversion for `ExternalDNS`.

use serde_json::Value;

use super::{Findings, code, fields};
use crate::defaults::CREDENTIALS_FOLDER;
use crate::mesh;
use crate::name::HostName;
use crate::passthrough::{self, settings_of};

const SETTINGS: &str = "spec.dns.externalDns.settings";
const CREDENTIALS: &str = "spec.dns.externalDns.credentials";

/// The converted settings of a provider.
#[derive(Default)]
pub(super) struct Settings {
    /// Flags with their values.
    pub(super) args: Vec<String>,
    /// Environment variables.
    pub(super) env: Vec<(&'static str, String)>,
    /// The Secret with the credentials, and its key.
    pub(super) credentials: Option<(HostName, String)>,
}

/// `None` only together with an error.
pub(super) fn check(given: &mesh::ExternalDns, findings: &mut Findings) -> Option<Settings> {
    let mut settings = Settings::default();
    let before = findings.0.len();
    let provider = settings_of(&given.provider);
    if !given.settings.is_empty() {
        if let Some(known) = passthrough::settings(provider) {
            fields::check(known, &given.settings, SETTINGS, findings);
        } else {
            findings.error(
                code::PROVIDER_SETTINGS,
                SETTINGS,
                format!(
                    "`settings` does not support the provider {:?}",
                    given.provider
                ),
                "set them in `args`, as flags of ExternalDNS".into(),
            );
        }
    }
    for (name, value) in &given.settings {
        if name == "etcdUrls" {
            let urls: Vec<&str> = list(value).iter().filter_map(Value::as_str).collect();
            settings.env.push(("ETCD_URLS", urls.join(",")));
            continue;
        }
        let flag = flag(provider, name);
        if given
            .args
            .iter()
            .any(|argument| argument.split('=').next() == Some(flag.as_str()))
        {
            findings.error(
                code::BAD_ARGUMENT,
                &format!("{SETTINGS}.{name}"),
                format!("`{flag}` is also set in `args`"),
                "remove one of the two".into(),
            );
        }
        match value {
            Value::Bool(true) => settings.args.push(flag),
            Value::Bool(false) => settings.args.push(flag.replacen("--", "--no-", 1)),
            value => settings
                .args
                .extend(list(value).iter().map(|value| match value {
                    Value::String(text) => format!("{flag}={text}"),
                    other => format!("{flag}={other}"),
                })),
        }
    }
    if let Some(credentials) = &given.credentials {
        file(provider, credentials, &mut settings, findings);
    }
    (findings.0.len() == before).then_some(settings)
}

/// The items of a list; a single value is the only item.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// `--aws-zone-type` for `zoneType` of `aws`.
fn flag(provider: &str, name: &str) -> String {
    let mut flag = format!("--{provider}-");
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(c.to_ascii_lowercase());
    }
    flag
}

/// A file with credentials, and the setting for its path.
fn file(
    provider: &str,
    given: &mesh::Credentials,
    settings: &mut Settings,
    findings: &mut Findings,
) {
    let (variable, usual_key) = match provider {
        "google" => ("GOOGLE_APPLICATION_CREDENTIALS", "credentials.json"),
        "aws" => ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        "azure" => ("", "azure.json"),
        other => {
            findings.error(
                code::PROVIDER_SETTINGS,
                CREDENTIALS,
                format!("the provider {other:?} does not support a file with credentials"),
                "put the credentials into a Secret as environment variables, and set `secret` to its name".into(),
            );
            return;
        }
    };
    let key = given.key.as_deref().unwrap_or(usual_key);
    // Characters of a Secret's key, which becomes a file name.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if key.is_empty() || !key.chars().all(plain) || key.starts_with("..") {
        findings.error(
            code::BAD_VALUE,
            &format!("{CREDENTIALS}.key"),
            format!("{key:?} is not a valid key of a Secret"),
            format!("use a key such as `{usual_key}`"),
        );
    }
    let path = format!("{CREDENTIALS_FOLDER}/{key}");
    if variable.is_empty() {
        settings.args.push(format!("--azure-config-file={path}"));
    } else {
        settings.env.push((variable, path));
    }
    let secret = findings.secret(
        &format!("{CREDENTIALS}.secret"),
        &given.secret,
        "ExternalDNS's namespace",
    );
    settings.credentials = secret.map(|secret| (secret, key.to_owned()));
}
