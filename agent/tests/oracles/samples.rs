//! Istio's own samples, as an import reads them: each finding in the snapshot was compared with the manifests.

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
    let of_all = statements(&imported(String::new()));
    let mut all = String::new();
    write(&mut all, "every import", &of_all);
    for (path, file) in folder.ensure_yaml_files().unwrap() {
        let mut of_file = statements(&imported(fs::read_to_string(file).unwrap()));
        of_file.retain(|one| !of_all.contains(one));
        write(&mut all, &path, &of_file);
    }
    insta::assert_snapshot!(all);
}

/// The findings of an import, each with its hint below, sorted.
fn statements(imported: &Imported) -> Vec<String> {
    let findings = imported.findings.iter().map(|one| {
        let at = one.path.strip_prefix("sample").unwrap_or(&one.path);
        let at = at.trim_start_matches(": ");
        let severity = one.severity.as_str();
        format!(
            "{} {severity} {at} {}\n    {}",
            one.code, one.message, one.hint
        )
    });
    let mut all: Vec<String> = findings.collect();
    all.sort();
    all
}

fn write(all: &mut String, title: &str, statements: &[String]) {
    writeln!(all, "{title}").unwrap();
    for one in statements {
        writeln!(all, "  {one}").unwrap();
    }
}
