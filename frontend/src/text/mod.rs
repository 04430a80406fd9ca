//! The document as text: where a position is in the document, and what can be written there.

pub(crate) mod complete;
mod cursor;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use shared::Mesh;

    use crate::document::history::{History, Written};
    use crate::document::{clusters, value};

    const TEXT: &str = "\
# The shop's mesh.
apiVersion: fedmesh.dev/v1alpha1
kind: Mesh
metadata: {name: shop} # short
spec:
  # How names end.
  dns:
    suffix: \"a.b\" # of the zone

  # North and south.
  clusters:
    - name: north # first
      region: r1
      zone: z1
    # The second.
    - name: south
      region: r2
      zone: z2
  services:
  # Sells.
  - name: shop
    port: 80
    routes:
    # Everything else is private.
    - exact: /html # one page
  # Pays.
  - {name: pay, port: 81}
# end
";

    /// What the page shows: the document, and its text.
    fn shown(history: &History) -> (Value, String) {
        let written = history.written();
        let (text, is_kept) = Mesh::write_value(&written.text, &written.document);
        assert!(is_kept, "{}\n{}", written.text, written.document);
        (Value::clone(&written.document), text)
    }

    fn comments(text: &str) -> BTreeSet<String> {
        let comment = |line: &str| Some(line[line.find('#')?..].to_owned());
        text.lines().filter_map(comment).collect()
    }

    /// Types a text, and reads it as the worker does.
    fn type_text(history: &mut History, text: &str) {
        if *text == shown(history).1 {
            return;
        }
        history.type_text(text);
        if let Ok(document) = Mesh::read_value(text) {
            history.read(document);
        }
        history.rest();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn edits_of_form_and_text_lose_nothing(
            edits in prop::collection::vec((0..9u8, 0..40usize, "[a-z]{1,6}"), 1..25),
        ) {
            let document = Mesh::read_value(TEXT).unwrap();
            let mut history = History::new(Written {
                document: document.into(),
                text: TEXT.into(),
                is_unread: false,
            });
            // What undo and redo lead to.
            let mut states = vec![shown(&history)];
            let mut at = 0;
            for (index, (kind, place, word)) in edits.into_iter().enumerate() {
                let (before, text) = shown(&history);
                let services = value::count(&before, clusters::SERVICES);
                let service = format!("{}[{}]", clusters::SERVICES, place % services);
                match kind {
                    0 => {
                        let path = ["spec.dns.suffix", "spec.dns.ttl", "metadata.name", "spec.istio"][place % 4];
                        history.type_into(path, |value| value::set(value, path, json!(word)));
                        history.rest();
                    }
                    1 => history.edit(|value| value::set(value, &format!("{service}.port"), json!(place))),
                    2 => history.edit(|value| {
                        let new = json!({ "name": format!("{word}{index}"), "port": place });
                        value::insert(value, clusters::SERVICES, place % (services + 1), new);
                    }),
                    3 => history.edit(|value| {
                        value::move_item(value, clusters::SERVICES, place % services, (place / 3) % services);
                    }),
                    4 => history.edit(|value| clusters::set_field(value, "spec.clusters[1].name", Some(json!(word)))),
                    5 => {
                        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                        let line = &lines[place % lines.len()];
                        let indent = " ".repeat(line.len() - line.trim_start().len());
                        lines.insert(place % lines.len(), format!("{indent}# typed {index}"));
                        type_text(&mut history, &(lines.join("\n") + "\n"));
                    }
                    6 => type_text(&mut history, &text.replace("port: 80\n", &format!("port: {place}\n"))),
                    7 if at > 0 => {
                        history.undo();
                        at -= 1;
                    }
                    8 if at + 1 < states.len() => {
                        history.redo();
                        if history.written().is_unread {
                            let document = Mesh::read_value(&history.written().text).unwrap();
                            history.read(document);
                        }
                        at += 1;
                    }
                    _ => continue,
                }
                let (document, text_now) = shown(&history);
                prop_assert_eq!(&Mesh::read_value(&text_now).unwrap(), &document);
                let is_step = matches!(kind, 7 | 8);
                if is_step {
                    prop_assert_eq!(&states[at], &(document, text_now));
                } else if document != before || text_now != text {
                    let lost: Vec<String> = comments(&text).difference(&comments(&text_now)).cloned().collect();
                    prop_assert!(lost.is_empty(), "{:?}\n{}\n{}", lost, text, text_now);
                    at += 1;
                    states.truncate(at);
                    states.push((document, text_now));
                }
                // A reload loses nothing either.
                let stored = serde_json::to_string(&history).unwrap();
                history = serde_json::from_str(&stored).unwrap();
            }
        }
    }
}
