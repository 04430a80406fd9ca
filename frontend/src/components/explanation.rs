//! What a finding or a cause means and how to fix it, loaded when it is first opened.

use gloo::net::http::{Request, Response};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::explain::{self, Block};
use wasm_bindgen::JsCast;
use web_sys::HtmlDetailsElement;

/// A fold with the explanation of the code of a finding or a cause.
#[component]
pub(crate) fn Explanation(code: String) -> impl IntoView {
    let label = format!("Explain {code}");
    let shown: RwSignal<Option<Result<String, String>>> = RwSignal::new(None);
    let load_once = move |event: web_sys::Event| {
        let details: Option<HtmlDetailsElement> = event
            .current_target()
            .and_then(|target| target.dyn_into().ok());
        let is_loaded = shown.with_untracked(|shown| matches!(shown, Some(Ok(_))));
        if is_loaded || !details.is_some_and(|details| details.open()) {
            return;
        }
        let code = code.clone();
        spawn_local(async move { shown.set(Some(load(&code).await)) });
    };
    let text = move || {
        shown.with(|shown| match shown {
            None => view! { <p>"Loading …"</p> }.into_any(),
            Some(Ok(text)) => explain::blocks(text).map(block).collect_view().into_any(),
            Some(Err(why)) => view! { <p>{why.clone()}</p> }.into_any(),
        })
    };
    view! {
        <details class="explanation" on:toggle=load_once>
            <summary aria-label=label>"Explain"</summary>
            <div>{text}</div>
        </details>
    }
}

/// The explanation of a code, as Markdown, or the reason why it cannot be shown.
async fn load(code: &str) -> Result<String, String> {
    let failed =
        || format!("The explanation did not load. `fedmesh-agent explain {code}` prints it too.");
    let url = format!("explain/{}", explain::file(code));
    let response = Request::get(&url).send().await;
    let response = response.ok().filter(Response::ok).ok_or_else(failed)?;
    let file = response.text().await.map_err(|_| failed())?;
    explain::section(&file, code)
        .map(str::to_owned)
        .ok_or_else(failed)
}

fn block(block: Block<'_>) -> AnyView {
    match block {
        Block::Paragraph(words) => view! { <p>{with_code(words)}</p> }.into_any(),
        Block::Example { info, text } => {
            let class = info.rsplit(' ').next().unwrap_or_default().to_owned();
            view! { <pre class=class>{text.to_owned()}</pre> }.into_any()
        }
    }
}

/// A text whose parts in backquotes are code.
pub(crate) fn with_code(words: &str) -> Vec<AnyView> {
    let parts = words.split('`').enumerate();
    parts
        .map(|(index, part)| {
            let part = part.to_owned();
            if index % 2 == 1 {
                view! { <code>{part}</code> }.into_any()
            } else {
                view! { <span>{part}</span> }.into_any()
            }
        })
        .collect()
}
