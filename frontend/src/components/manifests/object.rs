//! An object of a file: its heading, which folds and unfolds it, and its text.

use std::ops::Range;

use leptos::prelude::*;

use crate::components::icon::Icon;
use crate::result::folding::{Choices, LINES};
use crate::state::{Store, exchange};

/// What somebody chose to see of the file.
pub(super) type Folds = RwSignal<Choices>;

/// An object as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// Kind, namespace and name; empty for a text that is no object.
    pub(super) title: String,
    /// Its text, in bytes of the file's.
    pub(super) range: Range<usize>,
    /// The number of its first line in the file, from 0.
    pub(super) first_line: usize,
    /// Its lines; `None` if it is folded.
    pub(super) html: Option<String>,
    /// The number of lines that are not drawn while it is open.
    pub(super) rest: usize,
    /// The path of the part of the document that it derives from, and the same in words.
    pub(super) origin: Option<(String, String)>,
}

#[component]
pub(super) fn ObjectSection(
    title: String,
    part: Memo<Option<Part>>,
    /// Reads the YAML of the object.
    text: Callback<Part, String>,
    folds: Folds,
) -> impl IntoView {
    let heading =
        (!title.is_empty()).then(|| view! { <Heading title=title.clone() part text folds /> });
    let id = id_of(&title);
    let html = move || part.with(|part| part.as_ref()?.html.clone());
    let is_open = Memo::new(move |_| is_open(part));
    let counter = move || {
        let first = part.with(|part| part.as_ref().map_or(0, |part| part.first_line));
        format!("line {first}")
    };
    let rest = Memo::new(move |_| part.with(|part| part.as_ref().map_or(0, |part| part.rest)));
    let more = move |_| folds.update(|folds| folds.draw_more(&title));
    view! {
        <section class="object">
            {heading}
            <div id=id hidden=move || !is_open.get()>
                <pre style:counter-reset=counter inner_html=move || html().unwrap_or_default()></pre>
                <p class="more-lines" hidden=move || rest.get() == 0>
                    <button type="button" class="link" on:click=more>
                        {move || format!("Show {} of {} more lines", rest.get().min(LINES), rest.get())}
                    </button>
                </p>
            </div>
        </section>
    }
}

fn is_open(part: Memo<Option<Part>>) -> bool {
    part.with(|part| part.as_ref().is_some_and(|part| part.html.is_some()))
}

/// The id of the lines of an object. No name has an underscore.
fn id_of(title: &str) -> String {
    format!("object:{}", title.replace([' ', '/'], "_"))
}

#[component]
fn Heading(
    title: String,
    part: Memo<Option<Part>>,
    text: Callback<Part, String>,
    folds: Folds,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let is_open = Memo::new(move |_| is_open(part));
    let own = title.clone();
    let toggle = move |_| {
        let is_open = is_open.get_untracked();
        folds.update(|folds| folds.set_open(&own, !is_open));
    };
    let copy = move |_| {
        if let Some(part) = part.get_untracked() {
            exchange::copy(store, text.run(part), "Copied the object.");
        }
    };
    let label = format!("Copy {title}");
    let (kind, name) = title.split_once(' ').unwrap_or((title.as_str(), ""));
    let (kind, name) = (kind.to_owned(), name.to_owned());
    view! {
        <div class="object-head">
            <h3>
                <button
                    type="button"
                    class="fold"
                    aria-expanded=move || is_open.get().to_string()
                    aria-controls=id_of(&title)
                    on:click=toggle
                >
                    <Icon name="down" />
                    <span class="object-kind">{kind}</span>
                    " "
                    <span class="object-name">{name}</span>
                </button>
            </h3>
            <Origin part />
            <button type="button" class="quiet" aria-label=label on:click=copy>
                <Icon name="copy" />
                "Copy"
            </button>
        </div>
    }
}

/// The link to the part of the document that the object derives from.
#[component]
fn Origin(part: Memo<Option<Part>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let origin = Memo::new(move |_| part.with(|part| part.as_ref()?.origin.clone()));
    move || {
        let (path, words) = origin.get()?;
        let title = path.clone();
        Some(view! {
            <span class="object-origin">
                "from "
                <button type="button" class="link" title=title on:click=move |_| store.go_to(&path)>
                    {words}
                </button>
            </span>
        })
    }
}
