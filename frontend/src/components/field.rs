//! Fields of the form: label above, input, findings below.

use shared::check::Finding;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlInputElement;

use crate::browser;
use crate::browser::dom::{El, depend, effect, el, el_in, text, value_of};
use crate::browser::signals::*;
use crate::form::field::Field;
use crate::state::Store;

/// A text field.
pub(crate) fn text_field(store: Store, field: Field, class: &str, list: &str) -> [El; 2] {
    let input = input(store, field, None).attr("list", list);
    labelled(store, field, class, input)
}

/// A field with a list of options.
pub(crate) fn select_field(
    store: Store,
    field: Field,
    class: &str,
    options: impl Fn() -> Vec<(String, String)> + 'static,
) -> [El; 2] {
    let value = memo(move || store.with(|mesh| field.get(mesh)));
    let select = marked(store, field, el("select"))
        .content(move || {
            let mut options = options();
            let now = value.get();
            // The current value is always an option, even if it is invalid.
            if !options.iter().any(|(known, _)| *known == now) {
                options.push((now.clone(), now.clone()));
            }
            options
                .iter()
                .map(|(known, words)| option(known, words, *known == now))
                .collect()
        })
        .on("change", move |event| {
            store.type_into(field, &value_of(&event));
        })
        .on("blur", move |_| store.leave(field));
    labelled(store, field, class, select)
}

/// An option of a select.
pub(crate) fn option(value: &str, words: &str, is_chosen: bool) -> El {
    let option = text("option", words).attr("value", value);
    if is_chosen {
        option.attr("selected", "")
    } else {
        option
    }
}

/// A field, and its findings, which are below its row.
fn labelled(store: Store, field: Field, class: &str, input: El) -> [El; 2] {
    let labelled = el_in("div", &format!("field {class}"))
        .add(text("label", field.label()).attr("for", &field.path()))
        .add(input)
        .add(errors(store, field, false));
    [labelled, notes(store, field)]
}

/// A text input in a cell of a table.
pub(crate) fn cell(store: Store, field: Field) -> El {
    input(store, field, None).attr("aria-label", &field.long_label())
}

/// The text input of a field. Its id is the path in the document. `placeholder` replaces that of the field.
pub(crate) fn input(store: Store, field: Field, placeholder: Option<Memo<String>>) -> El {
    let value = memo(move || store.with(|mesh| field.get(mesh)));
    let placeholder =
        placeholder.unwrap_or_else(|| memo(move || store.with(|mesh| field.placeholder(mesh))));
    let input = marked(store, field, el_in("input", "text"))
        .attr("type", "text")
        .attr("autocomplete", "off")
        .attr("autocapitalize", "off")
        .attr("spellcheck", "false")
        .set("placeholder", move || Some(placeholder.get()))
        .on("input", move |event| {
            store.type_into(field, &value_of(&event));
        })
        .on("focus", move |_| store.enter(field));
    let input = if field.is_number() {
        input.attr("inputmode", "numeric")
    } else {
        input
    };
    let element: HtmlInputElement = input.element().clone().unchecked_into();
    let left = element.clone();
    // A text stays as it was typed as long as its value is that of the document.
    effect(move || {
        let value = value.get();
        let typed = element.value();
        if typed != value && !(is_focused(&element) && field.reads_as(&store.now(), &typed)) {
            element.set_value(&value);
        }
    });
    input.on("blur", move |_| {
        store.leave(field);
        // An input that is removed while it has the focus is left as well.
        if let Some(value) = value.last() {
            left.set_value(&value);
        }
    })
}

fn is_focused(input: &HtmlInputElement) -> bool {
    let input: &JsValue = input;
    browser::document()
        .active_element()
        .is_some_and(|active| JsValue::from(active) == *input)
}

/// Sets an input's id, whether it is invalid, and which element describes it.
fn marked(store: Store, field: Field, input: El) -> El {
    let path = field.path();
    let input = input.id(&path);
    let invalid = memo(move || !store.shown_errors(&path).is_empty());
    let has_notes = memo(move || !store.notes_at(field).is_empty());
    input
        .set("aria-invalid", move || {
            invalid.get().then(|| "true".to_owned())
        })
        .set("aria-describedby", move || {
            let errors = invalid.get().then(|| id("error", field));
            let notes = has_notes.get().then(|| id("notes", field));
            let ids: Vec<String> = errors.into_iter().chain(notes).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        })
}

/// The errors of a field, with hints; `named` adds the label of the field.
pub(crate) fn errors(store: Store, field: Field, named: bool) -> El {
    let path = field.path();
    let name = if named { field.label() } else { "" };
    found(move || store.shown_errors(&path), "errors", name).id(&id("error", field))
}

/// Warnings and hints about the text of a field, with the label of the field.
pub(crate) fn notes(store: Store, field: Field) -> El {
    found(move || store.notes_at(field), "notes", field.label()).id(&id("notes", field))
}

/// Findings with message and hint.
fn found(
    findings: impl Fn() -> Vec<Finding> + Clone + Send + Sync + 'static,
    class: &str,
    name: &'static str,
) -> El {
    let words = findings.clone();
    // Built again only when a text changes.
    let words = memo(move || {
        let findings = words().into_iter();
        findings
            .map(|one| one.severity.as_str().to_owned() + &one.message + &one.hint + "\n")
            .collect::<String>()
    });
    el_in("div", class)
        .flag("hidden", move || words.get().is_empty())
        .content(move || {
            depend(words);
            let findings = untrack(&findings);
            findings.iter().map(|finding| line(finding, name)).collect()
        })
}

fn line(finding: &Finding, name: &str) -> El {
    let colon = if name.is_empty() { "" } else { ": " };
    el_in("p", finding.severity.as_str())
        .text(name)
        .text(colon)
        .add(text("strong", &finding.message))
        .text(&format!(". {}", sentence(&finding.hint)))
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

/// The id of the element with findings of a field.
fn id(sort: &str, field: Field) -> String {
    format!("{sort}:{}", field.path())
}
