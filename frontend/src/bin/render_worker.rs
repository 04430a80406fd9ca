//! The worker that checks and renders. A request is a [`Form`] and a document; the response is that form, or why the
//! document does not have it.

use std::cell::RefCell;
use std::rc::Rc;

use frontend::workers::rendering::{Checks, Cluster, Form, Manifests};
use frontend::workers::simulated::Simulated;
use frontend::workers::{response, serve};
use serde::Serialize;
use serde_json::Value;
use shared::Mesh;
use shared::bundle::{Rendered, Texts, write_zip};
use shared::facts::Facts;
use shared::resolved::Resolved;
use wasm_bindgen::JsValue;

/// The requested form; the page knows which one it requested.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Response {
    Checks(Checks),
    Manifests(Manifests),
    Simulated(Simulated),
    Text(String),
}

thread_local! {
    /// The bundle that was rendered last.
    static LAST: RefCell<Option<Rc<Kept>>> = const { RefCell::new(None) };
}

/// A bundle, and the document that it was rendered from.
struct Kept {
    of: Value,
    texts: Texts,
}

fn main() {
    serve(|request| {
        let text = request.as_string().unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok((Form::Zip, document)) => match zip(&document) {
                Ok(bytes) => js_sys::Uint8Array::from(bytes.as_slice()).into(),
                Err(error) => JsValue::from_str(&error),
            },
            Ok((form, document)) => response(&answer(form, &document)),
            Err(error) => response::<Response>(&Err(error.to_string())),
        }
    });
}

fn answer(form: Form, document: &Value) -> Result<Response, String> {
    Ok(match form {
        Form::Checks => Response::Checks(Checks::of(document)),
        Form::Document => Response::Text(Mesh::from_value(document).0.to_yaml()),
        Form::Simulated(down) => {
            let (_, resolved) = resolved(document)?;
            Response::Simulated(Simulated::new(&resolved, &down))
        }
        Form::Stream => Response::Text(rendered(document)?.texts.to_stream()),
        Form::Text(path) => {
            let rendered = rendered(document)?;
            let file = rendered.texts.files().find(|(known, _)| *known == path);
            let (_, text) = file.ok_or_else(|| format!("there is no file {path}"))?;
            Response::Text(text.to_owned())
        }
        Form::Files | Form::Zip => Response::Manifests(manifests(&rendered(document)?.texts)),
    })
}

fn zip(document: &Value) -> Result<Vec<u8>, String> {
    write_zip(rendered(document)?.texts.files()).map_err(|error| error.to_string())
}

fn resolved(document: &Value) -> Result<(Mesh, Resolved), String> {
    let (mesh, errors) = Mesh::from_value(document);
    let resolved = shared::check(&mesh, &Facts::default()).resolved;
    let resolved = resolved
        .filter(|_| errors.is_empty())
        .ok_or("the document has errors")?;
    Ok((mesh, resolved))
}

/// The bundle of a document: the last one, if it is the same document.
fn rendered(document: &Value) -> Result<Rc<Kept>, String> {
    let last = LAST
        .with_borrow(Clone::clone)
        .filter(|last| last.of == *document);
    if let Some(last) = last {
        return Ok(last);
    }
    let (mesh, resolved) = resolved(document)?;
    let rendered = Rendered::new(&mesh, &resolved);
    let parts = rendered.parts();
    let kept = Rc::new(Kept {
        of: document.clone(),
        texts: rendered.texts(parts.into_iter().map(|part| rendered.files(part))),
    });
    LAST.set(Some(kept.clone()));
    Ok(kept)
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
    use shared::bundle::Bundle;

    use super::*;

    fn walkthrough() -> Mesh {
        Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap()
    }

    /// The response as the page reads it.
    fn ask<T: DeserializeOwned>(form: Form, mesh: &Mesh) -> Result<T, String> {
        let document = serde_json::to_value(mesh).unwrap();
        let json = serde_json::to_string(&answer(form, &document)).unwrap();
        serde_json::from_str::<Result<T, String>>(&json).unwrap()
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
                let bundle = Bundle::new(&mesh, &resolved);
                assert_eq!(ask(Form::Stream, &mesh), Ok(bundle.to_stream()));
                assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
                let manifests: Manifests = ask(Form::Files, &mesh).unwrap();
                assert_eq!(manifests.digest, bundle.digest);
                let files = manifests.clusters.iter().flat_map(|cluster| &cluster.files);
                let files = manifests.common.iter().chain(files);
                assert!(files.eq(bundle.files().skip(1).map(|(path, _)| path)));
                for (path, text) in bundle.files() {
                    assert_eq!(ask(Form::Text(path.to_owned()), &mesh), Ok(text.to_owned()));
                }
                let document = serde_json::to_value(&mesh).unwrap();
                assert_eq!(zip(&document), Ok(bundle.to_zip().unwrap()));
            }
        }
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
        for form in [Form::Files, Form::Stream, Form::Simulated(Vec::new())] {
            let error = ask::<Manifests>(form, &mesh).unwrap_err();
            assert_eq!(error, "the document has errors");
        }
        assert_eq!(
            zip(&serde_json::to_value(&mesh).unwrap()),
            Err("the document has errors".to_owned())
        );
        assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
        let checks: Checks = ask(Form::Checks, &mesh).unwrap();
        assert!(checks.names.is_none() && !checks.findings.is_empty());
    }
}
