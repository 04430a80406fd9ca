//! The tables of clusters and services, edited in place; the other settings of a row open below it.

use leptos::prelude::*;
use serde_json::{Map, Value};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, KeyboardEvent};

use super::field::{Errors, Notes, TextEditor};
use super::icon::Icon;
use super::object::ObjectFields;
use super::toolbar::Toolbar;
use super::virtual_list::{Rows, TableRows};
use crate::agent::Agent;
use crate::browser;
use crate::document::clusters::{self, CLUSTERS, SERVICES};
use crate::document::path::{below, item, key};
use crate::document::{contexts, value};
use crate::form::layout::{CLUSTER_COLUMNS, SERVICE_COLUMNS};
use crate::form::{label, placeholder, rows};
use crate::state::{Half, Store, Tab};

/// The height of a row, in pixels, as the style sheet has it.
const CLUSTER_ROW: f64 = 36.0;
const SERVICE_ROW: f64 = 64.0;

/// A list that is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Clusters,
    Services,
}

impl List {
    const fn path(self) -> &'static str {
        match self {
            Self::Clusters => CLUSTERS,
            Self::Services => SERVICES,
        }
    }

    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Clusters => &CLUSTER_COLUMNS,
            Self::Services => &SERVICE_COLUMNS,
        }
    }

    /// One row in words.
    const fn word(self) -> &'static str {
        match self {
            Self::Clusters => "cluster",
            Self::Services => "service",
        }
    }

    fn add(self, document: &mut Value) {
        match self {
            Self::Clusters => clusters::add(document),
            Self::Services => {
                let end = value::count(document, SERVICES);
                value::insert(document, SERVICES, end, Value::Object(Map::new()));
            }
        }
    }

    fn remove(self, document: &mut Value, index: usize) {
        match self {
            Self::Clusters => clusters::remove(document, index),
            Self::Services => value::remove_item(document, SERVICES, index),
        }
    }
}

#[component]
pub(crate) fn ClusterTable() -> impl IntoView {
    view! {
        <Table
            list=List::Clusters
            title="Clusters"
            class="rows clusters"
            empty="No clusters yet. Add one, or paste rows from a spreadsheet."
        />
        <Contexts />
        <Offers />
    }
}

#[component]
pub(crate) fn ServiceTable() -> impl IntoView {
    view! {
        <Table
            list=List::Services
            title="Services"
            class="rows services"
            empty="No services yet. Add those that other clusters call, or paste rows from a spreadsheet."
        />
    }
}

#[component]
fn Table(
    list: List,
    title: &'static str,
    class: &'static str,
    empty: &'static str,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let path = list.path();
    let count = Memo::new(move |_| store.with(|document| value::count(document, path)));
    let usual = if list == List::Clusters {
        CLUSTER_ROW
    } else {
        SERVICE_ROW
    };
    let rows = Rows::new(count, usual, ".document");
    // A field that is to be shown may be in a row that is not drawn.
    Effect::new(move || {
        let Some(target) = store.target.get() else {
            return;
        };
        let index = target
            .strip_prefix(path)
            .and_then(|rest| rest.strip_prefix('[')?.split_once(']')?.0.parse().ok());
        if let Some(index) = index {
            rows.show(index);
        }
    });
    let add = move |_| {
        let index = count.get_untracked();
        store.edit(|document| list.add(document));
        store.go_to(&key(&item(path, index), "name"));
    };
    let heading = format!("heading-{}s", list.word());
    let columns = list.columns();
    let heads = columns.iter().map(|column| {
        let label = label::of(&below(&item(path, 0), column));
        view! { <th scope="col">{label}</th> }
    });
    view! {
        <div class="heading">
            <h2 id=heading>{title} <span class="count" hidden={move || count.get() < 2}>{move || count.get()}</span></h2>
            <button type="button" class="quiet" id=path on:click=add>
                <Icon name="plus" />
                {format!("Add {}", list.word())}
            </button>
        </div>
        <table
            class=class
            aria-rowcount=move || (count.get() + 1).to_string()
            on:keydown=move |event| move_in_column(list, &event)
            on:paste=move |event| paste(store, list, &event)
        >
            <thead>
                <tr aria-rowindex="1">
                    {heads.collect_view()}
                    <th scope="col" class="tool"><span class="unseen">"Settings and removal"</span></th>
                </tr>
            </thead>
            <TableRows rows columns={columns.len() + 1} children=move |index| view! { <Row list index /> } />
        </table>
        <p class="empty" hidden={move || count.get() > 0}>{empty}</p>
    }
}

