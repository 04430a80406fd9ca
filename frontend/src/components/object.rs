//! Editors of objects, lists of objects and maps, for every field of the schema: what is in sight or set is shown, and
//! the rest is added from a list.

use leptos::prelude::*;
use serde_json::{Map, Value};

use super::field::{Errors, Field, HELP};
use super::icon::Icon;
use crate::document::path::{item, key, steps};
use crate::document::value;
use crate::form::{field, label, layout, placeholder};
use crate::schema::{self, Kind, Property, Schema};
use crate::state::Store;

/// The fields of an object, behind other fields.
#[component]
pub(crate) fn ObjectFields(
    path: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let schema = schema::at(&path)?;
    let own = path.clone();
    let shown = Memo::new(move |_| {
        let is_present = |name: &str| {
            let field = key(&own, name);
            store.is_set(&field) || store.is_open(&field) || is_needed(store, &field)
        };
        layout::shown(&own, schema, is_present)
    });
    let own = path.clone();
    let field = move |name: &'static str| {
        let schema = schema.property(name).map(|property| &property.schema);
        let path = key(&own, name);
        schema.map(|schema| view! { <AnyField width=layout::width(&own, name, !schema.kind.is_leaf()) path schema /> })
    };
    Some(view! {
        <div class="fields">
            {children.map(|children| children())}
            <For each=move || shown.get() key=|name| *name children=field />
            <AddSetting path schema shown />
        </div>
    })
}

/// A field that others require: the repository of the engine `gitops`.
fn is_needed(store: Store, path: &str) -> bool {
    path == "spec.gitops" && store.with(|document| value::text(document, "spec.target") == "gitops")
}

/// The editor of a field of any kind.
#[component]
fn AnyField(path: String, schema: &'static Schema, width: u8) -> AnyView {
    match &schema.kind {
        Kind::Object(_) => view! { <Group path schema /> }.into_any(),
        Kind::List(_) => view! { <ItemsField path /> }.into_any(),
        Kind::Map(_) => view! { <MapField path /> }.into_any(),
        _ => view! { <Field path width /> }.into_any(),
    }
}

/// A list of the fields of an object that are not shown; choosing one adds it.
#[component]
fn AddSetting(
    path: String,
    schema: &'static Schema,
    shown: Memo<Vec<&'static str>>,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let rest = Memo::new(move |_| shown.with(|shown| layout::addable(&own, schema, shown)));
    let own = path.clone();
    let options = move || {
        let names = rest.get().into_iter();
        names
            .map(|name| {
                let help = schema
                    .property(name)
                    .map(|one| first_sentence(&one.schema.description));
                let help = help
                    .filter(|help| !help.is_empty())
                    .map(|help| format!(" – {help}"));
                let words = format!(
                    "{}{}",
                    label::of(&key(&own, name)),
                    help.unwrap_or_default()
                );
                view! { <option value=name>{words}</option> }
            })
            .collect_view()
    };
    let of = of_whom(&path);
    view! {
        <div class="field w8 add-setting" hidden=move || rest.with(Vec::is_empty)>
            <select
                aria-label=format!("Add a setting{of}")
                prop:value=""
                on:change:target=move |event| {
                    let select = event.target();
                    let name = select.value();
                    select.set_value("");
                    if let Some(property) = schema.property(&name) {
                        add(store, &key(&path, &name), property);
                    }
                }
            >
                <option value="" selected=true>{format!("Add a setting{of}…")}</option>
                {options}
            </select>
        </div>
    }
}

fn of_whom(path: &str) -> String {
    let depth = steps(path).count();
    if depth < 2 {
        return String::new();
    }
    match path.strip_suffix(']').and_then(|_| path.rsplit_once('[')) {
        Some((list, index)) => {
            let index = index.trim_end_matches(']').parse::<usize>();
            index.map_or_else(
                |_| String::new(),
                |index| format!(" of {}", label::item(list, index).to_lowercase()),
            )
        }
        None => format!(" of {}", label::of(path)),
    }
}

