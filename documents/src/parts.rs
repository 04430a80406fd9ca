//! Building blocks of strategies for documents: objects with some of their fields, and texts.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

/// An optional field.
pub(super) type Field = BoxedStrategy<Option<Value>>;

/// A field that is set with this probability.
pub(super) fn sometimes(probability: f64, value: impl Strategy<Value = Value> + 'static) -> Field {
    if probability >= 1.0 {
        return value.prop_map(Some).boxed();
    }
    if probability <= 0.0 {
        return Just(None).boxed();
    }
    proptest::option::weighted(probability, value).boxed()
}

/// An object with its set fields.
pub(super) fn object<Name: Into<String>>(fields: Vec<(Name, Field)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<String>, Vec<Field>) = fields
        .into_iter()
        .map(|(name, field)| (name.into(), field))
        .unzip();
    values
        .prop_map(move |values| {
            let fields = names.iter().cloned().zip(values);
            let fields: Map<String, Value> = fields
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            Value::Object(fields)
        })
        .boxed()
}

/// One of these values.
pub(super) fn one_of(values: &[Value]) -> impl Strategy<Value = Value> + use<> {
    select(values.to_vec())
}

/// A DNS label.
pub(super) fn label() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9-]{0,8}[a-z0-9])?"
}

/// A text without control characters that YAML interprets, or that must be quoted.
pub(super) fn awkward() -> impl Strategy<Value = String> {
    let texts = [
        "no",
        "on",
        "y",
        "~",
        "null",
        "1e3",
        "0x1f",
        "0744",
        "1_000",
        "12:30:45",
        ".5",
        ".inf",
        "+1",
        "2026-01-02",
        "a: b",
        "a #b",
        "#a",
        "- a",
        "'a",
        "\"a\"",
        "{a}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "?",
        "<<",
        "=",
        "ä😀",
        "a\\nb",
        "\u{a0}",
        "\u{2028}",
    ];
    prop_oneof![
        2 => "[a-zA-Z0-9/._-]{1,12}",
        1 => select(texts.to_vec()).prop_map(str::to_owned),
    ]
}
