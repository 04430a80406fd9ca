//! The worker that checks and renders. A request is a [`Form`] and a document; the response is that form, or why the
//! document does not have it.

use frontend::json;
use frontend::workers::rendering::{Checks, Form, Manifests};
use frontend::workers::simulated::Simulated;
use serde::Serialize;
use shared::Mesh;
use shared::bundle::Bundle;
use shared::facts::Facts;

/// The requested form; the page knows which one it requested.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Response {
    Checks(Checks),
    Manifests(Manifests),
    Simulated(Simulated),
    Text(String),
}

fn main() {
    frontend::workers::serve(|question| {
        let answer = json::read(question).and_then(|(form, mesh)| answer(form, &mesh));
        json::write(&answer).into()
    });
}

fn answer(form: Form, mesh: &Mesh) -> Result<Response, String> {
    if form == Form::Document {
        return Ok(Response::Text(mesh.to_yaml()));
    }
    let checked = shared::check(mesh, &Facts::default());
    if form == Form::Checks {
        return Ok(Response::Checks(checked.into()));
    }
    let resolved = checked.resolved.ok_or("the document has errors")?;
    if let Form::Simulated(down) = form {
        return Ok(Response::Simulated(Simulated::new(&resolved, &down)));
    }
    let bundle = Bundle::new(mesh, &resolved);
    Ok(match form {
        Form::Stream => Response::Text(bundle.to_stream()),
        _ => Response::Manifests(bundle.into()),
    })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    fn walkthrough() -> Mesh {
        Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap()
    }

    /// The response as the page reads it.
    fn ask<T: DeserializeOwned>(form: Form, mesh: &Mesh) -> Result<T, String> {
        json::read::<Result<T, String>>(&json::write(&answer(form, mesh))).unwrap()
    }

    #[test]
    fn responses_contain_the_bundle() {
        let mesh = walkthrough();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let bundle = Bundle::new(&mesh, &resolved);
        assert_eq!(ask(Form::Stream, &mesh), Ok(bundle.to_stream()));
        assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
        let manifests: Manifests = ask(Form::Files, &mesh).unwrap();
        assert_eq!(manifests.digest, bundle.digest);
        assert!(manifests.files().eq(bundle.files()));
        assert_eq!(manifests, Manifests::from(bundle));
    }

    #[test]
    fn a_document_with_errors_has_findings_and_no_names() {
        let mut mesh = walkthrough();
        for suffix in ["my.zone", "Bad"] {
            mesh.spec.dns.suffix = suffix.to_owned();
            let checks: Checks = ask(Form::Checks, &mesh).unwrap();
            assert_eq!(checks, shared::check(&mesh, &Facts::default()).into());
            assert_eq!(checks.names.is_some(), suffix != "Bad");
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
        assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
    }
}
