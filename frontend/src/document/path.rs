//! Paths of fields in the document, such as `spec.clusters[1].zone`, as the findings have them. They are also the ids of
//! the form's inputs.

use std::borrow::Cow;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step<'p> {
    kind: Kind<'p>,
    /// The number of bytes of the path up to the end of this step.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind<'p> {
    Key(Cow<'p, str>),
    Item(usize),
    /// What is neither, in a path from outside.
    Neither,
}

impl Step<'_> {
    pub(crate) fn key(&self) -> Option<&str> {
        match &self.kind {
            Kind::Key(key) => Some(key),
            _ => None,
        }
    }

    pub(crate) const fn item(&self) -> Option<usize> {
        match self.kind {
            Kind::Item(index) => Some(index),
            _ => None,
        }
    }
}

/// The steps of a path, from the outermost.
pub(crate) fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = path.get(start..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = match rest.strip_prefix('[') {
            Some(inside) if inside.starts_with('"') => {
                let mut text = serde_json::Deserializer::from_str(inside).into_iter::<String>();
                match text.next() {
                    Some(Ok(key)) => (Kind::Key(key.into()), text.byte_offset() + 2),
                    _ => (Kind::Neither, rest.len()),
                }
            }
            Some(index) => {
                let length = index.find(']').unwrap_or(index.len());
                let index = index[..length].parse();
                (index.map_or(Kind::Neither, Kind::Item), length + 2)
            }
            None => {
                let length = rest.find(['.', '[']).unwrap_or(rest.len());
                (Kind::Key(rest[..length].into()), length)
            }
        };
        let end = (start + length).min(path.len());
        // The dot in front of the next key.
        start = end + usize::from(path[end..].starts_with('.'));
        Some(Step { kind, end })
    })
}

/// The path of a field of an object. A name of a header or a label may contain any character.
pub(crate) fn key(path: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '[', ']', '"']) {
        format!("{path}[{}]", serde_json::Value::from(key))
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The path of a field further inside of an object, such as `gateway.addresses`.
pub(crate) fn below(path: &str, fields: &str) -> String {
    format!("{path}.{fields}")
}

/// The path of an item of a list.
pub(crate) fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The path of the value around a field; `None` for the whole document.
pub(crate) fn parent(path: &str) -> Option<&str> {
    let mut ends = steps(path).map(|step| step.end);
    let mut before = 0;
    let mut last = ends.next()?;
    for end in ends {
        before = std::mem::replace(&mut last, end);
    }
    Some(&path[..before])
}

/// Whether a path is another one or is inside of it.
pub fn is_in(path: &str, around: &str) -> bool {
    let rest = path.strip_prefix(around);
    rest.is_some_and(|rest| rest.is_empty() || around.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_steps() {
        let path = "spec.clusters[12].zone";
        let found: Vec<(Option<String>, Option<usize>, &str)> = steps(path)
            .map(|step| {
                (
                    step.key().map(str::to_owned),
                    step.item(),
                    &path[..step.end],
                )
            })
            .collect();
        let key = |key: &str| Some(key.to_owned());
        assert_eq!(
            found,
            [
                (key("spec"), None, "spec"),
                (key("clusters"), None, "spec.clusters"),
                (None, Some(12), "spec.clusters[12]"),
                (key("zone"), None, path),
            ]
        );
        assert_eq!(steps("").count(), 0);
        // What no program writes ends, and is no field.
        for odd in ["a[", "a[x", "[", ".", "a..b", "a[1]b", "ä[1].ü"] {
            assert!(steps(odd).count() < 4, "{odd}");
        }
    }

    #[test]
    fn any_name_is_a_step() {
        for name in ["a.b/c", "filter[name]", "", "\"", "\\\"]", "ü"] {
            let path = key(&key("headers", name), "exact");
            let names: Vec<String> = steps(&path)
                .filter_map(|step| step.key().map(str::to_owned))
                .collect();
            assert_eq!(names, ["headers", name, "exact"], "{path}");
            assert_eq!(parent(&path), Some(key("headers", name).as_str()));
        }
    }

    #[test]
    fn paths_are_built_and_compared() {
        assert_eq!(key(&item(&key("", "a"), 3), "b"), "a[3].b");
        assert_eq!(parent("a[3].b"), Some("a[3]"));
        assert_eq!(parent("a[3]"), Some("a"));
        assert_eq!((parent("a"), parent("")), (Some(""), None));
        assert!(is_in("a[3].b", "a[3]") && is_in("a", "a") && is_in("a", ""));
        assert!(!is_in("a[33]", "a[3]") && !is_in("ab", "a"));
    }
}
