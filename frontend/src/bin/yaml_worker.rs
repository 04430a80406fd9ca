//! The worker that reads documents: a text comes in, an [`Answer`] goes out.

use frontend::reading::Answer;
use shared::Mesh;
use shared::bundle::{Carried, ReadBundleError};

fn main() {
    frontend::worker::serve(|text| {
        serde_json::to_string(&read(text))
            .unwrap_or_default()
            .into()
    });
}

/// Reads a Mesh document, or the one that a bundle in one stream carries.
fn read(text: &str) -> Answer {
    let result = if Carried::is_stream(text) {
        Carried::from_stream(text).and_then(|carried| carried.mesh())
    } else {
        Mesh::read(text).map_err(ReadBundleError::from)
    };
    match result {
        Ok(mesh) => Answer::Mesh(Box::new(mesh)),
        Err(ReadBundleError::Mesh(error)) => Answer::Error {
            message: error.to_string(),
            hint: error.hint,
        },
        Err(error) => Answer::Error {
            message: error.to_string(),
            hint: "open a Mesh document, or a bundle that fedmesh wrote".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, read};

    const DOCUMENT: &str = include_str!("../../../examples/walkthrough.yaml");

    #[test]
    fn a_document_and_a_bundle_give_the_document() {
        let Answer::Mesh(mesh) = read(DOCUMENT) else {
            panic!("{:?}", read(DOCUMENT))
        };
        let resolved = shared::check(&mesh, &shared::facts::Facts::default())
            .resolved
            .unwrap();
        let stream = shared::bundle::Bundle::new(&mesh, &resolved).to_stream();
        assert_eq!(read(&stream), Answer::Mesh(mesh));
    }

    #[test]
    fn an_error_names_line_path_and_remedy() {
        let text = DOCUMENT.replace("region: us-west2", "regoin: us-west2");
        let Answer::Error { message, hint } = read(&text) else {
            panic!("it was read")
        };
        assert!(message.starts_with("line "), "{message}");
        assert!(message.contains("spec.clusters[0]"), "{message}");
        assert!(hint.contains("region"), "{hint}");
    }
}
