//! YAML input and output; with `yaml/` the only place that uses the YAML crate.
//!
//! A YAML 1.1 reader such as kubectl reads the output back unchanged: texts that it would interpret (`no`, `on`,
//! `1_000`, `12:30:45`) are quoted. The decision for this crate is recorded in `docs/decisions/0001-yaml.md`.

mod fault;
mod located;
mod patch;
mod positions;
mod recover;
mod redacted;
mod syntax;

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::text::shorten;
use located::{Located, Node, Source};
pub use positions::{Position, Positions};
pub use redacted::redacted;
use serde_saphyr::{Location, Spanned};
pub(crate) use syntax::template_hint;

/// Limit of nesting.
pub const MAX_DEPTH: usize = 64;
/// Limit of nodes (scalars, lists, maps) in one document.
pub const MAX_NODES: usize = 1_000_000;
/// Limit of aliases in one document; a Mesh document needs none, people use a few.
pub const MAX_ALIASES: usize = 1_000;

/// Limit of nodes that aliases expand to in one document, so that a short text cannot grow large.
pub const MAX_REPLAYED: usize = 10_000;

/// An error in a YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where in the document, such as `spec.clusters[1].zone`; empty for the whole.
    pub path: String,
    /// Line from 1, where known.
    pub line: Option<u64>,
    /// Column from 1, where known.
    pub column: Option<u64>,
    /// The kind of error.
    pub kind: ErrorKind,
    /// The error.
    pub message: String,
    /// The remedy; empty if it depends on the whole document.
    pub hint: String,
}

/// The kind of an error in a YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not YAML, or exceeds a limit.
    Syntax,
    /// A map lacks this field.
    MissingField(&'static str),
    /// A map has a field that it cannot have.
    UnknownField {
        /// Its name.
        field: String,
        /// The fields that it can have.
        expected: &'static [&'static str],
    },
    /// A text is not one of the possible values.
    UnknownValue,
    /// Any other value that does not fit.
    Value,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Parses one document. JSON is accepted too, since it is YAML.
///
/// # Errors
/// All errors that one pass finds, at least one. A text that is not YAML has only one.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Error>> {
    let value =
        parse(text).map_err(|error| vec![syntax_error(text, path_of_error(text), &error)])?;
    let source = Source { text, scalar };
    match recover::read(source, value) {
        (Some(read), errors) if errors.is_empty() => Ok(read),
        (_, errors) => Err(errors),
    }
}

/// A text as an untyped value, and as a typed one as [`from_value`] has it.
///
/// # Errors
/// The text is not YAML.
pub fn to_value<T: DeserializeOwned>(
    text: &str,
) -> Result<(serde_json::Value, Option<T>), Box<Error>> {
    let parsed =
        parse(text).map_err(|error| Box::new(syntax_error(text, path_of_error(text), &error)))?;
    let value = (&parsed.value).into();
    let (read, _) = recover::read(Source { text, scalar }, parsed);
    Ok((value, read))
}

/// Changes the value of a text, and keeps its comments, order, quotes and layout where the value stays; `old` is its
/// value now. New fields of a map follow the field that precedes them in `new`.
///
/// `None` if the text has another shape than `old`, such as one with merged maps. The caller checks the result: a value
/// that an alias repeats changes with its anchor.
pub fn patch(text: &str, old: &serde_json::Value, new: &serde_json::Value) -> Option<String> {
    patch::patch(text, old, new)
}

/// Deserializes an untyped value, such as a document that is being edited. Where it does not fit, the result has the
/// default, and there is an error without a position. There is no result with more than a hundred errors.
pub fn from_value<T: DeserializeOwned>(value: &serde_json::Value) -> (Option<T>, Vec<Error>) {
    let source = Source {
        text: "",
        scalar: |text| Some((&serde_json::from_str::<serde_json::Value>(text).ok()?).into()),
    };
    let value = Spanned::new(value.into(), Location::UNKNOWN, Location::UNKNOWN);
    let (read, mut errors) = recover::read(source, value);
    for error in &mut errors {
        error.line = None;
        error.column = None;
    }
    (read, errors)
}

/// Parses a plain scalar.
fn scalar(text: &str) -> Option<Node> {
    parse(text).ok().map(|parsed| parsed.value)
}

