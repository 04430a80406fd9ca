//! The worker that reads documents. A request is a text or files; the response is a [`ReadResult`].

use frontend::json;
use frontend::workers::reading::{ReadResult, given};
use shared::Mesh;
use shared::bundle::{Carried, ReadBundleError};
use shared::mesh::ReadError;

/// The number of errors that are shown.
const SHOWN: usize = 10;

fn main() {
    frontend::workers::serve_any(|question| {
        let answer = match given(&question) {
            Ok(files) => match files.as_slice() {
                [(_, bytes)] => read(bytes),
                _ => ReadResult::Manifests,
            },
            Err(message) => ReadResult::Error {
                message,
                hint: String::new(),
            },
        };
        json::write(&answer).into()
    });
}

/// Reads a Mesh document, or the one that a bundle in one stream carries.
fn read(bytes: &[u8]) -> ReadResult {
    // An archive is not UTF-8.
    let Ok(text) = std::str::from_utf8(bytes) else {
        return ReadResult::Manifests;
    };
    let result = if Carried::is_stream(text) {
        Carried::from_stream(text).and_then(|carried| carried.mesh())
    } else {
        Mesh::read(text).map_err(ReadBundleError::from)
    };
    match result {
        Ok(mesh) => ReadResult::Opened {
            mesh: Box::new(mesh),
            reported: Vec::new(),
        },
        Err(ReadBundleError::Mesh(errors)) if text.contains("fedmesh.dev/v1") => reported(&errors),
        // It contains a document, so it is not a set of manifests.
        Err(error @ ReadBundleError::Path(_)) => ReadResult::Error {
            message: error.to_string(),
            hint: "render the bundle again".to_owned(),
        },
        Err(_) => ReadResult::Manifests,
    }
}

/// The errors of a document; several have a line each, as many as a notice can show.
fn reported(errors: &[ReadError]) -> ReadResult {
    if let [error] = errors {
        return ReadResult::Error {
            message: error.to_string(),
            hint: error.hint.clone(),
        };
    }
    let mut message = format!("{} errors", errors.len());
    for error in errors.iter().take(SHOWN) {
        message.extend(["\n", &error.to_string(), ": ", &error.hint]);
    }
    if errors.len() > SHOWN {
        message.push_str("\n…");
    }
    ReadResult::Error {
        message,
        hint: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ReadResult, read};

    const DOCUMENT: &str = include_str!("../../../examples/walkthrough.yaml");

    #[test]
    fn a_document_and_a_bundle_give_the_document() {
        let answer = read(DOCUMENT.as_bytes());
        let ReadResult::Opened { mesh, .. } = &answer else {
            panic!("{answer:?}")
        };
        let resolved = shared::check(mesh, &shared::facts::Facts::default())
            .resolved
            .unwrap();
        let stream = shared::bundle::Bundle::new(mesh, &resolved).to_stream();
        assert_eq!(read(stream.as_bytes()), answer);
    }

    #[test]
    fn a_bundle_with_a_duplicate_section_is_refused() {
        let section = "---\n# file: a/60-x.yaml\nkind: Secret\n";
        let head = "# fedmesh bundle\n#| kind: Mesh\n";
        let answer = read(format!("{head}{section}{section}").as_bytes());
        let ReadResult::Error { message, .. } = answer else {
            panic!("{answer:?}")
        };
        assert!(
            message.contains("`a/60-x.yaml` occurs more than once"),
            "{message}"
        );
    }

    #[test]
    fn an_error_has_line_path_and_hint() {
        let text = DOCUMENT.replacen("region: us-west2", "regoin: us-west2", 1);
        let ReadResult::Error { message, hint } = read(text.as_bytes()) else {
            panic!("it was read")
        };
        assert!(message.starts_with("line "), "{message}");
        assert!(message.contains("spec.clusters[0]"), "{message}");
        assert!(hint.contains("region"), "{hint}");
    }

    #[test]
    fn several_errors_have_a_line_each() {
        let of = |text: String| match read(text.as_bytes()) {
            ReadResult::Error { message, hint } => (message, hint),
            answer => panic!("{answer:?}"),
        };
        let text = DOCUMENT.replace("region: us-west2", "regoin: us-west2");
        let (message, hint) = of(text.replace("suffix:", "sufix:"));
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!((lines[0], lines.len()), ("3 errors", 4), "{message}");
        assert!(
            lines[1].starts_with("line ") && lines[1].ends_with("did you mean `suffix`?"),
            "{message}"
        );
        assert_eq!(hint, "");
        let (message, _) = of(format!("{DOCUMENT}{}", "  - {}\n".repeat(20)));
        assert_eq!(message.lines().count(), 12, "{message}");
    }

    #[test]
    fn other_input_may_be_manifests() {
        for given in [
            &b"PK\x03\x04\xff"[..],
            b"kind: VirtualService\nmetadata: {name: a}\n",
            b"# cluster: east\nkind: Gateway\nmetadata: {name: a}\n",
        ] {
            assert_eq!(read(given), ReadResult::Manifests);
        }
    }
}
