//! The worker that checks and renders. A request is a [`Form`] and a document; the response is that form, or why the
//! document does not have it.

mod bundle;

use std::cell::RefCell;
use std::sync::Arc;

use frontend::workers::calls::Calls;
use frontend::workers::changes::{self, Comparing};
use frontend::workers::rendering::{Checks, FileText, Form, Rendering, Request, names};
use frontend::workers::search::Found;
use frontend::workers::simulated::Simulated;
use frontend::workers::{response, serve};
use serde::Serialize;
use serde_json::Value;
use shared::Mesh;
use shared::bundle::{MESH_FILE, Part, Texts, write_zip};
use shared::engine::Commands;
use shared::facts::Facts;
use shared::resolved::Resolved;
use shared::resolved::published::NameRow;

use bundle::{Bundle, Whole};

/// Milliseconds after which rendering responds, so that a changed document waits no longer.
const SLICE: f64 = 100.0;

/// Bytes of manifests up to which they can be downloaded: the browser has all of them in memory, some of them twice.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The requested form; the page knows which one it requested.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Response {
    Checks(Checks),
    Names(Vec<NameRow>),
    Rendering(Rendering),
    Simulated(Simulated),
    Calls(Calls),
    Commands(Commands),
    Comparing(Comparing),
    Text(String),
    File(FileText),
    Found(Found),
    /// Not as JSON.
    #[serde(skip)]
    Archive(Vec<u8>),
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

fn main() {
    serve(|request| {
        let text = request.as_string().unwrap_or_default();
        let request = match serde_json::from_str::<Request<'_>>(&text) {
            Ok(request) => request,
            Err(error) => return response::<Response>(&Err(error.to_string())),
        };
        WORK.with_borrow_mut(|work| {
            if let Some(document) = request.document {
                work.document = document.into_owned();
                work.bundle = None;
            }
            let start = js_sys::Date::now();
            let go_on = || js_sys::Date::now() - start < SLICE;
            match work.answer(request.form, &go_on) {
                Ok(Response::Archive(bytes)) => js_sys::Uint8Array::from(bytes.as_slice()).into(),
                answer => response(&answer),
            }
        })
    });
}

/// What is known about the document of the last request.
#[derive(Default)]
struct Work {
    document: Value,
    bundle: Option<Bundle>,
    /// The file that was requested last, and its part: it is rendered first when the document has changed.
    looked_at: Option<(String, Part)>,
    /// The bundle of an earlier document, with which that of this one is compared.
    before: Option<Before>,
}

/// An earlier document with its bundle.
struct Before {
    document: Arc<Value>,
    bundle: Bundle,
}

/// Why there is no comparison.
const NOT_COMPARED: &str = "no earlier document to compare with";

impl Work {
    /// Answers a request. Rendering responds when `go_on` returns `false`.
    fn answer(&mut self, form: Form, go_on: &dyn Fn() -> bool) -> Result<Response, String> {
        Ok(match form {
            Form::Checks => Response::Checks(Checks::of(&self.document)),
            Form::Names => {
                let (_, resolved) = self.resolved()?;
                Response::Names(names(&resolved))
            }
            Form::Document => Response::Text(Mesh::yaml_of(&self.document)),
            Form::Simulated(down) => {
                let (_, resolved) = self.resolved()?;
                Response::Simulated(Simulated::new(&resolved, &down))
            }
            Form::Calls(service, down) => {
                let (_, resolved) = self.resolved()?;
                Response::Calls(Calls::new(&resolved, &service, &down))
            }
            Form::Render(path) => Response::Rendering(self.render(path.as_deref(), go_on)?),
            Form::Text(path) => Response::File(self.text(&path)?),
            Form::Search(search, from) => {
                Response::Found(self.bundle()?.search(&search, from, go_on))
            }
            Form::Stream => Response::Text(self.small()?.texts.to_stream()),
            Form::Commands(name) => Response::Commands(self.bundle()?.commands(&name)),
            Form::Compare(before) => Response::Comparing(self.compare(before, go_on)?),
            Form::Diff(path) => {
                let (before, after) = self.both()?;
                Response::Text(changes::diff_of(before, after, &path))
            }
            Form::PullRequest(since) => {
                let (before, after) = self.both()?;
                Response::Text(changes::pull_request(&since, before, after))
            }
            Form::Zip => {
                let archive = write_zip(self.small()?.texts.files());
                Response::Archive(archive.map_err(|error| error.to_string())?)
            }
        })
    }

