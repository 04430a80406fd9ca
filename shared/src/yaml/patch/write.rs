//! Values as text.

use granit_parser::ScalarStyle;
use serde_json::Value;

/// A value as a block.
pub(super) fn written(value: &Value) -> Option<String> {
    crate::yaml::to_string(value).ok()
}

/// A block whose lines, but for the first, are indented.
pub(super) fn indented(block: &str, column: usize) -> String {
    let indent = " ".repeat(column);
    let mut lines = block.split_inclusive('\n');
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        text.extend([&indent, line]);
    }
    text
}

/// Ends a line that is not the first one.
pub(super) fn close_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// A scalar in the style of the one that it replaces.
pub(super) fn scalar(style: ScalarStyle, value: &Value) -> Option<String> {
    match (style, value) {
        (ScalarStyle::DoubleQuoted, Value::String(_)) => serde_json::to_string(value).ok(),
        (ScalarStyle::SingleQuoted, Value::String(text)) if !text.contains(char::is_control) => {
            Some(format!("'{}'", text.replace('\'', "''")))
        }
        _ => flow(value, false),
    }
}

/// A value on one line.
pub(super) fn flow(value: &Value, is_json: bool) -> Option<String> {
    let parts = |parts: Vec<Option<String>>| -> Option<String> {
        Some(
            parts
                .into_iter()
                .collect::<Option<Vec<String>>>()?
                .join(", "),
        )
    };
    match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| flow(item, is_json)).collect();
            Some(format!("[{}]", parts(items)?))
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let name = flow(&Value::from(name.as_str()), is_json)?;
                Some(format!("{name}: {}", flow(value, is_json)?))
            };
            Some(format!(
                "{{{}}}",
                parts(fields.iter().map(field).collect())?
            ))
        }
        Value::String(_) if is_json => serde_json::to_string(value).ok(),
        Value::String(text) => {
            let plain = written(value)?;
            let is_plain = !text.contains([',', '[', ']', '{', '}', ':', '#', '\n'])
                && plain.trim_end() == text;
            if is_plain {
                Some(text.clone())
            } else {
                serde_json::to_string(value).ok()
            }
        }
        _ => serde_json::to_string(value).ok(),
    }
}
