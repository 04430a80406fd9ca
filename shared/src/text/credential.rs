//! Detection of credentials in texts, by the name of a field and by shape. Many people read documents and manifests;
//! credentials belong in Secrets.

use serde_json::Value;

/// Replaces a credential in messages.
pub(crate) const LEFT_OUT: &str = "<left out>";

/// Words in the names of flags, variables and fields with a credential.
const NAMES: [&str; 15] = [
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "credentials",
    "apikey",
    "api-key",
    "apisecret",
    "access-key",
    "private-key",
    "account-key",
    "aes-key",
    "authorization",
];
/// Last words of names that describe a credential but do not hold it: its algorithm, its file, the name of its Secret.
const ABOUT: [&str; 15] = [
    "alg",
    "algorithm",
    "keyname",
    "file",
    "name",
    "names",
    "id",
    "path",
    "dir",
    "type",
    "ttl",
    "expiry",
    "enabled",
    "ref",
    "namespace",
];

/// Prefixes of access tokens by issuer, each with the minimum number of characters that follow.
const MARKED: [(&str, usize); 11] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("AIza", 35),
];

/// Whether a field, variable, or flag without its dashes holds a credential, by name.
pub(crate) fn is_name(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    if ABOUT.contains(&last) {
        // An AWS access key id is half of a credential.
        return matches!(words.join("-").as_str(), "aws-access-key-id");
    }
    let name = format!("-{}-", words.join("-"));
    NAMES
        .iter()
        .any(|known| name.contains(&format!("{known}-")))
}

/// Splits `zoneType`, `zone-type` and `ZONE_TYPE` into `zone`, `type`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let starts = c.is_ascii_uppercase() && was_lower;
        if !c.is_ascii_alphanumeric() || starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_ascii_alphanumeric()
        {
            word.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The flag of an argument such as `--api-key=…`, if it holds a credential. Without `=`, the value is the next
/// argument.
pub(crate) fn flag(argument: &str) -> Option<&str> {
    let flag = argument.strip_prefix("--")?;
    let (name, value) = flag.split_once('=').unwrap_or((flag, "…"));
    (!value.is_empty() && is_name(name)).then_some(name)
}

/// The kind of credential in a text, by its shape.
pub(crate) fn kind_of(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if user_info(text).is_some() {
        return Some("a URL with a credential");
    }
    let in_token = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let mut tokens = text.split(|c| !in_token(c));
    tokens.find_map(|token| {
        if is_json_web_token(token) {
            return Some("a JSON Web Token");
        }
        let marked = MARKED.iter().any(|(mark, length)| {
            let rest = token.strip_prefix(mark);
            rest.is_some_and(|rest| {
                rest.len() >= *length
                    && rest
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
            })
        });
        marked.then_some("an access token")
    })
}

/// Whether a text has three parts in base64, of which the first two are JSON objects (RFC 7519).
fn is_json_web_token(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, _] = parts[..] else {
        return false;
    };
    [header, claims]
        .iter()
        .all(|part| part.starts_with("eyJ") && part.len() >= 10)
}

/// The position of a URL's user and password, with the `@` after them (RFC 3986, section 3.2.1). In an `ssh` URL, a
/// user alone is not a credential.
fn user_info(text: &str) -> Option<std::ops::Range<usize>> {
    for (at, _) in text.match_indices("://") {
        let start = at + "://".len();
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#,\"'".contains(c));
        let authority = &rest[..end.unwrap_or(rest.len())];
        let scheme = &text[..at];
        if let Some((user, _)) = authority.rsplit_once('@')
            && !user.is_empty()
            && (user.contains(':') || !scheme.ends_with("ssh"))
        {
            return Some(start..start + user.len() + 1);
        }
    }
    // An address without a scheme, such as an image's, where a digest also follows an `@`.
    let (user, host) = text.split_once('@')?;
    let is_digest = host.split_once(':').is_some_and(|(_, digest)| {
        digest.len() >= 32 && digest.chars().all(|c| c.is_ascii_hexdigit())
    });
    let plain = |part: &str| !part.contains(|c: char| c.is_whitespace() || c == '@' || c == '/');
    let (name, password) = user.split_once(':')?;
    let is_one = plain(user) && !name.is_empty() && !password.is_empty() && !host.is_empty();
    (is_one && !is_digest && !host.contains(['@', ' '])).then_some(0..user.len() + 1)
}

/// The text without its credential; `None` if it has none.
pub(crate) fn without(text: &str) -> Option<String> {
    if let Some(name) = flag(text).filter(|_| text.contains('=')) {
        return Some(format!("--{name}={LEFT_OUT}"));
    }
    kind_of(text)?;
    match text.split_once('=') {
        Some((flag, _)) if flag.starts_with("--") => Some(format!("{flag}={LEFT_OUT}")),
        _ => Some(LEFT_OUT.to_owned()),
    }
}

/// The URL without user and password; `None` if it has neither.
pub(crate) fn without_user_info(text: &str) -> Option<String> {
    let user = user_info(text)?;
    Some(format!("{}{}", &text[..user.start], &text[user.end..]))
}

