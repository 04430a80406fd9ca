//! The table of pass-through fields, changed to agree with a schema.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::schema::{Crds, Schema, Values};

/// A minor version of Istio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u16, u16);

/// The table as it is in its file: messages by name.
pub(crate) struct Table(Map<String, Value>);

/// What an update found.
#[derive(Default)]
pub(crate) struct Differences {
    /// Changed in the table.
    pub(crate) added: Vec<String>,
    /// Contradictions that a person has to decide.
    pub(crate) to_decide: Vec<String>,
}

impl Table {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self(serde_json::from_str(text)?))
    }

    /// Adds the fields, values and conflicts that a version of Istio has, and marks the fields that it lacks.
    pub(crate) fn update(&mut self, version: Version, crds: &Crds) -> Result<Differences> {
        let mut update = Update {
            table: &mut self.0,
            version,
            differences: Differences::default(),
            done: BTreeSet::new(),
        };
        let roots: Vec<(String, String)> = update
            .table
            .iter()
            .filter_map(|(name, message)| Some((name.clone(), message["crd"].as_str()?.to_owned())))
            .collect();
        for (name, path) in roots {
            update.message(&name, crds.at(&path)?)?;
        }
        Ok(update.differences)
    }
}

struct Update<'a> {
    table: &'a mut Map<String, Value>,
    version: Version,
    differences: Differences,
    /// Messages, which several fields may lead to.
    done: BTreeSet<String>,
}

