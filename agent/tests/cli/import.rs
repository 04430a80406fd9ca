//! Tests of `import`.

use crate::workdir::{MESH, Workdir};

const MANIFEST: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: sales}
spec:
  hosts: [orders.mesh.example.org]
  gateways: [public]
  http:
  - route:
    - destination: {host: orders, port: {number: 8000}}
";

#[test]
fn a_bundle_is_imported_to_its_document_in_every_form() {
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let stream = workdir.run(&["render", "-f", "mesh.yaml"], 0).out;
    // The document does not have defaults, nor fields that no manifest contains.
    let expected = MESH
        .replace(
            "addresses: [192.0.2.1]",
            "addresses:\n      - \"192.0.2.1\"",
        )
        .replace(
            "addresses: [192.0.2.2]",
            "addresses:\n      - \"192.0.2.2\"",
        )
        .replace("    context: ctx-one\n", "")
        .replace("    context: ctx-two\n", "")
        .replace("      ownerId: shop\n", "")
        .replace("    failover:\n      retry: false\n", "");
    let of_clusters = [
        "--cluster",
        "north=bundle/north",
        "--cluster",
        "south=bundle/south",
    ];
    let folders = workdir.run(&[&["import", "--strict"][..], &of_clusters].concat(), 0);
    for ran in [
        workdir.run_with(&["import", "-"], stream.as_bytes(), 0),
        folders,
    ] {
        assert_eq!(ran.out, expected);
        assert_eq!(
            ran.err,
            "1 service in 2 clusters; everything was imported\n"
        );
    }
    // The document in a bundle is not one of its manifests.
    let folder = workdir.run(&["import", "bundle"], 0);
    assert_eq!(folder.out, expected);
    assert!(
        folder
            .err
            .starts_with("hint[FM1001] bundle/mesh.yaml: Mesh shop: "),
        "{}",
        folder.err
    );

    let json = workdir
        .run(
            &["import", "-o", "json", "--cluster", "north=bundle/north"],
            0,
        )
        .out;
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["spec"]["clusters"][0]["name"], "north");
}

#[test]
fn losses_are_reported_and_fail_with_strict() {
    let workdir = Workdir::new();
    workdir.write("north/a.yaml", MANIFEST);
    workdir.write("north/notes.txt", "not a manifest");
    let lenient = workdir.run(&["import", ".", "--name", "shop"], 0);
    let ran = workdir.run(&["import", "north", "--name", "shop"], 0);
    assert!(ran.out.contains("suffix: mesh.example.org"), "{}", ran.out);
    assert!(ran.out.contains("- name: cluster1\n"), "{}", ran.out);
    assert!(lenient.out.contains("- name: north\n"), "{}", lenient.out);
    let strict = workdir.run(&["import", "north", "--name", "shop", "--strict"], 1);
    assert_eq!((&strict.out, &strict.err), (&ran.out, &ran.err));
    assert!(
        strict
            .err
            .contains("warning[FM1004] spec.clusters[0].zone: "),
        "{}",
        strict.err
    );
}

/// A folder of a chart, with a deep folder of sources beside it.
#[test]
fn files_that_are_not_manifests_are_named_and_skipped() {
    let workdir = Workdir::new();
    workdir.write("north/a.yaml", MANIFEST);
    let alone = workdir.run(&["import", "."], 0);
    workdir.write("north/values.yaml", "replicas: 1\n");
    workdir.write(
        "north/templates/b.yaml",
        "{{- if .Values.x }}\n{{- end }}\n",
    );
    workdir.write("north/src/a/b/c/d/e/package.json", "{\"name\": \"a\"}");
    let ran = workdir.run(&["import", "."], 0);
    assert_eq!(ran.out, alone.out);
    for part in [
        "warning[FM1009] ./north/values.yaml: a document without kind",
        "warning[FM1009] ./north/templates/b.yaml: line 1: template text",
        "`helm template … | fedmesh-agent import -`",
        "warning[FM1009] ./north/src/a/b/c/d/e/package.json: ",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

#[test]
fn manifests_without_a_document_are_rejected() {
    let workdir = Workdir::new();
    workdir.write("broken/a.yaml", "a: 1\n  b: [\n");
    workdir.write("empty/notes.txt", "nothing");
    workdir.write(
        "other.yaml",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
    );
    for (path, parts) in [
        (
            "absent",
            &["cannot read absent", "folders with such files"][..],
        ),
        ("broken", &["broken/a.yaml: line 2"]),
        ("empty", &["there are no manifests"]),
        ("other.yaml", &["DNS suffix", "--suffix"]),
    ] {
        workdir.run(&["import", path], 2).refuses(parts);
    }
    let given = workdir.run(&["import", "other.yaml", "--suffix", "mesh.example.org"], 0);
    assert!(
        given.err.contains("hint[FM1001] other.yaml: ConfigMap a: "),
        "{}",
        given.err
    );
}
