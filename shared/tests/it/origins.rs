//! Each object of a bundle names the part of the document that it derives from.

use documents::{addresses, examples, for_all_engines, meshes, with_target};
use proptest::prelude::*;
use serde_json::Value;
use shared::bundle::{Bundle, File, Rendered};
use shared::check;
use shared::facts::Facts;
use shared::mesh::{Mesh, Target};
use shared::resolved::Resolved;

/// The value of a path of keys and indices.
fn at<'v>(document: &'v Value, path: &str) -> Option<&'v Value> {
    document.pointer(&format!(
        "/{}",
        path.replace(['.', '['], "/").replace(']', "")
    ))
}

/// The document with an engine, and what it resolves to, unless the engine does not support it.
fn resolved(mesh: &Mesh, target: Target) -> Option<(Mesh, Resolved)> {
    let mesh = with_target(&for_all_engines(mesh), target);
    let resolved = check(&mesh, &addresses(&mesh)).resolved?;
    Some((mesh, resolved))
}

/// All files, in order.
fn files(bundle: &Bundle) -> Vec<&File> {
    let clusters = bundle.clusters.iter().flat_map(|one| &one.files);
    bundle.common.iter().chain(clusters).collect()
}

/// The paths of the origins of a file's objects, in order.
fn origins(bundle: &Bundle, path: &str) -> Vec<String> {
    let file = files(bundle).into_iter().find(|file| file.path == path);
    let file = file.unwrap_or_else(|| panic!("no file {path}"));
    file.origins.iter().map(|one| one.path()).collect()
}

fn assert_all_exist(mesh: &Mesh, resolved: &Resolved) {
    let document = serde_json::to_value(mesh).unwrap();
    let bundle = Bundle::new(mesh, resolved);
    for file in files(&bundle) {
        assert_eq!(file.origins.len(), file.objects.len(), "{}", file.path);
        for (object, origin) in file.objects.iter().zip(&file.origins) {
            let path = origin.path();
            let kind = &object.kind.kind;
            assert!(
                at(&document, &path).is_some(),
                "{}: {kind} {} derives from {path}",
                file.path,
                object.name
            );
        }
    }
    // A bundle that is rendered part by part has the same ones.
    let rendered = Rendered::new(mesh, resolved);
    let parts = rendered.parts().into_iter();
    let texts = rendered.texts(parts.map(|part| rendered.files(part)));
    let in_parts: Vec<_> = texts
        .listed()
        .map(|(path, text)| (path, texts.text(text).1.to_vec()))
        .collect();
    let whole: Vec<_> = files(&bundle)
        .into_iter()
        .map(|file| (file.path.as_str(), file.origins.clone()))
        .collect();
    assert_eq!(in_parts, whole);
}

#[test]
fn every_object_of_every_example_derives_from_a_part_of_its_document() {
    let mut rendered = 0;
    for mesh in examples().values() {
        for target in Target::all() {
            if let Some((mesh, resolved)) = resolved(mesh, target) {
                assert_all_exist(&mesh, &resolved);
                rendered += 1;
            }
        }
    }
    assert!(rendered > 40, "{rendered}");
}

#[test]
fn objects_derive_from_what_their_users_would_change() {
    let mesh = examples().remove("walkthrough.yaml").unwrap();
    let bundle = |target| {
        let (mesh, resolved) = resolved(&mesh, target).unwrap();
        Bundle::new(&mesh, &resolved)
    };
    let direct = bundle(Target::Direct);
    for (path, origin) in [
        ("cluster1/10-namespaces.yaml", "spec.dns.externalDns"),
        ("cluster1/40-sample-httpbin.yaml", "spec.samples"),
        ("cluster1/50-external-dns.yaml", "spec.dns.externalDns"),
        ("cluster2/60-gateway.yaml", "spec.clusters[1]"),
        ("cluster2/60-httpbin.default.yaml", "spec.services[0]"),
        ("cluster2/60-names.yaml", "spec.dns"),
        ("cluster1/70-httpbin.default.yaml", "spec.services[0]"),
    ] {
        let origins = origins(&direct, path);
        assert!(
            !origins.is_empty() && origins.iter().all(|one| one == origin),
            "{path}: {origins:?}"
        );
    }
    assert_eq!(
        origins(&direct, "cluster2/40-gateways.yaml"),
        ["spec.clusters[0]", "spec.clusters[1]"]
    );
    // Objects that only an engine needs.
    let gitops = bundle(Target::Gitops);
    assert_eq!(origins(&gitops, "flux/cluster1.yaml"), ["spec.gitops"; 2]);
    assert_eq!(origins(&gitops, "base/60-gateway.yaml"), ["spec.clusters"]);
    let ocm = bundle(Target::Ocm);
    let works = origins(&ocm, "cluster1/60-gateway.yaml");
    assert_eq!(works, ["spec.clusters[0]", "spec.clusters[1]"]);
    assert_eq!(
        origins(&ocm, "cluster1/60-work-agent.yaml"),
        ["spec.target"; 2]
    );
}

#[test]
fn objects_of_external_hosts_derive_from_their_host() {
    let mesh = examples().remove("external-hosts.yaml").unwrap();
    let (mesh, resolved) = resolved(&mesh, Target::Direct).unwrap();
    let bundle = Bundle::new(&mesh, &resolved);
    let of_host = |index: usize| format!("spec.external[{index}]");
    let files = files(&bundle);
    let external = files
        .iter()
        .filter(|file| file.path.ends_with("-external.yaml"));
    let mut seen = 0;
    for (object, origin) in external.flat_map(|file| file.objects.iter().zip(&file.origins)) {
        let hosts = mesh.spec.external.iter();
        let name = |host: &str| host.replace("*.", "wildcard.");
        let host = hosts
            .enumerate()
            .find(|(_, one)| object.name.ends_with(&format!(".{}", name(&one.host))));
        let expected = host.map_or_else(|| "spec.external".to_owned(), |(index, _)| of_host(index));
        assert_eq!(origin.path(), expected, "{}", object.name);
        seen += usize::from(expected != "spec.external");
    }
    assert!(seen >= mesh.spec.external.len(), "{seen}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_object_of_any_document_derives_from_a_part_of_it(mesh in meshes()) {
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        assert_all_exist(&mesh, &resolved);
    }
}
