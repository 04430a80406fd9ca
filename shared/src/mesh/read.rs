//! Reading a Mesh document from text, with errors that say where and what to do.

use std::fmt;

use super::Mesh;
use crate::yaml;

/// Limits of a document, for whoever takes documents from strangers.
pub struct Limits;

impl Limits {
    /// Largest document, in bytes.
    pub const BYTES: usize = 8 * 1024 * 1024;
}

/// A text that is not a Mesh document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Where in the document, such as `spec.clusters[1]`; empty for the whole.
    pub path: String,
    /// Line from 1, where known.
    pub line: Option<u64>,
    /// Column from 1, where known.
    pub column: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
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

impl Mesh {
    /// Reads a document from YAML or JSON.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        if text.len() > Limits::BYTES {
            return Err(ReadError {
                path: String::new(),
                line: None,
                column: None,
                message: format!("the document has {} bytes", text.len()),
                hint: format!("a Mesh document has at most {} bytes", Limits::BYTES),
            });
        }
        yaml::from_str(text).map_err(|error| ReadError {
            hint: hint(&error),
            path: error.path,
            line: error.line,
            column: error.column,
            message: error.message,
        })
    }

    /// Writes the document as YAML, in the one form that is used everywhere: fields in the order of
    /// the reference, nothing that was not written.
    pub fn to_yaml(&self) -> String {
        // By way of JSON's values, as manifests are written: one path to YAML keeps the page small.
        // A Mesh has text keys only, so it always has a form in both.
        let value = serde_json::to_value(self).unwrap_or_default();
        yaml::to_string(&value).unwrap_or_default()
    }
}

fn hint(error: &yaml::Error) -> String {
    let message = &error.message;
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let place = if error.path.is_empty() {
        "the document".to_owned()
    } else {
        format!("`{}`", error.path)
    };
    if message.starts_with("missing field") {
        format!("add `{quoted}:` to {place}")
    } else if message.starts_with("unknown field") {
        let (_, expected) = message.split_once("expected one of ").unwrap_or_default();
        let expected: Vec<&str> = expected
            .split(", ")
            .map(|field| field.trim_matches('`'))
            .collect();
        nearest(quoted, &expected).map_or_else(
            || format!("remove `{quoted}`, or correct it to one of the fields named above"),
            |near| format!("did you mean `{near}`?"),
        )
    } else if message.starts_with("unknown variant") {
        format!("give {place} one of the values named above")
    } else if message.contains("duplicate") {
        "keep one of the two; a key may stand once in a map".to_owned()
    } else if message.contains("multiple") && message.contains("document") {
        "a file holds one Mesh document; split it at the `---` line".to_owned()
    } else if error.path.is_empty() {
        "a Mesh document starts with `apiVersion: fedmesh.dev/v1alpha1` and `kind: Mesh`".to_owned()
    } else {
        format!("correct the value of {place}; docs/reference.md describes every field")
    }
}

/// The candidate that differs from `word` in the fewest places, if they are few.
fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
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
        let error = Mesh::read(text).unwrap_err();
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
                "{HEAD}spec:\n  dns: {{suffix: a.b}}\n  clusters:\n  - name: a\n    region: b\n"
            ),
            "spec.clusters[0]",
            8,
            "missing field `zone`",
            "add `zone:`",
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
            "unknown variant `nomad`",
            "one of the values",
        );
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