/// A row: its cells, and below them its findings and its details.
#[component]
fn Row(list: List, index: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let path = item(list.path(), index);
    let columns = list.columns();
    let cells = columns.iter().map(|column| {
        let field = below(&path, column);
        let label = label::long(&field);
        match *column {
            "gateway.addresses" => view! { <GatewayCell index /> }.into_any(),
            "context" => {
                view! { <td><TextEditor path=field label list="contexts" /></td> }.into_any()
            }
            _ => view! { <td><TextEditor path=field label /></td> }.into_any(),
        }
    });
    let fields = columns.iter().map(|column| below(&path, column));
    let errors = fields
        .clone()
        .map(|path| view! { <Errors path named=true /> });
    let notes = fields.map(|path| view! { <Notes path /> });
    let remove = move |_| {
        store.edit(|document| list.remove(document, index));
        store.forget_below(list.path());
        store.go_to(list.path());
    };
    let derived = (list == List::Services).then(|| view! { <Derived index /> });
    let toggle = (list == List::Clusters)
        .then(|| view! { <Toggle path=path.clone() list index icon_only=true /> });
    let is_open = path.clone();
    let details = path.clone();
    // Without a second button, it is a tab stop itself.
    let tab_index = (list == List::Clusters).then_some("-1");
    view! {
        <tr aria-rowindex=(index + 2).to_string()>
            {cells.collect_view()}
            <td class="tool">
                <Toolbar class="tools" label=format!("Actions of {} {}", list.word(), index + 1)>
                    {toggle}
                    <button
                        type="button"
                        class="quiet icon-only"
                        title="Remove"
                        tabindex=tab_index
                        aria-label=format!("Remove {} {}", list.word(), index + 1)
                        on:click=remove
                    >
                        <Icon name="remove" />
                    </button>
                </Toolbar>
            </td>
        </tr>
        <tr class="below">
            <td colspan=(columns.len() + 1).to_string()>
                {errors.collect_view()}
                {notes.collect_view()}
                {derived}
                <Show when=move || store.is_open(&is_open)>
                    <Details list index path=details.clone() />
                </Show>
            </td>
        </tr>
    }
}

fn details_id(list: List, index: usize) -> String {
    format!("details-{}-{index}", list.word())
}

/// The button that opens the details of a row.
#[component]
fn Toggle(
    path: String,
    list: List,
    index: usize,
    #[prop(optional)] icon_only: bool,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let (own, toggled, shown) = (path.clone(), path.clone(), path.clone());
    let is_open = Memo::new(move |_| store.is_open(&own));
    let words =
        Memo::new(move |_| (!icon_only).then(|| store.with(|document| summary(document, &shown))));
    // The name contains the visible text, for those who say it.
    let label = move || {
        let of = format!("Settings of {} {}", list.word(), index + 1);
        words
            .get()
            .map_or_else(|| of.clone(), |words| format!("{of}: {words}"))
    };
    view! {
        <button
            type="button"
            class=if icon_only { "quiet icon-only" } else { "quiet" }
            title="Settings"
            aria-expanded=move || is_open.get().to_string()
            aria-controls=details_id(list, index)
            aria-label=label
            on:click=move |_| store.set_open(&toggled, !is_open.get_untracked())
        >
            {move || words.get()}
            <Icon name="down" />
        </button>
    }
}