fn first_sentence(description: &str) -> String {
    let end = description
        .find([';', ':', '.'])
        .unwrap_or(description.len());
    placeholder::plain(description[..end].trim_end_matches(", see"))
}

/// Shows a field, with an object or a first item where it has one, and focuses it.
fn add(store: Store, path: &str, property: &Property) {
    match &property.schema.kind {
        // An object without required fields means something when it is empty.
        Kind::Object(fields) if !fields.iter().any(|one| one.is_required) => {
            store.edit(|document| value::set(document, path, Value::Object(Map::new())));
        }
        Kind::List(_) => {
            store.edit(|document| value::insert(document, path, 0, Value::Object(Map::new())));
        }
        _ => {}
    }
    store.go_to(path);
}

/// The title of a group, and the button that removes it.
#[component]
fn Heading(path: String, title: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let removed = path.clone();
    let remove = move |_| {
        store.edit(|document| value::remove(document, &removed));
        store.forget_below(&removed);
    };
    let focused = path.clone();
    view! {
        <legend>
            {title.clone()}
            <button
                type="button"
                class="quiet icon-only"
                title="Remove"
                aria-label=format!("Remove {}", label::long(&path))
                aria-describedby=HELP
                on:click=remove
                on:focus=move |_| store.focused.set(Some(focused.clone()))
            >
                <Icon name="remove" />
            </button>
        </legend>
    }
}

/// The fields of an object in an object.
#[component]
fn Group(path: String, schema: &'static Schema) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let is_there =
        Memo::new(move |_| store.is_set(&own) || store.is_open(&own) || is_needed(store, &own));
    let title = label::of(&path);
    move || {
        let path = path.clone();
        if is_there.get() {
            view! {
                <fieldset class="group w12" id=path.clone() tabindex="-1">
                    <Heading path=path.clone() title=title.clone() />
                    <Errors path=path.clone() is_always=true />
                    <ObjectFields path=path.clone() />
                </fieldset>
            }
            .into_any()
        } else {
            let target = path.clone();
            let open = move |_| {
                store.set_open(&target, true);
                let first = schema
                    .properties()
                    .first()
                    .map(|one| key(&target, &one.name));
                store.go_to(&first.unwrap_or_default());
            };
            view! {
                <div class="field w4">
                    <button type="button" class="quiet" id=path on:click=open>
                        <Icon name="plus" />
                        {format!("Add {title}")}
                    </button>
                </div>
            }
            .into_any()
        }
    }
}

/// A list of objects. Simple ones may have a text, which is one field.
#[component]
fn ItemsField(path: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let beyond = Memo::new(move |_| store.with(|document| field::beyond_text(document, &own)));
    let has_text = beyond.get_untracked().is_some();
    let own = path.clone();
    // The items of a list with a text are shown if the text does not have all of them, or on request.
    let inside = format!("{path}[");
    let is_listed = Memo::new(move |_| {
        let is_opened = || {
            store.open.with(|open| {
                open.range(inside.clone()..)
                    .next()
                    .is_some_and(|one| one.starts_with(&inside))
            })
        };
        match beyond.get() {
            Some(0) => is_opened(),
            _ => true,
        }
    });
    let text = has_text.then(|| view! { <Field path=path.clone() width=12 /> });
    let name = label::singular(own.rsplit('.').next().unwrap_or_default());
    let list = move || {
        if is_listed.get() {
            return view! { <Items path=own.clone() has_text /> }.into_any();
        }
        let path = own.clone();
        let add = move |_| add_item(store, &path);
        view! {
            <p class="note w12">
                <button type="button" class="link" on:click=add>{format!("Add a {name} with more than that")}</button>
            </p>
        }
        .into_any()
    };
    view! {
        {text}
        {list}
    }
}

fn add_item(store: Store, path: &str) {
    let index = store.with(|document| value::count(document, path));
    store.edit(|document| value::insert(document, path, index, Value::Object(Map::new())));
    store.go_to(&item(path, index));
}

