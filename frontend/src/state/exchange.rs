//! Opens, downloads and links the document.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;
use shared::check::Severity;
use shared::mesh::{Limits, Target};
use wasm_bindgen::JsValue;
use web_sys::FileList;

use super::delivered::{self, How};
use super::store::{Action, Store};
use super::{renderer, writer};
use crate::browser;
use crate::browser::deflate;
use crate::document::history::Written;
use crate::document::link::{self, Linked};
use crate::document::value;
use crate::workers::reading::{self, Opened, Unreadable};
use crate::workers::rendering::Form;
use crate::workers::{Worker, worker};

/// A kind of download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Download {
    /// All manifests in one file, as `fedmesh-agent render` prints them.
    Yaml,
    /// A folder for each cluster.
    Zip,
    /// Only the document.
    Mesh,
}

impl Download {
    /// The ending of the file name.
    const fn ending(self) -> &'static str {
        match self {
            Self::Yaml => ".yaml",
            Self::Zip => ".zip",
            Self::Mesh => ".mesh.yaml",
        }
    }
}

/// The path of the DNS suffix.
const SUFFIX: &str = "spec.dns.suffix";

/// Opens the document of a link.
pub(crate) fn open_link(store: Store, linked: Linked) {
    spawn_local(async move {
        match linked_document(linked).await {
            Ok(document) if document == *store.now() => {}
            Ok(document) => {
                store.open(document);
                store.emit("Opened the document of the link. Undo restores the previous document.");
            }
            Err(error) => store.fail(
                format!("Cannot read the document of the link: {error}"),
                "Copy the link again; it may be incomplete.",
            ),
        }
    });
}

async fn linked_document(linked: Linked) -> Result<Value, String> {
    match linked {
        Linked::Plain(text) => link::read(&link::bytes(&text)?),
        Linked::Deflated(text) => {
            let json = deflate::inflated(&link::bytes(&text)?, Limits::BYTES).await;
            link::read(&json.map_err(|error| browser::message(&error))?)
        }
    }
}

/// Copies a link that carries the document.
pub(crate) fn copy_link(store: Store) {
    let json = store.now().to_string();
    spawn_local(async move {
        match deflate::deflated(&json).await {
            Ok(deflated) => {
                let link = format!("{}{}", browser::address(), link::fragment_of(&deflated));
                copy(store, link, "Copied the link with the document.");
            }
            Err(error) => store.fail(
                format!("Cannot create the link: {}", browser::message(&error)),
                "",
            ),
        }
    });
}

/// Copies a text, and reports the result.
pub(crate) fn copy(store: Store, text: String, done: &'static str) {
    spawn_local(async move {
        match browser::copy(text).await {
            Ok(()) => store.emit(done),
            Err(error) => store.fail(format!("Cannot copy: {error}"), ""),
        }
    });
}

/// The engine of a document.
pub(crate) fn target_of(document: &Value) -> Target {
    let name = value::text(document, "spec.target");
    Target::all()
        .find(|target| target.as_str() == name)
        .unwrap_or_default()
}

/// The name of a downloaded file.
pub(crate) fn file_name(document: &Value, download: Download) -> String {
    let name = match value::text(document, "metadata.name") {
        "" => "mesh",
        name => name,
    };
    format!("{name}{}", download.ending())
}

/// Downloads the document or its manifests.
pub(crate) fn download(store: Store, download: Download) {
    let document = store.now();
    let name = file_name(&document, download);
    let target = target_of(&document);
    if download == Download::Yaml && target.is_applied_by_others() {
        store.fail(
            format!("The engine {} has no single YAML file", target.as_str()),
            "Download the ZIP archive, and commit its files.",
        );
        return;
    }
    spawn_local(async move {
        match bytes(store, download, document.clone()).await {
            Ok(bytes) => {
                if save(store, &name, &bytes) && download != Download::Mesh {
                    delivered::note(store, document, How::Downloaded);
                    let action = (download == Download::Zip).then_some(Action::ShowCommands);
                    store.emit_with(format!("Downloaded {name}."), action);
                }
            }
            Err(error) => {
                store.fail(format!("Cannot create {name}: {error}"), renderer::HINT);
            }
        }
    });
}

async fn bytes(store: Store, download: Download, document: Arc<Value>) -> Result<Vec<u8>, String> {
    let text = match download {
        Download::Zip => return renderer::zip(&document).await,
        Download::Yaml => renderer::text(Form::Stream, &document).await,
        Download::Mesh => writer::text_of(&store.written())
            .await
            .map(|made| made.text.to_string()),
    };
    text.map(String::into_bytes)
}

/// Saves a file; whether the browser accepted it.
pub(crate) fn save(store: Store, name: &str, bytes: &[u8]) -> bool {
    let result = browser::download(name, bytes);
    if let Err(error) = &result {
        store.fail(format!("Cannot download: {}", browser::message(error)), "");
    }
    result.is_ok()
}

/// Downloads a text that could not be read.
pub(crate) fn download_rescued(store: Store, text: &str) {
    save(store, "fedmesh-kept.json", text.as_bytes());
}

/// Opens files that the user chose or dropped.
pub(crate) fn open_files(store: Store, files: Option<FileList>) {
    let Some(files) = files else { return };
    let Some(first) = files.get(0) else { return };
    let name = match files.length() {
        1 => first.name(),
        count => format!("{count} files"),
    };
    // Copied, because choosing other files empties the list.
    open(store, name, js_sys::Array::from(&files).into());
}

/// Opens a document, or imports manifests: a text, or files; `name` is shown to the user.
pub(crate) fn open(store: Store, name: String, input: JsValue) {
    spawn_local(async move {
        match read(&store.document.get_untracked(), &input).await {
            Ok(Ok(opened)) => show(store, &name, opened),
            Ok(Err(Unreadable { message, hint, .. })) => {
                store.fail(format!("{name}: {message}"), hint);
            }
            Err(error) => store.fail(format!("Cannot read {name}: {error}"), renderer::HINT),
        }
    });
}

/// Reads a text or files in the worker, which ends afterwards: its memory may be large.
async fn read(document: &Value, input: &JsValue) -> Result<Result<Opened, Unreadable>, String> {
    let worker = Worker::new("read-worker");
    let request = reading::request(value::text(document, SUFFIX), input);
    worker::read(&worker.send(&request).await?)
}

fn show(store: Store, name: &str, opened: Opened) {
    let Opened {
        document,
        text,
        reported,
    } = opened;
    let is_whole = reported.iter().all(|one| one.severity == Severity::Hint);
    let lacks_suffix = value::text(&document, SUFFIX).is_empty();
    store.open(Written {
        document: document.into(),
        text: text.into(),
        is_unread: false,
    });
    store.reported.set(reported);
    if lacks_suffix {
        store.leave(SUFFIX);
    }
    if is_whole {
        store.emit(format!("Opened {name}."));
    } else {
        store.fail(
            format!("{name} was imported in part."),
            "See the first findings in the Findings tab.",
        );
    }
}