/// All other settings of a row.
#[component]
fn Details(list: List, index: usize, path: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let count = Memo::new(move |_| store.with(|document| value::count(document, list.path())));
    let change = move |change: fn(&mut Value, &str, usize), to: usize| {
        store.edit(|document| change(document, list.path(), index));
        store.forget_below(list.path());
        store.set_open(&item(list.path(), to), true);
        store.go_to(&key(&item(list.path(), to), "name"));
    };
    let word = list.word();
    let own = path.clone();
    let show_manifests = move |_| {
        store.show_manifests_of(&own);
        // The half with the manifests may have been hidden.
        request_animation_frame(|| browser::focus_id("tab-manifests"));
    };
    view! {
        <div class="details" id=details_id(list, index)>
            <ObjectFields path />
            <div class="buttons">
                <button type="button" class="show-manifests" on:click=show_manifests>"Show its manifests"</button>
                <button type="button" on:click=move |_| change(duplicate, index + 1)>
                    <Icon name="copy" />
                    {format!("Duplicate {word}")}
                </button>
                <button type="button" disabled=move || index == 0 on:click=move |_| change(move_up, index - 1)>
                    "Move up"
                </button>
                <button
                    type="button"
                    disabled={move || index + 1 >= count.get()}
                    on:click=move |_| change(move_down, index + 1)
                >
                    "Move down"
                </button>
            </div>
        </div>
    }
}

/// Copies a row, with another name.
fn duplicate(document: &mut Value, list: &str, index: usize) {
    let Some(mut copy) = value::items(document, list).get(index).cloned() else {
        return;
    };
    let names = value::items(document, list)
        .iter()
        .filter_map(|one| one.get("name")?.as_str());
    let names: Vec<&str> = names.collect();
    if let Some(name) = copy.get("name").and_then(Value::as_str) {
        let free = (2..).map(|number| format!("{name}-{number}"));
        let free = free
            .into_iter()
            .find(|name| !names.contains(&name.as_str()));
        value::set(&mut copy, "name", free.into());
    }
    // One name of the zone, and one address, belong to one of the two.
    value::remove(&mut copy, "hostname");
    value::remove(&mut copy, "context");
    if let Some(Value::Object(fields)) = value::get_mut(&mut copy, "gateway") {
        fields.shift_remove("addresses");
        fields.shift_remove("clusterIP");
    }
    value::insert(document, list, index + 1, copy);
}

fn move_up(document: &mut Value, list: &str, index: usize) {
    value::move_item(document, list, index, index.saturating_sub(1));
}

fn move_down(document: &mut Value, list: &str, index: usize) {
    value::move_item(document, list, index, index + 1);
}

/// The gateway's addresses, with a button for those that the agent found.
#[component]
fn GatewayCell(index: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let agent = expect_context::<Agent>();
    let path = below(&item(CLUSTERS, index), "gateway.addresses");
    let found = Memo::new(move |_| {
        let reported = agent.found()?;
        let found = store.with(|document| contexts::found_addresses(&reported, document, index));
        (!found.is_empty()).then(|| found.join(", "))
    });
    let own = path.clone();
    let placeholder = Memo::new(move |_| {
        found
            .get()
            .unwrap_or_else(|| store.with(|document| placeholder::of(document, &own)))
    });
    let target = path.clone();
    let offer = move || {
        let found = found.get()?;
        let target = target.clone();
        let label = format!("Use {found}, found in cluster {}", index + 1);
        Some(view! {
            <button type="button" class="use" aria-label=label on:click=move |_| store.type_into(&target, &found)>
                "Use"
            </button>
        })
    };
    view! {
        <td class="with-button">
            <TextEditor label=label::long(&path) placeholder path />
            {offer}
        </td>
    }
}

/// The names of a service, and the button that opens its details.
#[component]
fn Derived(index: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let published = move || {
        let Some(published) = store.published.with(|all| all.get(index).cloned()) else {
            return view! { <span class="muted">"Fill in the fields above to see its names"</span> }.into_any();
        };
        let show = move |_| {
            store.tab.set(Tab::Names);
            store.half.set(Half::Result);
        };
        view! {
            <button type="button" class="link" tabindex="-1" on:click=show>
                <code>{published.host}</code>
                {format!(" and {} more", published.others)}
            </button>
        }
        .into_any()
    };
    view! {
        <Toolbar class="derived" label=format!("Names and settings of service {}", index + 1)>
            <span class="published">{published}</span>
            <Toggle path=item(SERVICES, index) list=List::Services index />
        </Toolbar>
    }
}

