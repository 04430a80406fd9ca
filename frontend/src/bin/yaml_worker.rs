//! The worker that reads documents: a text or files come in, an [`Answer`] goes out.

use frontend::reading::{Answer, given};
use shared::Mesh;
use shared::bundle::{Carried, ReadBundleError};

fn main() {
    frontend::worker::serve_any(|question| {
        let answer = match given(&question) {
            Ok(files) => match files.as_slice() {
                [(_, bytes)] => read(bytes),
                _ => Answer::Manifests,
            },
            Err(message) => Answer::Error {
                message,
                hint: String::new(),
            },
        };
        serde_json::to_string(&answer).unwrap_or_default().into()
    });
}

/// Reads a Mesh document, or the one that a bundle in one stream carries.
fn read(bytes: &[u8]) -> Answer {
    // An archive is none.
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Answer::Manifests;
    };
    let result = if Carried::is_stream(text) {
        Carried::from_stream(text).and_then(|carried| carried.mesh())
    } else {
        Mesh::read(text).map_err(ReadBundleError::from)
    };
    match result {
        Ok(mesh) => Answer::Opened {
            mesh: Box::new(mesh),
            told: Vec::new(),
        },
        Err(ReadBundleError::Mesh(error)) if text.contains("fedmesh.dev/v1") => Answer::Error {
            message: error.to_string(),
            hint: error.hint,
        },
        Err(_) => Answer::Manifests,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, read};

    const DOCUMENT: &str = include_str!("../../../examples/walkthrough.yaml");

    #[test]
    fn a_document_and_a_bundle_give_the_document() {
        let answer = read(DOCUMENT.as_bytes());
        let Answer::Opened { mesh, .. } = &answer else {
            panic!("{answer:?}")
        };
        let resolved = shared::check(mesh, &shared::facts::Facts::default())
            .resolved
            .unwrap();
        let stream = shared::bundle::Bundle::new(mesh, &resolved).to_stream();
        assert_eq!(read(stream.as_bytes()), answer);
    }

    #[test]
    fn an_error_names_line_path_and_remedy() {
        let text = DOCUMENT.replace("region: us-west2", "regoin: us-west2");
        let Answer::Error { message, hint } = read(text.as_bytes()) else {
            panic!("it was read")
        };
        assert!(message.starts_with("line "), "{message}");
        assert!(message.contains("spec.clusters[0]"), "{message}");
        assert!(hint.contains("region"), "{hint}");
    }

    #[test]
    fn what_is_no_document_may_be_manifests() {
        for given in [
            &b"PK\x03\x04\xff"[..],
            b"kind: VirtualService\nmetadata: {name: a}\n",
            b"# cluster: east\nkind: Gateway\nmetadata: {name: a}\n",
        ] {
            assert_eq!(read(given), Answer::Manifests);
        }
    }
}
