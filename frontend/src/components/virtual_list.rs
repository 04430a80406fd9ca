//! Long lists, of which only the part near the window is in the document tree.

use std::collections::BTreeMap;
use std::hash::Hash;

use gloo::events::{EventListener, EventListenerOptions};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver, ResizeObserverEntry};

/// Pixels before and after the visible part that are drawn too, so that scrolling shows no gap.
const AROUND: f64 = 400.0;

/// The attribute with the index of a row.
const ROW: &str = "data-row";

/// The rows of a list near the visible part of the element that scrolls; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    count: Memo<usize>,
    /// The height of a row, in pixels, until it was drawn.
    usual: f64,
    /// Heights of rows that are not the usual one.
    heights: RwSignal<BTreeMap<usize, f64>>,
    /// The edges of the visible part, in pixels from the start of the list.
    edges: RwSignal<(f64, f64)>,
    /// An empty element at the start of the list.
    start: StoredValue<Option<Element>, LocalStorage>,
    observer: StoredValue<Option<ResizeObserver>, LocalStorage>,
    /// A selector of the element that scrolls.
    scrolls: &'static str,
}

impl Rows {
    /// Follows the element around the list that `scrolls` selects.
    pub(crate) fn new(count: Memo<usize>, usual: f64, scrolls: &'static str) -> Self {
        let rows = Self {
            count,
            usual,
            heights: RwSignal::default(),
            // Until the list is drawn, as if it was at the top of the window.
            edges: RwSignal::new((0.0, 2.0 * AROUND)),
            start: StoredValue::new_local(None),
            observer: StoredValue::new_local(None),
            scrolls,
        };
        let seen = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
            rows.measure(&entries);
        });
        // It fails only without a function.
        let observer = ResizeObserver::new(seen.as_ref().unchecked_ref()).ok();
        rows.observer.set_value(observer);
        let capture = EventListenerOptions::run_in_capture_phase();
        let scrolled =
            EventListener::new_with_options(&document(), "scroll", capture, move |_| rows.look());
        let kept = StoredValue::new_local((seen, scrolled));
        on_cleanup(move || {
            rows.observer.with_value(|observer| {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
            });
            kept.dispose();
        });
        rows
    }

    /// Begins to follow: `start` is an empty element at the start of the list, in the document.
    fn begin(self, start: &Element) {
        self.start.set_value(Some(start.clone()));
        if let Some(scrolls) = self.container() {
            self.observe(&scrolls);
        }
    }

    fn container(self) -> Option<Element> {
        self.start
            .with_value(|start| start.as_ref()?.closest(self.scrolls).ok().flatten())
    }

    fn observe(self, element: &Element) {
        self.observer.with_value(|observer| {
            if let Some(observer) = observer {
                observer.observe(element);
            }
        });
    }

    fn measure(self, entries: &js_sys::Array) {
        let mut heights = self.heights.get_untracked();
        for entry in entries.iter() {
            let row = entry.unchecked_into::<ResizeObserverEntry>().target();
            let index = row.get_attribute(ROW).and_then(|index| index.parse().ok());
            // A row that was removed has no height.
            let Some(index) = index.filter(|_| row.is_connected()) else {
                continue;
            };
            let height = row.get_bounding_client_rect().height();
            if (height - self.usual).abs() > 0.5 {
                heights.insert(index, height);
            } else {
                heights.remove(&index);
            }
        }
        if heights != self.heights.get_untracked() {
            self.heights.set(heights);
        }
        self.look();
    }

    /// Finds out which part is visible.
    fn look(self) {
        let Some(scrolls) = self.start.try_get_value().flatten().and_then(|start| {
            let around = start.closest(self.scrolls).ok().flatten()?;
            Some((start, around))
        }) else {
            return;
        };
        let (start, around) = scrolls;
        let top = start.get_bounding_client_rect().top();
        let visible = around.get_bounding_client_rect();
        let edges = (visible.top() - top, visible.bottom() - top);
        let (before, after) = self.edges.get_untracked();
        // Less than what is drawn around it.
        if (edges.0 - before).abs() > AROUND / 4.0 || (edges.1 - after).abs() > AROUND / 4.0 {
            self.edges.set(edges);
        }
    }

    /// The distance of a row from the start.
    fn offset(self, index: usize) -> f64 {
        self.heights.with(|heights| {
            let others = heights.range(..index);
            #[expect(clippy::cast_precision_loss, reason = "a list is shorter")]
            let usual = index as f64 * self.usual;
            others.fold(usual, |sum, (_, height)| sum + height - self.usual)
        })
    }

    /// The first row that is drawn, and the first behind those.
    fn range(self) -> (usize, usize) {
        let count = self.count.get();
        let (top, bottom) = self.edges.get();
        let at = |distance: f64| {
            let mut low = 0;
            let mut high = count;
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.offset(middle + 1) <= distance {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        };
        let first = at(top - AROUND);
        let last = (at(bottom + AROUND) + 1).min(count);
        (first.min(last), last)
    }

    /// Scrolls so that a row is visible, and draws it.
    pub(crate) fn show(self, index: usize) {
        let Some(around) = self.container() else {
            return;
        };
        let (top, bottom) = self.edges.get_untracked();
        let offset = untrack(|| self.offset(index));
        if offset < top || offset + self.usual > bottom {
            #[expect(clippy::cast_possible_truncation, reason = "whole pixels suffice")]
            let by = (offset - top) as i32 - 40;
            around.set_scroll_top(around.scroll_top() + by);
            self.edges
                .set((offset - 40.0, offset - 40.0 + (bottom - top)));
        }
    }
}

