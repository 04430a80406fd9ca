//! A field of the form: label above, editor, findings below. The editor's id is the path in the document.

use leptos::html::{self, ElementType};
use leptos::prelude::*;
use shared::check::Finding;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlInputElement, HtmlTextAreaElement};

use crate::document::{clusters, value};
use crate::form::{clusters_of, field, label, placeholder, text};
use crate::schema::{self, Choice, Kind};
use crate::state::Store;

/// Columns from which a list of values has their descriptions.
const WIDE: u8 = 6;

/// Clusters up to which a list of clusters is a row of checkboxes.
const TICKED: usize = 16;

/// A field with its label and its findings.
#[component]
pub(crate) fn Field(
    path: String,
    /// Columns of twelve.
    width: u8,
) -> impl IntoView {
    let class = format!("field w{width}");
    let label = label::of(&path);
    let body = match field::kind(&path) {
        Kind::Clusters => return view! { <ClusterTicks path class legend=label /> }.into_any(),
        Kind::Set(choices) => {
            return view! { <SetTicks path class legend=label choices /> }.into_any();
        }
        Kind::Choice(_) | Kind::Flag => {
            view! { <SelectEditor path=path.clone() is_wide={width >= WIDE} /> }.into_any()
        }
        Kind::Lines | Kind::Pairs { .. } => view! { <LinesEditor path=path.clone() /> }.into_any(),
        _ => view! { <TextEditor path=path.clone() /> }.into_any(),
    };
    view! {
        <div class=class>
            <label for=path.clone()>{label}</label>
            {body}
            <Errors path=path.clone() />
        </div>
        <Notes path />
    }
    .into_any()
}

/// The text input of a field.
#[component]
pub(crate) fn TextEditor(
    path: String,
    /// Set where no label is beside it.
    #[prop(optional)]
    label: Option<String>,
    /// Replaces the placeholder of the field.
    #[prop(optional)]
    placeholder: Option<Memo<String>>,
    /// The id of a list of suggestions.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let value = store.text(path.clone());
    let placeholder = placeholder.unwrap_or_else(|| default_text(store, path.clone()));
    let input = NodeRef::<html::Input>::new();
    let state = EditorState::of(store, &path);
    let is_number = matches!(field::kind(&path), Kind::Number);
    let own = StoredValue::new(path.clone());
    let left = follow_document(store, own, value, input);
    view! {
        <input
            node_ref=input
            class="text"
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            id=path
            aria-label=label
            list=list
            inputmode=is_number.then_some("numeric")
            placeholder=move || placeholder.get()
            aria-invalid=move || state.invalid()
            aria-describedby=move || state.described_by()
            on:input:target=move |event| own.with_value(|path| store.type_into(path, &event.target().value()))
            on:focus=move |_| own.with_value(|path| store.enter(path))
            on:blur=left
        />
    }
}

/// The editor of a field with an entry a line.
#[component]
fn LinesEditor(path: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let value = store.text(path.clone());
    let placeholder = default_text(store, path.clone());
    let input = NodeRef::<html::Textarea>::new();
    let state = EditorState::of(store, &path);
    let own = StoredValue::new(path.clone());
    let left = follow_document(store, own, value, input);
    view! {
        <textarea
            node_ref=input
            class="text"
            autocomplete="off"
            spellcheck="false"
            id=path
            rows=move || value.with(|value| value.lines().count().clamp(1, 8)).to_string()
            placeholder=move || placeholder.get()
            aria-invalid=move || state.invalid()
            aria-describedby=move || state.described_by()
            on:input:target=move |event| own.with_value(|path| store.type_into(path, &event.target().value()))
            on:focus=move |_| own.with_value(|path| store.enter(path))
            on:blur=left
        ></textarea>
    }
}

/// An input whose text the user types.
trait Typed {
    fn text(&self) -> String;
    fn set_text(&self, text: &str);
}

impl Typed for HtmlInputElement {
    fn text(&self) -> String {
        self.value()
    }