/// Replaces all credentials by [`LEFT_OUT`].
pub(crate) fn redact(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(without) = without(text) {
                *text = without;
            }
        }
        Value::Array(items) => {
            let mut is_of_flag = false;
            for item in items {
                let was_of_flag = is_of_flag;
                is_of_flag = item.as_str().is_some_and(has_value_behind);
                if was_of_flag && item.as_str().is_some_and(|text| !text.starts_with('-')) {
                    *item = LEFT_OUT.into();
                }
                redact(item);
            }
        }
        Value::Object(fields) => {
            // An environment variable of a container.
            let is_named = fields
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(is_name);
            for (name, field) in fields {
                let is_credential = is_name(name) || (is_named && name == "value");
                if is_credential && field.as_str().is_some_and(|text| !text.is_empty()) {
                    *field = LEFT_OUT.into();
                } else {
                    redact(field);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether an argument is a flag whose credential is the next argument.
pub(crate) fn has_value_behind(argument: &str) -> bool {
    flag(argument).is_some() && !argument.contains('=')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{flag, is_name, kind_of, redact, without_user_info};

    /// Flags of ExternalDNS (`pkg/apis/externaldns/types.go`), of this version and of earlier ones.
    #[test]
    fn flags_of_external_dns_are_recognized_by_name() {
        for name in [
            "rfc2136-tsig-secret",
            "rfc2136-kerberos-password",
            "exoscale-apikey",
            "exoscale-apisecret",
            "pdns-api-key",
            "godaddy-api-key",
            "godaddy-api-secret",
            "akamai-client-token",
            "akamai-client-secret",
            "akamai-access-token",
            "pihole-password",
            "cf-password",
            "dyn-password",
            "infoblox-wapi-password",
            "txt-encrypt-aes-key",
        ] {
            let argument = format!("--{name}=x");
            assert_eq!(flag(&argument), Some(name));
            assert!(is_name(&name.to_uppercase().replace('-', "_")), "{name}");
        }
        for name in [
            "rfc2136-tsig-secret-alg",
            "rfc2136-tsig-keyname",
            "rfc2136-kerberos-username",
            "rfc2136-kerberos-realm",
            "azure-config-file",
            "transip-keyfile",
            "tls-client-cert-key",
            "akamai-edgegrid-path",
            "txt-encrypt-enabled",
            "google-project",
            "webhook-provider-url",
            "aws-zone-type",
            "tokenize",
            "keystone-url",
        ] {
            assert!(!is_name(name), "{name}");
        }
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "CF_API_TOKEN",
            "apiKey",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "secretName",
            "credentialName",
            "AWS_SHARED_CREDENTIALS_FILE",
            "secretRef",
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(flag("--pihole-password="), None);
        assert_eq!(flag("--pihole-password"), Some("pihole-password"));
    }

    #[test]
    fn credentials_are_detected_by_shape() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln";
        let digest = "a".repeat(64);
        for text in [
            "http://u:pw@host",
            "https://token@host/x.git",
            "http://a,http://u:pw@b:2379",
            "--webhook-provider-url=http://u:pw@h",
            "ssh://git:pw@host/x",
            "redis://:pw@host",
            "u:pw@registry.example.com/a/b:v1",
            "u:pw@192.0.2.1",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            &format!("Bearer {jwt}"),
            "AKIAIOSFODNN7EXAMPLE",
            "key=ASIAIOSFODNN7EXAMPLE;",
            &format!("ghp_{}", "a1".repeat(18)),
        ] {
            assert!(kind_of(text).is_some(), "{text}");
        }
        for text in [
            "",
            "https://git.example.com/a@b/c",
            "ssh://git@git.example.com/x.git",
            "git@git.example.com:a/b.git",
            &format!("registry:5000/a@sha256:{digest}"),
            &format!("a:v1@sha256:{digest}"),
            "someone@example.com",
            "mailto:someone@example.com x",
            "spiffe://cluster.local/ns/a/sa/b",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "a.b.c",
            "eyJ.eyJ.x",
            "AKIA",
            "arn:aws:iam::123456789012:role/x",
            "%REQ(x-a)%",
        ] {
            assert_eq!(kind_of(text), None, "{text}");
        }
        let without = without_user_info("https://u:pw@git.example.com/x?y=a@b");
        assert_eq!(without.as_deref(), Some("https://git.example.com/x?y=a@b"));
    }

    #[test]
    fn all_credentials_are_redacted_and_nothing_else() {
        let mut value = json!({
            "args": ["--source=crd", "--pihole-password", "hunter2", "--exoscale-apisecret=hunter2",
                     "--webhook-provider-url=http://u:hunter2@h", "--once"],
            "env": [{ "name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2" }, { "name": "A", "value": "b" },
                    { "name": "T", "valueFrom": { "secretKeyRef": { "name": "x", "key": "token" } } }],
            "url": "https://u:hunter2@h",
        });
        redact(&mut value);
        assert_eq!(
            value,
            json!({
                "args": ["--source=crd", "--pihole-password", "<left out>", "--exoscale-apisecret=<left out>",
                         "--webhook-provider-url=<left out>", "--once"],
                "env": [{ "name": "AWS_SECRET_ACCESS_KEY", "value": "<left out>" }, { "name": "A", "value": "b" },
                        { "name": "T", "valueFrom": { "secretKeyRef": { "name": "x", "key": "token" } } }],
                "url": "<left out>",
            })
        );
    }
}
