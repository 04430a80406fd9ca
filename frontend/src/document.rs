//! The document's ways in and out: links and files.

use shared::Mesh;
use shared::check::Severity;
use shared::mesh::Target;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::FileList;

use crate::browser;
use crate::field::Field;
use crate::json;
use crate::reading::Answer;
use crate::renderer;
use crate::rendering::{Form, Manifests};
use crate::saved;
use crate::state::Store;
use crate::worker::Worker;

/// What can be downloaded.
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
    /// What the file's name ends in.
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
            store.tell("Opened the document in the link. Undo brings back the one before.");
        }
        Err(error) => store.fail(
            format!("The link's document cannot be read: {error}"),
            "Copy the whole link again where it comes from.",
        ),
    }
}

/// Copies a link that carries the document.
pub(crate) fn copy_link(store: Store) {
    let link = format!("{}{}", browser::address(), saved::fragment_of(&store.now()));
    copy(store, link, "Copied the link with the document.");
}

/// Copies a text and says so.
pub(crate) fn copy(store: Store, text: String, done: &'static str) {
    spawn_local(async move {
        match browser::copy(text).await {
            Ok(()) => store.tell(done),
            Err(error) => store.fail(format!("Nothing was copied: {error}"), ""),
        }
    });
}

/// Hands the document or its manifests to the person.
pub(crate) fn download(store: Store, download: Download) {
    let mesh = store.now();
    let name = match mesh.metadata.name.as_str() {
        "" => "mesh",
        name => name,
    };
    let name = format!("{name}{}", download.ending());
    if download == Download::Yaml && mesh.spec.target == Some(Target::Gitops) {
        store.fail(
            "With the engine gitops the manifests are a folder",
            "Download the zip archive, and commit what is in it.",
        );
        return;
    }
    spawn_local(async move {
        let made = match download {
            Download::Yaml => renderer::ask(Form::Stream, &mesh).await.map(String::into),
            Download::Mesh => renderer::ask(Form::Document, &mesh).await.map(String::into),
            Download::Zip => match renderer::current(store).await {
                Some(rendered) => pack(&rendered.manifests).await,
                None => return,
            },
        };
        match made {
            Ok(bytes) => hand_over(store, &name, &bytes),
            Err(error) => store.fail(
                format!("{name} was not made: {error}"),
                "Reload the page; the part of it that makes the file did not load.",
            ),
        }
    });
}

/// Has the files packed by the worker.
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
        store.fail(
            format!("Nothing was downloaded: {}", browser::message(&error)),
            "",
        );
    }
}

/// Hands a text that could not be read to the person.
pub(crate) fn download_rescued(store: Store, text: &str) {
    hand_over(store, "fedmesh-kept.json", text.as_bytes());
}

/// Opens files that the person chose or dropped.
pub(crate) fn open_files(store: Store, files: Option<FileList>) {
    let Some(files) = files else { return };
    let Some(first) = files.get(0) else { return };
    let name = match files.length() {
        1 => first.name(),
        count => format!("{count} files"),
    };
    // The list is emptied as soon as others can be chosen.
    let files = js_sys::Array::from(&files);
    spawn_local(async move { open(store, &name, &files).await });
}

/// Opens a document, or manifests to make one of: a text, or files; `name` is what the person calls it.
pub(crate) async fn open(store: Store, name: &str, given: &JsValue) {
    let mut answer = read("yaml-worker", given).await;
    if answer == Ok(Answer::Manifests) {
        let suffix = store.now().spec.dns.suffix;
        answer = read("import-worker", &js_sys::Array::of2(&suffix.into(), given)).await;
    }
    match answer {
        Ok(Answer::Opened { mesh, told }) => {
            let is_whole = told.iter().all(|one| one.severity == Severity::Hint);
            let asks_suffix = mesh.spec.dns.suffix.is_empty();
            store.open(*mesh);
            store.told.set(told);
            if asks_suffix {
                store.leave(Field::Suffix);
            }
            if is_whole {
                store.tell(format!("Opened {name}."));
            } else {
                store.fail(
                    format!("{name}: not all of it is in the document."),
                    "The tab Findings begins with what is not.",
                );
            }
        }
        Ok(Answer::Error { message, hint }) => store.fail(format!("{name}: {message}"), hint),
        Ok(Answer::Manifests) => {}
        Err(error) => store.fail(
            format!("{name} was not read: {error}"),
            "Reload the page; the part of it that reads files did not load.",
        ),
    }
}

/// Has a text or files read by a worker.
async fn read(worker: &'static str, given: &JsValue) -> Result<Answer, String> {
    let answer = Worker::new(worker).ask_about(given).await?;
    Answer::from_value(json::value(&answer.as_string().unwrap_or_default())?)
}
