//! Istio's own samples, as an import reads them: each statement in the snapshot was compared with the manifests.

use std::fmt::Write as _;
use std::fs;

use shared::import::{Imported, Options, Source, import};
use testbed::tools;

/// An object without a statement, so that files without manifests can be imported.
const OTHER: &str = "{apiVersion: fedmesh.dev/v1alpha1, kind: Mesh, metadata: {name: other}}";

fn imported(text: String) -> Imported {
    let sources = [("sample", text), ("other", OTHER.to_owned())];
    let sources = sources.map(|(file, text)| Source {
        file: file.to_owned(),
        cluster: None,
        text,
    });
    let options = Options {
        suffix: Some("mesh.example.net".to_owned()),
        ..Options::default()
    };
    import(&sources, &options).unwrap()
}

#[test]
fn what_is_reported_of_the_samples_of_istio_is_true() {
    let folder = tools::ModuleFile {
        path: "samples",
        ..tools::ISTIO_CRDS
    };
    let mut statements = String::new();
    for (path, file) in folder.ensure_yaml_files().unwrap() {
        writeln!(statements, "{path}").unwrap();
        for one in self::statements(&imported(fs::read_to_string(file).unwrap())) {
            writeln!(statements, "  {one}").unwrap();
        }
    }
    insta::assert_snapshot!(statements);
}

/// What is reported of a sample, sorted.
fn statements(imported: &Imported) -> Vec<String> {
    let of_sample = imported.findings.iter().filter_map(|one| {
        let at = one.path.strip_prefix("sample")?.trim_start_matches(": ");
        Some(format!("{} {at} {}", one.code, one.message))
    });
    let mut all: Vec<String> = of_sample.collect();
    all.sort();
    all
}