/// The items of a list of objects.
#[component]
fn Items(path: String, has_text: bool) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let count = Memo::new(move |_| store.with(|document| value::count(document, &own)));
    let own = path.clone();
    let one = move |index: usize| view! { <Item path=own.clone() index /> };
    let title = if has_text {
        None
    } else {
        Some(label::of(&path))
    };
    let name = label::singular(path.rsplit('.').next().unwrap_or_default());
    let target = path.clone();
    // With a text editor, that has the id.
    let id = (!has_text).then(|| path.clone());
    view! {
        <div class="items w12" id=id tabindex="-1">
            {title.map(|title| view! { <h3>{title}</h3> })}
            <Errors path=path.clone() is_always=true />
            <For each=move || 0..count.get() key=|index| *index children=one />
            <button type="button" class="quiet" on:click=move |_| add_item(store, &target)>
                <Icon name="plus" />
                {format!("Add {name}")}
            </button>
        </div>
    }
}

/// An item of a list.
#[component]
fn Item(path: String, index: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = item(&path, index);
    let title = label::item(&path, index);
    let remove = {
        let path = path.clone();
        move |_| {
            store.edit(|document| value::remove_item(document, &path, index));
            store.forget_below(&format!("{path}[{index}]"));
        }
    };
    let up = move |_| {
        store.edit(|document| value::move_item(document, &path, index, index.saturating_sub(1)));
    };
    let focused = own.clone();
    view! {
        <fieldset class="group" id=own.clone() tabindex="-1" on:focusin=move |event| {
            // The help of the item, until one of its fields has the focus.
            if event.target() == event.current_target() {
                store.focused.set(Some(focused.clone()));
            }
        }>
            <legend>
                {title.clone()}
                <button
                    type="button"
                    class="quiet icon-only"
                    title="Move up"
                    aria-label=format!("Move {title} up")
                    disabled=index == 0
                    on:click=up
                >
                    <Icon name="up" />
                </button>
                <button
                    type="button"
                    class="quiet icon-only"
                    title="Remove"
                    aria-label=format!("Remove {title}")
                    on:click=remove
                >
                    <Icon name="remove" />
                </button>
            </legend>
            <Errors path=own.clone() is_always=true />
            <ObjectFields path=own.clone() />
        </fieldset>
    }
}

/// A map from names to objects, such as the headers of a match.
#[component]
fn MapField(path: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let own = path.clone();
    let names = Memo::new(move |_| {
        store.with(|document| {
            let fields = value::get(document, &own).and_then(Value::as_object);
            fields
                .into_iter()
                .flat_map(Map::keys)
                .cloned()
                .collect::<Vec<String>>()
        })
    });
    let own = path.clone();
    let one = move |name: String| {
        let path = key(&own, &name);
        view! {
            <fieldset class="group" id=path.clone() tabindex="-1">
                <Heading path=path.clone() title=name />
                <ObjectFields path=path.clone() />
            </fieldset>
        }
    };
    let typed = RwSignal::new(String::new());
    let target = path.clone();
    let add = move || {
        let name = typed.get_untracked().trim().to_owned();
        if name.is_empty() {
            return;
        }
        typed.set(String::new());
        let path = key(&target, &name);
        store.edit(|document| {
            if value::get(document, &path).is_none() {
                value::set(document, &path, Value::Object(Map::new()));
            }
        });
        store.go_to(&path);
    };
    let (click, enter) = (add.clone(), add);
    let title = label::of(&path);
    let name = label::singular(path.rsplit('.').next().unwrap_or_default());
    view! {
        <div class="items w12" id=path.clone() tabindex="-1">
            <h3>{title}</h3>
            <For each=move || names.get() key=Clone::clone children=one />
            <div class="buttons">
                <input
                    class="text name"
                    type="text"
                    autocomplete="off"
                    aria-label=format!("Name of a new {name}")
                    placeholder="name"
                    prop:value=move || typed.get()
                    on:input:target=move |event| typed.set(event.target().value())
                    on:keydown=move |event| {
                        if event.key() == "Enter" {
                            event.prevent_default();
                            enter();
                        }
                    }
                />
                <button type="button" class="quiet" on:click=move |_| click()>
                    <Icon name="plus" />
                    {format!("Add {name}")}
                </button>
            </div>
        </div>
    }
}
