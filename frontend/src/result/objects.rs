//! The objects of a file of the bundle.

use std::collections::BTreeSet;
use std::ops::Range;

/// The line between two objects.
const BETWEEN: &str = "---";

/// An object in the text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectText {
    /// Kind, namespace and name, such as `Gateway istio-system/fedmesh-demo`; unique in the file, and empty for a text
    /// that is no object.
    pub(crate) title: String,
    /// Its text, in bytes of the file's.
    pub(crate) range: Range<usize>,
    /// The number of its first line in the file, from 0.
    pub(crate) first_line: usize,
    pub(crate) lines: usize,
}

impl ObjectText {
    /// Its YAML.
    pub(crate) fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.range.clone()]
    }

    /// The numbers of its lines in the file.
    pub(crate) fn line_numbers(&self) -> Range<usize> {
        self.first_line..self.first_line + self.lines
    }
}

/// The objects of a file as fedmesh writes it, in order.
pub(crate) fn objects(text: &str) -> Vec<ObjectText> {
    let mut objects = Vec::new();
    let mut titles = BTreeSet::new();
    let (mut start, mut at, mut first_line, mut line) = (0, 0, 0, 0);
    let mut add = |range: Range<usize>, first_line: usize, end_line: usize| {
        if !range.is_empty() {
            objects.push(ObjectText {
                title: unique(title(&text[range.clone()]), &mut titles),
                range,
                first_line,
                lines: end_line - first_line,
            });
        }
    };
    for one in text.split_inclusive('\n') {
        let end = at + one.len();
        if one.trim_end() == BETWEEN {
            add(start..at, first_line, line);
            (start, first_line) = (end, line + 1);
        }
        (at, line) = (end, line + 1);
    }
    add(start..at, first_line, line);
    objects
}

/// The title of an object, from the fields that each has.
fn title(text: &str) -> String {
    let mut kind = "";
    let (mut namespace, mut name) = ("", "");
    let mut is_metadata = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            is_metadata = line == "metadata:";
            kind = line.strip_prefix("kind: ").unwrap_or(kind);
        } else if is_metadata {
            namespace = line.strip_prefix("  namespace: ").unwrap_or(namespace);
            name = line.strip_prefix("  name: ").unwrap_or(name);
        }
    }
    let [kind, namespace, name] = [kind, namespace, name].map(unquoted);
    match (kind.is_empty() || name.is_empty(), namespace.is_empty()) {
        (true, _) => kind.to_owned(),
        (false, true) => format!("{kind} {name}"),
        (false, false) => format!("{kind} {namespace}/{name}"),
    }
}

/// A name without its quotes; names need no escapes.
fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

fn unique(title: String, known: &mut BTreeSet<String>) -> String {
    let numbers = (2..).map(|number| format!("{title} {number}"));
    let free = std::iter::once(title.clone())
        .chain(numbers)
        .find(|one| !known.contains(one));
    let free = free.unwrap_or(title);
    known.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use shared::bundle::{Bundle, MESH_FILE};
    use shared::mesh::Target;

    use super::*;
    use crate::form::place;
    use crate::schema;
    use crate::state::findings::field_of;

    #[test]
    fn a_file_has_objects() {
        let text = "apiVersion: v1\nkind: Service\nmetadata:\n  labels:\n    name: x\n  name: \"1\"\n  namespace: a\n---\nkind: Namespace\nmetadata:\n  name: b\nspec:\n  name: other\n";
        let found = objects(text);
        let titles: Vec<&str> = found.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["Service a/1", "Namespace b"]);
        assert_eq!(found[1].of(text), &text[text.find("kind: N").unwrap()..]);
        assert_eq!(found[0].line_numbers(), 0..7);
        assert_eq!(found[1].line_numbers(), 8..13);
        // What is no object, and two of one name.
        assert_eq!(objects("- op: replace\n")[0].title, "");
        assert_eq!(objects("").len(), 0);
        let twice = objects("kind: A\n---\nkind: A\n");
        assert_eq!([&*twice[0].title, &*twice[1].title], ["A", "A 2"]);
    }

    /// Each object of each file of each example has a text, which is its YAML, and leads to a field of the form.
    #[test]
    fn the_objects_are_those_of_the_bundle() {
        let mut seen = 0;
        for (name, mesh) in documents::examples() {
            for target in Target::all() {
                let mesh = documents::with_target(&mesh, target);
                let facts = documents::addresses(&mesh);
                let Some(resolved) = shared::check(&mesh, &facts).resolved else {
                    continue;
                };
                let document = serde_json::to_value(&mesh).unwrap();
                let bundle = Bundle::new(&mesh, &resolved);
                let clusters = bundle.clusters.iter().flat_map(|one| &one.files);
                for file in bundle.common.iter().chain(clusters) {
                    let found = objects(&file.text);
                    if file.objects.is_empty() {
                        assert_eq!(found.len(), 1, "{name} {}", file.path);
                        continue;
                    }
                    assert_eq!(found.len(), file.objects.len(), "{name} {}", file.path);
                    for (index, one) in found.iter().enumerate() {
                        let object = &file.objects[index];
                        assert_eq!(one.of(&file.text), shared::bundle::document(object));
                        let id = match &object.namespace {
                            Some(namespace) => format!("{namespace}/{}", object.name),
                            None => object.name.clone(),
                        };
                        assert_eq!(one.title, format!("{} {id}", object.kind.kind));
                        let origin = file.origins[index].path();
                        let field = field_of(&origin).unwrap();
                        assert!(schema::at(&field).is_some(), "{field}");
                        let value = crate::document::value::get(&document, &origin);
                        assert!(value.is_some(), "{name} {}: {origin}", file.path);
                        assert!(!place::words(&document, &origin).is_empty());
                        seen += 1;
                    }
                }
                let [document] = &objects(&bundle.mesh_yaml)[..] else {
                    panic!("{MESH_FILE} has one object")
                };
                assert_eq!(document.title, format!("Mesh {}", mesh.metadata.name));
            }
        }
        assert!(seen > 1000, "{seen}");
    }
}
