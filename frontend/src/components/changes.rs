//! What differs from the version of the document that was downloaded or applied last: the files of each cluster, and
//! the diff of one.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::file_list::{File, FileList, Heading, Line, files, name_below};
use super::icon::Icon;
use crate::result::highlight;
use crate::state::{Compared, Store, Tab, exchange, renderer};
use crate::workers::changes::{Change, Group};
use crate::workers::rendering::Form;

#[component]
pub(crate) fn Changes() -> impl IntoView {
    let store = expect_context::<Store>();
    let is_delivered = Memo::new(move |_| store.delivered.with(Option::is_some));
    view! {
        <div class="fill">
            <Show when=move || is_delivered.get() fallback=|| view! { <Start /> }>
                <Bar />
                <Body />
            </Show>
        </div>
    }
}

/// The empty state, before the first download or apply.
#[component]
fn Start() -> impl IntoView {
    view! {
        <div class="start">
            <h2>"No version to compare with"</h2>
            <p>
                "After a download of the manifests or an apply, this tab shows what the next changes of the document \
                 mean for each cluster."
            </p>
        </div>
    }
}

/// The version that the document is compared with, and the text for a pull request.
#[component]
fn Bar() -> impl IntoView {
    let store = expect_context::<Store>();
    let since = move || {
        let delivered = store.delivered.get();
        delivered.map(|one| format!("Since {}", one.words()))
    };
    let has_changes = move || {
        store.compared.with(|last| {
            let last = last.as_ref();
            last.is_some_and(|last| !last.changes.groups.is_empty())
        })
    };
    view! {
        <div class="names-bar changes-bar">
            <p class="muted" id="changes-since">{since}</p>
            <button
                type="button"
                id="copy-pull-request"
                disabled=move || !has_changes() || store.uncompared().is_some()
                on:click=move |_| copy_text(store)
            >
                <Icon name="copy" />
                "Copy text for a pull request"
            </button>
        </div>
        <p class="stale" hidden=move || store.is_good()>
            <Icon name="warning" />
            " The document has errors; these changes are of its last valid version. "
            <button type="button" class="link" on:click=move |_| store.tab.set(Tab::Findings)>
                "Show the errors"
            </button>
        </p>
    }
}

/// Copies the text about the changes that are shown.
fn copy_text(store: Store) {
    let (Some(delivered), Some(compared)) = (
        store.delivered.get_untracked(),
        store.compared.get_untracked(),
    ) else {
        return;
    };
    spawn_local(async move {
        let form = Form::PullRequest(delivered.words());
        match renderer::text(form, &compared.after).await {
            Ok(text) => exchange::copy(store, text, "Copied the text for a pull request."),
            Err(error) => store.fail(format!("Cannot write the text: {error}"), renderer::HINT),
        }
    });
}

fn lines(groups: &[Group]) -> Vec<Line> {
    let mut lines = Vec::new();
    for group in groups {
        lines.push(Line::Heading(Heading {
            name: group.name.clone(),
            note: Some((group.symbols(), group.words())),
        }));
        lines.extend(group.files.iter().map(|file| {
            Line::File(File {
                path: file.path.clone(),
                name: name_below(&file.path, &group.name),
                mark: Some((picture(file.change), file.change.word())),
            })
        }));
    }
    lines
}

