//! The page with the document on the left and its result on the right.

use leptos::prelude::*;

use crate::components::field::{Field, Help};
use crate::components::find_field::FindField;
use crate::components::object::ObjectFields;
use crate::components::table::{ClusterTable, ServiceTable};
use crate::components::tabs::Tabs;
use crate::state::{Half, Store};

#[component]
pub(crate) fn EditPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let half = move |half: Half, id: &'static str, words: &'static str| {
        view! {
            <button
                type="button"
                id=id
                aria-pressed=move || (store.half.get() == half).to_string()
                on:click=move |_| store.half.set(half)
            >
                {words}
            </button>
        }
    };
    let shown = move || match store.half.get() {
        Half::Form => "form",
        Half::Result => "result",
    };
    // Only the text has the document until it can be read.
    let is_blocked = Memo::new(move |_| store.text_error().is_some());
    view! {
        <div class="edit-page" data-half=shown>
            <div class="halves" role="group" aria-label="Show">
                {half(Half::Form, "half-form", "Edit")}
                {half(Half::Result, "half-result", "Result")}
            </div>
            <div class="form-half">
                <FindField />
                <form
                    class="document"
                    id="form"
                    tabindex="-1"
                    aria-label="Mesh document"
                    inert=move || is_blocked.get()
                    on:submit=|event| event.prevent_default()
                >
                    <section aria-labelledby="heading-dns">
                        <h2 id="heading-dns">"DNS"</h2>
                        <ObjectFields path="spec.dns".to_owned()>
                            <Field path="metadata.name".to_owned() width=3 />
                        </ObjectFields>
                    </section>
                    <section aria-labelledby="heading-clusters"><ClusterTable /></section>
                    <section aria-labelledby="heading-services"><ServiceTable /></section>
                    <section aria-labelledby="heading-more">
                        <h2 id="heading-more">"More"</h2>
                        <ObjectFields path="spec".to_owned() />
                    </section>
                </form>
                <Help />
            </div>
            <Tabs />
        </div>
    }
}
