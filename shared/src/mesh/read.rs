//! Reads a Mesh document from text, with errors that have a position and a remedy.

use std::fmt;

use serde_json::Value;

use super::Mesh;
use crate::text::{digest, shorten};
use crate::yaml::{self, ErrorKind};

/// Limits of a document, for callers with untrusted input.
pub struct Limits;

impl Limits {
    /// Largest document, in bytes.
    pub const BYTES: usize = 8 * 1024 * 1024;
}

/// A text that is not a Mesh document: all its errors, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadErrors(Vec<ReadError>);

/// One error of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Path in the document, such as `spec.clusters[1]`; empty for the whole.
    pub path: String,
    /// Line from 1, where known.
    pub line: Option<u64>,
    /// Column from 1, where known.
    pub column: Option<u64>,
    /// The error.
    pub message: String,
    /// The remedy.
    pub hint: String,
    /// The field that is missing at the path, if that is the error.
    pub missing: Option<&'static str>,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}")?;
            if let Some(column) = self.column {
                write!(f, ", column {column}")?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl ReadErrors {
    fn of(errors: Vec<yaml::Error>) -> Self {
        let mut errors: Vec<(yaml::Error, Option<&str>)> = errors
            .into_iter()
            .map(|error| {
                let meant = meant(&error);
                (error, meant)
            })
            .collect();
        // A misspelt field is not reported as missing.
        let misspelt: Vec<(String, &str)> = errors
            .iter()
            .filter_map(|(error, meant)| {
                let around = error.path.rsplit_once('.').map_or("", |(around, _)| around);
                Some((around.to_owned(), (*meant)?))
            })
            .collect();
        errors.retain(|(error, _)| match error.kind {
            ErrorKind::MissingField(field) => {
                let is_it =
                    |(around, meant): &(String, &str)| *around == error.path && *meant == field;
                !misspelt.iter().any(is_it)
            }
            _ => true,
        });
        // A document of another kind gets no errors about missing fields.
        let is_of_kind = |(error, _): &(yaml::Error, Option<&str>)| {
            let of_kind = ["apiVersion", "kind"];
            of_kind.contains(&error.path.as_str())
                || matches!(error.kind, ErrorKind::MissingField(field) if of_kind.contains(&field))
        };
        if errors.iter().any(is_of_kind) {
            errors.retain(is_of_kind);
        }
        let reported = errors.into_iter().map(|(error, meant)| ReadError {
            hint: hint(&error, meant),
            missing: match error.kind {
                ErrorKind::MissingField(field) => Some(field),
                _ => None,
            },
            path: error.path,
            line: error.line,
            column: error.column,
            message: error.message,
        });
        Self(reported.collect())
    }
}

impl std::ops::Deref for ReadErrors {
    type Target = [ReadError];

    fn deref(&self) -> &[ReadError] {
        &self.0
    }
}

/// One line per error.
impl fmt::Display for ReadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadErrors {}

impl Mesh {
    /// Reads a document from YAML or JSON.
    pub fn read(text: &str) -> Result<Self, ReadErrors> {
        check_size(text)?;
        yaml::from_str(text).map_err(ReadErrors::of)
    }

    /// The document that an untyped value is, with defaults where it does not fit, and errors about these; a value that
    /// is being edited may be incomplete. A value that is no document at all gives the default one.
    pub fn from_value(value: &Value) -> (Self, Vec<ReadError>) {
        let (mesh, errors) = yaml::from_value(value);
        let ReadErrors(errors) = ReadErrors::of(errors);
        (mesh.unwrap_or_default(), errors)
    }

    /// The untyped value of a text, as a form edits it: it may be incomplete, see [`Self::from_value`]. A version `1.30` is
    /// a text, as the format has it.
    ///
    /// # Errors
    /// The text is not YAML, or larger than [`Limits::BYTES`].
    pub fn read_value(text: &str) -> Result<Value, ReadErrors> {
        check_size(text)?;
        let (mut value, mesh) =
            yaml::to_value::<Self>(text).map_err(|error| ReadErrors::of(vec![*error]))?;
        if let Some(mesh) = mesh {
            adopt_texts(&mut value, &serde_json::to_value(mesh).unwrap_or_default());
        }
        Ok(value)
    }

    /// The text of an untyped value that keeps the comments, the order and the layout of `text` where the value stays.
    /// The second part tells whether it could: it is `false` for a text that is not YAML, or that needs its aliases
    /// resolved.
    pub fn write_value(text: &str, value: &Value) -> (String, bool) {
        if text.trim().is_empty() {
            return (Self::yaml_of(value), true);
        }
        let Ok(old) = Self::read_value(text) else {
            return (Self::yaml_of(value), false);
        };
        if old == *value {
            return (text.to_owned(), true);
        }
        let patched = yaml::patch(text, &old, &Self::ordered(value));
        match patched.filter(|patched| Self::read_value(patched).as_ref() == Ok(value)) {
            Some(patched) => (patched, true),
            None => (Self::yaml_of(value), false),
        }
    }

    /// Serializes an untyped value as [`Self::to_yaml`] does, with the parts that do not fit.
    pub fn yaml_of(value: &Value) -> String {
        yaml::to_string(&Self::ordered(value)).unwrap_or_default()
    }

    /// An untyped value with its fields in the order of the reference.
    fn ordered(value: &Value) -> Value {
        let (mesh, _) = Self::from_value(value);
        ordered(value, &serde_json::to_value(mesh).unwrap_or_default())
    }

    /// Serializes the document as YAML in its canonical form: fields in the order of the reference, only those that are
    /// set.
    pub fn to_yaml(&self) -> String {
        // Through JSON values, like manifests: one serializer keeps the page small. A Mesh has text keys only, so it
        // can always be written in both.
        let value = serde_json::to_value(self).unwrap_or_default();
        yaml::to_string(&value).unwrap_or_default()
    }

    /// Digest of the document in that form.
    pub fn digest(&self) -> String {
        digest::of_parts([self.to_yaml().as_bytes()])
    }
}

fn check_size(text: &str) -> Result<(), ReadErrors> {
    if text.len() <= Limits::BYTES {
        return Ok(());
    }
    Err(ReadErrors(vec![ReadError {
        path: String::new(),
        line: None,
        column: None,
        message: format!(
            "the document has {} bytes; at most {} are read",
            text.len(),
            Limits::BYTES
        ),
        hint: "split it into several meshes".to_owned(),
        missing: None,
    }]))
}

/// Replaces numbers and booleans by the texts that the typed document has in their place.
fn adopt_texts(value: &mut Value, typed: &Value) {
    match (value, typed) {
        (Value::Object(fields), Value::Object(typed)) => {
            for (name, field) in fields {
                if let Some(typed) = typed.get(name) {
                    adopt_texts(field, typed);
                }
            }
        }
        (Value::Array(items), Value::Array(typed)) => {
            for (item, typed) in items.iter_mut().zip(typed) {
                adopt_texts(item, typed);
            }
        }
        (value @ (Value::Number(_) | Value::Bool(_)), Value::String(_)) => *value = typed.clone(),
        _ => {}
    }
}

/// A value with its fields in the order of the typed document, followed by those that this does not have.
fn ordered(value: &Value, typed: &Value) -> Value {
    match (value, typed) {
        (Value::Object(fields), Value::Object(typed)) => {
            let known = typed
                .iter()
                .filter_map(|(name, typed)| Some((name, fields.get(name)?, Some(typed))));
            let others = fields
                .iter()
                .filter(|(name, _)| !typed.contains_key(*name))
                .map(|(name, field)| (name, field, None));
            known
                .chain(others)
                .map(|(name, field, typed)| {
                    let field = typed.map_or_else(|| field.clone(), |typed| ordered(field, typed));
                    (name.clone(), field)
                })
                .collect()
        }
        (Value::Array(items), Value::Array(typed)) => items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                typed
                    .get(at)
                    .map_or_else(|| item.clone(), |typed| ordered(item, typed))
            })
            .collect(),
        _ => value.clone(),
    }
}

