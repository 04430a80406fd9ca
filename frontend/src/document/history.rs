//! The document with its undo history.
//!
//! A document that was opened or typed as text has that text too, with its comments. Changes by the form leave the text as
//! it is: the text of the document is made from it when it is needed, see `Mesh::write_value`. A text that is typed
//! changes the document once it is read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change::{self, Change, TextChange};

/// Steps that are kept; older ones are dropped.
const KEPT: usize = 200;

/// A document, and the text that it was opened or typed as.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) document: Arc<Value>,
    /// Empty for a document that was never a text.
    #[serde(default)]
    pub(crate) text: Arc<str>,
    /// Whether the text was typed, and not read since: the document is that of an earlier text.
    #[serde(default)]
    pub(crate) is_unread: bool,
}

impl From<Value> for Written {
    fn from(document: Value) -> Self {
        Self {
            document: document.into(),
            ..Self::default()
        }
    }
}

/// A document with undo and redo.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    present: Written,
    past: Vec<Step>,
    future: Vec<Step>,
    /// The field that is being edited: the text that is typed into it is one step.
    #[serde(skip)]
    run: Option<Run>,
}

/// What one undo reverts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Step {
    changes: Vec<Change>,
    text: Option<TextChange>,
    was_unread: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Run {
    /// `None` for the text of the document.
    field: Option<String>,
    before: Written,
}

impl History {
    pub(crate) fn new(present: impl Into<Written>) -> Self {
        Self {
            present: present.into(),
            ..Self::default()
        }
    }

    pub(crate) fn present(&self) -> &Arc<Value> {
        &self.present.document
    }

    pub(crate) fn written(&self) -> &Written {
        &self.present
    }

