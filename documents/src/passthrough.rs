//! Pass-through fields, generated from their table.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use shared::passthrough::{Kind, Message, Shape};

use super::parts::{Field, awkward, label, object, sometimes};

/// Any value of a shape.
pub(super) fn value(shape: &Shape) -> BoxedStrategy<Value> {
    match shape {
        Shape::Kind(kind) => of_kind(*kind),
        Shape::Choices(choices) => select(choices.clone()).prop_map(Value::from).boxed(),
        Shape::Message(_) => object(fields_of(shape.message().unwrap(), 0.4)),
        Shape::List(of) => vec(value(of), 1..3).prop_map(Value::from).boxed(),
        Shape::Map(of) => proptest::collection::btree_map(label(), value(of), 1..3)
            .prop_map(|fields: BTreeMap<String, Value>| json!(fields))
            .boxed(),
    }
}

/// The fields of a message, each set with this probability; an empty one counts as not set.
pub(super) fn fields_of(message: &Message, probability: f64) -> Vec<(String, Field)> {
    let fields = message.fields.iter();
    fields
        .map(|(name, known)| {
            let field = sometimes(probability, value(&known.shape));
            let field = field.prop_map(|value| value.filter(|value| *value != json!({})));
            (name.clone(), field.boxed())
        })
        .collect()
}

fn of_kind(kind: Kind) -> BoxedStrategy<Value> {
    let regexes = select(vec!["/a/.*", "a|b", "(?i)yes", "[0-9]+", r"\d{2,3}$"]);
    let regexes = || regexes.clone().prop_map(Value::from);
    let conditions = || {
        prop_oneof![
            awkward().prop_map(|text| json!({ "exact": text })),
            awkward().prop_map(|text| json!({ "prefix": text })),
            regexes().prop_map(|text| json!({ "regex": text })),
        ]
    };
    match kind {
        Kind::Text => awkward().prop_map(Value::from).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Count => prop_oneof![0..1000_u32, Just(2_147_483_647)]
            .prop_map(Value::from)
            .boxed(),
        Kind::Unsigned => prop_oneof![0..1000_u32, Just(u32::MAX)]
            .prop_map(Value::from)
            .boxed(),
        Kind::Port => (1..65536_u32).prop_map(Value::from).boxed(),
        Kind::Status => (200..600_u32).prop_map(Value::from).boxed(),
        Kind::AnyStatus => (100..600_u32).prop_map(Value::from).boxed(),
        Kind::Redirection => (300..400_u32).prop_map(Value::from).boxed(),
        Kind::Percent => prop_oneof![
            (0..=100_u32).prop_map(Value::from),
            (1..=1_000_000_u32).prop_map(|parts| json!(f64::from(parts) / 10_000.0)),
        ]
        .boxed(),
        Kind::Number => (1..100_u32)
            .prop_map(|tenths| json!(f64::from(tenths) / 10.0))
            .boxed(),
        Kind::WholePercent => (0..=100_u32).prop_map(Value::from).boxed(),
        Kind::Prime => select(vec![2_u32, 101, 65537, 4_999_999])
            .prop_map(Value::from)
            .boxed(),
        Kind::Duration => prop_oneof![
            "[1-9][0-9]{0,3}(ms|s|m)",
            "[1-9][0-9]?h[1-9]m",
            r"[0-9]\.[0-9]?[1-9]s"
        ]
        .prop_map(Value::from)
        .boxed(),
        Kind::Seconds => "[1-9][0-9]{0,3}(s|m|h)".prop_map(Value::from).boxed(),
        Kind::Regex => regexes().boxed(),
        Kind::Match => conditions().boxed(),
        Kind::Presence => prop_oneof![4 => conditions(), 1 => Just(json!({}))].boxed(),
        Kind::Header => "[a-zA-Z]([a-z-]{0,8}[a-z0-9])?"
            .prop_map(Value::from)
            .boxed(),
        Kind::HeaderValue => prop_oneof![
            4 => awkward(),
            1 => Just("%REQ(:authority)% of 100%%".to_owned()),
        ]
        .prop_map(Value::from)
        .boxed(),
        Kind::RetryOn => select(vec![
            "5xx",
            "reset,409",
            "connect-failure,refused-stream",
            "unavailable",
        ])
        .prop_map(Value::from)
        .boxed(),
        Kind::Host => select(vec![
            "other.example.org",
            "other",
            "other.books.svc.cluster.local",
        ])
        .prop_map(Value::from)
        .boxed(),
        Kind::Bytes => select(vec!["AA==", "aGVsbG8="])
            .prop_map(Value::from)
            .boxed(),
    }
}
