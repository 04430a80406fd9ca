//! The fragment of the page's address: a document, and the way to an agent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use shared::Mesh;
use shared::mesh::ReadError;

/// The contents of the fragment of the page's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The agent's token.
    pub(crate) token: Option<String>,
    /// The agent's address, if it is not the page's own.
    pub(crate) agent: Option<String>,
    /// A document.
    pub(crate) mesh: Option<Linked>,
}

/// A document in a link, in Base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Linked {
    /// As JSON.
    Plain(String),
    /// As compressed JSON.
    Deflated(String),
}

impl Fragment {
    /// Reads `#token=…&agent=…&mesh=…`, or `meshz=…`.
    pub(crate) fn read(fragment: &str) -> Self {
        let mut read = Self::default();
        for pair in fragment.trim_start_matches('#').split('&') {
            match pair.split_once('=') {
                Some(("token", token)) if !token.is_empty() => read.token = Some(token.to_owned()),
                Some(("agent", agent)) if !agent.is_empty() => read.agent = Some(agent.to_owned()),
                Some(("mesh", text)) => read.mesh = Some(Linked::Plain(text.to_owned())),
                Some(("meshz", text)) => read.mesh = Some(Linked::Deflated(text.to_owned())),
                _ => {}
            }
        }
        read
    }
}

/// A fragment with a document, which is compressed JSON.
pub(crate) fn fragment_of(deflated: &[u8]) -> String {
    format!("#meshz={}", URL_SAFE_NO_PAD.encode(deflated))
}

/// The bytes of a document in a link.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|error| error.to_string())
}

/// The document of a link, from JSON.
pub(crate) fn read(json: &[u8]) -> Result<Value, String> {
    let document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    check_kind(&document)?;
    Ok(document)
}

/// Checks that a value from outside is a document, which may be incomplete.
pub(crate) fn check_kind(value: &Value) -> Result<(), String> {
    let (_, errors) = Mesh::from_value(value);
    let is_other_kind = |error: &&ReadError| {
        let heads = ["apiVersion", "kind"];
        error.path.is_empty() || heads.contains(&error.path.as_str())
    };
    match errors.iter().find(is_other_kind) {
        Some(error) => Err(error.to_string()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::start;
    use crate::document::value::set;

    /// In the alphabet of URLs: `?`, `~` and `ü` give `-` and `_`, and no text needs padding.
    #[test]
    fn a_link_needs_no_escapes() {
        let mut written = String::new();
        for name in ["?", "~", "ü", "??", "~~~", "üüü?"] {
            let mut document = start::walkthrough();
            set(&mut document, "metadata.name", json!(name));
            let json = document.to_string();
            let link = fragment_of(json.as_bytes());
            let text = link.strip_prefix("#meshz=").unwrap();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            assert!(text.chars().all(is_plain), "{text}");
            let linked = Some(Linked::Deflated(text.to_owned()));
            assert_eq!(Fragment::read(&link).mesh, linked);
            // A program on the way that pads it does no harm.
            let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
            assert_eq!(bytes(&padded).unwrap(), json.as_bytes());
            assert_eq!(read(&bytes(text).unwrap()), Ok(document));
            written.push_str(text);
        }
        assert!(written.contains(['-', '_']), "{written}");
    }

    #[test]
    fn a_link_contains_token_and_address() {
        let read = Fragment::read("#token=abc&agent=http://127.0.0.1:1");
        assert_eq!(read.token.as_deref(), Some("abc"));
        assert_eq!(read.agent.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(Fragment::read(""), Fragment::default());
    }

    #[test]
    fn a_broken_link_is_an_error() {
        for text in ["%%", "", "e30", "MQ"] {
            let read = bytes(text).and_then(|json| read(&json));
            assert!(read.is_err(), "{text}");
        }
    }
}
