//! The worker that checks and renders. A request is a [`Form`] and a document; the response is that form, or why the
//! document does not have it.

use std::cell::RefCell;
use std::sync::Arc;

use frontend::workers::calls::Calls;
use frontend::workers::changes::{self, Comparing};
use frontend::workers::rendering::{Checks, Cluster, Form, Manifests, Rendering, Request};
use frontend::workers::simulated::Simulated;
use frontend::workers::{response, serve};
use serde::Serialize;
use serde_json::Value;
use shared::Mesh;
use shared::bundle::{MESH_FILE, Part, Rendered, TextFile, Texts, write_zip};
use shared::engine::Commands;
use shared::facts::Facts;
use shared::resolved::Resolved;

/// Milliseconds after which rendering responds, so that a changed document waits no longer.
const SLICE: f64 = 100.0;

/// Bytes of manifests up to which they can be downloaded: the browser has all of them in memory, some of them twice.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The requested form; the page knows which one it requested.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Response {
    Checks(Checks),
    Rendering(Rendering),
    Simulated(Simulated),
    Calls(Calls),
    Commands(Commands),
    Comparing(Comparing),
    Text(String),
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

/// A bundle, of which some parts are rendered.
struct Bundle {
    rendered: Rendered<'static>,
    parts: Vec<Part>,
    /// The files of each part, until all are rendered.
    files: Vec<Option<Vec<TextFile>>>,
    whole: Option<Whole>,
}

/// A bundle whose parts are all rendered.
struct Whole {
    texts: Texts,
    manifests: Manifests,
    /// The number of texts up to the end of each part.
    ends: Vec<usize>,
}