/// The field that an unknown one is likely meant to be.
fn meant(error: &yaml::Error) -> Option<&'static str> {
    match &error.kind {
        ErrorKind::UnknownField { field, expected } => nearest(field, expected),
        _ => None,
    }
}

/// The remedy; `meant` is the field that an unknown one is likely meant to be.
fn hint(error: &yaml::Error, meant: Option<&str>) -> String {
    if !error.hint.is_empty() {
        return error.hint.clone();
    }
    let path = error.path.as_str();
    let place = if path.is_empty() {
        "the document".to_owned()
    } else {
        format!("`{path}`")
    };
    match (&error.kind, meant) {
        (_, Some(meant)) => format!("did you mean `{meant}`?"),
        (ErrorKind::MissingField(field), _) => format!("add `{field}:` to {place}"),
        (ErrorKind::UnknownField { field, .. }, _) => format!(
            "remove `{}`, or correct it to one of the fields named above",
            shorten::value(field)
        ),
        (ErrorKind::UnknownValue, _) if matches!(path, "apiVersion" | "kind") => {
            "use a Mesh document; `fedmesh-agent import` creates one from existing manifests"
                .to_owned()
        }
        (ErrorKind::UnknownValue, _) => format!("set {place} to one of the values named above"),
        _ if path.is_empty() => {
            "start a Mesh document with `apiVersion: fedmesh.dev/v1alpha1` and `kind: Mesh`"
                .to_owned()
        }
        _ => format!("correct the value of {place}; docs/reference.md describes every field"),
    }
}

