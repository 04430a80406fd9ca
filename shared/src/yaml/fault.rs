//! Errors in a document, and recovery from them, so that one run reports all errors.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned};
use serde_saphyr::{Location, Spanned};

use super::Error;
use super::located::{Located, Node, Reader};
use crate::text::shorten;

/// Limit of errors in one document; each costs a pass.
const MAX_ERRORS: usize = 100;

/// An error, and the value that it is about.
#[derive(Debug)]
pub(super) struct Fault(Box<About>);

#[derive(Debug)]
struct About {
    error: Error,
    kind: Kind,
    /// The path to the value from the innermost step to the outermost, each an index in its list or map.
    steps: Vec<usize>,
}

/// The part that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The value itself.
    Value,
    /// Its key in the map around it.
    Key,
    /// A map lacks this field.
    Missing(&'static str),
}

/// Deserializes a value; returns all errors in the order of the document.
pub(super) fn read<T: DeserializeOwned>(source: &str, mut value: Located) -> Result<T, Vec<Error>> {
    let mut errors = Vec::new();
    loop {
        let reader = Reader {
            source,
            value: &value,
        };
        let Fault(fault) = match reader.read(PhantomData) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => return Err(errors),
            Err(fault) => fault,
        };
        let repaired = repair(&mut value, &fault);
        // Errors about a replacement are not reported.
        if repaired != Some(Repaired::OurOwn) && (repaired.is_some() || errors.is_empty()) {
            errors.push(fault.error);
        }
        if repaired.is_none() || errors.len() >= MAX_ERRORS {
            return Err(errors);
        }
    }
}

/// The owner of a replaced value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repaired {
    Theirs,
    /// An earlier replacement.
    OurOwn,
}

/// Replaces the value so that this fault does not occur again; `None` if that is impossible.
fn repair(value: &mut Located, fault: &About) -> Option<Repaired> {
    let mut steps = fault.steps.as_slice();
    let key = match (fault.kind, steps) {
        (Kind::Key, [key, around @ ..]) => {
            steps = around;
            Some(*key)
        }
        _ => None,
    };
    let mut here = value;
    for step in steps.iter().rev() {
        here = match &mut here.value {
            Node::List(items) => items.get_mut(*step)?,
            Node::Map(fields) | Node::Anything(fields) => &mut fields.get_mut(*step)?.1,
            _ => return None,
        };
    }
    let place = here.referenced;
    match (&mut here.value, fault.kind) {
        (Node::Map(fields), Kind::Key) => {
            fields.remove(key?);
        }
        (Node::Map(fields), Kind::Missing(field)) => fields.push(anything(field, place, fields)),
        (Node::Anything(fields), Kind::Missing(field)) => {
            fields.push(anything(field, place, fields));
            return Some(Repaired::OurOwn);
        }
        (Node::Anything(_), _) => return None,
        (other, _) => *other = Node::Anything(Vec::new()),
    }
    Some(Repaired::Theirs)
}

/// A field that can be deserialized as any type, at the last of these.
fn anything(
    field: &str,
    map: Location,
    fields: &[(Spanned<String>, Located)],
) -> (Spanned<String>, Located) {
    let place = fields.last().map_or(map, |(key, _)| key.referenced);
    (
        Spanned::new(field.to_owned(), place, place),
        Spanned::new(Node::Anything(Vec::new()), place, place),
    )
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::yaml::{Error, from_str};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Desired {
        number: u16,
        flag: Option<bool>,
        list: Vec<Desired>,
        kinds: Vec<Kinded>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Kinded {
        kind: Kind,
        on: bool,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        A,
        B,
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let messages = |yaml: &str| -> Vec<String> {
            let errors = from_str::<Desired>(yaml).unwrap_err().into_iter();
            errors
                .map(
                    |Error {
                         path,
                         line,
                         message,
                         ..
                     }| {
                        let words: Vec<&str> = message.split_whitespace().take(3).collect();
                        format!("{} {path}: {}", line.unwrap(), words.join(" "))
                    },
                )
                .collect()
        };
        assert_eq!(
            messages(
                "a: 1\nnumber: x\nb: 2\nflag: maybe\nlist:\n- 7\n- c: 1\n  kinds: [{kind: A, on: true}, {kind: D, d: 1, on: yes}, {on: 1}, {}, {kind: B, on: on}]\n"
            ),
            [
                "1 a: unknown field `a`,",
                "2 number: expected a whole",
                "3 b: unknown field `b`,",
                "4 flag: expected true or",
                "6 list[0]: expected a map,",
                "7 list[1].c: unknown field `c`,",
                "8 list[1].kinds[1].kind: unknown value `D`,",
                "8 list[1].kinds[1].d: unknown field `d`,",
                "8 list[1].kinds[2].on: expected true or",
                "8 list[1].kinds[2]: missing field `kind`",
                "8 list[1].kinds[3]: missing field `kind`",
                "8 list[1].kinds[3]: missing field `on`",
            ]
        );
        // A text that is not a document.
        assert_eq!(messages("[1]"), ["1 : expected a map,"]);
        assert_eq!(messages("{"), ["1 : `{` is not"]);
        // One for each pass, and at most a hundred.
        let many = format!("list:\n{}", "- a: 1\n".repeat(200));
        assert_eq!(messages(&many).len(), 100);
    }
}
