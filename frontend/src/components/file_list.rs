//! A list of files below headings, of which one is shown beside it.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::icon::Icon;
use super::virtual_list::{ListRows, Rows};
use crate::browser;

/// The height of a line of the list, in pixels, as the style sheet has it.
const LINE: f64 = 26.0;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    Heading(Heading),
    File(File),
}

/// The heading of the files of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Heading {
    pub(crate) name: String,
    /// What is to be said of the files, in short and in words.
    pub(crate) note: Option<(String, String)>,
}

/// A file of the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct File {
    pub(crate) path: String,
    /// Its name below the heading.
    pub(crate) name: String,
    /// A picture before the name, and the same in a word.
    pub(crate) mark: Option<(&'static str, &'static str)>,
}

impl Line {
    pub(crate) const fn file(&self) -> Option<&File> {
        match self {
            Self::File(file) => Some(file),
            Self::Heading(_) => None,
        }
    }
}

/// The files of a list, in order.
pub(crate) fn files(lines: &[Line]) -> impl Iterator<Item = &File> + Clone {
    lines.iter().filter_map(Line::file)
}

/// The name of a file below the heading of a folder.
pub(crate) fn name_below(path: &str, folder: &str) -> String {
    let name = path
        .rsplit_once(&format!("{folder}/"))
        .map_or(path, |(_, name)| name);
    name.strip_suffix(".yaml").unwrap_or(name).to_owned()
}

/// The list of files; the one that is shown is a tab stop, and the arrow keys lead to the others.
#[component]
pub(crate) fn FileList(
    id: &'static str,
    label: &'static str,
    lines: Memo<Vec<Line>>,
    /// The file that is shown.
    path: Memo<String>,
    choose: Callback<String>,
    /// What stands in place of a list without lines.
    none: &'static str,
) -> impl IntoView {
    let rows = Rows::new(Memo::new(move |_| lines.with(Vec::len)), LINE, ".files");
    let items = move |first: usize, end: usize| {
        lines.with(|lines| {
            let shown = lines.get(first..end.min(lines.len()));
            shown.unwrap_or_default().to_vec()
        })
    };
    let line = move |line: Line| match line {
        Line::Heading(heading) => view! { <HeadingLine heading /> }.into_any(),
        Line::File(file) => view! { <FileLine file path choose /> }.into_any(),
    };
    let step = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        let next = lines.with_untracked(|lines| {
            path.with_untracked(|path| {
                neighbour(lines, path, by).map(|(at, path)| (at, path.to_owned()))
            })
        });
        if let Some((index, file)) = next {
            rows.show(index);
            choose.run(file);
            request_animation_frame(|| {
                if let Some(current) = browser::find(".files [aria-current]") {
                    browser::focus(&current);
                }
            });
        }
    };
    view! {
        <nav class="files" id=id aria-label=label on:keydown=step>
            <ul>
                <ListRows rows items children=line />
            </ul>
            <p class="empty" hidden=move || !lines.with(Vec::is_empty)>{none}</p>
        </nav>
    }
}

/// The file that is some files after another one, with the index of its line.
fn neighbour<'l>(lines: &'l [Line], path: &str, by: isize) -> Option<(usize, &'l str)> {
    let lines = lines.iter().enumerate();
    let files: Vec<(usize, &str)> = lines
        .filter_map(|(index, line)| Some((index, line.file()?.path.as_str())))
        .collect();
    let at = files.iter().position(|(_, file)| *file == path)?;
    files.get(at.checked_add_signed(by)?).copied()
}

#[component]
fn HeadingLine(heading: Heading) -> impl IntoView {
    let Heading { name, note } = heading;
    let label = note.as_ref().map(|(_, words)| format!("{name}: {words}"));
    let note = note.map(|(short, words)| view! { <span class="muted" title=words>{short}</span> });
    view! { <li><h3 aria-label=label><span class="heading-name">{name}</span>{note}</h3></li> }
}

#[component]
fn FileLine(file: File, path: Memo<String>, choose: Callback<String>) -> impl IntoView {
    let File {
        path: own,
        name,
        mark,
    } = file;
    let label = match mark {
        Some((_, word)) => format!("{own}, {word}"),
        None => own.clone(),
    };
    let chosen = own.clone();
    let is_shown = Memo::new(move |_| path.with(|path| *path == own));
    let icon = mark.map(|(icon, _)| view! { <Icon name=icon /> });
    view! {
        <li>
            <button
                type="button"
                class="file"
                aria-label=label
                aria-current=move || is_shown.get().then_some("true")
                tabindex=move || if is_shown.get() { "0" } else { "-1" }
                on:click=move |_| choose.run(chosen.clone())
            >
                {icon}
                {name}
            </button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrow_keys_pass_headings() {
        let file = |path: &str| {
            Line::File(File {
                path: path.to_owned(),
                name: name_below(path, "west"),
                mark: None,
            })
        };
        let heading = Line::Heading(Heading {
            name: "west".to_owned(),
            note: None,
        });
        let lines = [file("mesh.yaml"), heading, file("west/60-a.b.yaml")];
        assert_eq!(
            neighbour(&lines, "mesh.yaml", 1),
            Some((2, "west/60-a.b.yaml"))
        );
        assert_eq!(
            neighbour(&lines, "west/60-a.b.yaml", -1),
            Some((0, "mesh.yaml"))
        );
        assert_eq!(neighbour(&lines, "west/60-a.b.yaml", 1), None);
        assert_eq!(neighbour(&lines, "elsewhere", 1), None);
        let names: Vec<&str> = files(&lines).map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["mesh", "60-a.b"]);
        assert_eq!(name_below("clusters/west/60-a.yaml", "west"), "60-a");
        assert_eq!(
            name_below("other/kustomization.yaml", "west"),
            "other/kustomization"
        );
    }
}
