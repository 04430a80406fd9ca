//! Texts of inputs and the values that they stand for.

use serde_json::{Map, Value};

use crate::schema::Kind;

/// The text of a value in the editor of its field.
pub(crate) fn of(kind: &Kind, value: Option<&Value>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    match (kind, value) {
        (Kind::Words { .. } | Kind::Clusters | Kind::Set(_), Value::Array(items)) => {
            join(items.iter().map(scalar), ", ")
        }
        (Kind::Lines, Value::Array(items)) => join(items.iter().map(scalar), "\n"),
        (Kind::Pairs { .. }, Value::Object(fields)) => {
            let fields = fields.iter();
            join(
                fields.map(|(name, value)| format!("{name}={}", scalar(value))),
                "\n",
            )
        }
        _ => scalar(value),
    }
}

/// The value of a text; `None` if the text is empty. What is no value of this kind becomes a text, about which the
/// checks report an error.
pub(crate) fn parse(kind: &Kind, text: &str) -> Option<Value> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(match kind {
        Kind::Number => number(text),
        Kind::Flag => text.parse().map_or_else(|_| text.into(), Value::Bool),
        Kind::Words { is_number: true } => words(text).map(number).collect(),
        Kind::Words { is_number: false } | Kind::Clusters | Kind::Set(_) => {
            words(text).map(Value::from).collect()
        }
        Kind::Lines => lines(text).map(Value::from).collect(),
        Kind::Pairs { is_number } => {
            let pair = |line: &str| {
                let (name, value) = line.split_once('=').unwrap_or((line, ""));
                let value = value.trim();
                let value = if *is_number {
                    number(value)
                } else {
                    value.into()
                };
                (name.trim().to_owned(), value)
            };
            Value::Object(lines(text).map(pair).collect::<Map<_, _>>())
        }
        _ => text.into(),
    })
}

/// Words between commas or spaces.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn number(text: &str) -> Value {
    let number = serde_json::from_str(text).ok().filter(Value::is_number);
    number.unwrap_or_else(|| text.into())
}

/// A scalar as text; other values, which no editor wrote, as JSON.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn join(texts: impl Iterator<Item = String>, separator: &str) -> String {
    texts.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_values_and_back() {
        let numbers = Kind::Words { is_number: true };
        let names = Kind::Words { is_number: false };
        let labels = Kind::Pairs { is_number: false };
        let shares = Kind::Pairs { is_number: true };
        for (kind, text, value) in [
            (&Kind::Text, "a b", json!("a b")),
            (&Kind::Number, "80", json!(80)),
            (&Kind::Number, "0.5", json!(0.5)),
            (&Kind::Number, "80a", json!("80a")),
            (&Kind::Flag, "true", json!(true)),
            (&Kind::Flag, "on", json!("on")),
            (&names, "a, b", json!(["a", "b"])),
            (&numbers, "502, 503", json!([502, 503])),
            (&Kind::Lines, "--a=1, 2\n--b", json!(["--a=1, 2", "--b"])),
            (
                &labels,
                "app=a=b\ntier=",
                json!({ "app": "a=b", "tier": "" }),
            ),
            (&shares, "r/a=80\nr/b=20", json!({ "r/a": 80, "r/b": 20 })),
        ] {
            assert_eq!(parse(kind, text), Some(value.clone()), "{text}");
            assert_eq!(of(kind, Some(&value)), text);
            assert_eq!(parse(kind, " \n"), None);
        }
        assert_eq!(parse(&names, "a,,b  c\n"), Some(json!(["a", "b", "c"])));
        assert_eq!(of(&Kind::Text, None), "");
        // What the editor did not write is still to be seen.
        assert_eq!(of(&Kind::Text, Some(&json!([1]))), "[1]");
        assert_eq!(of(&names, Some(&json!("a"))), "a");
    }
}
