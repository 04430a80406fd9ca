//! The worker that checks and renders. A request is a [`Form`] and a document; the response is a text, or nothing
//! if a document with errors does not have that form.

use frontend::json;
use frontend::rendering::{Checks, Form, Manifests};
use frontend::simulated::Simulated;
use shared::Mesh;
use shared::bundle::Bundle;
use shared::facts::Facts;
use wasm_bindgen::JsValue;

fn main() {
    frontend::worker::serve(|question| answer(question).map_or(JsValue::NULL, JsValue::from));
}

fn answer(question: &str) -> Option<String> {
    let (form, mesh): (Form, Mesh) = json::read(question).ok()?;
    if form == Form::Document {
        return Some(mesh.to_yaml());
    }
    let checked = shared::check(&mesh, &Facts::default());
    if form == Form::Checks {
        return Some(json::write(&Checks::from(checked)));
    }
    let resolved = checked.resolved?;
    if let Form::Simulated(down) = form {
        return Some(json::write(&Simulated::new(&resolved, &down)));
    }
    let bundle = Bundle::new(&mesh, &resolved);
    Some(match form {
        Form::Stream => bundle.to_stream(),
        _ => json::write(&Manifests::from(bundle)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walkthrough() -> Mesh {
        Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap()
    }

    fn ask(form: Form, mesh: &Mesh) -> Option<String> {
        answer(&json::write(&(form, mesh)))
    }

    #[test]
    fn responses_contain_the_bundle() {
        let mesh = walkthrough();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let bundle = Bundle::new(&mesh, &resolved);
        assert_eq!(ask(Form::Stream, &mesh), Some(bundle.to_stream()));
        assert_eq!(ask(Form::Document, &mesh), Some(mesh.to_yaml()));
        let files: Vec<(String, String)> = bundle
            .files()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        let digest = bundle.digest.clone();
        let sent = json::value(&ask(Form::Files, &mesh).unwrap()).unwrap();
        let manifests = Manifests::from_value(&sent).unwrap();
        assert_eq!(manifests, Manifests::from(bundle));
        assert_eq!(manifests.digest, digest);
        let read: Vec<(String, String)> = manifests
            .files()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        assert_eq!(read, files);
    }

    #[test]
    fn checks_survive_json() {
        let mut mesh = walkthrough();
        for suffix in ["my.zone", "Bad"] {
            mesh.spec.dns.suffix = suffix.to_owned();
            let sent = json::value(&ask(Form::Checks, &mesh).unwrap()).unwrap();
            let checks = Checks::from_value(&sent).unwrap();
            assert_eq!(
                checks,
                Checks::from(shared::check(&mesh, &Facts::default()))
            );
            assert_eq!(checks.names.is_some(), suffix != "Bad");
        }
    }

    #[test]
    fn the_outage_is_part_of_the_request() {
        let mesh = walkthrough();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let down = vec!["service:httpbin.default@cluster1".to_owned()];
        let simulated = Simulated::new(&resolved, &down);
        let sent = ask(Form::Simulated(down), &mesh);
        assert_eq!(sent, Some(json::write(&simulated)));
        assert_ne!(simulated, Simulated::new(&resolved, &[]));
    }

    #[test]
    fn a_document_with_errors_is_not_rendered() {
        let mut mesh = walkthrough();
        mesh.spec.dns.suffix.clear();
        assert_eq!(ask(Form::Files, &mesh), None);
        assert_eq!(ask(Form::Stream, &mesh), None);
        assert_eq!(ask(Form::Simulated(Vec::new()), &mesh), None);
        assert_eq!(ask(Form::Document, &mesh), Some(mesh.to_yaml()));
    }
}
