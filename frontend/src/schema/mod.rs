//! The fields of the Mesh document, from its JSON Schema: the form has an editor for each of them, and its help is the
//! schema's description.

mod kind;
mod read;

pub(crate) use kind::{Choice, Kind, Property, Schema};

use std::sync::LazyLock;

use crate::document::path::{Step, steps};

/// The schema of the whole document.
pub(crate) fn root() -> &'static Schema {
    static ROOT: LazyLock<Schema> = LazyLock::new(|| {
        let text = include_str!("../../../examples/mesh.schema.json");
        read::schema(text).expect("the schema is generated, and a test reads it")
    });
    &ROOT
}

/// The schema of the field with a path, such as `spec.clusters[1].zone`.
pub(crate) fn at(path: &str) -> Option<&'static Schema> {
    steps(path).try_fold(root(), |schema, step| schema.below(&step))
}

/// The field whose editor shows a path: a list of texts has one editor for all of its items. `None` if the document
/// has no such field.
pub(crate) fn field_of(path: &str) -> Option<&str> {
    let mut schema = root();
    let mut end = 0;
    for step in steps(path) {
        if schema.kind.is_leaf() {
            break;
        }
        schema = schema.below(&step)?;
        end = step.end;
    }
    Some(&path[..end])
}

/// The field that shows a path, or else the nearest one around it: an unknown field is shown by its object. `None` for a
/// path that is not in the document, such as that of an imported file, which has a colon behind the name of the file.
pub(crate) fn nearest(path: &str) -> Option<&str> {
    if path.contains(": ") {
        return None;
    }
    let ends: Vec<usize> = steps(path).map(|step| step.end).collect();
    let mut ends = ends.into_iter().rev();
    ends.find_map(|end| field_of(&path[..end]))
}

impl Schema {
    fn below(&self, step: &Step<'_>) -> Option<&Self> {
        match &self.kind {
            Kind::Object(_) => Some(&self.property(step.key()?)?.schema),
            Kind::List(item) => step.item().map(|_| &**item),
            Kind::Map(value) => step.key().map(|_| &**value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_document_has_an_editor() {
        fn leaves(schema: &Schema) -> usize {
            match &schema.kind {
                Kind::Object(properties) => properties.iter().map(|one| leaves(&one.schema)).sum(),
                Kind::List(below) | Kind::Map(below) => leaves(below),
                _ => 1,
            }
        }
        assert!(leaves(root()) > 300, "{}", leaves(root()));
    }

    #[test]
    fn fields_are_found_by_their_paths() {
        let zone = at("spec.clusters[1].zone").unwrap();
        assert!(zone.description.starts_with("Its zone"), "{zone:?}");
        assert!(matches!(zone.kind, Kind::Text));
        let Kind::Choice(targets) = &at("spec.target").unwrap().kind else {
            panic!("{:?}", at("spec.target"));
        };
        assert_eq!(targets[0].value, "direct");
        assert!(!targets[0].description.is_empty());
        assert!(matches!(at("spec.dns.ttl").unwrap().kind, Kind::Number));
        assert!(matches!(at("spec.mcs").unwrap().kind, Kind::Flag));
        assert!(at("spec.clusters[0].zoen").is_none());
        for (path, field) in [
            (
                "spec.clusters[1].gateway.addresses[2]",
                "spec.clusters[1].gateway.addresses",
            ),
            ("spec.clusters[1].labels.a.b/c", "spec.clusters[1].labels"),
            ("spec.clusters[1]", "spec.clusters[1]"),
            (
                "spec.services[3].routes[0].match[1].headers.x-a.exact",
                "spec.services[3].routes[0].match[1].headers.x-a.exact",
            ),
        ] {
            assert_eq!(field_of(path), Some(field), "{path}");
        }
        assert_eq!(field_of("sources[0]"), None);
    }

    #[test]
    fn an_unknown_field_is_shown_by_its_object() {
        let route = "spec.services[0].routes[1]";
        for (path, field) in [
            (format!("{route}.timeOut"), Some(route)),
            (
                format!("{route}.match[0].hedders.a.exact"),
                Some("spec.services[0].routes[1].match[0]"),
            ),
            (
                "spec.clusters[1].zone".to_owned(),
                Some("spec.clusters[1].zone"),
            ),
            ("sources[0]".to_owned(), None),
            ("spec.yaml: Gateway a/b spec.servers[0]".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(nearest(&path), field, "{path}");
        }
    }
}
