//! The schema of the document: up to date in the repository, and correct.

use std::path::Path;

use serde_json::{Value, json};

use crate::workdir::Workdir;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn repository(path: &str) -> String {
    std::fs::read_to_string(Path::new(REPOSITORY).join(path)).unwrap()
}

fn document(text: &str) -> Value {
    serde_json::to_value(shared::Mesh::read(text).unwrap()).unwrap()
}

#[test]
fn the_schema_in_the_repository_is_up_to_date() {
    let workdir = Workdir::new();
    let json = workdir.run(&["schema"], 0).out;
    assert!(
        json == repository("examples/mesh.schema.json"),
        "update it: fedmesh-agent schema > examples/mesh.schema.json"
    );
    let table = workdir.run(&["schema", "-o", "markdown"], 0).out;
    assert!(
        repository("docs/reference.md").contains(&table),
        "put the output of `fedmesh-agent schema -o markdown` into docs/reference.md"
    );
    let istio = workdir.run(&["schema", "-o", "istio"], 0).out;
    assert!(
        istio == repository("docs/istio-fields.md"),
        "write it anew: fedmesh-agent schema -o istio > docs/istio-fields.md"
    );
    let findings = workdir.run(&["explain", "-o", "markdown"], 0).out;
    assert!(
        findings == repository("docs/findings.md"),
        "write it anew: fedmesh-agent explain -o markdown > docs/findings.md"
    );
}

#[test]
fn the_schema_accepts_examples_and_rejects_mistakes() {
    let schema = serde_json::from_str(&repository("examples/mesh.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for example in [
        "walkthrough",
        "walkthrough-printed",
        "three-clusters",
        "routes",
        "locality",
        "external-hosts",
        "protocols",
        "clusters-that-differ",
        "tls",
        "mtls",
    ] {
        let text = repository(&format!("examples/{example}.yaml"));
        assert!(text.starts_with("# yaml-language-server: $schema=./mesh.schema.json\n"));
        let errors: Vec<String> = validator
            .iter_errors(&document(&text))
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{example}: {errors:?}");
    }
    let good = document(&repository("examples/walkthrough.yaml"));
    for (pointer, wrong) in [
        ("/apiVersion", json!("fedmesh.dev/v2")),
        ("/spec/target", json!("nomad")),
        ("/spec/istio", json!(1.27)),
        ("/spec/clusters/0/name", json!("Not a label")),
        ("/spec/clusters/0/zoen", json!("a")),
        ("/spec/services/0/port", json!(0)),
    ] {
        let mut bad = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = wrong;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
}
