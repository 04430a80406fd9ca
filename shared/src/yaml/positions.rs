//! Positions of a document's fields in its text.

use super::located::{Located, Node};

/// The positions of a document's fields.
pub struct Positions(Option<Located>);

/// A position in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Position {
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
}

impl Positions {
    /// Finds the positions in a text; empty for a text that is not a document.
    pub fn of(text: &str) -> Self {
        Self(super::parse(text).ok())
    }

    /// The position of the key of the field with this path, or of the start of a list item. For a missing field, the
    /// position of the innermost parent that exists. The whole document has none.
    pub fn find(&self, path: &str) -> Option<Position> {
        let mut value = self.0.as_ref()?;
        let mut place = None;
        let mut path = path;
        while let Some((at, inner, rest)) = step(value, path) {
            place = Some(at);
            value = inner;
            path = rest;
        }
        place.map(|at| Position {
            line: at.line(),
            column: at.column(),
        })
    }
}

/// One step along a path: its target, and the rest of the path.
fn step<'v, 'p>(
    value: &'v Located,
    path: &'p str,
) -> Option<(serde_saphyr::Location, &'v Located, &'p str)> {
    match &value.value {
        Node::List(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item.referenced, item, rest))
        }
        Node::Map(fields) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            // A key may contain dots, and start with another key.
            let rest_behind = |key: &str| {
                let rest = path.strip_prefix(key)?;
                (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
            };
            fields
                .iter()
                .filter_map(|(key, inner)| Some((key.referenced, inner, rest_behind(&key.value)?)))
                .min_by_key(|(.., rest)| rest.len())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Positions};

    #[test]
    fn a_path_has_a_position() {
        let text = "# ä\nspec:\n  list:\n  - name: a\n    labels: {a.b/c: 1, a: {b: 2}}\n  -\n    ä: {b: 1}\n";
        let json = "{\"spec\":\n {\"list\": [{\"name\": \"a\"},\n  {\"name\": \"b\"}]}}";
        for (text, path, expected) in [
            (text, "spec", Some((2, 1))),
            (text, "spec.list", Some((3, 3))),
            (text, "spec.list[0]", Some((4, 5))),
            (text, "spec.list[0].name", Some((4, 5))),
            (text, "spec.list[0].labels.a.b/c", Some((5, 14))),
            (text, "spec.list[0].labels.a.b", Some((5, 28))),
            (text, "spec.list[1].ä.b", Some((7, 9))),
            // Missing fields.
            (text, "spec.list[0].zone", Some((4, 5))),
            (text, "spec.list[0].name.first", Some((4, 5))),
            (text, "spec.list[2]", Some((3, 3))),
            (text, "spec.lis", Some((2, 1))),
            (text, "metadata.name", None),
            (text, "", None),
            (text, "web.yaml: Gateway a", None),
            (json, "spec.list[1].name", Some((3, 4))),
            ("a: [", "a", None),
            ("", "a", None),
        ] {
            let expected = expected.map(|(line, column)| Position { line, column });
            assert_eq!(Positions::of(text).find(path), expected, "{path}");
        }
    }
}
