//! `spec.ignore`: what is said of it, and what it changes in what is handed over.

use documents::{addresses, bundle, examples, with_target};
use serde_json::{Value, json};
use shared::check;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::import::{self, Options, Source};
use shared::kubernetes::ownership::APPLIED_ANNOTATION;
use shared::mesh::{Mesh, Target};
use shared::plan::desired::Desired;

fn walkthrough(ignore: &Value) -> Mesh {
    let mut mesh = examples().remove("walkthrough.yaml").unwrap();
    mesh.spec.ignore = serde_json::from_value(ignore.clone()).unwrap();
    mesh
}

fn findings(mesh: &Mesh) -> Vec<Finding> {
    let checked = check(mesh, &addresses(mesh));
    let of_ignore = |one: &Finding| one.path.starts_with("spec.ignore");
    checked.findings.into_iter().filter(of_ignore).collect()
}

fn desired(mesh: &Mesh) -> Desired {
    Desired::new(check(mesh, &addresses(mesh)).resolved.unwrap())
}

#[test]
fn slips_are_found() {
    let good = json!([{ "kind": "DNSEndpoint", "fields": ["/spec/endpoints"] }]);
    assert_eq!(findings(&walkthrough(&good)), []);
    for (ignore, code, severity, path) in [
        (
            json!([{ "kind": "Pod", "fields": ["/spec"] }]),
            "FM1202",
            Severity::Error,
            "spec.ignore[0].kind",
        ),
        (
            json!([{ "kind": "Service", "fields": [] }]),
            "FM0104",
            Severity::Error,
            "spec.ignore[0].fields",
        ),
        (
            json!([{ "kind": "Gateway", "fields": ["/spec/selector", ".spec.servers"] }]),
            "FM1201",
            Severity::Error,
            "spec.ignore[0].fields[1]",
        ),
        (
            json!([{ "kind": "Gateway", "fields": ["/spec/servers/0/hosts"] }]),
            "FM1201",
            Severity::Error,
            "spec.ignore[0].fields[0]",
        ),
        (
            json!([{ "kind": "Service", "fields": ["/spec/selector/app"] }]),
            "FM1201",
            Severity::Error,
            "spec.ignore[0].fields[0]",
        ),
        (
            json!([{ "kind": "Gateway", "fields": ["/metadata/name"] }]),
            "FM1201",
            Severity::Error,
            "spec.ignore[0].fields[0]",
        ),
        (
            json!([{ "kind": "VirtualService", "name": "nobody", "fields": ["/spec/hosts"] }]),
            "FM1203",
            Severity::Warning,
            "spec.ignore[0]",
        ),
    ] {
        let found = findings(&walkthrough(&ignore));
        let [one] = &found[..] else {
            panic!("{ignore}: {found:#?}")
        };
        assert_eq!(
            (one.code.as_str(), one.severity, one.path.as_str()),
            (code, severity, path),
            "{ignore}"
        );
    }
}

#[test]
fn records_that_are_not_rendered_yet_are_no_slip() {
    let mesh = walkthrough(&json!([{ "kind": "DNSEndpoint", "fields": ["/spec/endpoints"] }]));
    let checked = check(&mesh, &Facts::default());
    assert!(checked.findings.iter().all(|one| one.code != "FM1203"));
}

#[test]
fn only_objects_with_ignored_fields_are_applied_otherwise() {
    let ignore = json!([{ "kind": "VirtualService", "fields": ["/spec/hosts", "/spec/exportTo"] }]);
    let (plain, ignoring) = (
        desired(&walkthrough(&json!([]))),
        desired(&walkthrough(&ignore)),
    );
    let mut count = 0;
    for (before, after) in plain
        .of("cluster1")
        .into_iter()
        .zip(ignoring.of("cluster1"))
    {
        if before.kind.kind != "VirtualService" {
            assert_eq!(before, after);
            continue;
        }
        count += 1;
        assert!(before.body["spec"].get("hosts").is_some());
        assert!(after.body["spec"].get("hosts").is_none());
        assert_eq!(
            after.as_created().body["spec"]["hosts"],
            before.body["spec"]["hosts"]
        );
        assert_ne!(
            before.annotations[APPLIED_ANNOTATION],
            after.annotations[APPLIED_ANNOTATION]
        );
    }
    assert!(count > 0);
    // Whoever takes the manifests creates the objects with all fields.
    let facts = addresses(&walkthrough(&ignore));
    let bundles = [json!([]), ignore].map(|one| bundle(&walkthrough(&one), &facts));
    assert_eq!(bundles[0].clusters, bundles[1].clusters);
}

#[test]
fn a_hub_ignores_nothing() {
    let ignore = json!([{ "kind": "VirtualService", "fields": ["/spec/hosts"] }]);
    for target in Target::all().filter(|target| target.has_hub()) {
        let mesh = with_target(&walkthrough(&ignore), target);
        let found = findings(&mesh);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(
            (found[0].code.as_str(), found[0].severity),
            ("FM1204", Severity::Warning)
        );
        let plain = with_target(&walkthrough(&json!([])), target);
        for cluster in mesh.spec.clusters.iter().map(|one| one.name.as_str()) {
            assert_eq!(desired(&mesh).of(cluster), desired(&plain).of(cluster));
        }
    }
}

#[test]
fn argo_cd_is_told_and_it_is_read_again() {
    let ignore = json!([
        { "kind": "Gateway", "fields": ["/spec/servers"] },
        { "kind": "VirtualService", "namespace": "default", "name": "httpbin", "fields": ["/spec/hosts"] },
    ]);
    let mesh = with_target(&walkthrough(&ignore), Target::Gitops);
    let found = findings(&mesh);
    assert_eq!(
        found
            .iter()
            .map(|one| one.code.as_str())
            .collect::<Vec<_>>(),
        ["FM1205"]
    );
    let bundle = bundle(&mesh, &addresses(&mesh));
    let set = bundle
        .common
        .iter()
        .flat_map(|file| &file.objects)
        .find(|object| object.kind.kind == "ApplicationSet");
    let spec = &set.unwrap().body["spec"]["template"]["spec"];
    assert_eq!(
        spec["ignoreDifferences"],
        json!([
            { "group": "gateway.networking.k8s.io", "kind": "Gateway", "jsonPointers": ["/spec/servers"] },
            { "group": "networking.istio.io", "kind": "Gateway", "jsonPointers": ["/spec/servers"] },
            {
                "group": "networking.istio.io", "kind": "VirtualService", "jsonPointers": ["/spec/hosts"],
                "namespace": "default", "name": "httpbin",
            },
        ])
    );
    let options = spec["syncPolicy"]["syncOptions"].as_array().unwrap();
    assert!(
        options.contains(&"RespectIgnoreDifferences=true".into()),
        "{options:?}"
    );

    let files: Vec<Source> = bundle
        .files()
        .filter(|(path, _)| *path != "mesh.yaml")
        .map(|(path, text)| Source {
            file: path.to_owned(),
            cluster: None,
            text: text.to_owned(),
        })
        .collect();
    let imported = import::import(&files, &Options::default()).unwrap();
    assert_eq!(imported.mesh.spec.ignore, mesh.spec.ignore);
}

#[test]
fn the_document_keeps_its_form() {
    let mesh = walkthrough(&json!([{ "kind": "DNSEndpoint", "fields": ["/spec/endpoints"] }]));
    let text = mesh.to_yaml();
    assert!(text.contains("  ignore:\n"), "{text}");
    assert_eq!(Mesh::read(&text).unwrap(), mesh);
    assert!(!walkthrough(&json!([])).to_yaml().contains("ignore"));
}
