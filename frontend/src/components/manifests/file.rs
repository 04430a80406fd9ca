//! The file that is looked at: its objects, each with its text.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::object::{Folds, ObjectSection, Part};
use crate::browser;
use crate::components::icon::Icon;
use crate::form::place;
use crate::result::folding::{Choices, OBJECTS};
use crate::result::highlight::{self, Marks};
use crate::result::hits::Hits;
use crate::result::matching::matching_lines;
use crate::result::objects::{ObjectText, objects};
use crate::state::{Rendered, Store, View, exchange, renderer};

/// The text of the file, object by object; the lines that the last edit changed are marked for a moment.
#[component]
pub(super) fn File(path: Memo<String>, hits: Memo<Hits>) -> impl IntoView {
    let store = expect_context::<Store>();
    Effect::new(move || store.shown_file.set(Some(path.get())));
    on_cleanup(move || _ = store.shown_file.try_set(None));
    // Another file than the one that was rendered last.
    Effect::new(move || {
        let path = path.get();
        if let Some(rendered) = store.rendered.get() {
            load(store, rendered, path);
        }
    });
    let shown = Memo::new(move |last: Option<&Shown>| {
        let last = last.cloned().unwrap_or_default();
        store.view.with(|view| match view {
            Some(view) => last.followed_by(view),
            None => last,
        })
    });
    let folds: Folds = RwSignal::new(Choices::default());
    let shown_path = Memo::new(move |_| shown.with(|shown| shown.path.clone()));
    Effect::new(move || folds.update(|folds| folds.enter(&shown_path.get())));
    let current = current_line(store, shown, hits);
    follow(shown, folds, current);
    let parts = Memo::new(move |last: Option<&Drawing>| {
        let query = store.search.query.with(|query| query.text.clone());
        let current = current.get().map(|at| at.line);
        let origins = origins(store);
        shown.with(|shown| {
            folds.with(|folds| Drawing::new(shown, folds, &query, current, &origins, last))
        })
    });
    view! {
        <div class="text">
            <Path shown_path shown />
            <div
                class="yaml"
                class:old=move || !store.is_good()
                id="manifest"
                tabindex="0"
                role="region"
                aria-label="Text of the file"
            >
                <Objects shown parts folds />
            </div>
        </div>
    }
}

/// The path of the file, and the button that copies all of it.
#[component]
fn Path(shown_path: Memo<String>, shown: Memo<Shown>) -> impl IntoView {
    let store = expect_context::<Store>();
    let copy = move |_| {
        let text = shown.with_untracked(|shown| shown.text.to_string());
        exchange::copy(store, text, "Copied the file.");
    };
    view! {
        <div class="path">
            <code id="manifest-path">{move || shown_path.get()}</code>
            <Progress />
            <button type="button" class="quiet" aria-label="Copy the file" on:click=copy>
                <Icon name="copy" />
                "Copy"
            </button>
        </div>
    }
}

#[component]
fn Objects(shown: Memo<Shown>, parts: Memo<Drawing>, folds: Folds) -> impl IntoView {
    let titles = Memo::new(move |_| {
        parts.with(|drawing| {
            let titles = drawing.parts.iter().map(|part| part.title.clone());
            titles.collect::<Vec<_>>()
        })
    });
    let section = move |title: String| {
        let own = title.clone();
        let part = Memo::new(move |_| {
            parts.with(|drawing| drawing.parts.iter().find(|one| one.title == own).cloned())
        });
        let text = Callback::new(move |part: Part| {
            shown.with_untracked(|shown| {
                let text = shown.text.get(part.range);
                text.unwrap_or_default().to_owned()
            })
        });
        view! { <ObjectSection title part text folds /> }
    };
    let rest = Memo::new(move |_| parts.with(|drawing| drawing.rest));
    view! {
        <For each=move || titles.get() key=Clone::clone children=section />
        <Show when={move || rest.get() > 0}>
            <p class="more-lines">
                <button type="button" class="link" on:click=move |_| folds.update(Choices::draw_more_objects)>
                    {move || format!("Show {} of {} more objects", rest.get().min(OBJECTS), rest.get())}
                </button>
            </p>
        </Show>
    }
}

/// The file that is shown.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shown {
    path: String,
    text: Arc<str>,
    objects: Vec<ObjectText>,
    /// Its text before the last change.
    before: Option<Arc<str>>,
}

impl Shown {
    /// The file that was received last, with its text before.
    fn followed_by(self, view: &View) -> Self {
        if view.path == self.path && view.text == *self.text {
            return self;
        }
        Self {
            before: (view.path == self.path).then_some(self.text),
            path: view.path.clone(),
            objects: objects(&view.text),
            text: view.text.as_str().into(),
        }
    }
}

/// All that is drawn of a file.
#[derive(Debug, Clone, Default, PartialEq)]
struct Drawing {
    text: Arc<str>,
    parts: Vec<Part>,
    /// The number of objects that are not drawn.
    rest: usize,
}

