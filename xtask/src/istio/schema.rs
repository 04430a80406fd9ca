//! What the schema of a CustomResourceDefinition says of a field.

use anyhow::{Context, Result};
use serde_json::Value;

/// Istio's CustomResourceDefinitions.
pub(crate) struct Crds(Vec<Value>);

/// A part of a schema.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a>(&'a Value);

/// The values that a schema describes.
pub(crate) enum Values<'a> {
    Text {
        is_duration: bool,
    },
    Choices(Vec<&'a str>),
    Bool,
    /// Up to 2,147,483,647, or to 4,294,967,295.
    Integer {
        is_signed: bool,
    },
    Number {
        is_percent: bool,
    },
    /// A condition on a text: `exact`, `prefix` or `regex`.
    Match,
    Message(Schema<'a>),
    List(Schema<'a>),
    Map(Schema<'a>),
}

impl Crds {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(text).context("the CRDs are no YAML")?;
        Ok(Self(documents))
    }

    /// The part at a path such as `virtualservices.http[]`.
    pub(crate) fn at(&self, path: &str) -> Result<Schema<'_>> {
        let (plural, path) = path.split_once('.').unwrap_or((path, ""));
        let found = self.0.iter().find_map(|crd| {
            (crd["spec"]["names"]["plural"] == plural)
                .then(|| crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec"))?
        });
        let mut schema = found.with_context(|| format!("no CRD for {plural}"))?;
        for part in path.split('.') {
            let name = part.trim_end_matches("[]");
            schema = &schema["properties"][name];
            if name != part {
                schema = &schema["items"];
            }
        }
        Ok(Schema(schema))
    }
}

impl<'a> Schema<'a> {
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'a str, Schema<'a>)> {
        let fields = self.0["properties"].as_object().into_iter().flatten();
        fields.map(|(name, schema)| (name.as_str(), Self(schema)))
    }

    /// The names of fields that have to be set.
    pub(crate) fn required(self) -> impl Iterator<Item = &'a str> {
        let names = self.0["required"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str)
    }

    /// Sets of fields of which at most one may be set: a `oneOf` of single fields, alone or in an `allOf`.
    pub(crate) fn conflicts(self) -> Vec<Vec<&'a str>> {
        let all = self.0["allOf"].as_array().into_iter().flatten();
        let sets = all.chain([self.0]).filter_map(|part| {
            let choices = part["oneOf"].as_array()?.iter();
            let names = choices.filter_map(|choice| choice["required"][0].as_str());
            Some(names.collect())
        });
        sets.collect()
    }

    /// `None` for a type that Istio has not used so far.
    pub(crate) fn values(self) -> Option<Values<'a>> {
        let has = |keyword: &str| self.0.get(keyword).is_some();
        Some(match self.0["type"].as_str()? {
            "string" => match self.0["enum"].as_array() {
                Some(choices) => {
                    Values::Choices(choices.iter().filter_map(Value::as_str).collect())
                }
                None => Values::Text {
                    is_duration: self.0["x-kubernetes-validations"]
                        .to_string()
                        .contains("duration(self)"),
                },
            },
            "boolean" => Values::Bool,
            "integer" => Values::Integer {
                is_signed: self.0["format"] == "int32",
            },
            "number" => Values::Number {
                is_percent: self.0["maximum"] == 100,
            },
            "array" => Values::List(Self(&self.0["items"])),
            "object" if has("additionalProperties") => {
                Values::Map(Self(&self.0["additionalProperties"]))
            }
            "object"
                if self
                    .fields()
                    .map(|(name, _)| name)
                    .eq(["exact", "prefix", "regex"]) =>
            {
                Values::Match
            }
            "object" => Values::Message(self),
            _ => return None,
        })
    }
}
