//! What differs from the version of the document that was downloaded or applied last: the files of each cluster, and
//! the diff of one.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::Icon;
use super::virtual_list::{ListRows, Rows};
use crate::result::highlight;
use crate::state::{Compared, Store, Tab, exchange, renderer};
use crate::workers::changes::{Change, FileChange, Group};
use crate::workers::rendering::Form;

/// The height of a line of the list, in pixels, as the style sheet has it.
const LINE: f64 = 26.0;

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

/// A line of the list of files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Line {
    /// A cluster or another heading, and the number of its changes in words.
    Group(String, String),
    /// A file, and its name below the heading.
    File(FileChange, String),
}

fn lines(groups: &[Group]) -> Vec<Line> {
    let mut lines = Vec::new();
    for group in groups {
        lines.push(Line::Group(group.name.clone(), group.words()));
        let folder = format!("{}/", group.name);
        lines.extend(group.files.iter().map(|file| {
            let name = file.path.strip_prefix(&folder).unwrap_or(&file.path);
            let name = name.strip_suffix(".yaml").unwrap_or(name).to_owned();
            Line::File(file.clone(), name)
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
    let chosen: RwSignal<Option<String>> = RwSignal::new(None);
    // The chosen file if it still differs, or else the first.
    let path = Memo::new(move |_| {
        lines.with(|lines| {
            let mut files = lines.iter().flatten().filter_map(|line| match line {
                Line::File(file, _) => Some(&file.path),
                Line::Group(..) => None,
            });
            let first = files.clone().next();
            let kept =
                chosen.with(|chosen| files.find(|path| Some(*path) == chosen.as_ref()).cloned());
            kept.or_else(|| first.cloned())
        })
    });
    move || match (lines.with(Option::is_none), path.with(Option::is_none)) {
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
                <Files lines path chosen />
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

#[component]
fn Files(
    lines: Memo<Option<Vec<Line>>>,
    path: Memo<Option<String>>,
    chosen: RwSignal<Option<String>>,
) -> impl IntoView {
    let count = Memo::new(move |_| lines.with(|lines| lines.as_ref().map_or(0, Vec::len)));
    let rows = Rows::new(count, LINE, ".files");
    let items = move |first: usize, end: usize| {
        lines.with(|lines| {
            let lines = lines.as_deref().unwrap_or_default();
            lines
                .get(first..end.min(lines.len()))
                .unwrap_or_default()
                .to_vec()
        })
    };
    let line = move |line: Line| match line {
        Line::Group(name, words) => view! {
            <li><h3>{name} " " <span class="muted">{words}</span></h3></li>
        }
        .into_any(),
        Line::File(file, name) => {
            let (own, target) = (file.path.clone(), file.path.clone());
            let is_shown = Memo::new(move |_| path.with(|path| path.as_ref() == Some(&own)));
            let label = format!("{}, {}", file.path, file.change.word());
            view! {
                <li>
                    <button
                        type="button"
                        class="file"
                        aria-label=label
                        aria-current=move || is_shown.get().then_some("true")
                        on:click=move |_| chosen.set(Some(target.clone()))
                    >
                        <Icon name=picture(file.change) />
                        {name}
                    </button>
                </li>
            }
            .into_any()
        }
    };
    view! {
        <nav class="files" aria-label="Changed files">
            <ul>
                <ListRows rows items children=line />
            </ul>
        </nav>
    }
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
fn Diff(path: Memo<Option<String>>) -> impl IntoView {
    let store = expect_context::<Store>();
    // The diff that was received last.
    let shown: RwSignal<Option<(String, String)>> = RwSignal::new(None);
    Effect::new(move || {
        if let (Some(path), Some(compared)) = (path.get(), store.compared.get()) {
            load(compared, path, shown);
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
                file("clusters/one/kustomization.yaml", Change::Removed),
            ],
        }];
        let lines = lines(&groups);
        assert_eq!(
            lines[0],
            Line::Group("one".to_owned(), "1 added, 1 removed".to_owned())
        );
        let names = lines.iter().filter_map(|line| match line {
            Line::File(_, name) => Some(name.as_str()),
            Line::Group(..) => None,
        });
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["60-a.b", "clusters/one/kustomization"]
        );
    }
}
