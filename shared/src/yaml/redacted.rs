//! Errors in texts with secrets: position and kind of error, without a word of the text.

use serde_saphyr::Error as Cause;

use super::{Error, ErrorKind};

/// An error in a text with secrets, such as a kubeconfig. The YAML crate's own message may quote the text, so each
/// message here is fixed, or contains names of the program only.
pub fn redacted(cause: &Cause) -> Error {
    let cause = cause.without_snippet();
    let location = cause.location();
    Error {
        path: String::new(),
        line: location.map(|l| l.line()),
        column: location.map(|l| l.column()),
        kind: ErrorKind::Syntax,
        message: reason(cause),
        hint: String::new(),
    }
}

fn reason(cause: &Cause) -> String {
    match cause {
        Cause::SerdeInvalidType {
            unexpected,
            expected,
            ..
        } => format!("invalid type: {}, expected {expected}", kind(unexpected)),
        Cause::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => format!("invalid value: {}, expected {expected}", kind(unexpected)),
        Cause::SerdeInvalidLength { len, expected, .. } => {
            format!("invalid length {len}, expected {expected}")
        }
        Cause::SerdeUnknownVariant { expected, .. } => {
            format!("unknown variant, expected one of {}", expected.join(", "))
        }
        Cause::SerdeMissingField { field, .. } => format!("missing field `{field}`"),
        Cause::Unexpected { expected, .. } => format!("expected {expected}"),
        Cause::DuplicateMappingKey { .. } => "duplicate key".to_owned(),
        Cause::InvalidScalar { ty, .. } => format!("invalid {ty}"),
        Cause::UnknownAnchor { .. } => "alias without an anchor".to_owned(),
        Cause::Eof { .. } => "unexpected end of the text".to_owned(),
        Cause::Budget { .. } => "too many nodes, levels or anchors".to_owned(),
        Cause::AliasError { error, .. } => reason(error.without_snippet()),
        _ => "not valid YAML".to_owned(),
    }
}

/// The kind of a value: the part before the quoted value. The YAML crate keeps only the text of serde's `Unexpected`.
fn kind(unexpected: &str) -> &str {
    let end = unexpected.find(['`', '"', '\'']);
    unexpected[..end.unwrap_or(unexpected.len())].trim_end()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::{kind, redacted};

    #[derive(Debug, Deserialize)]
    struct Desired {
        #[expect(dead_code, reason = "only reading it can fail")]
        token: Option<String>,
        #[expect(dead_code, reason = "only reading it can fail")]
        number: Option<u8>,
        #[expect(dead_code, reason = "only reading it can fail")]
        mode: Option<Mode>,
        #[serde(flatten)]
        #[expect(dead_code, reason = "only reading it can fail")]
        other: BTreeMap<String, serde_json::Value>,
    }

    #[derive(Debug, Deserialize)]
    enum Mode {
        Never,
    }

    #[test]
    fn the_text_is_not_quoted() {
        for (text, line, reason) in [
            ("number: 1\ntoken: SECRET: oops\n", 2, "not valid YAML"),
            ("token: [SECRET]\n", 1, "expected string scalar"),
            ("token: {SECRET: SECRET}\n", 1, ""),
            ("number: SECRET\n", 1, ""),
            ("number: 734\n", 1, ""),
            ("mode: SECRET\n", 1, ""),
            ("SECRET: 1\nSECRET: 2\n", 2, ""),
            ("token: *SECRET\n", 1, ""),
            ("token: \"SECRET\n", 0, ""),
            ("token: SECRET\n  SECRET: 1\n", 0, ""),
            ("{SECRET\n", 0, ""),
            ("SECRET", 0, ""),
            ("- SECRET", 0, ""),
            ("token: @SECRET\n", 0, ""),
            ("token: 'SECRET' SECRET\n", 0, ""),
        ] {
            let error = serde_saphyr::from_multiple::<Desired>(text).unwrap_err();
            let error = redacted(&error);
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("SECRET") && !shown.contains("734"),
                "{shown}"
            );
            assert!(line == 0 || error.line == Some(line), "{text:?}: {shown}");
            assert!(
                reason.is_empty() || error.message == reason,
                "{text:?}: {shown}"
            );
        }
    }

    #[test]
    fn only_the_kind_of_a_value_is_shown() {
        for (unexpected, said) in [
            ("string \"SECRET\"", "string"),
            ("floating point `1.5`", "floating point"),
            ("sequence", "sequence"),
        ] {
            assert_eq!(kind(unexpected), said);
        }
    }
}
