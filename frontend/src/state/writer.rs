//! The text of the document, from the worker that reads files.

use std::cell::RefCell;
use std::sync::Arc;

use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use serde::de::DeserializeOwned;

use super::renderer;
use super::store::{Store, TextOf};
use crate::document::history::Written;
use crate::workers::reading::Unreadable;
use crate::workers::rendering::Form;
use crate::workers::text::{Made, Request};
use crate::workers::{Worker, worker};

/// Milliseconds for which typing may pause within one step of undo.
const PAUSE: u32 = 700;

thread_local! {
    /// A worker of its own: the one that reads files ends afterwards.
    static WRITER: Worker = const { Worker::new("read-worker") };
    /// Ends the step of undo; replacing it cancels it.
    static PAUSED: RefCell<Option<Timeout>> = const { RefCell::new(None) };
}

/// Reads the text whenever it is typed, and writes it when the document has changed and it is shown.
pub(crate) fn keep(store: Store) {
    renderer::keep_up(store, Store::unread, read);
    renderer::keep_up(store, Store::unwritten, write);
}

async fn read(store: Store, text: Arc<str>) -> bool {
    let read = ask(&Request::Read(text.to_string())).await;
    store.take_text(text, read);
    true
}

async fn write(store: Store, of: Written) -> bool {
    match text_of(&of).await {
        Ok(made) => {
            store.text_of.set(Some(Arc::new(TextOf { of, made })));
            true
        }
        Err(error) => {
            store.fail(
                format!("Cannot write the document: {error}"),
                renderer::HINT,
            );
            false
        }
    }
}

/// The text of a document.
pub(crate) async fn text_of(written: &Written) -> Result<Made, String> {
    if written.is_unread {
        // As it is typed.
        return Ok(Made {
            text: written.text.clone(),
            is_kept: true,
        });
    }
    if written.text.is_empty() {
        let text = renderer::text(Form::Document, &written.document).await;
        return text.map(|text| Made {
            text: text.into(),
            is_kept: true,
        });
    }
    let request = Request::Write {
        text: written.text.to_string(),
        document: written.document.as_ref().clone(),
    };
    ask(&request).await.map_err(|error| error.message)
}

/// The lines of the fields with these paths in a text.
pub(crate) async fn lines(text: String, paths: Vec<String>) -> Vec<Option<u64>> {
    // Without them, findings are only in their list.
    ask(&Request::Lines { text, paths })
        .await
        .unwrap_or_default()
}

async fn ask<T: DeserializeOwned>(request: &Request) -> Result<T, Unreadable> {
    let failed = |message: String| Unreadable {
        message,
        hint: renderer::HINT.to_owned(),
        line: None,
    };
    let request = serde_json::to_string(request).map_err(|error| failed(error.to_string()))?;
    let response = WRITER.with(|worker| worker.send(&request.into()));
    let response = response.await.map_err(failed)?;
    worker::read::<Result<T, Unreadable>>(&response).map_err(failed)?
}

/// Changes the text, and ends the step of undo once typing pauses.
pub(crate) fn type_text(store: Store, text: &str) {
    store.type_text(text);
    PAUSED.set(Some(Timeout::new(PAUSE, move || store.rest())));
}

#[cfg(test)]
mod tests {
    //! A document that is edited in the form and as text, in any order.

    use proptest::prelude::*;
    use shared::Mesh;

    use super::*;
    use crate::document::history::History;
    use crate::form::field;

    const TEXT: &str = include_str!("../../../examples/three-clusters.yaml");

    /// Fields that the form sets, whether the document has them or not.
    const FIELDS: [&str; 9] = [
        "metadata.name",
        "spec.dns.suffix",
        "spec.dns.ttl",
        "spec.dns.federation",
        "spec.clusters[0].name",
        "spec.clusters[1].name",
        "spec.clusters[2].trustDomain",
        "spec.services[0].port",
        "spec.services[0].failover.connectTimeout",
    ];