    fn set_text(&self, text: &str) {
        self.set_value(text);
    }
}

impl Typed for HtmlTextAreaElement {
    fn text(&self) -> String {
        self.value()
    }

    fn set_text(&self, text: &str) {
        self.set_value(text);
    }
}

/// Shows the value of the field with a path in its input. The result handles that the input loses the focus.
fn follow_document<E>(
    store: Store,
    path: StoredValue<String>,
    value: Memo<String>,
    input: NodeRef<E>,
) -> impl Fn(FocusEvent)
where
    E: ElementType,
    E::Output: Typed + AsRef<Element> + JsCast + Clone + 'static,
{
    // A text stays as it was typed as long as its value is that of the document.
    Effect::new(move || {
        let value = value.get();
        let Some(input) = input.get() else { return };
        let typed = input.text();
        if typed != value
            && !(is_focused(input.as_ref())
                && path.with_value(|path| field::reads_as(&store.now(), path, &typed)))
        {
            input.set_text(&value);
        }
    });
    move |_| {
        // An input that is removed while it has the focus is left as well.
        path.try_with_value(|path| store.leave(path));
        if let (Some(input), Some(value)) = (
            input.try_get_untracked().flatten(),
            value.try_get_untracked(),
        ) {
            input.set_text(&value);
        }
    }
}

/// A field with a few values.
#[component]
fn SelectEditor(path: String, is_wide: bool) -> impl IntoView {
    let store = expect_context::<Store>();
    let value = store.text(path.clone());
    let default = default_text(store, path.clone());
    let state = EditorState::of(store, &path);
    let own = StoredValue::new(path.clone());
    let known = move || -> Vec<(String, String)> {
        match own.with_value(|path| field::kind(path)) {
            Kind::Choice(choices) => {
                let words = |one: &Choice| {
                    if is_wide {
                        label_of(one)
                    } else {
                        one.value.clone()
                    }
                };
                choices
                    .iter()
                    .map(|one| (one.value.clone(), words(one)))
                    .collect()
            }
            _ => ["true", "false"]
                .map(|one| (one.to_owned(), one.to_owned()))
                .into(),
        }
    };
    let options = move || {
        let now = value.get();
        let default = default.get();
        let unset = if default.is_empty() {
            "not set".to_owned()
        } else {
            format!("default: {default}")
        };
        let mut options = vec![(String::new(), unset)];
        options.extend(known());
        // The current value is always an option, even if it is invalid.
        if !options.iter().any(|(known, _)| *known == now) {
            options.push((now.clone(), now.clone()));
        }
        options
            .into_iter()
            .map(|(value, words)| {
                let is_chosen = value == now;
                view! { <option value=value selected=is_chosen>{words}</option> }
            })
            .collect_view()
    };
    view! {
        <select
            id=path
            prop:value=move || value.get()
            aria-invalid=move || state.invalid()
            aria-describedby=move || state.described_by()
            on:change:target=move |event| own.with_value(|path| store.type_into(path, &event.target().value()))
            on:focus=move |_| own.with_value(|path| store.enter(path))
            on:blur=move |_| _ = own.try_with_value(|path| store.leave(path))
        >
            {options}
        </select>
    }
}

/// A value with its description.
pub(crate) fn label_of(choice: &Choice) -> String {
    if choice.description.is_empty() {
        choice.value.clone()
    } else {
        format!(
            "{}: {}",
            choice.value,
            choice.description.trim_end_matches('.')
        )
    }
}

