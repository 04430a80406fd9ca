//! The worker that reads documents and imports manifests; see [`frontend::workers::reading`].

use frontend::workers::reading::{Opened, Unreadable, parts};
use frontend::workers::serve;
use frontend::workers::text::{Made, Request};
use serde::Serialize;
use serde_json::Value;
use shared::Mesh;
use shared::bundle::{Carried, MESH_FILE, ReadBundleError, is_zip, read_zip};
use shared::check::{Finding, Severity, code};
use shared::import::{ImportError, Imported, Options, Source, import};
use shared::mesh::ReadError;
use shared::yaml::Positions;

/// The number of errors that are shown.
const SHOWN: usize = 10;

fn main() {
    serve(|request| {
        let response = match request.as_string() {
            Some(request) => answer(&request),
            None => json(&parts(request).and_then(|(suffix, files)| read(files, &suffix))),
        };
        response.into()
    });
}

fn json<T: Serialize>(response: &Result<T, Unreadable>) -> String {
    // Responses have text keys only, so this does not fail.
    serde_json::to_string(response).unwrap_or_default()
}

/// Answers a request about a text; both are JSON.
fn answer(request: &str) -> String {
    match serde_json::from_str(request) {
        Ok(Request::Read(text)) => json(&value(&text)),
        Ok(Request::Write { text, document }) => {
            let (text, is_kept) = Mesh::write_value(&text, &document);
            json(&Ok(Made {
                text: text.into(),
                is_kept,
            }))
        }
        Ok(Request::Lines { text, paths }) => {
            let positions = Positions::of(&text);
            let line = |path: &String| positions.find(path).map(|at| at.line);
            json(&Ok(paths.iter().map(line).collect::<Vec<_>>()))
        }
        Err(error) => json::<()>(&Err(unreadable(error.to_string(), ""))),
    }
}

/// The document that a text is; it may be incomplete.
fn value(text: &str) -> Result<Value, Unreadable> {
    match Mesh::read_value(text) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Unreadable {
            message: "the text is not a Mesh document".to_owned(),
            hint: "start it with `apiVersion: fedmesh.dev/v1alpha1` and `kind: Mesh`".to_owned(),
            line: Some(1),
        }),
        Err(errors) => Err(errors
            .first()
            .map_or_else(Unreadable::default, |error| Unreadable {
                message: error.message.clone(),
                hint: error.hint.clone(),
                line: error.line,
            })),
    }
}

fn unreadable(message: impl Into<String>, hint: impl Into<String>) -> Unreadable {
    Unreadable {
        message: message.into(),
        hint: hint.into(),
        line: None,
    }
}

/// Reads a document, alone or in a bundle, or imports manifests; `suffix` is used if these do not contain it.
fn read(files: Vec<(String, Vec<u8>)>, suffix: &str) -> Result<Opened, Unreadable> {
    if let [(_, bytes)] = files.as_slice()
        && let Some(document) = document(bytes)
    {
        return document.map(|mesh| match std::str::from_utf8(bytes) {
            Ok(text) if !Carried::is_stream(text) => written(&mesh, text),
            _ => opened(&mesh, Vec::new()),
        });
    }
    imported(files, suffix)
}

fn opened(mesh: &Mesh, reported: Vec<Finding>) -> Opened {
    Opened {
        // A Mesh has text keys only, so this does not fail.
        document: serde_json::to_value(mesh).unwrap_or_default(),
        text: String::new(),
        reported,
    }
}

/// A document as it is written.
fn written(mesh: &Mesh, text: &str) -> Opened {
    match value(text) {
        Ok(document) => Opened {
            document,
            text: text.to_owned(),
            reported: Vec::new(),
        },
        Err(_) => opened(mesh, Vec::new()),
    }
}

/// A Mesh document, or the one that a bundle in one stream carries; `None` if the text contains none.
fn document(bytes: &[u8]) -> Option<Result<Mesh, Unreadable>> {
    // An archive is not UTF-8.
    let text = std::str::from_utf8(bytes).ok()?;
    let result = if Carried::is_stream(text) {
        Carried::from_stream(text).and_then(|carried| carried.mesh())
    } else {
        Mesh::read(text).map_err(ReadBundleError::from)
    };
    match result {
        Ok(mesh) => Some(Ok(mesh)),
        Err(ReadBundleError::Mesh(errors)) if text.contains("fedmesh.dev/v1") => {
            Some(Err(reported(&errors)))
        }
        // It contains a document, so it is not a set of manifests.
        Err(error @ ReadBundleError::Path(_)) => Some(Err(unreadable(
            error.to_string(),
            "render the bundle again",
        ))),
        Err(_) => None,
    }
}

