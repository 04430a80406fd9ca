//! The largest part of a document that can be rendered, if the document has errors: losses are reported all the same.

use serde_json::Value;

use crate::check::{Severity, check};
use crate::facts::Facts;
use crate::mesh::Mesh;
use crate::resolved::Resolved;

/// Each round removes what the errors of one check are about, which may reveal others.
const ROUNDS: usize = 20;

/// The name of a Secret in place of an invalid one: with `transport: tls`, nothing can be rendered without one. It is not
/// compared.
pub(super) const NO_SECRET: &str = "fedmesh-no-secret";

/// The document without the values that have errors, and their paths; `None` if nothing can be rendered.
pub(super) fn resolve(mesh: &Mesh) -> Option<(Resolved, Vec<String>)> {
    let mut document = serde_json::to_value(mesh).ok()?;
    let mut left_out = Vec::new();
    let mut mesh = mesh.clone();
    for _ in 0..ROUNDS {
        let checked = check(&mesh, &Facts::default());
        if let Some(resolved) = checked.resolved {
            return Some((resolved, left_out));
        }
        let errors = checked.findings.iter();
        let errors = errors.filter(|one| one.severity == Severity::Error);
        remove(
            &mut document,
            errors.map(|one| one.path.as_str()),
            &mut left_out,
        )?;
        mesh = read(&mut document, &mut left_out)?;
    }
    None
}

/// Parses the document, without the values around fields that are required.
fn read(document: &mut Value, left_out: &mut Vec<String>) -> Option<Mesh> {
    for _ in 0..ROUNDS {
        let mut stripped = document.clone();
        strip(&mut stripped);
        match Mesh::read(&stripped.to_string()) {
            Ok(mesh) => return Some(mesh),
            Err(errors) => remove(
                document,
                errors.iter().map(|one| one.path.as_str()),
                left_out,
            )?,
        }
    }
    None
}

/// Replaces the values at paths by null, so that the others in their lists keep their indices, and the name of the
/// Secret by [`NO_SECRET`]; `None` if a path leads to no value.
fn remove<'p>(
    document: &mut Value,
    paths: impl Iterator<Item = &'p str>,
    left_out: &mut Vec<String>,
) -> Option<()> {
    // Paths have the indices of the values that are left, so all are found before one is removed.
    let found: Option<Vec<Vec<Step>>> = paths.map(|path| find(document, path)).collect();
    for steps in found? {
        let mut at = &mut *document;
        let mut path = String::new();
        for step in &steps {
            at = match step {
                Step::Field(name) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    path.extend([dot, name]);
                    &mut at[name.as_str()]
                }
                Step::Item(index) => {
                    path = format!("{path}[{index}]");
                    &mut at[*index]
                }
            };
            if at.is_null() {
                break;
            }
        }
        if !at.is_null() {
            *at = match path.as_str() {
                "spec.tls.credentialName" => NO_SECRET.into(),
                _ => Value::Null,
            };
            // The parts of it that were removed before.
            left_out.retain(|part| {
                let rest = part.strip_prefix(&path);
                !rest.is_some_and(|rest| rest.starts_with(['.', '[']))
            });
            left_out.push(path);
        }
    }
    Some(())
}

enum Step {
    Field(String),
    Item(usize),
}

/// The steps to the value at a path, or to the innermost existing value around it; `None` if that is the document.
fn find(document: &Value, path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let (mut at, mut rest) = (document, path);
    while let Some((step, next, after)) = step(at, rest) {
        steps.push(step);
        (at, rest) = (next, after);
    }
    // A document without its specification is none.
    (steps.len() > 1).then_some(steps)
}

fn step<'v, 'p>(value: &'v Value, path: &'p str) -> Option<(Step, &'v Value, &'p str)> {
    match value {
        Value::Object(fields) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            // Names of headers and labels contain dots.
            let of_path = fields.iter().filter_map(|(name, field)| {
                let rest = path.strip_prefix(name.as_str())?;
                let ends = rest.is_empty() || rest.starts_with(['.', '[']);
                (ends && !field.is_null()).then_some((name, field, rest))
            });
            let (name, field, rest) = of_path.min_by_key(|(.., rest)| rest.len())?;
            Some((Step::Field(name.clone()), field, rest))
        }
        Value::Array(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let left = items.iter().enumerate().filter(|(_, item)| !item.is_null());
            let (index, item) = left.into_iter().nth(index.parse().ok()?)?;
            Some((Step::Item(index), item, rest))
        }
        _ => None,
    }
}

/// Removes nulls.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(strip);
        }
        _ => {}
    }
}
