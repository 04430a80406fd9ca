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
    /// A document, or why it cannot be read.
    pub(crate) mesh: Option<Result<Value, String>>,
}

impl Fragment {
    /// Reads `#token=…&agent=…&mesh=…`.
    pub(crate) fn read(fragment: &str) -> Self {
        let mut read = Self::default();
        for pair in fragment.trim_start_matches('#').split('&') {
            match pair.split_once('=') {
                Some(("token", token)) if !token.is_empty() => read.token = Some(token.to_owned()),
                Some(("agent", agent)) if !agent.is_empty() => read.agent = Some(agent.to_owned()),
                Some(("mesh", text)) => read.mesh = Some(decode(text)),
                _ => {}
            }
        }
        read
    }
}

/// A fragment with a document.
pub(crate) fn fragment_of(document: &Value) -> String {
    format!("#mesh={}", URL_SAFE_NO_PAD.encode(document.to_string()))
}

fn decode(text: &str) -> Result<Value, String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|e| e.to_string())?;
    document(serde_json::from_slice(&bytes).map_err(|e| e.to_string())?)
}

/// A document from outside, which may be incomplete; the error of anything else.
pub(crate) fn document(value: Value) -> Result<Value, String> {
    let (_, errors) = Mesh::from_value(&value);
    let is_other_kind = |error: &&ReadError| {
        let heads = ["apiVersion", "kind"];
        error.path.is_empty() || heads.contains(&error.path.as_str())
    };
    match errors.iter().find(is_other_kind) {
        Some(error) => Err(error.to_string()),
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::start;
    use crate::document::value::set;

    #[test]
    fn a_link_contains_the_document() {
        for document in [start::walkthrough(), start::empty()] {
            let read = Fragment::read(&fragment_of(&document));
            assert_eq!(
                read,
                Fragment {
                    mesh: Some(Ok(document)),
                    ..Fragment::default()
                }
            );
        }
    }

    /// In the alphabet of URLs: `?`, `~` and `ü` give `-` and `_`, and no text needs padding.
    #[test]
    fn a_link_needs_no_escapes() {
        let mut written = String::new();
        for name in ["?", "~", "ü", "??", "~~~", "üüü?"] {
            let mut document = start::walkthrough();
            set(&mut document, "metadata.name", json!(name));
            let link = fragment_of(&document);
            let text = link.strip_prefix("#mesh=").unwrap();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            assert!(text.chars().all(is_plain), "{text}");
            assert_eq!(Fragment::read(&link).mesh, Some(Ok(document)));
            // A program on the way that pads it does no harm.
            let padded = format!("{link}{}", "=".repeat((4 - text.len() % 4) % 4));
            assert_eq!(Fragment::read(&padded), Fragment::read(&link));
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
        for text in ["#mesh=%%", "#mesh=", "#mesh=e30", "#mesh=MQ"] {
            assert!(Fragment::read(text).mesh.unwrap().is_err(), "{text}");
        }
    }
}