/// The errors of a document; several have a line each, as many as a notice can show.
fn reported(errors: &[ReadError]) -> Unreadable {
    if let [error] = errors {
        return unreadable(error.to_string(), &error.hint);
    }
    let mut message = format!("{} errors", errors.len());
    for error in errors.iter().take(SHOWN) {
        message.extend(["\n", &error.to_string(), ": ", &error.hint]);
    }
    if errors.len() > SHOWN {
        message.push_str("\n…");
    }
    unreadable(message, "")
}

fn imported(files: Vec<(String, Vec<u8>)>, suffix: &str) -> Result<Opened, Unreadable> {
    let mut sources = Vec::new();
    for (name, bytes) in files {
        if is_zip(&bytes) {
            let packed = read_zip(&bytes)
                .map_err(|error| unreadable(error.to_string(), "use an archive of text files"))?;
            if packed.iter().any(|(path, _)| path == MESH_FILE) {
                return carried(packed);
            }
            let manifests = packed
                .into_iter()
                .filter(|(path, _)| Source::has_usual_ending(path));
            sources.extend(manifests.map(|(path, text)| Source::in_folder(&path, text)));
        } else {
            let text = String::from_utf8(bytes).map_err(|_| {
                unreadable(
                    format!("{name} is not a text file"),
                    "open YAML, JSON, or a ZIP archive of them",
                )
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
        imported.map_err(|error| unreadable(error.to_string(), error.hint()))?;
    Ok(opened(&mesh, findings))
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
fn carried(files: Vec<(String, String)>) -> Result<Opened, Unreadable> {
    let mesh = Carried::from_files(files).and_then(|carried| carried.mesh());
    let hint = "open a Mesh document, or a bundle that fedmesh wrote";
    let mesh = mesh.map_err(|error| unreadable(error.to_string(), hint))?;
    Ok(opened(&mesh, Vec::new()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use shared::bundle::Bundle;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../examples/walkthrough.yaml");

    fn bundle() -> (Mesh, Bundle) {
        let mesh = Mesh::read(include_str!("../../../examples/three-clusters.yaml")).unwrap();
        let checked = shared::check(&mesh, &shared::facts::Facts::default());
        let bundle = Bundle::new(&mesh, &checked.resolved.unwrap());
        (mesh, bundle)
    }

    fn whole(files: Vec<(&str, Vec<u8>)>) -> Value {
        let files = files
            .into_iter()
            .map(|(name, bytes)| (name.to_owned(), bytes));
        let Opened {
            document, reported, ..
        } = read(files.collect(), "").unwrap();
        assert_eq!(reported, []);
        document
    }

    fn error(text: &str) -> Unreadable {
        read(vec![("a.yaml".to_owned(), text.into())], "").unwrap_err()
    }

    #[test]
    fn a_document_and_a_bundle_give_the_document() {
        let (mesh, bundle) = bundle();
        let document = serde_json::to_value(&mesh).unwrap();
        assert_eq!(whole(vec![("", mesh.to_yaml().into())]), document);
        assert_eq!(whole(vec![("b.yaml", bundle.to_stream().into())]), document);
        assert_eq!(whole(vec![("b.zip", bundle.to_zip().unwrap())]), document);
    }

    #[test]
    fn manifests_are_imported() {
        let (_, bundle) = bundle();
        let manifests = bundle.files().filter(|(path, _)| *path != MESH_FILE);
        let zip = shared::bundle::write_zip(manifests).unwrap();
        let from_folders = whole(vec![("b.zip", zip)]);
        let streams = bundle.clusters.iter().map(|one| {
            let name = format!("{}.yaml", one.name);
            (name, one.to_stream().into_bytes())
        });
        let Opened {
            document, reported, ..
        } = read(streams.collect(), "").unwrap();
        assert_eq!((document, reported), (from_folders.clone(), Vec::new()));
        assert_eq!(from_folders["spec"]["clusters"][2]["name"], "vienna");
    }

    #[test]
    fn errors_have_a_hint() {
        for (name, bytes) in [
            ("a.zip", &b"PK\x03\x04"[..]),
            ("a.bin", b"\xff"),
            ("a.yaml", b"a: 1"),
            ("a.yaml", b"kind: A\nmetadata: {name: a}\n"),
        ] {
            let error = read(vec![(name.to_owned(), bytes.to_vec())], "").unwrap_err();
            assert!(
                !error.message.is_empty() && !error.hint.is_empty(),
                "{name}: {error:?}"
            );
        }
        let section = "---\n# file: a/60-x.yaml\nkind: Secret\n";
        let head = "# fedmesh bundle\n#| kind: Mesh\n";
        let duplicate = error(&format!("{head}{section}{section}"));
        assert!(
            duplicate
                .message
                .contains("`a/60-x.yaml` occurs more than once"),
            "{duplicate:?}"
        );
    }

    #[test]
    fn errors_of_a_document_have_line_path_and_hint() {
        let text = DOCUMENT.replacen("region: us-west2", "regoin: us-west2", 1);
        let Unreadable { message, hint, .. } = error(&text);
        assert!(message.starts_with("line "), "{message}");
        assert!(message.contains("spec.clusters[0]"), "{message}");
        assert!(hint.contains("region"), "{hint}");

        let text = DOCUMENT.replace("region: us-west2", "regoin: us-west2");
        let Unreadable { message, hint, .. } = error(&text.replace("suffix:", "sufix:"));
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!((lines[0], lines.len()), ("3 errors", 4), "{message}");
        assert!(
            lines[1].starts_with("line ") && lines[1].ends_with("did you mean `suffix`?"),
            "{message}"
        );
        assert_eq!(hint, "");
        let Unreadable { message, .. } = error(&format!("{DOCUMENT}{}", "  - {}\n".repeat(20)));
        assert_eq!(message.lines().count(), 12, "{message}");
    }

    /// A service with every published name.
    const ANY_NAME: &str = include_str!("../../../shared/tests/manifests/any-name.yaml");

    #[test]
    fn a_missing_suffix_is_a_finding() {
        let opened = |suffix: &str| {
            let files = vec![("web.yaml".to_owned(), ANY_NAME.as_bytes().to_vec())];
            read(files, suffix).unwrap()
        };
        let Opened {
            document, reported, ..
        } = opened("");
        assert_eq!(document["spec"]["dns"]["suffix"], "");
        assert_eq!(document["spec"]["services"][0]["name"], "web");
        assert_eq!(
            (&*reported[0].code, &*reported[0].path),
            ("FM1004", "spec.dns.suffix")
        );
        let Opened {
            document, reported, ..
        } = opened("example.org");
        assert_eq!(document["spec"]["dns"]["suffix"], "example.org");
        assert!(reported[0].message.contains("example.org"), "{reported:#?}");
    }

    /// The response as the page reads it.
    fn ask<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Unreadable> {
        let response = answer(&serde_json::to_string(request).unwrap());
        serde_json::from_str::<Result<T, Unreadable>>(&response).unwrap()
    }

    #[test]
    fn a_document_keeps_its_text() {
        let text = format!("# The shop.\n{DOCUMENT}");
        let opened = read(
            vec![("mesh.yaml".to_owned(), text.clone().into_bytes())],
            "",
        )
        .unwrap();
        assert_eq!(opened.text, text);
        assert_eq!(
            ask(&Request::Read(text.clone())),
            Ok(opened.document.clone())
        );
        let mut document = opened.document;
        document["spec"]["dns"]["suffix"] = "other.zone".into();
        let made = ask(&Request::Write {
            text: text.clone(),
            document,
        });
        let expected = Made {
            text: text.replace("my.dns.zone.name", "other.zone").into(),
            is_kept: true,
        };
        assert_eq!(made, Ok(expected));
        let paths = ["spec.dns.suffix", "spec.nothing", "nothing"].map(str::to_owned);
        let line =
            |word: &str| text.lines().position(|line| line.contains(word)).unwrap() as u64 + 1;
        let lines = ask(&Request::Lines {
            text: text.clone(),
            paths: paths.into(),
        });
        assert_eq!(
            lines,
            Ok(vec![Some(line("suffix")), Some(line("spec")), None])
        );
    }

    #[test]
    fn a_text_that_is_no_document_has_an_error_with_its_line() {
        for (text, line, message) in [
            ("kind: Mesh\nspec: [\n", 2, "not closed"),
            ("- a\n", 1, "not a Mesh document"),
            ("", 1, "not a Mesh document"),
            ("a: 1\na: 2\n", 2, ""),
        ] {
            let error = ask::<Value>(&Request::Read(text.to_owned())).unwrap_err();
            assert_eq!(error.line, Some(line), "{text:?}: {error:?}");
            assert!(error.message.contains(message), "{error:?}");
        }
        let versions: Value = ask(&Request::Read(
            "spec:\n  istio: 1.30\n  revision: 010\n".to_owned(),
        ))
        .unwrap();
        assert_eq!(versions["spec"]["istio"], "1.30");
    }
}