impl Update<'_> {
    fn message(&mut self, name: &str, schema: Schema<'_>) -> Result<()> {
        if !self.done.insert(name.to_owned()) {
            return Ok(());
        }
        for (field, schema) in schema.fields() {
            let message = &self.table[name];
            if message["omitted"].get(field).is_some() {
                continue;
            }
            match message["fields"].get(field) {
                Some(known) => {
                    let known = known.clone();
                    self.field(&format!("{name}.{field}"), &known, schema)?;
                }
                None => self.add(name, field, schema)?,
            }
        }
        self.gone(name, schema)?;
        self.sets(name, schema);
        Ok(())
    }

    /// Compares a field's type.
    fn field(&mut self, at: &str, known: &Value, schema: Schema<'_>) -> Result<()> {
        let since = known["since"].as_str().map(str::parse).transpose()?;
        if since.is_some_and(|since: Version| since > self.version) {
            self.decide(format!("{at} is in Istio {} already", self.version));
        }
        if known["until"].is_string() {
            self.decide(format!("{at} is back in Istio {}", self.version));
        }
        let shape = known["type"].as_str().unwrap_or_default();
        self.shape(at, shape, schema)
    }

    fn shape(&mut self, at: &str, shape: &str, schema: Schema<'_>) -> Result<()> {
        let inside = |open, close| shape.strip_prefix(open)?.strip_suffix(close);
        let (list, map) = (inside('[', ']'), inside('{', '}'));
        let values = schema
            .values()
            .with_context(|| format!("{at}: unknown type"))?;
        let fits = match &values {
            Values::List(of) => match list {
                Some(inner) => return self.shape(at, inner, *of),
                None => false,
            },
            Values::Map(of) => match map {
                Some(inner) => return self.shape(at, inner, *of),
                None => false,
            },
            Values::Message(of) if self.table.contains_key(shape) => {
                return self.message(shape, *of);
            }
            Values::Message(_) => false,
            Values::Choices(choices) => return self.choices(at, shape, choices),
            Values::Match => ["match", "presence"].contains(&shape),
            Values::Bool => shape == "bool",
            Values::Integer { is_signed: false } if shape == "count" => false,
            Values::Integer { .. } => [
                "count",
                "unsigned",
                "port",
                "status",
                "anyStatus",
                "redirection",
                "wholePercent",
                "prime",
            ]
            .contains(&shape),
            Values::Number { .. } => ["percent", "number"].contains(&shape),
            Values::Text { is_duration: true } => ["duration", "seconds"].contains(&shape),
            Values::Text { is_duration: false } => {
                shape.contains('|')
                    || [
                        "text",
                        "duration",
                        "header",
                        "headerValue",
                        "retryOn",
                        "host",
                        "bytes",
                        "regex",
                    ]
                    .contains(&shape)
            }
        };
        if !fits {
            self.decide(format!(
                "{at} is {shape:?}, but the schema of Istio {} has another type",
                self.version
            ));
        }
        Ok(())
    }

    /// Adds the values that a field lacks.
    fn choices(&mut self, at: &str, shape: &str, choices: &[&str]) -> Result<()> {
        let known: Vec<&str> = shape.split('|').collect();
        if let Some(other) = known.iter().find(|known| !choices.contains(known)) {
            self.decide(format!("{at}: Istio {} has no value {other}", self.version));
        }
        let lacking = choices.iter().filter(|choice| !known.contains(choice));
        let lacking: Vec<&str> = lacking.copied().collect();
        for value in lacking {
            let (name, field) = at.split_once('.').context("no field")?;
            let known = &mut self.table[name]["fields"][field];
            let shape = known["type"].as_str().unwrap_or_default();
            known["type"] = format!("{shape}|{value}").into();
            known["valuesSince"][value] = self.version.to_string().into();
            self.differences.added.push(format!("{at}: {value}"));
        }
        Ok(())
    }

    fn add(&mut self, name: &str, field: &str, schema: Schema<'_>) -> Result<()> {
        let at = format!("{name}.{field}");
        let Some(shape) = self.new_shape(field, schema)? else {
            self.decide(format!("{at} is new, of a type that no field has so far"));
            return Ok(());
        };
        self.differences.added.push(format!("{at}: {shape}"));
        self.table[name]["fields"][field] =
            json!({ "type": shape, "since": self.version.to_string() });
        Ok(())
    }

    /// The type of a new field, with the messages that it needs.
    fn new_shape(&mut self, field: &str, schema: Schema<'_>) -> Result<Option<String>> {
        let Some(values) = schema.values() else {
            return Ok(None);
        };
        Ok(Some(match values {
            Values::List(of) => match self.new_shape(field, of)? {
                Some(inner) => format!("[{inner}]"),
                None => return Ok(None),
            },
            Values::Map(of) => match self.new_shape(field, of)? {
                Some(inner) => format!("{{{inner}}}"),
                None => return Ok(None),
            },
            Values::Message(of) => {
                let name: String =
                    [field[..1].to_ascii_uppercase(), field[1..].to_owned()].concat();
                if self.table.contains_key(&name) {
                    bail!("{name} is a message already: {field} needs another name for its own");
                }
                self.table.insert(name.clone(), json!({ "fields": {} }));
                for (field, schema) in of.fields() {
                    self.add(&name, field, schema)?;
                    // The message is as new as its fields.
                    let known = self.table[&name]["fields"].get_mut(field);
                    if let Some(known) = known.and_then(Value::as_object_mut) {
                        known.shift_remove("since");
                    }
                }
                self.sets(&name, of);
                name
            }
            Values::Choices(choices) => choices.join("|"),
            Values::Match => "match".to_owned(),
            Values::Bool => "bool".to_owned(),
            Values::Integer { is_signed } => {
                if is_signed { "count" } else { "unsigned" }.to_owned()
            }
            Values::Number { is_percent } => {
                if is_percent { "percent" } else { "number" }.to_owned()
            }
            Values::Text { is_duration } => {
                if is_duration { "duration" } else { "text" }.to_owned()
            }
        }))
    }

    /// Marks the fields that the version lacks.
    fn gone(&mut self, name: &str, schema: Schema<'_>) -> Result<()> {
        let fields = self.table[name]["fields"].as_object().cloned();
        for (field, known) in fields.into_iter().flatten() {
            let version = |key: &str| known[key].as_str().map(str::parse::<Version>).transpose();
            let (since, until) = (version("since")?, version("until")?);
            let is_expected = known["own"] != true
                && since.is_none_or(|since| since <= self.version)
                && until.is_none_or(|until| until > self.version);
            if is_expected && !schema.fields().any(|(other, _)| other == field) {
                self.table[name]["fields"][&field]["until"] = self.version.to_string().into();
                self.differences
                    .added
                    .push(format!("{name}.{field}: not since Istio {}", self.version));
            }
        }
        Ok(())
    }

    /// Adds the fields that are required, and those that exclude each other.
    fn sets(&mut self, name: &str, schema: Schema<'_>) {
        let version = self.version;
        let message = &mut self.table[name];
        let known = |field: &&str| {
            let known = &message["fields"][*field];
            known.is_object() && known["filled"] != true
        };
        let required = schema.required().filter(known);
        let required: Vec<Vec<&str>> = required.map(|field| vec![field]).collect();
        let conflicts = schema.conflicts().into_iter();
        let conflicts = conflicts.map(|set| set.into_iter().filter(known).collect::<Vec<_>>());
        let conflicts: Vec<Vec<&str>> = conflicts.filter(|set| set.len() > 1).collect();
        for (key, sets) in [("atLeastOne", required), ("atMostOne", conflicts)] {
            for set in sets {
                let there = message[key].as_array().into_iter().flatten();
                let mut there = there.filter_map(Value::as_array);
                if there.any(|there| set.iter().all(|field| there.contains(&json!(field)))) {
                    continue;
                }
                self.differences.added.push(format!(
                    "{name}.{key}: {} (Istio {version})",
                    set.join(", ")
                ));
                let set = json!(set);
                match &mut message[key] {
                    Value::Array(sets) => {
                        // A conflict with one more field replaces the one without it.
                        sets.retain(|there| key == "atLeastOne" || !contains(&set, there));
                        sets.push(set);
                    }
                    none => *none = json!([set]),
                }
            }
        }
    }

    fn decide(&mut self, what: String) {
        self.differences.to_decide.push(what);
    }
}

