//! Opens, downloads and links the document.

use shared::Mesh;
use shared::check::Severity;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::FileList;

use super::renderer;
use super::saved;
use super::store::Store;
use crate::browser;
use crate::form::field::Field;
use crate::json;
use crate::workers::Worker;
use crate::workers::reading::ReadResult;
use crate::workers::rendering::{Form, Manifests};

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

/// Opens the document of a link.
pub(crate) fn open_link(store: Store, mesh: Result<Mesh, String>) {
    match mesh {
        Ok(mesh) if mesh == store.now() => {}
        Ok(mesh) => {
            store.open(mesh);
            store.emit("Opened the document of the link. Undo restores the previous document.");
        }
        Err(error) => store.fail(
            format!("Cannot read the document of the link: {error}"),
            "Copy the link again; it may be incomplete.",
        ),
    }
}

/// Copies a link that carries the document.
pub(crate) fn copy_link(store: Store) {
    let link = format!("{}{}", browser::address(), saved::fragment_of(&store.now()));
    copy(store, link, "Copied the link with the document.");
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

/// Downloads the document or its manifests.
pub(crate) fn download(store: Store, download: Download) {
    let mesh = store.now();
    let name = match mesh.metadata.name.as_str() {
        "" => "mesh",
        name => name,
    };
    let name = format!("{name}{}", download.ending());
    let target = mesh.spec.target.unwrap_or_default();
    if download == Download::Yaml && target.is_applied_by_others() {
        store.fail(
            format!("The engine {} has no single YAML file", target.as_str()),
            "Download the ZIP archive, and commit its files.",
        );
        return;
    }
    spawn_local(async move {
        let made = match download {
            Download::Yaml => renderer::text(Form::Stream, &mesh).await.map(String::into),
            Download::Mesh => renderer::text(Form::Document, &mesh)
                .await
                .map(String::into),
            Download::Zip => match renderer::current(store).await {
                Some(rendered) => pack(&rendered.manifests).await,
                None => return,
            },
        };
        match made {
            Ok(bytes) => hand_over(store, &name, &bytes),
            Err(error) => store.fail(
                format!("Cannot create {name}: {error}"),
                "Reload the page; a part of it did not load.",
            ),
        }
    });
}

/// Packs files in the worker.
async fn pack(manifests: &Manifests) -> Result<Vec<u8>, String> {
    let files: Vec<(&str, &str)> = manifests.files().collect();
    let packer = Worker::new("zip-worker");
    let answer = packer.ask(&json::write(&files)).await?;
    match answer.as_string() {
        Some(error) => Err(error),
        None => Ok(js_sys::Uint8Array::new(&answer).to_vec()),
    }
}

fn hand_over(store: Store, name: &str, bytes: &[u8]) {
    if let Err(error) = browser::download(name, bytes) {
        store.fail(format!("Cannot download: {}", browser::message(&error)), "");
    }
}

/// Downloads a text that could not be read.
pub(crate) fn download_rescued(store: Store, text: &str) {
    hand_over(store, "fedmesh-kept.json", text.as_bytes());
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
    let files = js_sys::Array::from(&files);
    spawn_local(async move { open(store, &name, &files).await });
}

/// Opens a document, or imports manifests: a text, or files; `name` is shown to the user.
pub(crate) async fn open(store: Store, name: &str, given: &JsValue) {
    let mut answer = read("yaml-worker", given).await;
    if answer == Ok(ReadResult::Manifests) {
        let suffix = store.now().spec.dns.suffix;
        answer = read("import-worker", &js_sys::Array::of2(&suffix.into(), given)).await;
    }
    match answer {
        Ok(ReadResult::Opened { mesh, reported }) => {
            let is_whole = reported.iter().all(|one| one.severity == Severity::Hint);
            let asks_suffix = mesh.spec.dns.suffix.is_empty();
            store.open(*mesh);
            store.reported.set(reported);
            if asks_suffix {
                store.leave(Field::Suffix);
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
        Ok(ReadResult::Error { message, hint }) => store.fail(format!("{name}: {message}"), hint),
        Ok(ReadResult::Manifests) => {}
        Err(error) => store.fail(
            format!("Cannot read {name}: {error}"),
            "Reload the page; a part of it did not load.",
        ),
    }
}

/// Reads a text or files in a worker.
async fn read(worker: &'static str, given: &JsValue) -> Result<ReadResult, String> {
    let answer = Worker::new(worker).ask_about(given).await?;
    json::read(&answer.as_string().unwrap_or_default())
}
