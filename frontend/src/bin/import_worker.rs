//! The worker that imports manifests. A request has the DNS suffix of the current document, and a text, files or an
//! archive; the response is a [`ReadResult`].

use frontend::json;
use frontend::workers::reading::{ReadResult, given};
use js_sys::Array;
use shared::bundle::{Carried, MESH_FILE, is_zip, read_zip};
use shared::check::{Finding, Severity, code};
use shared::import::{ImportError, Imported, Options, Source, import};
use wasm_bindgen::JsCast;

fn main() {
    frontend::workers::serve_any(|question| {
        let question: Array = question.unchecked_into();
        let suffix = question.get(0).as_string().unwrap_or_default();
        let answer = given(&question.get(1)).map_err(|message| (message, String::new()));
        let answer = answer
            .and_then(|files| read(files, &suffix))
            .unwrap_or_else(|(message, hint)| ReadResult::Error { message, hint });
        json::write(&answer).into()
    });
}

/// Imports manifests, or returns the document of a bundle; `suffix` is used if the manifests do not contain it. The
/// error has a message and a hint.
fn read(files: Vec<(String, Vec<u8>)>, suffix: &str) -> Result<ReadResult, (String, String)> {
    let mut sources = Vec::new();
    for (name, bytes) in files {
        if is_zip(&bytes) {
            let packed = read_zip(&bytes)
                .map_err(|error| (error.to_string(), "use an archive of text files".to_owned()))?;
            if packed.iter().any(|(path, _)| path == MESH_FILE) {
                return carried(packed);
            }
            let manifests = packed
                .into_iter()
                .filter(|(path, _)| Source::has_usual_ending(path));
            sources.extend(manifests.map(|(path, text)| Source::in_folder(&path, text)));
        } else {
            let text = String::from_utf8(bytes).map_err(|_| {
                let hint = "open YAML, JSON, or a ZIP archive of them";
                (format!("{name} is not a text file"), hint.to_owned())
            })?;
            sources.push(Source {
                file: name,
                cluster: None,
                text,
            });
        }
    }
    let mut imported = import(&sources, &Options::default());
    if imported == Err(ImportError::NoSuffix) {
        let options = Options {
            suffix: Some(suffix.to_owned()),
            ..Options::default()
        };
        let mut again = import(&sources, &options);
        if let Ok(one) = &mut again
            && !one.mesh.spec.services.is_empty()
        {
            one.findings.insert(0, assumed(suffix));
            imported = again;
        }
    }
    let Imported { mesh, findings, .. } =
        imported.map_err(|error| (error.to_string(), error.hint()))?;
    Ok(ReadResult::Opened {
        mesh: Box::new(mesh),
        reported: findings,
    })
}

/// The finding that the suffix is not from the manifests. Without one the form asks for it; with it, opening the
/// manifests again gives their names.
fn assumed(suffix: &str) -> Finding {
    let (severity, message, hint) = if suffix.is_empty() {
        (
            Severity::Warning,
            "the manifests contain no DNS suffix, so the document has none of their published names".to_owned(),
            "set the DNS suffix, then open the manifests again",
        )
    } else {
        (
            Severity::Hint,
            format!(
                "the manifests contain no DNS suffix; `{suffix}` of the previous document is used"
            ),
            "change the suffix if it is wrong, then open the manifests again",
        )
    };
    Finding {
        code: code::ASSUMED.id.to_owned(),
        severity,
        path: "spec.dns.suffix".to_owned(),
        message,
        hint: hint.to_owned(),
        fix: None,
    }
}

/// The document of a bundle that fedmesh wrote.
fn carried(files: Vec<(String, String)>) -> Result<ReadResult, (String, String)> {
    let mesh = Carried::from_files(files).and_then(|carried| carried.mesh());
    let hint = "open a Mesh document, or a bundle that fedmesh wrote";
    let mesh = mesh.map_err(|error| (error.to_string(), hint.to_owned()))?;
    Ok(ReadResult::Opened {
        mesh: Box::new(mesh),
        reported: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use frontend::workers::reading::ReadResult;
    use shared::bundle::{Bundle, MESH_FILE};

    use super::read;

    fn bundle() -> (shared::Mesh, Bundle) {
        let text = include_str!("../../../examples/three-clusters.yaml");
        let mesh = shared::Mesh::read(text).unwrap();
        let checked = shared::check(&mesh, &shared::facts::Facts::default());
        let bundle = Bundle::new(&mesh, &checked.resolved.unwrap());
        (mesh, bundle)
    }

    fn opened(files: Vec<(String, Vec<u8>)>) -> shared::Mesh {
        match read(files, "") {
            Ok(ReadResult::Opened { mesh, reported }) => {
                assert_eq!(reported, []);
                *mesh
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bundle_is_opened_and_other_manifests_are_imported() {
        let (mesh, bundle) = bundle();
        let zip = bundle.to_zip().unwrap();
        assert_eq!(opened(vec![("b.zip".to_owned(), zip)]), mesh);

        let manifests = bundle.files().filter(|(path, _)| *path != MESH_FILE);
        let zip = shared::bundle::write_zip(manifests).unwrap();
        let from_folders = opened(vec![("b.zip".to_owned(), zip)]);
        let streams = bundle.clusters.iter().map(|one| {
            let text = one.to_stream();
            (format!("{}.yaml", one.name), text.into_bytes())
        });
        assert_eq!(opened(streams.collect()), from_folders);
        let names = |mesh: &shared::Mesh| {
            let clusters = mesh.spec.clusters.iter();
            clusters.map(|one| one.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&from_folders), names(&mesh));
    }

    #[test]
    fn errors_have_a_hint() {
        for (name, bytes) in [
            ("a.zip", &b"PK\x03\x04"[..]),
            ("a.bin", b"\xff"),
            ("a.yaml", b"a: 1"),
            ("a.yaml", b"kind: A\nmetadata: {name: a}\n"),
        ] {
            let (message, hint) = read(vec![(name.to_owned(), bytes.to_vec())], "").unwrap_err();
            assert!(!message.is_empty() && !hint.is_empty(), "{name}: {message}");
        }
    }

    /// A service with every published name.
    const ANY_NAME: &str = include_str!("../../../shared/tests/manifests/any-name.yaml");

    #[test]
    fn a_missing_suffix_is_a_finding() {
        let opened = |suffix: &str| {
            let files = vec![("web.yaml".to_owned(), ANY_NAME.as_bytes().to_vec())];
            match read(files, suffix) {
                Ok(ReadResult::Opened { mesh, reported }) => (*mesh, reported),
                other => panic!("{other:?}"),
            }
        };
        let (mesh, reported) = opened("");
        assert_eq!(mesh.spec.dns.suffix, "");
        assert_eq!(mesh.spec.services[0].name, "web");
        assert_eq!(
            (&*reported[0].code, &*reported[0].path),
            ("FM1004", "spec.dns.suffix")
        );
        let (mesh, reported) = opened("example.org");
        assert_eq!(mesh.spec.dns.suffix, "example.org");
        assert_eq!(mesh.spec.services[0].name, "web");
        assert!(reported[0].message.contains("example.org"), "{reported:#?}");
    }
}