impl Work {
    /// Answers a request. Rendering responds when `go_on` returns `false`.
    fn answer(&mut self, form: Form, go_on: &dyn Fn() -> bool) -> Result<Response, String> {
        Ok(match form {
            Form::Checks => Response::Checks(Checks::of(&self.document)),
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
            Form::Text(path) => Response::Text(self.text(&path)?),
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
            text: path.and_then(|path| self.look_at(path)),
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
    fn text(&mut self, path: &str) -> Result<String, String> {
        self.bundle()?.whole();
        self.look_at(path)
            .ok_or_else(|| format!("there is no file {path}"))
    }

    /// The text of a file, if its part is rendered.
    fn look_at(&mut self, path: &str) -> Option<String> {
        let bundle = self.bundle.as_ref()?;
        if path == MESH_FILE {
            return Some(bundle.rendered.mesh_yaml.clone());
        }
        let (part, text) = bundle.find(path)?;
        self.looked_at = Some((path.to_owned(), part));
        Some(text.to_owned())
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

impl Bundle {
    fn new(mesh: &Mesh, resolved: Resolved) -> Self {
        let rendered = Rendered::owned(mesh, resolved);
        let parts = rendered.parts();
        Self {
            rendered,
            files: parts.iter().map(|_| None).collect(),
            parts,
            whole: None,
        }
    }

    fn is_done(&self) -> bool {
        self.whole.is_some() || self.files.iter().all(Option::is_some)
    }

    /// The part to render next: this one, if it is not rendered.
    fn next(&self, first: Option<Part>) -> Option<usize> {
        if self.is_done() {
            return None;
        }
        let is_missing = |index: &usize| self.files[*index].is_none();
        let first = first.and_then(|first| self.parts.iter().position(|part| *part == first));
        first
            .filter(is_missing)
            .or_else(|| (0..self.parts.len()).find(is_missing))
    }

    /// Renders a part.
    fn write(&mut self, index: usize) {
        self.files[index] = Some(self.rendered.files(self.parts[index]));
    }

    /// Renders parts until `go_on` returns `false`, but at least one; whether all are rendered.
    fn write_while(&mut self, go_on: &dyn Fn() -> bool) -> bool {
        while let Some(index) = self.next(None) {
            self.write(index);
            if !go_on() {
                break;
            }
        }
        self.is_done()
    }

    /// The number of parts that are rendered, and of all.
    fn progress(&self) -> (usize, usize) {
        let total = self.parts.len();
        if self.whole.is_some() {
            return (total, total);
        }
        (self.files.iter().flatten().count(), total)
    }

    /// The part of a file, and the file's text, if that part is rendered.
    fn find(&self, path: &str) -> Option<(Part, &str)> {
        if let Some(whole) = &self.whole {
            let (index, text) = whole.texts.find(path)?;
            let part = whole.ends.partition_point(|end| *end <= index);
            return Some((self.parts[part], text));
        }
        let has_path = |file: &&TextFile| file.places.iter().any(|place| place.path == path);
        self.parts
            .iter()
            .zip(&self.files)
            .find_map(|(part, files)| {
                let file = files.iter().flatten().find(has_path)?;
                Some((*part, file.text.as_str()))
            })
    }

    /// The commands that apply an archive of the whole bundle.
    fn commands(&mut self, name: &str) -> Commands {
        self.whole();
        let whole = self.whole.as_ref();
        whole.map_or_else(Commands::default, |whole| {
            self.rendered.commands(&whole.texts, name)
        })
    }

    /// The whole bundle; what is missing is rendered.
    fn whole(&mut self) -> &Whole {
        while let Some(index) = self.next(None) {
            self.write(index);
        }
        let files = &mut self.files;
        self.whole.get_or_insert_with(|| {
            let files: Vec<Vec<TextFile>> = files.iter_mut().filter_map(Option::take).collect();
            let ends = files.iter().scan(0, |end, files| {
                *end += files.len();
                Some(*end)
            });
            let ends = ends.collect();
            let texts = self.rendered.texts(files);
            Whole {
                manifests: manifests(&texts),
                texts,
                ends,
            }
        })
    }
}

fn resolved(document: &Value) -> Result<(Mesh, Resolved), String> {
    let (mesh, errors) = Mesh::from_value(document);
    let resolved = shared::check(&mesh, &Facts::default()).resolved;
    let resolved = resolved.filter(|_| errors.is_empty());
    Ok((mesh, resolved.ok_or("the document has errors")?))
}

fn manifests(texts: &Texts) -> Manifests {
    let clusters = texts.clusters();
    Manifests {
        digest: texts.digest(),
        bytes: texts.files().map(|(_, text)| text.len() as u64).sum(),
        common: texts.common().map(str::to_owned).collect(),
        clusters: clusters
            .map(|(name, files)| Cluster {
                name: name.to_owned(),
                files: files.map(str::to_owned).collect(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use shared::bundle::Bundle as All;

    use super::*;

    fn walkthrough() -> Mesh {
        Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap()
    }

    /// The response as the page reads it.
    fn ask<T: DeserializeOwned>(form: Form, mesh: &Mesh) -> Result<T, String> {
        ask_of(&mut on(mesh), form)
    }

    fn on(mesh: &Mesh) -> Work {
        Work {
            document: serde_json::to_value(mesh).unwrap(),
            ..Work::default()
        }
    }

    /// One part at a time.
    fn ask_of<T: DeserializeOwned>(work: &mut Work, form: Form) -> Result<T, String> {
        let json = serde_json::to_string(&work.answer(form, &|| false)).unwrap();
        serde_json::from_str::<Result<T, String>>(&json).unwrap()
    }

    /// Renders part by part, as the page asks for it.
    fn render(work: &mut Work, path: &str) -> (Vec<Option<String>>, Manifests) {
        let mut texts = Vec::new();
        loop {
            let step: Rendering = ask_of(work, Form::Render(Some(path.to_owned()))).unwrap();
            texts.push(step.text);
            assert_eq!(step.done == step.total, step.manifests.is_some());
            if let Some(manifests) = step.manifests {
                return (texts, manifests);
            }
        }
    }

    #[test]
    fn responses_contain_the_bundle() {
        for example in [
            include_str!("../../../examples/walkthrough.yaml"),
            include_str!("../../../examples/regional.yaml"),
        ] {
            let mut mesh = Mesh::read(example).unwrap();
            for target in shared::mesh::Target::all() {
                mesh.spec.target = Some(target);
                let Some(resolved) = shared::check(&mesh, &Facts::default()).resolved else {
                    continue;
                };
                let bundle = All::new(&mesh, &resolved);
                assert_eq!(ask(Form::Stream, &mesh), Ok(bundle.to_stream()));
                assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
                let mut work = on(&mesh);
                let (_, manifests) = render(&mut work, MESH_FILE);
                assert_eq!(manifests.digest, bundle.digest);
                let files = manifests.clusters.iter().flat_map(|cluster| &cluster.files);
                let files = manifests.common.iter().chain(files);
                assert!(files.eq(bundle.files().skip(1).map(|(path, _)| path)));
                for (path, text) in bundle.files() {
                    assert_eq!(
                        ask_of(&mut work, Form::Text(path.to_owned())),
                        Ok(text.to_owned())
                    );
                }
                assert_eq!(
                    work.answer(Form::Zip, &|| false),
                    Ok(Response::Archive(bundle.to_zip().unwrap()))
                );
            }
        }
    }

    #[test]
    fn the_file_that_is_looked_at_is_rendered_first() {
        let mesh = walkthrough();
        let mut work = on(&mesh);
        let path = "cluster1/60-httpbin.default.yaml";
        let (texts, _) = render(&mut work, path);
        let before = texts.iter().flatten().next().unwrap().clone();
        assert!(texts[0].is_none(), "its part is not known");
        for is_chosen in [false, true] {
            if is_chosen {
                let text: String = ask_of(&mut work, Form::Text(path.to_owned())).unwrap();
                assert!(text.contains("other.zone"));
            }
            work.document["spec"]["dns"]["suffix"] = "other.zone".into();
            work.bundle = None;
            let first: Rendering = ask_of(&mut work, Form::Render(Some(path.to_owned()))).unwrap();
            let expected = before.replace("my.dns.zone.name", "other.zone");
            assert_eq!(first.text, Some(expected), "chosen: {is_chosen}");
            assert_eq!(first.done, 1);
            render(&mut work, path);
        }
    }

    #[test]
    fn a_bundle_is_compared_with_that_of_an_earlier_document() {
        let mut work = on(&walkthrough());
        let nothing = ask_of::<Comparing>(&mut work, Form::Compare(None));
        assert_eq!(nothing.unwrap_err(), NOT_COMPARED);
        let before = Arc::new(work.document.clone());
        work.document["spec"]["dns"]["ttl"] = 60.into();
        let mut form = Form::Compare(Some(before));
        let mut last = 0;
        let changes = loop {
            let step: Comparing = ask_of(&mut work, form).unwrap();
            assert!(step.done > last && step.done <= step.total);
            assert_eq!(step.done == step.total, step.changes.is_some());
            last = step.done;
            form = Form::Compare(None);
            if let Some(changes) = step.changes {
                break changes;
            }
        };
        assert_eq!(changes.groups[0].files[0].path, MESH_FILE);
        let diff: String = ask_of(&mut work, Form::Diff(MESH_FILE.to_owned())).unwrap();
        assert!(diff.contains("+    ttl: 60"), "{diff}");
        let since = Form::PullRequest("the download of today".to_owned());
        let text: String = ask_of(&mut work, since).unwrap();
        assert!(text.contains(&diff), "{text}");
    }

    #[test]
    fn commands_are_for_the_archive() {
        let mut work = on(&walkthrough());
        let commands: Commands = ask_of(&mut work, Form::Commands("demo.zip".to_owned())).unwrap();
        assert_eq!(commands.steps.len(), 4);
        assert_eq!(commands.steps[2].title, "cluster1");
    }

    #[test]
    fn the_outage_is_part_of_the_request() {
        let mesh = walkthrough();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let down = vec!["service:httpbin.default@cluster1".to_owned()];
        let simulated = Simulated::new(&resolved, &down);
        assert_eq!(ask(Form::Simulated(down), &mesh), Ok(simulated.clone()));
        assert_ne!(simulated, Simulated::new(&resolved, &[]));
    }

    #[test]
    fn a_document_with_errors_is_not_rendered() {
        let mut mesh = walkthrough();
        mesh.spec.dns.suffix.clear();
        for form in [
            Form::Render(None),
            Form::Stream,
            Form::Simulated(Vec::new()),
        ] {
            let error = ask::<Manifests>(form, &mesh).unwrap_err();
            assert_eq!(error, "the document has errors");
        }
        assert_eq!(
            on(&mesh).answer(Form::Zip, &|| false),
            Err("the document has errors".to_owned())
        );
        assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
        let checks: Checks = ask(Form::Checks, &mesh).unwrap();
        assert!(checks.names.is_none() && !checks.findings.is_empty());
    }
}