/// Checkboxes for the clusters of a list; a text for many.
#[component]
fn ClusterTicks(path: String, class: String, legend: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let shown = Memo::new(move |_| store.with(|document| clusters_of::shown(document, &own)));
    let is_few = Memo::new(move |_| shown.with(Vec::len) <= TICKED);
    let own = path.clone();
    let body = move || {
        if !is_few.get() {
            return view! { <TextEditor path=own.clone() label=label::long(&own) /> }.into_any();
        }
        let own = own.clone();
        let tick = move |name: String| {
            let (path, shown) = (own.clone(), name.clone());
            let (of, to) = (name.clone(), name);
            let at = own.clone();
            view! {
                <Tick
                    words=shown
                    is_ticked=Signal::derive(move || store.with(|document| clusters_of::has(document, &path, &of)))
                    set=Callback::new(move |ticked| store.edit(|document| clusters_of::set(document, &at, &to, ticked)))
                />
            }
        };
        view! {
            <div class="ticks">
                <For each=move || shown.get() key=Clone::clone children=tick />
            </div>
        }
        .into_any()
    };
    // The text editor has the id itself.
    let id = path.clone();
    let focused = path.clone();
    view! {
        <fieldset
            class=class
            id=move || is_few.get().then(|| id.clone())
            tabindex="-1"
            on:focusin=move |_| store.focused.set(Some(focused.clone()))
        >
            <legend>{legend}</legend>
            {body}
            <Errors path=path.clone() is_always=true />
        </fieldset>
        <Notes path />
    }
}

/// Checkboxes for the values of a list.
#[component]
fn SetTicks(
    path: String,
    class: String,
    legend: String,
    choices: &'static [Choice],
) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = StoredValue::new(path.clone());
    let has = move |name: &str| {
        store.with(|document| {
            own.with_value(|path| value::items(document, path).iter().any(|one| one == name))
        })
    };
    let set = move |name: &'static str, ticked: bool| {
        // In the order of the choices, whatever the order of the clicks.
        let is_in = |one: &&Choice| {
            if one.value == name {
                ticked
            } else {
                untrack(|| has(&one.value))
            }
        };
        let chosen: Vec<&str> = choices
            .iter()
            .filter(is_in)
            .map(|one| one.value.as_str())
            .collect();
        own.with_value(|path| {
            store.edit(|document| {
                clusters::set_field(
                    document,
                    path,
                    text::parse(field::kind(path), &chosen.join(" ")),
                );
            });
        });
    };
    let ticks = choices.iter().map(|choice| {
        let name = choice.value.as_str();
        view! {
            <Tick
                words=name.to_owned()
                id=format!("{}-{name}", path.rsplit('.').next().unwrap_or_default().trim_end_matches('s'))
                is_ticked=Signal::derive(move || has(name))
                set=Callback::new(move |ticked| set(name, ticked))
            />
        }
    });
    let ticks = ticks.collect_view();
    let default = default_text(store, path.clone());
    let is_unset = path.clone();
    let focused = path.clone();
    view! {
        <fieldset
            class=class
            id=path.clone()
            tabindex="-1"
            on:focusin=move |_| store.focused.set(Some(focused.clone()))
        >
            <legend>
                {legend}
                {move || {
                    let default = default.get();
                    let words = format!(" ({default} by default)");
                    (!default.is_empty() && !store.is_set(&is_unset)).then_some(words)
                }}
            </legend>
            <div class="ticks">{ticks}</div>
            <Errors path=path.clone() is_always=true />
        </fieldset>
        <Notes path />
    }
}

/// A checkbox with its label.
#[component]
pub(crate) fn Tick(
    words: String,
    #[prop(optional, into)] id: Option<String>,
    is_ticked: Signal<bool>,
    set: Callback<bool>,
) -> impl IntoView {
    view! {
        <label class="tick">
            <input
                type="checkbox"
                id=id
                prop:checked=is_ticked
                on:change:target=move |event| set.run(event.target().checked())
            />
            {words}
        </label>
    }
}

/// The default of a field, which may depend on the document.
fn default_text(store: Store, path: String) -> Memo<String> {
    Memo::new(move |_| store.with(|document| placeholder::of(document, &path)))
}

/// Whether an editor is invalid, and which elements describe it.
#[derive(Clone, Copy)]
struct EditorState {
    path: StoredValue<String>,
    is_invalid: Memo<bool>,
    has_notes: Memo<bool>,
}

