//! The place in the document of a position in its text. It is found by the indentation of the lines above, so that it is
//! known while the text is incomplete.

use crate::document::path;

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The path of the object that a key is written in, or of the field whose value is written.
    pub(super) path: String,
    /// Whether a value is written.
    pub(super) is_value: bool,
    /// What is written of the key or the value before the position.
    pub(super) typed: String,
}

/// A line: the columns of its dashes, and its key.
struct Line<'t> {
    dashes: Vec<usize>,
    /// The column behind indentation and dashes.
    column: usize,
    key: Option<&'t str>,
    /// What follows the key, or the dashes.
    rest: &'t str,
}

impl<'t> Line<'t> {
    fn read(line: &'t str) -> Self {
        let mut dashes = Vec::new();
        let mut column = line.len() - line.trim_start_matches(' ').len();
        let mut rest = &line[column..];
        while let Some(after) = rest.strip_prefix('-')
            && (after.is_empty() || after.starts_with(' '))
        {
            dashes.push(column);
            let word = after.trim_start_matches(' ');
            column += rest.len() - word.len();
            rest = word;
        }
        let key = rest.find(':').filter(|end| {
            let after = &rest[end + 1..];
            (after.is_empty() || after.starts_with(' '))
                && !rest.starts_with(['#', '{', '[', '"', '\''])
        });
        let (key, rest) = match key {
            Some(end) => (Some(&rest[..end]), rest[end + 1..].trim_start_matches(' ')),
            None => (None, rest),
        };
        Self {
            dashes,
            column,
            key,
            rest,
        }
    }

    fn is_blank(&self) -> bool {
        self.dashes.is_empty()
            && self.key.is_none()
            && (self.rest.is_empty() || self.rest.starts_with('#'))
    }
}

/// A step on the way from a position to the root.
enum Step<'t> {
    Key(&'t str),
    Item(usize),
}

/// The place of the position behind a text; `None` in a comment or a flow collection.
pub(super) fn at(before: &str) -> Option<Cursor> {
    let (above, line) = before.rsplit_once('\n').unwrap_or(("", before));
    let here = Line::read(line);
    if here.rest.starts_with(['#', '{', '[']) || here.rest.contains(" #") {
        return None;
    }
    let mut steps = Vec::new();
    // The column whose container is looked for, and whether it is a dash.
    let mut column = here.column;
    if let Some(key) = here.key {
        steps.push(Step::Key(key));
    }
    let mut items = 0;
    let mut is_dash = false;
    let mut dashes = here.dashes;
    let mut lines = above.lines().rev();
    loop {
        // Each dash of a line is an item around what follows it.
        if let Some(dash) = dashes.pop() {
            if is_dash && dash == column {
                items += 1;
            } else if dash < column {
                if is_dash {
                    steps.push(Step::Item(items));
                }
                (column, is_dash, items) = (dash, true, 0);
            }
            continue;
        }
        let Some(line) = lines.next() else { break };
        let line = Line::read(line);
        if line.is_blank() {
            continue;
        }
        // A list may be at the column of its key.
        let is_around = line.column < column || (is_dash && line.column == column);
        if let Some(key) = line.key.filter(|_| is_around) {
            if is_dash {
                steps.push(Step::Item(items));
            }
            steps.push(Step::Key(key));
            (column, is_dash, items) = (line.column, false, 0);
        }
        dashes = line.dashes;
    }
    if is_dash {
        steps.push(Step::Item(items));
    }
    let path = steps
        .iter()
        .rev()
        .fold(String::new(), |path, step| match step {
            Step::Key(key) => path::key(&path, key),
            Step::Item(index) => path::item(&path, *index),
        });
    Some(Cursor {
        path,
        is_value: here.key.is_some(),
        typed: here.rest.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
kind: Mesh
spec:
  # a comment: x
  dns:
    suffix: a.b

  clusters:
  - name: c1
    gateway:
      addresses:
        - 10.0.0.1
        - |
  - region: r
    labels: {a: b}
    |
  services:
    - name: s
      routes:
      - match:
        - - |
      - exact: /x|
  endpoints: na|
|
";

    #[test]
    fn the_place_is_found_by_indentation() {
        let mut text = String::new();
        let mut found = Vec::new();
        for part in TEXT.split_inclusive('|') {
            text.push_str(part.trim_end_matches('|'));
            if part.ends_with('|') {
                let cursor = at(&text).unwrap();
                found.push((cursor.path, cursor.is_value, cursor.typed));
            }
        }
        let expected = [
            ("spec.clusters[0].gateway.addresses[1]", false, ""),
            ("spec.clusters[1]", false, ""),
            ("spec.services[0].routes[0].match[0][0]", false, ""),
            ("spec.services[0].routes[1].exact", true, "/x"),
            ("spec.endpoints", true, "na"),
            ("", false, ""),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(path, is_value, typed)| (path.to_owned(), is_value, typed.to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn comments_and_flow_collections_have_no_place() {
        for text in ["a: {b: ", "# a: ", "a: b # c", "- [x"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
