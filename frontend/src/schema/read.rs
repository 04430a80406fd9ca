//! Reads a JSON Schema.

use serde_json::{Map, Value};

use super::kind::{Choice, Kind, Property, Schema};

/// Reads a schema as schemars writes it; `None` if it has a construct that the form has no editor for.
pub(super) fn schema(text: &str) -> Option<Schema> {
    let whole: Value = serde_json::from_str(text).ok()?;
    let definitions = whole.get("definitions")?.as_object()?;
    Reader { definitions }.schema(&whole)
}

struct Reader<'a> {
    definitions: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn schema(&self, node: &Value) -> Option<Schema> {
        let definition = self.definition(node)?;
        let text = |key: &str| {
            let text = node.get(key).or_else(|| definition.get(key));
            text.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Some(Schema {
            kind: self.kind(definition)?,
            format: text("title"),
            description: text("description"),
            default: node.get("default").and_then(in_words),
        })
    }

    /// Follows references, and leaves out `null`.
    fn definition<'n>(&'n self, node: &'n Value) -> Option<&'n Value> {
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            let name = reference.strip_prefix("#/definitions/")?;
            return self.definition(self.definitions.get(name)?);
        }
        let alternatives = node.get("anyOf").or_else(|| node.get("allOf"));
        let Some(alternatives) = alternatives.and_then(Value::as_array) else {
            return Some(node);
        };
        let is_null = |one: &&Value| one.get("type").is_some_and(|kind| kind == "null");
        let mut values = alternatives.iter().filter(|one| !is_null(one));
        let value = values.next()?;
        values.next().is_none().then(|| self.definition(value))?
    }

    fn kind(&self, node: &Value) -> Option<Kind> {
        if let Some(values) = node.get("enum").and_then(Value::as_array) {
            let values = values.iter().filter_map(in_words);
            let choice = |value| Choice {
                value,
                description: String::new(),
            };
            return Some(Kind::Choice(values.map(choice).collect()));
        }
        if let Some(variants) = node.get("oneOf").and_then(Value::as_array) {
            let choice = |one: &Value| {
                let description = one.get("description").and_then(Value::as_str);
                Some(Choice {
                    value: in_words(one.get("const")?)?,
                    description: description.unwrap_or_default().to_owned(),
                })
            };
            return variants
                .iter()
                .map(choice)
                .collect::<Option<_>>()
                .map(Kind::Choice);
        }
        if let Some(value) = node.get("const") {
            return Some(Kind::Choice(vec![Choice {
                value: in_words(value)?,
                description: String::new(),
            }]));
        }
        match type_of(node)? {
            "string" => Some(Kind::Text),
            "integer" | "number" => Some(Kind::Number),
            "boolean" => Some(Kind::Flag),
            "array" => {
                let item = self.schema(node.get("items")?)?;
                Some(match item.kind {
                    Kind::Object(_) => Kind::List(Box::new(item)),
                    Kind::Text if item.format == "cluster name" => Kind::Clusters,
                    Kind::Number => Kind::Words { is_number: true },
                    Kind::Choice(choices) => Kind::Set(choices),
                    Kind::Text if is_word(&item.format) => Kind::Words { is_number: false },
                    Kind::Text => Kind::Lines,
                    _ => return None,
                })
            }
            "object" => {
                if let Some(properties) = node.get("properties").and_then(Value::as_object) {
                    return self.object(node, properties);
                }
                let value = self.schema(node.get("additionalProperties")?)?;
                Some(match value.kind {
                    Kind::Object(_) => Kind::Map(Box::new(value)),
                    Kind::Text => Kind::Pairs { is_number: false },
                    Kind::Number => Kind::Pairs { is_number: true },
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    fn object(&self, node: &Value, properties: &Map<String, Value>) -> Option<Kind> {
        let required = node.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let property = |(name, node): (&String, &Value)| {
            Some(Property {
                name: name.clone(),
                schema: self.schema(node)?,
                is_required: is_required(name),
            })
        };
        properties
            .iter()
            .map(property)
            .collect::<Option<_>>()
            .map(Kind::Object)
    }
}

/// Whether texts of a format have neither spaces nor commas.
fn is_word(format: &str) -> bool {
    !matches!(format, "" | "flag")
}

/// The type of a value, besides `null`.
fn type_of(node: &Value) -> Option<&str> {
    match node.get("type")? {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|one| *one != "null"),
        one => one.as_str(),
    }
}

fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
