//! What a finding or a cause means and how to fix it, loaded when it is first opened.

use shared::explain::{self, Block};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlDetailsElement, Response};

use crate::agent::api;
use crate::browser;
use crate::browser::dom::{El, el, el_in, text};
use crate::browser::signals::*;

/// A fold with the explanation of the code of a finding or a cause.
pub(crate) fn explanation(code: &str) -> El {
    let code = code.to_owned();
    let shown: RwSignal<Option<Result<String, String>>> = RwSignal::new(None);
    let fold = el_in("details", "explanation")
        .add(text("summary", "Explain").attr("aria-label", &format!("Explain {code}")));
    let details: HtmlDetailsElement = fold.element().clone().unchecked_into();
    fold.on("toggle", move |_| {
        let is_loaded = shown.with_untracked(|shown| matches!(shown, Some(Ok(_))));
        if !details.open() || is_loaded {
            return;
        }
        let code = code.clone();
        spawn_local(async move { shown.set(Some(load(&code).await)) });
    })
    .add(el("div").content(move || {
        shown.with(|shown| match shown {
            None => vec![text("p", "Loading …")],
            Some(Ok(text)) => explain::blocks(text).map(block).collect(),
            Some(Err(why)) => vec![text("p", why)],
        })
    }))
}

/// The explanation of a code, as Markdown, or the reason why it cannot be shown.
async fn load(code: &str) -> Result<String, String> {
    let failed =
        || format!("The explanation did not load. `fedmesh-agent explain {code}` prints it too.");
    let url = format!("explain/{}", explain::file(code));
    let response = JsFuture::from(browser::window().fetch_with_str(&url)).await;
    let response: Response = response.map_err(|_| failed())?.unchecked_into();
    if !response.ok() {
        return Err(failed());
    }
    let file = api::text(&response).await;
    explain::section(&file, code)
        .map(str::to_owned)
        .ok_or_else(failed)
}

fn block(block: Block<'_>) -> El {
    match block {
        Block::Paragraph(words) => {
            // Code is in backquotes: every second part.
            let parts = words.split('`').enumerate();
            el("p").all(
                parts.map(|(index, part)| text(if index % 2 == 1 { "code" } else { "span" }, part)),
            )
        }
        Block::Example { info, text: lines } => {
            let class = info.rsplit(' ').next().unwrap_or_default();
            text("pre", lines).class(class)
        }
    }
}
