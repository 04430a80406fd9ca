//! Names and values of headers that Istio accepts (`pkg/config/validation`).

/// A name in HTTP (RFC 9110, section 5.6.2).
pub(super) fn is_header(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A name that can be matched in a request: also HTTP/2's pseudo-headers, and a claim of a token.
pub(super) fn is_matched(text: &str) -> bool {
    const FIRST_LINE: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":status"];
    is_header(text) || FIRST_LINE.contains(&text) || text.starts_with("@request.auth.claims")
}

/// Whether it is the host of a request, which Envoy treats separately.
pub(super) fn is_authority(text: &str) -> bool {
    text.eq_ignore_ascii_case("host") || text.eq_ignore_ascii_case(":authority")
}

/// A text without control characters in which every `%` starts a complete variable, or is doubled.
pub(super) fn is_header_value(text: &str) -> bool {
    let control = |c: char| c != '\t' && c.is_ascii_control();
    if text.is_empty() || text.contains(control) {
        return false;
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let end = match after.find(['%', '(']) {
            // With arguments, which may contain a `%`.
            Some(at) if after[at..].starts_with('(') => after.find(")%").map(|at| at + 2),
            Some(at) => Some(at + 1),
            None => None,
        };
        let Some(end) = end else { return false };
        rest = &after[end..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_must_be_complete_and_percent_signs_doubled() {
        for good in [
            "a",
            "100%%",
            "%HOSTNAME%",
            "at %START_TIME(%Y-%m)% by %REQ(x)%",
            "a\tb",
        ] {
            assert!(is_header_value(good), "{good}");
        }
        for bad in ["", "100%", "%START_TIME%%", "%REQ(x)", "a\nb", "a\u{7f}"] {
            assert!(!is_header_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn names_are_valid_in_http() {
        assert!(is_header("x-user") && !is_header("x user") && !is_header(":path"));
        assert!(is_matched(":path") && is_matched("@request.auth.claims.sub") && !is_matched(""));
        assert!(is_authority("Host") && is_authority(":authority") && !is_authority("hosts"));
    }
}