    #[derive(Debug, Clone)]
    enum Edit {
        /// A letter in a field.
        Field(usize, String),
        /// A comment of its own line in the text.
        Comment(usize),
        /// Another value in the text.
        Value(u16),
        /// A text that cannot be read, for a moment.
        Broken,
        Pause,
        Undo,
        Redo,
        Reload,
    }

    fn edit() -> impl Strategy<Value = Edit> {
        prop_oneof![
            4 => (0..FIELDS.len(), "[a-z0-9 #:'\"-]{1,6}").prop_map(|(at, text)| Edit::Field(at, text)),
            3 => (0..60_usize).prop_map(Edit::Comment),
            2 => any::<u16>().prop_map(Edit::Value),
            1 => Just(Edit::Broken),
            1 => Just(Edit::Pause),
            2 => Just(Edit::Undo),
            1 => Just(Edit::Redo),
            1 => Just(Edit::Reload),
        ]
    }

    /// The text of the document, as the editor shows it.
    fn shown(written: &Written) -> String {
        if written.is_unread {
            return written.text.to_string();
        }
        let (text, is_kept) = Mesh::write_value(&written.text, &written.document);
        assert!(is_kept, "{}\n{}", written.text, written.document);
        text
    }

    /// Reads a text that is not read yet, if it can be.
    fn read(history: &mut History) {
        let written = history.written();
        if written.is_unread
            && let Ok(document) = Mesh::read_value(&written.text)
        {
            history.read(document);
        }
    }

    fn typed(history: &mut History, text: &str) {
        history.type_text(text);
        read(history);
    }

    fn redo(history: &mut History) {
        history.redo();
        read(history);
    }

    fn apply(history: &mut History, edit: &Edit, number: usize) {
        let text = shown(history.written());
        match edit {
            Edit::Field(at, value) => {
                let path = FIELDS[*at];
                history.type_into(path, |document| field::set(document, path, value));
            }
            Edit::Comment(line) => {
                let mut lines: Vec<&str> = text.lines().collect();
                let at = line % lines.len();
                let indent = lines[at].len() - lines[at].trim_start().len();
                let comment = format!("{}# comment {number}.", " ".repeat(indent));
                lines.insert(at, &comment);
                typed(history, &(lines.join("\n") + "\n"));
            }
            Edit::Value(value) => {
                let lines = text.lines().map(|line| match line.split_once("zone: ") {
                    Some((before, _)) => format!("{before}zone: zone-{value}\n"),
                    None => format!("{line}\n"),
                });
                typed(history, &lines.collect::<String>());
            }
            Edit::Broken => {
                typed(history, &format!("{text}\n  - [\n"));
                history.undo();
            }
            Edit::Pause => history.rest(),
            Edit::Undo => history.undo(),
            Edit::Redo => redo(history),
            Edit::Reload => {
                let stored = serde_json::to_string(history).unwrap();
                *history = serde_json::from_str(&stored).unwrap();
            }
        }
    }

    fn comments(text: &str) -> Vec<&str> {
        let comments = text.lines().map(str::trim);
        comments.filter(|line| line.starts_with('#')).collect()
    }

    proptest! {
        // Each has a dozen documents to read and write.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn form_and_text_lose_no_value_comment_or_order(edits in prop::collection::vec(edit(), 1..24)) {
            let first = Written {
                document: Mesh::read_value(TEXT).unwrap().into(),
                text: TEXT.into(),
                is_unread: false,
            };
            let mut history = History::new(first.clone());
            for (number, edit) in edits.iter().enumerate() {
                apply(&mut history, edit, number);
                let written = history.written();
                // A text that cannot be read stays as it was typed, beside the last document.
                if written.is_unread {
                    continue;
                }
                let text = shown(written);
                prop_assert_eq!(&Mesh::read_value(&text).unwrap(), &*written.document, "{}", text);
                prop_assert_eq!(comments(&text), comments(&written.text), "{}", text);
            }
            let last = history.written().clone();
            while history.can_undo() {
                history.undo();
            }
            prop_assert_eq!(history.written(), &first);
            while history.can_redo() && history.written() != &last {
                redo(&mut history);
            }
            prop_assert_eq!(history.written(), &last);
        }
    }
}