/// Whether a set has all fields of another.
fn contains(set: &Value, other: &Value) -> bool {
    let fields = |set: &Value| set.as_array().cloned().unwrap_or_default();
    let all = fields(set);
    fields(other).iter().all(|field| all.contains(field))
}

impl fmt::Display for Table {
    /// A line for each field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, &self.0, 0)?;
        writeln!(f)
    }
}

fn write_lines(
    f: &mut fmt::Formatter<'_>,
    object: &Map<String, Value>,
    depth: usize,
) -> fmt::Result {
    let indent = "  ".repeat(depth);
    writeln!(f, "{{")?;
    for (index, (name, value)) in object.iter().enumerate() {
        write!(f, "{indent}  {}: ", json!(name))?;
        match value {
            Value::Object(inner) if depth < 2 => write_lines(f, inner, depth + 1)?,
            other => write_spaced(f, other)?,
        }
        let comma = if index + 1 < object.len() { "," } else { "" };
        writeln!(f, "{comma}")?;
    }
    write!(f, "{indent}}}")
}

/// A value in one line, with spaces after colons and commas.
fn write_spaced(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Object(fields) => {
            write!(f, "{{")?;
            for (index, (name, value)) in fields.iter().enumerate() {
                write!(f, "{}{}: ", if index > 0 { ", " } else { "" }, json!(name))?;
                write_spaced(f, value)?;
            }
            write!(f, "}}")
        }
        Value::Array(items) => {
            write!(f, "[")?;
            for (index, item) in items.iter().enumerate() {
                write!(f, "{}", if index > 0 { ", " } else { "" })?;
                write_spaced(f, item)?;
            }
            write!(f, "]")
        }
        other => write!(f, "{other}"),
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(['.', '-']).map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self(major, minor)),
            _ => bail!("{text:?} is not a version of Istio\nhint: use a version such as v1.31.0"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}
