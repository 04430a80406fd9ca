//! An error in a document, and the value that it is about.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de;
use serde_saphyr::{Location, Spanned};

use super::Error;
use crate::text::shorten;

/// An error, and the value that it is about.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Box<About>);

#[derive(Debug)]
pub(super) struct About {
    pub(super) error: Error,
    pub(super) kind: Kind,
    /// The path to the value from the innermost step to the outermost, each an index in its list or map.
    pub(super) steps: Vec<usize>,
}

/// The part that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The value itself.
    Value,
    /// Its key in the map around it.
    Key,
    /// A map lacks this field.
    Missing(&'static str),
}

impl Fault {
    fn new(message: String, kind: Kind) -> Self {
        Self(Box::new(About {
            error: Error {
                path: String::new(),
                line: None,
                column: None,
                message: shorten::owned(message),
                hint: String::new(),
            },
            kind,
            steps: Vec::new(),
        }))
    }

    fn unknown(what: &str, found: &str, expected: &[&str]) -> Self {
        let expected = expected.join(", ");
        let found = shorten::value(found);
        // A single choice is not "one of".
        let one_of = if expected.contains(", ") {
            "one of "
        } else {
            ""
        };
        de::Error::custom(format_args!(
            "unknown {what} `{found}`, expected {one_of}{expected}"
        ))
    }

    /// A value of another type than expected.
    pub(super) fn unexpected(found: de::Unexpected<'_>, desired: &str) -> Self {
        let found = in_words(found);
        de::Error::custom(format_args!("expected {desired}, found {found}"))
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
        self.0.kind = Kind::Key;
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
        Self::new(message.to_string(), Kind::Value)
    }

    fn invalid_type(found: de::Unexpected<'_>, desired: &dyn de::Expected) -> Self {
        Self::unexpected(found, &wanted_in_words(&desired.to_string()))
    }

    fn invalid_value(found: de::Unexpected<'_>, desired: &dyn de::Expected) -> Self {
        Self::invalid_type(found, desired)
    }

    fn missing_field(field: &'static str) -> Self {
        // serde's wording.
        Self::new(format!("missing field `{field}`"), Kind::Missing(field))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("field", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("value", variant, expected)
    }
}

/// The expectations of serde's visitors, which name Rust types.
fn wanted_in_words(desired: &str) -> Cow<'_, str> {
    match desired {
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" => "a whole number from 0 to 4294967295".into(),
        "u64" | "usize" => "a whole number that is not negative".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "a borrowed string" | "a character" => "a text".into(),
        "a sequence" => "a list".into(),
        desired if desired.starts_with("struct ") => "a map".into(),
        desired => desired.into(),
    }
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