/// The settings of a service that its row does not show: `all clusters · 3 routes`.
fn summary(document: &Value, path: &str) -> String {
    let clusters = match value::get(document, &key(path, "clusters")) {
        Some(Value::Array(some)) => match some.as_slice() {
            [Value::String(one)] => one.clone(),
            some => format!("{} clusters", some.len()),
        },
        _ => "all clusters".to_owned(),
    };
    let routes = match value::count(document, &key(path, "routes")) {
        0 => "all paths".to_owned(),
        1 => "1 route".to_owned(),
        count => format!("{count} routes"),
    };
    let shown = [
        "name",
        "namespace",
        "port",
        "hostname",
        "clusters",
        "routes",
    ];
    let fields = value::get(document, path).and_then(Value::as_object);
    let others = fields
        .into_iter()
        .flat_map(Map::keys)
        .filter(|name| !shown.contains(&name.as_str()));
    let others: Vec<String> = others
        .map(|name| label::of(&key(path, name)).to_lowercase())
        .collect();
    let mut words = vec![clusters, routes];
    match others.len() {
        0 => {}
        1 | 2 => words.extend(others),
        count => words.push(format!("{count} more settings")),
    }
    words.join(" · ")
}

/// The contexts that the agent reported, as suggestions.
#[component]
fn Contexts() -> impl IntoView {
    let agent = expect_context::<Agent>();
    let options = move || {
        let found = agent.found();
        let contexts = found.iter().flat_map(|reported| &reported.contexts);
        contexts
            .map(|context| view! { <option value=context.name.clone()></option> })
            .collect_view()
    };
    view! { <datalist id="contexts">{options}</datalist> }
}

/// Buttons that add to the table what the agent found.
#[component]
fn Offers() -> impl IntoView {
    let store = expect_context::<Store>();
    let agent = expect_context::<Agent>();
    move || {
        let reported = agent.found()?;
        let can_fill = store.with(|document| contexts::can_fill(document, &reported));
        let unused: Vec<_> = store.with(|document| {
            contexts::unused(&reported, document)
                .into_iter()
                .cloned()
                .collect()
        });
        if !can_fill && unused.is_empty() {
            return None;
        }
        let known = reported.clone();
        let fill = can_fill.then(|| {
            view! {
                <button
                    type="button"
                    id="fill-from-contexts"
                    on:click=move |_| store.edit(|document| contexts::fill(document, &known))
                >
                    "Fill in regions and zones"
                </button>
            }
        });
        let add = unused.into_iter().map(|context| {
            let known = reported.clone();
            let name = context.name.clone();
            view! {
                <button
                    type="button"
                    on:click=move |_| store.edit(|document| contexts::add(document, &context, &known))
                >
                    <Icon name="plus" />
                    {name}
                </button>
            }
        });
        Some(view! { <div class="offers">"From the agent:" {fill} {add.collect_view()}</div> })
    }
}

/// The arrow keys up and down move to the same column of the next row.
fn move_in_column(list: List, event: &KeyboardEvent) {
    let step: isize = match event.key().as_str() {
        "ArrowUp" => -1,
        "ArrowDown" => 1,
        _ => return,
    };
    let Some((row, column)) = cell_of(list, event) else {
        return;
    };
    if let Some(row) = row.checked_add_signed(step) {
        let id = below(&item(list.path(), row), list.columns()[column]);
        if let Some(element) = document().get_element_by_id(&id) {
            event.prevent_default();
            browser::focus(&element);
        }
    }
}

/// Pastes several cells as rows; the browser pastes a single cell.
fn paste(store: Store, list: List, event: &web_sys::ClipboardEvent) {
    let Some((row, column)) = cell_of(list, event) else {
        return;
    };
    let (path, columns) = (list.path(), list.columns());
    if let Some(cells) = rows::cells(&pasted_text(event), path, columns) {
        event.prevent_default();
        store.edit(|document| rows::paste(document, path, columns, (row, column), &cells));
    }
}

/// The text that is being pasted.
pub(crate) fn pasted_text(event: &web_sys::ClipboardEvent) -> String {
    let data = event.clipboard_data();
    data.and_then(|data| data.get_data("text/plain").ok())
        .unwrap_or_default()
}

/// The row and the column of the cell of an event.
fn cell_of(list: List, event: &Event) -> Option<(usize, usize)> {
    let id = event.target()?.dyn_into::<HtmlElement>().ok()?.id();
    let (row, column) = id
        .strip_prefix(list.path())?
        .strip_prefix('[')?
        .split_once("].")?;
    let column = list.columns().iter().position(|known| *known == column)?;
    Some((row.parse().ok()?, column))
}