    fn resolved(&self) -> Result<(Mesh, Resolved), String> {
        resolved(&self.document)
    }

    fn bundle(&mut self) -> Result<&mut Bundle, String> {
        let bundle = if let Some(bundle) = self.bundle.take() {
            bundle
        } else {
            let (mesh, resolved) = self.resolved()?;
            Bundle::new(&mesh, resolved)
        };
        Ok(self.bundle.insert(bundle))
    }

    fn render(
        &mut self,
        path: Option<&str>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Rendering, String> {
        let looked_at = self.looked_at.as_ref();
        let known = looked_at.filter(|(known, _)| Some(known.as_str()) == path);
        let mut first = known.map(|(_, part)| *part);
        let bundle = self.bundle()?;
        if let Some(index) = bundle.next(first.take()) {
            bundle.write(index);
            if go_on() {
                bundle.write_while(go_on);
            }
        }
        let (done, total) = bundle.progress();
        Ok(Rendering {
            done,
            total,
            manifests: bundle.is_done().then(|| bundle.whole().manifests.clone()),
            file: path.and_then(|path| self.look_at(path)),
        })
    }

    /// Renders parts of both bundles, and compares them when both are whole.
    fn compare(
        &mut self,
        document: Option<Arc<Value>>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Comparing, String> {
        if let Some(document) = document
            && self
                .before
                .as_ref()
                .is_none_or(|before| before.document != document)
        {
            let (mesh, resolved) = resolved(&document)?;
            self.before = Some(Before {
                bundle: Bundle::new(&mesh, resolved),
                document,
            });
        }
        let before = self.before.as_mut().ok_or(NOT_COMPARED)?;
        let is_done = before.bundle.write_while(go_on);
        let mut step = before.bundle.progress();
        let after = self.bundle()?;
        let is_done = is_done && after.write_while(go_on);
        let own = after.progress();
        step = (step.0 + own.0, step.1 + own.1);
        let changes = if is_done {
            let (before, after) = self.both()?;
            Some(changes::between(before, after))
        } else {
            None
        };
        Ok(Comparing {
            done: step.0,
            total: step.1,
            changes,
        })
    }

    /// The bundle that was compared last, and that of the document; what is missing is rendered.
    fn both(&mut self) -> Result<(&Texts, &Texts), String> {
        self.bundle()?;
        match (&mut self.before, &mut self.bundle) {
            (Some(before), Some(after)) => Ok((&before.bundle.whole().texts, &after.whole().texts)),
            _ => Err(NOT_COMPARED.to_owned()),
        }
    }

    /// The text of a file. All parts are rendered before.
    fn text(&mut self, path: &str) -> Result<FileText, String> {
        self.bundle()?.whole();
        self.look_at(path)
            .ok_or_else(|| format!("there is no file {path}"))
    }

    /// The text of a file, if its part is rendered.
    fn look_at(&mut self, path: &str) -> Option<FileText> {
        let bundle = self.bundle.as_ref()?;
        if path == MESH_FILE {
            return Some(FileText {
                text: bundle.mesh_yaml().to_owned(),
                origins: Vec::new(),
            });
        }
        let (part, text, origins) = bundle.find(path)?;
        self.looked_at = Some((path.to_owned(), part));
        Some(FileText {
            text: text.to_owned(),
            origins: origins.iter().map(|one| one.path()).collect(),
        })
    }

    /// The whole bundle, unless it is too large for a download.
    fn small(&mut self) -> Result<&Whole, String> {
        let whole = self.bundle()?.whole();
        let bytes = whole.manifests.bytes;
        if bytes > MOST_BYTES {
            return Err(format!(
                "the manifests have {} MB, more than the browser can pack; use `fedmesh-agent render` with the document",
                bytes / 1_000_000
            ));
        }
        Ok(whole)
    }
}

fn resolved(document: &Value) -> Result<(Mesh, Resolved), String> {
    let (mesh, errors) = Mesh::from_value(document);
    let resolved = shared::check(&mesh, &Facts::default()).resolved;
    let resolved = resolved.filter(|_| errors.is_empty());
    Ok((mesh, resolved.ok_or("the document has errors")?))
}

#[cfg(test)]
mod tests;