impl Drawing {
    /// `origins` has the path of the origin of each object, and the same in words.
    fn new(
        shown: &Shown,
        folds: &Choices,
        needle: &str,
        current: Option<usize>,
        origins: &[(String, String)],
        last: Option<&Self>,
    ) -> Self {
        // Lines are marked as new once, not when they are drawn again for a search.
        let is_new = last.is_some_and(|last| !Arc::ptr_eq(&last.text, &shown.text));
        let before = shown.before.as_deref().filter(|_| is_new);
        let marks = Marks {
            known: before.map(|before| before.lines().collect::<BTreeSet<_>>()),
            needle,
            current,
        };
        let drawn = folds.drawn(&shown.objects);
        let parts = shown.objects.iter().zip(&drawn).enumerate();
        let parts = parts.map(|(index, (object, drawn))| {
            let html = drawn.is_open.then(|| {
                let lines = object.of(&shown.text).lines().take(drawn.lines);
                highlight::yaml(lines, object.first_line, &marks)
            });
            Part {
                title: object.title.clone(),
                range: object.range.clone(),
                first_line: object.first_line,
                html,
                rest: object.lines - drawn.lines,
                origin: origins.get(index).cloned(),
            }
        });
        Self {
            text: shown.text.clone(),
            parts: parts.collect(),
            rest: shown.objects.len() - drawn.len(),
        }
    }
}

/// The path of the origin of each object of the file, and the same in words.
fn origins(store: Store) -> Vec<(String, String)> {
    store.view.with(|view| {
        let view = view.iter();
        let origins = view.flat_map(|view| view.origins.iter().map(|path| (&view.of, path)));
        origins
            .map(|(of, path)| (path.clone(), place::words(of, path)))
            .collect()
    })
}

/// The line that the search is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    /// Its index in the result of the search.
    hit: usize,
    /// Its number in the file.
    line: usize,
}

/// The line of the shown file that the search is at.
fn current_line(store: Store, shown: Memo<Shown>, hits: Memo<Hits>) -> Memo<Option<At>> {
    Memo::new(move |_| {
        let hit = store.search.hit.get()?;
        let needle = store.search.query.with(|query| query.text.clone());
        hits.with(|hits| {
            let at = hits.at(hit)?;
            shown.with(|shown| {
                let lines = (at.path == shown.path).then(|| matching_lines(&shown.text, &needle));
                let line = *lines?.get(at.nth?)?;
                Some(At { hit, line })
            })
        })
    })
}

/// Draws the line that the search is at, and scrolls to it when it has gone to another one.
fn follow(shown: Memo<Shown>, folds: Folds, current: Memo<Option<At>>) {
    Effect::new(move |last: Option<Option<usize>>| {
        let At { hit, line } = current.get()?;
        if last.flatten() == Some(hit) {
            return Some(hit);
        }
        shown.with_untracked(|shown| {
            folds.update(|folds| {
                folds.enter(&shown.path);
                folds.reveal(&shown.objects, line);
            });
        });
        // After it has been drawn.
        request_animation_frame(move || {
            if let Some(line) = browser::find(&format!("#manifest [data-line=\"{line}\"]")) {
                browser::scroll_to(&line);
            }
        });
        Some(hit)
    });
}

/// How many of the manifests are rendered. It appears late, so that it does not flicker.
#[component]
fn Progress() -> impl IntoView {
    let store = expect_context::<Store>();
    move || {
        let (done, total) = store.rendering.get()?;
        Some(view! {
            <span class="late muted" role="status">
                {format!("Rendering: {done} of {total}")}
            </span>
        })
    }
}

/// Requests a file, unless it is there.
fn load(store: Store, rendered: Arc<Rendered>, path: String) {
    let is_there = store.view.with_untracked(|view| {
        view.as_ref()
            .is_some_and(|view| view.path == path && Arc::ptr_eq(&view.of, &rendered.of))
    });
    // The worker renders a later document, and this file of it first: the one before would be rendered again.
    let is_late = untrack(|| store.unrendered()).is_some()
        && store.unrenderable.with_untracked(Option::is_none);
    if is_there || is_late {
        return;
    }
    spawn_local(async move {
        let file = renderer::file(path.clone(), &rendered.of).await;
        let is_last = store.rendered.with_untracked(|last| {
            last.as_ref()
                .is_some_and(|last| Arc::ptr_eq(last, &rendered))
        });
        // Another file may have been chosen meanwhile.
        let is_shown = store
            .shown_file
            .with_untracked(|shown| shown.as_ref() == Some(&path));
        if let Ok(file) = file
            && is_last
            && is_shown
        {
            store.view.set(Some(Arc::new(View {
                of: rendered.of.clone(),
                path,
                text: file.text,
                origins: file.origins,
            })));
        }
    });
}
