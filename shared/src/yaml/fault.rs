//! An error in a document, and the value that it is about.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de;
use serde_saphyr::{Location, Spanned};

use super::{Error, ErrorKind, syntax};
use crate::text::shorten;

/// An error, and the value that it is about.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Box<About>);

#[derive(Debug)]
pub(super) struct About {
    pub(super) error: Error,
    /// Whether it is about the key of the value in the map around it.
    pub(super) is_of_key: bool,
    /// The path to the value from the innermost step to the outermost, each an index in its list or map.
    pub(super) steps: Vec<usize>,
    /// The value in words, if it has another type than expected.
    found: Option<Cow<'static, str>>,
}

impl Fault {
    fn new(message: String, kind: ErrorKind) -> Self {
        Self(Box::new(About {
            error: Error {
                path: String::new(),
                line: None,
                column: None,
                kind,
                message: shorten::owned(message),
                hint: String::new(),
            },
            is_of_key: false,
            steps: Vec::new(),
            found: None,
        }))
    }

    fn unknown(what: &str, found: &str, expected: &[&str], kind: ErrorKind) -> Self {
        // A single choice is not "one of".
        let one_of = if expected.len() > 1 { "one of " } else { "" };
        let message = format!(
            "unknown {what} `{}`, expected {one_of}{}",
            shorten::value(found),
            expected.join(", ")
        );
        Self::new(message, kind).of_template(found)
    }

    /// A value of another type than expected.
    pub(super) fn unexpected(found: de::Unexpected<'_>, desired: &str) -> Self {
        let words = in_words(found);
        let mut fault = Self::new(wrong_type(desired, &words), ErrorKind::Value);
        fault.0.found = Some(words);
        match found {
            de::Unexpected::Str(text) => fault.of_template(text),
            _ => fault,
        }
    }

    /// Names the expected type in the terms of the author, if the value has another one: serde's visitors name types
    /// of Rust.
    pub(super) fn expecting(mut self, desired: &str) -> Self {
        if let Some(found) = &self.0.found {
            self.0.error.message = wrong_type(desired, found);
        }
        self
    }

    /// Adds the hint for template syntax, if the wrong text has any.
    fn of_template(mut self, found: &str) -> Self {
        if let Some(hint) = syntax::template_hint(found) {
            hint.clone_into(&mut self.0.error.hint);
        }
        self
    }

    /// At this position, unless a closer one is known.
    pub(super) fn at(mut self, place: Location) -> Self {
        let error = &mut self.0.error;
        if error.line.is_none() {
            error.line = Some(place.line());
            error.column = Some(place.column());
        }
        self
    }

    /// In this item of a list.
    pub(super) fn in_item(self, index: usize) -> Self {
        self.below(&format!("[{index}]"), index)
    }

    /// In this field of a map.
    pub(super) fn in_field(self, key: &str, index: usize) -> Self {
        self.below(key, index)
    }

    /// About the key of this field.
    pub(super) fn of_key(mut self, key: &Spanned<String>, index: usize) -> Self {
        self.0.is_of_key = true;
        self.at(key.referenced).below(&key.value, index)
    }

    fn below(mut self, step: &str, index: usize) -> Self {
        let path = &mut self.0.error.path;
        if !path.is_empty() && !path.starts_with('[') {
            path.insert(0, '.');
        }
        path.insert_str(0, &shorten::message(step));
        self.0.steps.push(index);
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string(), ErrorKind::Value)
    }

    fn invalid_type(found: de::Unexpected<'_>, desired: &dyn de::Expected) -> Self {
        Self::unexpected(found, &desired.to_string())
    }

    fn invalid_value(found: de::Unexpected<'_>, desired: &dyn de::Expected) -> Self {
        Self::invalid_type(found, desired)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(
            format!("missing field `{field}`"),
            ErrorKind::MissingField(field),
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let kind = ErrorKind::UnknownField {
            field: field.to_owned(),
            expected,
        };
        Self::unknown("field", field, expected, kind)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("value", variant, expected, ErrorKind::UnknownValue)
    }
}

fn wrong_type(desired: &str, found: &str) -> String {
    shorten::owned(format!("expected {desired}, found {found}"))
}

fn in_words(found: de::Unexpected<'_>) -> Cow<'static, str> {
    match found {
        de::Unexpected::Str(text) => format!("the text {:?}", shorten::value(text)).into(),
        de::Unexpected::Bool(value) => value.to_string().into(),
        de::Unexpected::Signed(number) => number.to_string().into(),
        de::Unexpected::Unsigned(number) => number.to_string().into(),
        de::Unexpected::Float(number) => number.to_string().into(),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".into(),
        de::Unexpected::Seq => "a list".into(),
        de::Unexpected::Map | de::Unexpected::StructVariant => "a map".into(),
        other => other.to_string().into(),
    }
}
