//! The document as text: in a link and in the browser's storage.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::Mesh;

use crate::json;

/// The contents of the fragment of the page's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The agent's token.
    pub(crate) token: Option<String>,
    /// The agent's address, if it is not the page's own.
    pub(crate) agent: Option<String>,
    /// A document, or why it cannot be read.
    pub(crate) mesh: Option<Result<Mesh, String>>,
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
pub(crate) fn fragment_of(mesh: &Mesh) -> String {
    format!("#mesh={}", URL_SAFE_NO_PAD.encode(to_json(mesh)))
}

fn decode(text: &str) -> Result<Mesh, String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|e| e.to_string())?;
    let json = String::from_utf8(bytes).map_err(|e| e.to_string())?;
    from_json(&json)
}

/// The document as JSON.
pub(crate) fn to_json(mesh: &Mesh) -> String {
    json::write(mesh)
}

/// Parses a document from JSON.
pub(crate) fn from_json(json: &str) -> Result<Mesh, String> {
    json::read(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::template;

    #[test]
    fn a_link_contains_the_document() {
        let mesh = template::walkthrough();
        let read = Fragment::read(&fragment_of(&mesh));
        assert_eq!(
            read,
            Fragment {
                mesh: Some(Ok(mesh)),
                ..Fragment::default()
            }
        );
    }

    /// In the alphabet of URLs: `?`, `~` and `ü` give `-` and `_`, and no text needs padding.
    #[test]
    fn a_link_needs_no_escapes() {
        let mut written = String::new();
        for name in ["?", "~", "ü", "??", "~~~", "üüü?"] {
            let mut mesh = template::walkthrough();
            mesh.metadata.name = name.to_owned();
            let link = fragment_of(&mesh);
            let text = link.strip_prefix("#mesh=").unwrap();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            assert!(text.chars().all(is_plain), "{text}");
            assert_eq!(Fragment::read(&link).mesh, Some(Ok(mesh)));
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
        for text in ["#mesh=%%", "#mesh=", "#mesh=e30"] {
            assert!(Fragment::read(text).mesh.unwrap().is_err(), "{text}");
        }
    }
}