impl EditorState {
    fn of(store: Store, path: &str) -> Self {
        let path = StoredValue::new(path.to_owned());
        Self {
            path,
            is_invalid: Memo::new(move |_| {
                path.with_value(|path| !store.shown_errors(path).is_empty())
            }),
            has_notes: Memo::new(move |_| path.with_value(|path| !store.notes_at(path).is_empty())),
        }
    }

    fn invalid(self) -> Option<&'static str> {
        self.is_invalid.get().then_some("true")
    }

    fn described_by(self) -> String {
        let ids = [
            (self.is_invalid.get(), "error"),
            (self.has_notes.get(), "notes"),
        ];
        let ids = ids.into_iter().filter(|(is_there, _)| *is_there);
        let ids: Vec<String> = self
            .path
            .with_value(|path| ids.map(|(_, sort)| id(sort, path)).collect());
        // The help of the field that has the focus.
        let ids = ids.into_iter().chain([HELP.to_owned()]);
        ids.collect::<Vec<_>>().join(" ")
    }
}

/// The id of the element with the help of the field that has the focus.
pub(crate) const HELP: &str = "field-help";

/// The id of the element with findings of a field.
fn id(sort: &str, path: &str) -> String {
    format!("{sort}:{path}")
}

fn is_focused(input: &Element) -> bool {
    document().active_element().as_ref() == Some(input)
}

/// The errors of a field, with hints.
#[component]
pub(crate) fn Errors(
    path: String,
    /// Whether the label of the field is added.
    #[prop(optional)]
    named: bool,
    /// Whether they are shown before the field was left.
    #[prop(optional)]
    is_always: bool,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let found = Memo::new(move |_| {
        if is_always {
            store.errors_at(&own)
        } else {
            store.shown_errors(&own)
        }
    });
    view! { <Found found path class="errors" named /> }
}

/// Warnings and hints about the text of a field, with its label.
#[component]
pub(crate) fn Notes(path: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let found = Memo::new(move |_| store.notes_at(&own));
    view! { <Found found path class="notes" named=true /> }
}

/// Findings with message and hint; nothing is drawn without one.
#[component]
fn Found(
    found: Memo<Vec<Finding>>,
    path: String,
    class: &'static str,
    named: bool,
) -> impl IntoView {
    let id = id(if class == "errors" { "error" } else { "notes" }, &path);
    let name = if named {
        format!("{}: ", label::of(&path))
    } else {
        String::new()
    };
    move || {
        let lines = found.get();
        (!lines.is_empty()).then(|| {
            let lines = lines.into_iter().map(|one| {
                view! {
                    <p class=one.severity.as_str()>
                        {name.clone()} <strong>{one.message}</strong> {format!(". {}", sentence(&one.hint))}
                    </p>
                }
            });
            view! { <div class=class id=id.clone()>{lines.collect_view()}</div> }
        })
    }
}

/// A hint as a sentence.
fn sentence(hint: &str) -> String {
    let mut chars = hint.chars();
    let first = chars
        .next()
        .map(|c| c.to_ascii_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// The help of the field that has the focus, in one place, so that nothing moves.
#[component]
pub(crate) fn Help() -> impl IntoView {
    let store = expect_context::<Store>();
    let help = move || {
        let path = store.focused.get()?;
        let schema = schema::at(&path)?;
        let words = placeholder::plain(&schema.description);
        let value = store.with(|document| field::text_of(document, &path));
        let chosen = match &schema.kind {
            Kind::Choice(choices) => choices.iter().find(|one| one.value == value),
            _ => None,
        };
        let chosen = chosen
            .filter(|one| !one.description.is_empty())
            .map(|one| format!(" {}", label_of(one)));
        let default = schema
            .default
            .as_ref()
            .map(|default| format!(" Default: {default}."));
        let format = (!schema.format.is_empty())
            .then(|| format!(" ({})", placeholder::plain(&schema.format)));
        Some(view! {
            <code>{path}</code>
            {format}
            " "
            {words}
            {default}
            {chosen}
        })
    };
    view! { <p class="help" id=HELP>{help}</p> }
}