#[component]
fn Body() -> impl IntoView {
    let store = expect_context::<Store>();
    let lines = Memo::new(move |_| {
        let compared = store.compared.get();
        // Of another mesh, until the worker has responded.
        let compared = compared.filter(|compared| {
            store.delivered.with(|last| {
                last.as_ref()
                    .is_some_and(|last| last.document == compared.before)
            })
        });
        compared.map(|compared| lines(&compared.changes.groups))
    });
    let listed = Memo::new(move |_| lines.get().unwrap_or_default());
    let chosen: RwSignal<Option<String>> = RwSignal::new(None);
    // The chosen file if it still differs, or else the first.
    let path = Memo::new(move |_| {
        listed.with(|lines| {
            let mut paths = files(lines).map(|file| &file.path);
            let first = paths.clone().next();
            let kept = chosen.with(|chosen| paths.find(|path| Some(*path) == chosen.as_ref()));
            kept.or(first).cloned().unwrap_or_default()
        })
    });
    move || match (lines.with(Option::is_none), listed.with(Vec::is_empty)) {
        (true, _) => view! { <Waiting /> }.into_any(),
        (false, true) => view! {
            <div class="start">
                <h2>"No changes"</h2>
                <p>"The manifests of all clusters are the same as in that version."</p>
            </div>
        }
        .into_any(),
        (false, false) => view! {
            <div class="manifests">
                <FileList
                    id="changed-files"
                    label="Changed files"
                    lines=listed
                    path
                    choose=Callback::new(move |path| chosen.set(Some(path)))
                    none=""
                />
                <Diff path />
            </div>
        }
        .into_any(),
    }
}

/// What is shown until there is a comparison.
#[component]
fn Waiting() -> impl IntoView {
    let store = expect_context::<Store>();
    let words = move || match (store.incomparable.get(), store.is_good()) {
        (Some(why), _) => format!("Cannot compare with that version: {why}."),
        (None, true) => "Comparing…".to_owned(),
        (None, false) => "The changes appear once the document has no errors.".to_owned(),
    };
    view! { <div class="start"><p class="late muted" role="status">{words}</p></div> }
}

/// The picture of a change, as in the review.
const fn picture(change: Change) -> &'static str {
    match change {
        Change::Added => "plus",
        Change::Changed => "change",
        Change::Removed => "delete",
    }
}

/// The diff of one file.
#[component]
fn Diff(path: Memo<String>) -> impl IntoView {
    let store = expect_context::<Store>();
    // The diff that was received last.
    let shown: RwSignal<Option<(String, String)>> = RwSignal::new(None);
    Effect::new(move || {
        if let Some(compared) = store.compared.get() {
            load(compared, path.get(), shown);
        }
    });
    let name = move || shown.with(|shown| shown.as_ref().map(|(path, _)| path.clone()));
    let html = move || {
        shown.with(|shown| {
            let diff = shown.as_ref().map(|(_, diff)| diff.as_str());
            highlight::diff(diff.unwrap_or_default())
        })
    };
    let copy = move |_| {
        let text = shown.with_untracked(|shown| shown.as_ref().map(|(_, diff)| diff.clone()));
        exchange::copy(store, text.unwrap_or_default(), "Copied.");
    };
    view! {
        <div class="text">
            <div class="path">
                <code id="change-path">{name}</code>
                <button type="button" class="quiet" aria-label="Copy the diff" on:click=copy>
                    <Icon name="copy" />
                    "Copy"
                </button>
            </div>
            <pre class="diff" id="change" tabindex="0" role="region" aria-label="Diff of the file" inner_html=html></pre>
        </div>
    }
}

fn load(compared: Arc<Compared>, path: String, shown: RwSignal<Option<(String, String)>>) {
    spawn_local(async move {
        // An error is shown with the next comparison, which has the same cause.
        if let Ok(diff) = renderer::text(Form::Diff(path.clone()), &compared.after).await {
            // The tab may have been closed meanwhile.
            _ = shown.try_set(Some((path, diff)));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::changes::FileChange;

    #[test]
    fn files_are_named_below_their_cluster() {
        let file = |path: &str, change| FileChange {
            path: path.to_owned(),
            change,
        };
        let groups = [Group {
            name: "one".to_owned(),
            files: vec![
                file("one/60-a.b.yaml", Change::Added),
                file("other/kustomization.yaml", Change::Removed),
            ],
        }];
        let lines = lines(&groups);
        let Line::Heading(heading) = &lines[0] else {
            panic!("{lines:?}")
        };
        let note = heading.note.clone().unwrap();
        assert_eq!(note, ("+1 −1".to_owned(), "1 added, 1 removed".to_owned()));
        let names: Vec<&str> = files(&lines).map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["60-a.b", "other/kustomization"]);
    }
}