/// Draws the rows of a list, `li` elements, between two that keep the place of the others. A row whose item moves keeps
/// its element, so that a click on it is not lost.
#[component]
pub(crate) fn ListRows<T, I, F, V>(
    rows: Rows,
    /// The items from an index up to another.
    items: I,
    children: F,
) -> impl IntoView
where
    T: Clone + Eq + Hash + Send + Sync + 'static,
    I: Fn(usize, usize) -> Vec<T> + Send + Sync + 'static,
    F: Fn(T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let start = NodeRef::<html::Li>::new();
    let shown = Memo::new(move |_| rows.range());
    Effect::new(move || {
        if let Some(start) = start.get() {
            rows.begin(&start);
        }
    });
    let each = move || {
        let (first, end) = shown.get();
        items(first, end)
    };
    view! {
        <li class="start-of-list" aria-hidden="true" node_ref=start></li>
        <li aria-hidden="true" style:height=move || pixels(rows.offset(shown.get().0))></li>
        <For each key=Clone::clone children />
        <li
            aria-hidden="true"
            style:height=move || pixels(rows.offset(rows.count.get()) - rows.offset(shown.get().1))
        ></li>
    }
}

/// Draws the rows of a table, like [`ListRows`]: a `tbody` each, with `columns`.
#[component]
pub(crate) fn TableRows<F, V>(rows: Rows, columns: usize, children: F) -> impl IntoView
where
    F: Fn(usize) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let start = NodeRef::<html::Tbody>::new();
    let shown = Memo::new(move |_| rows.range());
    Effect::new(move || {
        if let Some(start) = start.get() {
            rows.begin(&start);
        }
    });
    let columns = columns.to_string();
    let row = move |index: usize| {
        let row = NodeRef::<html::Tbody>::new();
        Effect::new(move || {
            if let Some(row) = row.get() {
                rows.observe(&row);
            }
        });
        let content = children(index);
        view! { <tbody node_ref=row data-row=index.to_string()>{content}</tbody> }
    };
    let space = move |height: Signal<String>| {
        let columns = columns.clone();
        view! {
            <tbody aria-hidden="true" class="space">
                <tr><td colspan=columns style:height=height></td></tr>
            </tbody>
        }
    };
    let before = Signal::derive(move || pixels(rows.offset(shown.get().0)));
    let after =
        Signal::derive(move || pixels(rows.offset(rows.count.get()) - rows.offset(shown.get().1)));
    view! {
        <tbody aria-hidden="true" node_ref=start></tbody>
        {space(before)}
        <For each=move || { let (first, end) = shown.get(); first..end } key=|index| *index children=row />
        {space(after)}
    }
}

fn pixels(height: f64) -> String {
    format!("{height}px")
}
