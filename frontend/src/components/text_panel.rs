//! The document as text, beside the form: typing in either changes the other.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;
use shared::check::Severity;
use wasm_bindgen::closure::Closure;

use super::icon::Icon;
use crate::browser;
use crate::browser::editor::{Editor, Page};
use crate::state::{Store, renderer, writer};
use crate::text::complete;

/// Findings that are marked in the text.
const MARKED: usize = 500;

/// A finding, as the editor reads it.
#[derive(Serialize)]
struct Mark {
    line: u64,
    severity: &'static str,
    message: String,
}

#[component]
pub(crate) fn TextPanel() -> impl IntoView {
    let store = expect_context::<Store>();
    let parent = NodeRef::<html::Div>::new();
    let editor = StoredValue::new_local(None::<Editor>);
    // Set once the editor is open, so that what follows the document follows it too.
    let is_open = RwSignal::new(false);
    let failure = RwSignal::new(None::<String>);
    Effect::new(move || {
        let Some(parent) = parent.get() else { return };
        spawn_local(async move {
            // The text follows, see below.
            let opened = Editor::open(&parent, "", page(store)).await;
            match opened {
                Ok(opened) => {
                    // The panel may have been closed; then the editor is dropped.
                    if editor.try_set_value(Some(opened)).is_none() {
                        is_open.set(true);
                    }
                }
                Err(error) => _ = failure.try_set(Some(browser::message(&error))),
            }
        });
    });
    on_cleanup(move || editor.set_value(None));
    let text = Memo::new(move |_| store.shown_text());
    Effect::new(move || {
        if is_open.get()
            && let Some(text) = text.get()
        {
            with(editor, |editor| editor.set(&text));
        }
    });
    // What is typed into the text of an earlier document would revert the changes since.
    let is_late = Memo::new(move |_| store.unwritten().is_some());
    Effect::new(move || {
        let is_late = is_late.get();
        if is_open.get() {
            with(editor, |editor| editor.lock(is_late));
        }
    });
    Effect::new(move || {
        if is_open.get() {
            mark(store, editor, text.get());
        }
    });
    view! {
        <div class="fill">
            <Notes failure />
            <div id="document-text" node_ref=parent></div>
        </div>
    }
}

fn with(editor: StoredValue<Option<Editor>, LocalStorage>, act: impl FnOnce(&Editor)) {
    _ = editor.try_with_value(|editor| editor.as_ref().map(act));
}

/// What the editor asks the page for.
fn page(store: Store) -> Page {
    Page {
        changed: Closure::new(move |text: String| writer::type_text(store, &text)),
        suggest: Closure::new(move |before: String| {
            let found = complete::suggestions(&before, &store.now())?;
            serde_json::to_string(&found).ok()
        }),
        help: Closure::new(move |before: String, after: String| {
            let help = complete::help(&before, &after)?;
            serde_json::to_string(&help).ok()
        }),
    }
}

/// What is to be known about the text.
#[component]
fn Notes(failure: RwSignal<Option<String>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let error = move || {
        let why = store.text_error()?;
        let place = why
            .line
            .map_or_else(String::new, |line| format!("Line {line}: "));
        let hint = if why.hint.is_empty() {
            String::new()
        } else {
            format!("; {}", why.hint)
        };
        Some(view! {
            <p class="stale error" role="alert" id="text-error">
                <Icon name="error" />
                {format!(" {place}{}{hint}", why.message)}
                <br />
                <span class="muted">"The form can be changed again when the text can be read."</span>
            </p>
        })
    };
    let lost = Memo::new(move |_| store.text_of.get().is_some_and(|one| !one.made.is_kept));
    view! {
        {error}
        {move || failure.get().map(|why| view! {
            <p class="stale error" role="alert">
                {format!("The text editor did not load: {why}. {}", renderer::HINT)}
            </p>
        })}
        <p class="stale" hidden=move || !lost.get()>
            <Icon name="warning" />
            " The text was written anew, without its comments: the change cannot be made in the text as it was. Undo restores it."
        </p>
    }
}

/// Marks the findings at the lines of their fields.
fn mark(store: Store, editor: StoredValue<Option<Editor>, LocalStorage>, text: Option<Arc<str>>) {
    if let Some(why) = store.text_error() {
        let marks = [Mark {
            line: why.line.unwrap_or(1),
            severity: "error",
            message: format!("{}\n{}", why.message, why.hint),
        }];
        set_marks(editor, &marks);
        return;
    }
    let Some(text) = text else { return };
    let findings: Vec<_> = store.findings().into_iter().take(MARKED).collect();
    spawn_local(async move {
        let paths = findings.iter().map(|one| one.path.clone()).collect();
        let lines = writer::lines(text.to_string(), paths).await;
        // It was changed meanwhile, and is marked again.
        if untrack(|| store.shown_text()).as_ref() != Some(&text) {
            return;
        }
        let marks: Vec<Mark> = findings
            .into_iter()
            .zip(lines)
            .filter_map(|(finding, line)| {
                Some(Mark {
                    line: line?,
                    severity: match finding.severity {
                        Severity::Error => "error",
                        Severity::Warning => "warning",
                        Severity::Hint => "info",
                    },
                    message: format!("{}\n{}", finding.message, finding.hint),
                })
            })
            .collect();
        set_marks(editor, &marks);
    });
}

fn set_marks(editor: StoredValue<Option<Editor>, LocalStorage>, marks: &[Mark]) {
    // Marks have text keys only, so this does not fail.
    let json = serde_json::to_string(marks).unwrap_or_default();
    with(editor, |editor| editor.mark(&json));
}