/// The candidate with the fewest differences from `word`, if they are few.
fn nearest(word: &str, candidates: &[&'static str]) -> Option<&'static str> {
    candidates
        .iter()
        .map(|candidate| {
            let same = similar::TextDiff::from_chars(
                word.to_lowercase().as_str(),
                candidate.to_lowercase().as_str(),
            )
            .ratio();
            (same, *candidate)
        })
        .filter(|(same, _)| *same >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, line: u64, message: &str, hint: &str) {
        let errors = Mesh::read(text).unwrap_err();
        let [error] = &errors[..] else {
            panic!("{errors:#?}")
        };
        assert_eq!(
            (error.path.as_str(), error.line),
            (path, Some(line)),
            "{error:?}"
        );
        assert!(error.message.contains(message), "{error:?}");
        assert!(error.hint.contains(hint), "{error:?}");
    }

    const HEAD: &str = "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\n";

    #[test]
    fn errors_name_the_path_the_line_and_the_remedy() {
        check(
            &format!(
                "{HEAD}spec:\n  dns: {{suffix: a.b}}\n  clusters:\n  - {{name: a, region: b, zone: c, zoen: d}}\n"
            ),
            "spec.clusters[0].zoen",
            7,
            "unknown field `zoen`",
            "did you mean `zone`?",
        );
        check(
            &format!(
                "{HEAD}spec:\n  dns: {{suffix: a.b}}\n  clusters:\n  - name: a\n    zone: b\n"
            ),
            "spec.clusters[0]",
            8,
            "missing field `region`",
            "add `region:`",
        );
        check(
            &format!("{HEAD}spec:\n  dns: {{suffix: a.b, ttl: soon}}\n  clusters: []\n"),
            "spec.dns.ttl",
            5,
            "",
            "`spec.dns.ttl`",
        );
        check(
            &format!("{HEAD}spec:\n  target: nomad\n  dns: {{suffix: a.b}}\n  clusters: []\n"),
            "spec.target",
            5,
            "unknown value `nomad`",
            "one of the values",
        );
        check(
            &format!(
                "{HEAD}spec:\n  target: '{{{{ .Values.x }}}}'\n  dns: {{suffix: a.b}}\n  clusters: []\n"
            ),
            "spec.target",
            5,
            "unknown value `{{ .Values.x }}`",
            "render the template first",
        );
        check(
            &format!("{HEAD}spec:\n  dns: {{suffix: a.b, ttl: '${{TTL}}'}}\n  clusters: []\n"),
            "spec.dns.ttl",
            5,
            "found the text \"${TTL}\"",
            "render the template first",
        );
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let reported = |text: &str| -> Vec<(String, Option<u64>)> {
            let errors = Mesh::read(text).unwrap_err();
            errors
                .iter()
                .map(|error| (format!("{}: {}", error.path, error.hint), error.line))
                .collect()
        };
        let reported_of = reported(&format!(
            "{HEAD}spec:\n  dns: {{sufix: a.b, ttl: soon}}\n  clusters:\n  - {{name: a, regoin: b, zone: c}}\n  - name: [b]\n    \
             zone: b\n  services:\n  - {{name: s, port: http, color: red}}\n"
        ));
        let expected = [
            ("spec.dns.sufix: did you mean `suffix`?", 5),
            (
                "spec.dns.ttl: correct the value of `spec.dns.ttl`; docs/reference.md describes every field",
                5,
            ),
            ("spec.clusters[0].regoin: did you mean `region`?", 7),
            (
                "spec.clusters[1].name: correct the value of `spec.clusters[1].name`; docs/reference.md describes every field",
                8,
            ),
            ("spec.clusters[1]: add `region:` to `spec.clusters[1]`", 9),
            (
                "spec.services[0].port: correct the value of `spec.services[0].port`; docs/reference.md describes every field",
                11,
            ),
            (
                "spec.services[0].color: remove `color`, or correct it to one of the fields named above",
                11,
            ),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(error, line)| (error.to_owned(), Some(line)))
            .collect();
        assert_eq!(reported_of, expected);
        // A document of another kind gets no errors about its fields.
        let other =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {labels: {}}\nspec: {replicas: 1}\n";
        assert_eq!(reported(other).len(), 2, "{:#?}", reported(other));
        // A misspelt field does.
        let misspelt = reported(&HEAD.replace("apiVersion", "apiversion"));
        assert_eq!(misspelt[0].0, "apiversion: did you mean `apiVersion`?");
        assert!(
            misspelt
                .iter()
                .all(|(error, _)| !error.contains("add `apiVersion")),
            "{misspelt:?}"
        );
    }

    #[test]
    fn an_incomplete_value_gives_a_document_and_errors() {
        let value = serde_json::json!({
            "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "demo" },
            "spec": {
                "istio": 1.27,
                "dns": { "ttl": "soon" },
                "clusters": [{ "name": "a", "zone": "b" }],
                "services": [{ "name": "s", "port": "80" }, { "port": "80a" }],
            },
        });
        let (mesh, errors) = Mesh::from_value(&value);
        let paths: Vec<String> = errors
            .iter()
            .map(|error| {
                assert_eq!((error.line, error.column), (None, None));
                format!("{}: {}", error.path, error.message)
            })
            .collect();
        assert_eq!(
            paths,
            [
                "spec.dns.ttl: expected a whole number from 0 to 4294967295, found the text \"soon\"",
                "spec.dns: missing field `suffix`",
                "spec.clusters[0]: missing field `region`",
                "spec.services[1].port: expected a whole number from 0 to 4294967295, found the text \"80a\"",
                "spec.services[1]: missing field `name`",
            ]
        );
        let services: Vec<Option<u32>> = mesh.spec.services.iter().map(|one| one.port).collect();
        assert_eq!((services[0], services.len()), (Some(80), 2));
        assert_eq!(mesh.spec.istio.as_deref(), Some("1.27"));
        assert_eq!(mesh.spec.clusters[0].zone, "b");

        let whole = Mesh::from_value(&serde_json::to_value(&mesh).unwrap());
        assert_eq!(whole, (mesh, Vec::new()));
    }

    #[test]
    fn yaml_and_json_give_the_same_document() {
        let yaml = format!(
            "{HEAD}spec:\n  dns: {{suffix: a.b}}\n  clusters:\n  - {{name: a, region: b, zone: c}}\n  services:\n  - {{name: s, port: 80, routes: [{{exact: /x}}, {{prefix: /y}}]}}\n"
        );
        let mesh = Mesh::read(&yaml).unwrap();
        let json = serde_json::to_string_pretty(&mesh).unwrap();
        assert_eq!(Mesh::read(&json).unwrap(), mesh);
        assert_eq!(Mesh::read(&mesh.to_yaml()).unwrap(), mesh);
    }
}