/// Parses one document as an untyped value.
fn parse(text: &str) -> Result<Located, serde_saphyr::Error> {
    let several = match serde_saphyr::from_str_with_options(text, options()) {
        Err(several @ serde_saphyr::Error::MultipleDocuments { .. }) => several,
        read => return read,
    };
    // A `---` at the end of a file begins an empty document, which kubectl skips as well.
    let mut documents: Vec<Located> = serde_saphyr::from_multiple_with_options(text, options())?;
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) => Ok(document),
        _ => Err(several),
    }
}

/// Converts an error of the YAML crate.
fn syntax_error(text: &str, path: String, error: &serde_saphyr::Error) -> Error {
    let location = error.location();
    let syntax::Explained { message, hint } = syntax::explain(text, error);
    Error {
        path: shorten::owned(path),
        line: location.map(|l| l.line()),
        column: location.map(|l| l.column()),
        kind: ErrorKind::Syntax,
        message: message.into_owned(),
        hint: hint.into_owned(),
    }
}

/// The path at which a text stops being YAML. It is parsed again for that, since the path cannot be tracked through
/// the YAML crate's values with positions.
fn path_of_error(text: &str) -> String {
    let mut path = String::new();
    let _ = serde_saphyr::with_deserializer_from_str_with_options(text, options(), |yaml| {
        serde_path_to_error::deserialize::<_, serde_json::Value>(yaml).map_err(|error| {
            path = readable(error.path());
            error.into_inner()
        })
    });
    path
}

/// A path up to the first step that could not be parsed.
fn readable(steps: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut path = String::new();
    for step in steps {
        match step {
            Segment::Seq { index } => path.extend(["[", &index.to_string(), "]"]),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Segment::Unknown => break,
        }
    }
    path
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_aliases: MAX_ALIASES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
        },
        with_snippet: false,
        // A revision such as `1e999` may be meant as a text.
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
    }
}

/// Parses all documents of a text within the same limits, without empty ones.
pub fn documents(text: &str) -> Result<Vec<serde_json::Value>, Box<Error>> {
    serde_saphyr::from_multiple_with_options(text, options())
        .map_err(|error| Box::new(syntax_error(text, String::new(), &error)))
}

/// Serializes one document, with a newline at the end.
///
/// # Errors
/// `value` cannot be serialized at all, such as a map with a map as a key.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, WriteError> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        prefer_block_scalars: false,
    };
    let mut text = serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| WriteError(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// A value that YAML cannot represent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot be written as YAML: {0}")]
pub struct WriteError(String);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    /// Texts that a YAML 1.1 reader interprets as a boolean, a number, a date or null.
    const AWKWARD: &[&str] = &[
        "",
        "~",
        "null",
        "Null",
        "y",
        "Y",
        "n",
        "yes",
        "no",
        "No",
        "on",
        "OFF",
        "true",
        "1",
        "0x1f",
        "0o17",
        "0744",
        "0b11",
        "1_000",
        "1e3",
        "12:30:45",
        "190:20:30",
        "2026-01-02",
        ".5",
        ".inf",
        "-.INF",
        ".nan",
        "+1",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a",
        "\"a",
        "{a}",
        "[a]",
        ",a",
        "?",
        "? a",
        ":",
        "=",
        "<<",
        " a",
        "a ",
        "a\nb",
        "a\n",
        "\ta",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "ä",
        "😀",
    ];

    #[test]
    fn awkward_texts_stay_texts() {
        for text in AWKWARD {
            let value = json!({ *text: [text, {"k": text}] });
            let yaml = super::to_string(&value).unwrap();
            let back: Value =
                super::from_str(&yaml).unwrap_or_else(|e| panic!("{text:?}: {e:?}\n{yaml}"));
            assert_eq!(back, value, "{text:?}\n{yaml}");
        }
    }

    #[test]
    fn texts_that_yaml_1_1_interprets_are_quoted() {
        for text in [
            "y",
            "yes",
            "no",
            "No",
            "on",
            "OFF",
            "0744",
            "1_000",
            "12:30:45",
            "1e3",
            "2026-01-02",
            "~",
        ] {
            let yaml = super::to_string(&json!({ "k": text })).unwrap();
            assert!(
                yaml.contains(&format!("\"{text}\"")) || yaml.contains(&format!("'{text}'")),
                "{yaml}"
            );
        }
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "[".repeat(10_000);
        assert!(super::from_str::<Value>(&deep).is_err());
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                    e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
                    g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
        assert!(super::from_str::<Value>(bomb).is_err());
        assert!(
            super::from_str::<Value>("a: 1\na: 2\n").is_err(),
            "a key twice"
        );
        assert!(
            super::from_str::<Value>("a: 1\n---\nb: 2\n").is_err(),
            "two documents"
        );
    }
}