    /// Changes the document, as one step.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        self.run = None;
        let before = self.present.clone();
        let mut after = Value::clone(&before.document);
        change(&mut after);
        self.step(&before, after, false);
    }

    /// Replaces the document and its text, as one step.
    pub(crate) fn replace(&mut self, after: Written) {
        self.run = None;
        let step = Step {
            changes: change::between(&self.present.document, &after.document),
            text: TextChange::between(&self.present.text, &after.text),
            was_unread: self.present.is_unread,
        };
        self.present = after;
        self.push(step);
    }

    /// Changes the document while the user types into a field. Consecutive changes of one field are one step, and each
    /// one starts from the document before the first, so that an incomplete text leaves no trace.
    pub(crate) fn type_into(&mut self, field: &str, change: impl FnOnce(&mut Value)) {
        let run = self.take_run(Some(field));
        let continues = run.is_some();
        let before = run.unwrap_or_else(|| self.present.clone());
        let mut after = Value::clone(&before.document);
        change(&mut after);
        self.step(&before, after, continues);
        self.run = Some(Run {
            field: Some(field.to_owned()),
            before,
        });
    }

    /// Changes the text while the user types it; [`Self::read`] follows. Consecutive changes are one step.
    pub(crate) fn type_text(&mut self, text: &str) {
        if *self.present.text == *text {
            return;
        }
        let run = self.take_run(None);
        let change = |before: &Written| TextChange::between(&before.text, text);
        if let (Some(before), Some(last)) = (&run, self.past.last_mut()) {
            last.text = change(before);
        } else {
            let step = Step {
                changes: Vec::new(),
                text: change(&self.present),
                was_unread: self.present.is_unread,
            };
            self.push(step);
        }
        self.future.clear();
        let before = run.unwrap_or_else(|| self.present.clone());
        self.present.text = text.into();
        self.present.is_unread = true;
        self.run = Some(Run {
            field: None,
            before,
        });
    }

    /// Takes the document that the typed text is; a part of the step that changed the text.
    pub(crate) fn read(&mut self, document: Value) {
        self.present.is_unread = false;
        let changes = change::between(&self.present.document, &document);
        if let Some(last) = self.past.last_mut() {
            last.changes.extend(changes);
        }
        self.present.document = document.into();
    }

    /// What was before the run of a field, if the next change continues it.
    fn take_run(&mut self, field: Option<&str>) -> Option<Written> {
        let run = self.run.take()?;
        (run.field.as_deref() == field).then_some(run.before)
    }

    fn step(&mut self, before: &Written, after: Value, continues: bool) {
        if after == *self.present.document {
            return;
        }
        if continues && before.document != self.present.document {
            self.past.pop();
        }
        let changes = change::between(&before.document, &after);
        self.present.document = Arc::new(after);
        if changes.is_empty() {
            self.future.clear();
        } else {
            self.push(Step {
                changes,
                text: None,
                was_unread: self.present.is_unread,
            });
        }
    }

    fn push(&mut self, step: Step) {
        self.past.push(step);
        if self.past.len() > KEPT {
            self.past.remove(0);
        }
        self.future.clear();
    }

    /// Ends a run: the next change is a step of its own.
    pub(crate) fn rest(&mut self) {
        self.run = None;
    }

    /// Reverts the last step, if there is one.
    pub(crate) fn undo(&mut self) {
        self.rest();
        if let Some(step) = self.past.pop() {
            let document = Arc::make_mut(&mut self.present.document);
            for change in step.changes.iter().rev() {
                change.revert(document);
            }
            if let Some(change) = &step.text {
                self.present.text = change.reverted(&self.present.text).into();
            }
            self.present.is_unread = step.was_unread;
            self.future.push(step);
        }
    }

    pub(crate) fn redo(&mut self) {
        self.rest();
        if let Some(step) = self.future.pop() {
            let document = Arc::make_mut(&mut self.present.document);
            for change in &step.changes {
                change.apply(document);
            }
            if let Some(change) = &step.text {
                self.present.text = change.applied(&self.present.text).into();
                // It may not have been read before it was undone.
                self.present.is_unread = !self.present.text.is_empty();
            }
            self.past.push(step);
        }
    }

    pub(crate) fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub(crate) fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::History;
    use crate::document::value::{set, text};

    fn typed(history: &mut History, field: &str, words: &str) {
        for end in 1..=words.len() {
            history.type_into(field, |value| set(value, field, json!(words[..end])));
        }
    }

    fn history() -> History {
        History::new(json!({}))
    }

    #[test]
    fn typing_into_a_field_is_one_step() {
        let mut history = history();
        typed(&mut history, "a", "demo");
        history.rest();
        typed(&mut history, "a", "other");
        assert_eq!(text(history.present(), "a"), "other");
        history.undo();
        assert_eq!(text(history.present(), "a"), "demo");
        history.undo();
        assert_eq!(**history.present(), json!({}));
        assert!(!history.can_undo() && history.can_redo());
        history.redo();
        history.redo();
        assert_eq!(text(history.present(), "a"), "other");
        assert!(!history.can_redo());
    }

    #[test]
    fn a_text_that_is_typed_and_deleted_leaves_no_trace() {
        let mut history = history();
        history.edit(|value| set(value, "b", json!(1)));
        typed(&mut history, "a", "xy");
        history.type_into("a", |_| {});
        assert_eq!(**history.present(), json!({ "b": 1 }));
        typed(&mut history, "a", "z");
        history.undo();
        assert_eq!(**history.present(), json!({ "b": 1 }));
        history.undo();
        assert_eq!(**history.present(), json!({}));
        assert!(!history.can_undo());
    }

    #[test]
    fn a_change_after_undo_drops_redo() {
        let mut history = history();
        typed(&mut history, "a", "x");
        history.undo();
        typed(&mut history, "b", "y");
        assert!(!history.can_redo());
    }

    #[test]
    fn the_oldest_steps_are_forgotten() {
        let mut history = history();
        for number in 0..super::KEPT + 5 {
            history.edit(|value| set(value, "a", json!(number.to_string())));
        }
        let mut steps = 0;
        while history.can_undo() {
            history.undo();
            steps += 1;
        }
        assert_eq!(steps, super::KEPT);
        assert_eq!(text(history.present(), "a"), "4");
    }

    #[test]
    fn a_change_without_effect_is_not_a_step() {
        let mut history = history();
        history.edit(|_| {});
        assert!(!history.can_undo());
    }

    #[test]
    fn the_history_survives_json() {
        let mut history = history();
        typed(&mut history, "a", "x");
        typed(&mut history, "b", "y");
        history.undo();
        history.rest();
        let json = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history);
    }

    /// A text of one line is its document.
    fn read(history: &mut History) {
        if history.written().is_unread && !history.written().text.ends_with('[') {
            let document = json!({ "text": &*history.written().text });
            history.read(document);
        }
    }

    #[test]
    fn text_and_form_have_one_history() {
        let mut history = History::new(json!({ "text": "" }));
        for text in ["a", "ab"] {
            history.type_text(text);
            read(&mut history);
        }
        history.rest();
        history.edit(|value| set(value, "b", json!(1)));
        history.type_text("abc");
        history.type_text("abc[");
        read(&mut history);
        let mut states = vec![history.written().clone()];
        while history.can_undo() {
            history.undo();
            states.push(history.written().clone());
        }
        let seen: Vec<(String, &str, bool)> = states
            .iter()
            .map(|one| (one.document.to_string(), &*one.text, one.is_unread))
            .collect();
        let with_b = r#"{"text":"ab","b":1}"#;
        assert_eq!(
            seen,
            [
                (with_b.to_owned(), "abc[", true),
                (with_b.to_owned(), "ab", false),
                (r#"{"text":"ab"}"#.to_owned(), "ab", false),
                (r#"{"text":""}"#.to_owned(), "", false),
            ]
        );
        for state in states.iter().rev().skip(1) {
            history.redo();
            read(&mut history);
            assert_eq!(history.written(), state);
        }
    }

    #[test]
    fn a_text_that_was_undone_before_it_was_read_is_read_later() {
        let mut history = History::new(json!({ "text": "" }));
        history.type_text("a");
        history.rest();
        history.type_text("ab");
        read(&mut history);
        history.undo();
        assert_eq!(*history.written().text, *"a");
        read(&mut history);
        assert_eq!(**history.present(), json!({ "text": "a" }));
        history.redo();
        read(&mut history);
        assert_eq!(**history.present(), json!({ "text": "ab" }));
        history.undo();
        history.undo();
        assert_eq!(**history.present(), json!({ "text": "" }));
    }

    #[test]
    fn a_document_is_replaced_with_its_text() {
        let mut history = History::new(json!({}));
        history.type_text("a[");
        let opened = super::Written {
            document: json!({ "x": 1 }).into(),
            text: "# x\nx: 1\n".into(),
            is_unread: false,
        };
        history.replace(opened.clone());
        assert_eq!(*history.written(), opened);
        history.undo();
        assert!(history.written().is_unread);
        assert_eq!(*history.written().text, *"a[");
    }
}
