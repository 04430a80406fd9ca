//! Manifests that fedmesh wrote give their document back; those of others give one that does the same,
//! and what it does not do is told.

mod at_gateways;
mod dns;
mod external_hosts;
mod folders;
mod forms;
mod gateways;
mod of_others;
mod same;
mod statements;
mod zones;

use std::collections::BTreeSet;

use documents::{examples, importable, with_target};
use proptest::prelude::*;
use same::same_document;
use shared::bundle::{Bundle, MESH_FILE};
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::import::{Imported, Options, Source, import};
use shared::mesh::{Cluster, Endpoints, Mesh, Naming, Target};
use shared::resolved::Resolved;
use shared::{check, yaml};

#[expect(clippy::disallowed_methods, reason = "tests read files")]
fn text(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn example(name: &str) -> Mesh {
    Mesh::read(&text(&format!("../examples/{name}.yaml"))).unwrap()
}

fn resolve(mesh: &Mesh) -> Resolved {
    let checked = check(mesh, &Facts::default());
    checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings))
}

fn bundle(mesh: &Mesh) -> Bundle {
    Bundle::new(mesh, &resolve(mesh))
}

/// The files of a bundle without its document, in the order of the clusters.
fn files(bundle: &Bundle) -> Vec<Source> {
    bundle
        .files()
        .filter(|(path, _)| *path != MESH_FILE)
        .map(|(path, text)| Source {
            file: path.to_owned(),
            cluster: path.split('/').next().map(str::to_owned),
            text: text.to_owned(),
        })
        .collect()
}

/// The same in one stream, whose comments alone say which cluster is which.
fn stream(bundle: &Bundle) -> Vec<Source> {
    let text = bundle.to_stream();
    let without_document: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("#|"))
        .collect();
    vec![source("-", &without_document.join("\n"))]
}

fn source(file: &str, text: &str) -> Source {
    Source {
        file: file.to_owned(),
        cluster: None,
        text: text.to_owned(),
    }
}

fn imported(sources: &[Source]) -> Imported {
    import(sources, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The manifests of both documents are the same, byte for byte.
#[track_caller]
fn same_manifests(mesh: &Mesh, imported: &Imported) {
    let (desired, got) = (bundle(mesh), bundle(&imported.mesh));
    let yaml = imported.mesh.to_yaml();
    let (desired, got) = (files(&desired), files(&got));
    for (desired, got) in desired.iter().zip(&got) {
        assert_eq!(
            (&desired.file, &desired.text),
            (&got.file, &got.text),
            "{yaml}"
        );
    }
    assert_eq!(desired.len(), got.len(), "{yaml}");
}

/// The document with its clusters in the order of another one, which Open Cluster Management's hub need not
/// know: each cluster has a namespace there, and namespaces have no order.
fn with_clusters_as_in(mesh: &Mesh, imported: &Imported) -> Mesh {
    let mut mesh = mesh.clone();
    let of = imported.mesh.spec.clusters.iter();
    let names: Vec<&str> = of.map(|one| one.name.as_str()).collect();
    let first = mesh.spec.clusters[0].name.clone();
    mesh.spec.dns.cluster.get_or_insert(first);
    let place = |name: &str| names.iter().position(|one| *one == name);
    mesh.spec.clusters.sort_by_key(|one| place(&one.name));
    mesh
}

#[test]
fn examples_come_back() {
    for (name, mesh) in examples() {
        // What the Gateway API says is not read: see the next test.
        if name == "gateway-api.yaml" {
            continue;
        }
        for target in Target::all() {
            let mesh = with_target(&mesh, target);
            let bundle = bundle(&mesh);
            for sources in [files(&bundle), stream(&bundle)] {
                let imported = imported(&sources);
                assert_eq!(imported.findings, [], "{name} {target:?}");
                same_manifests(&mesh, &imported);
                same_document(&mesh, &imported);
            }
        }
    }
}

/// What the Gateway API says is not read, so all of it is told.
#[test]
fn objects_of_the_gateway_api_are_told_as_lost() {
    let bundle = bundle(&example("gateway-api"));
    let imported = imported(&files(&bundle));
    let mut seen = 0;
    for cluster in &bundle.clusters {
        for file in &cluster.files {
            let objects = file.objects.iter();
            for object in objects.filter(|one| one.kind.group == "gateway.networking.k8s.io") {
                let path = format!("{}: {}", file.path, object.key());
                let told = finding(&imported, "FM1001", &path);
                assert_eq!(told.severity, Severity::Warning, "{path}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 8, "{imported:#?}");
    assert!(imported.is_incomplete());
}

#[test]
fn what_is_a_default_is_left_out() {
    let mesh = example("walkthrough");
    let mut expected = mesh.clone();
    expected.spec.istio = None;
    expected.spec.dns.external_dns.as_mut().unwrap().owner_id = None;
    assert_eq!(
        imported(&files(&bundle(&mesh))).mesh.to_yaml(),
        expected.to_yaml()
    );
}

/// Manifests of versions whose connections had 250 ms, which could not be set.
#[test]
fn a_connect_timeout_of_earlier_versions_is_kept() {
    for (name, mut mesh) in examples() {
        if name == "gateway-api.yaml" {
            continue;
        }
        let mut sources = files(&bundle(&mesh));
        for source in &mut sources {
            source.text = source
                .text
                .replace("connectTimeout: 2s", "connectTimeout: 250ms");
        }
        let imported = imported(&sources);
        assert_eq!(imported.findings, [], "{name}");
        for service in &mut mesh.spec.services {
            let failover = service.failover.get_or_insert_default();
            failover.connect_timeout = Some("250ms".to_owned());
        }
        same_manifests(&mesh, &imported);
        same_document(&mesh, &imported);
    }
}

fn finding<'a>(imported: &'a Imported, code: &str, path: &str) -> &'a Finding {
    let mut all = imported.findings.iter();
    all.find(|one| one.code == code && one.path.starts_with(path))
        .unwrap_or_else(|| panic!("no {code} {path} in {:#?}", imported.findings))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn documents_come_back(mesh in importable()) {
        let bundle = bundle(&mesh);
        // Nothing of a mesh without services and objects is in any manifest.
        prop_assume!(!mesh.spec.services.is_empty());
        let imported = imported(&stream(&bundle));
        if imported.checks.iter().any(|one| one.code == "FM0423") {
            // A gateway has its usual port where nothing says another, and something is published on that.
            prop_assert!(imported.is_incomplete());
            return Ok(());
        }
        // Zones of a cluster that runs no service are known by names that no other cluster has.
        let resolved = resolve(&mesh);
        let runs = |index: usize| resolved.services.iter().any(|one| one.clusters.contains(&index));
        let are_known = resolved.clusters.iter().enumerate().all(|(index, one)| !one.is_regional() || runs(index));
        prop_assume!(are_known);
        let assumed = |one: &Finding| one.code == "FM1004" && one.path.ends_with("].zone");
        // What a cluster has goes by its zone, which had to be assumed where it runs no service.
        let is_right = |one: &Cluster| {
            let mut clusters = mesh.spec.clusters.iter();
            let sorted = |one: &Cluster| one.all_zones().map(str::to_owned).collect::<BTreeSet<_>>();
            clusters.any(|of| (&of.name, &of.region, sorted(of)) == (&one.name, &one.region, sorted(one)))
        };
        prop_assume!(
            !imported.findings.iter().any(assumed) || imported.mesh.spec.clusters.iter().all(is_right)
        );
        // Where names begin with the gateway, nothing says which of a service's overrides is the usual one.
        let has_overrides = mesh.spec.services.iter().any(|one| !one.overrides.is_empty());
        prop_assume!(!(mesh.spec.dns.naming == Some(Naming::Gateway) && has_overrides));
        // Endpoints are in the document's order; works and WorkloadEntries are in none.
        let has_order = mesh.spec.target != Some(Target::Ocm) && mesh.spec.endpoints() != Endpoints::Addresses;
        let mesh = if has_order { mesh } else { with_clusters_as_in(&mesh, &imported) };
        same_manifests(&mesh, &imported);
        same_document(&mesh, &imported);
        let lost: Vec<_> = imported.findings.iter().filter(|one| one.code != "FM1004").collect();
        prop_assert!(lost.is_empty(), "{lost:#?}");
    }

    /// Whatever the manifests are, there is a document or an error, and never a panic.
    #[test]
    fn mangled_manifests_are_read_or_refused(
        mesh in importable(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..MANGLED.len()), 1..12),
    ) {
        let mut sources = files(&bundle(&mesh));
        prop_assume!(!sources.is_empty());
        for (file, line, mangled) in cuts {
            let file = file.index(sources.len());
            let mut lines: Vec<String> = sources[file].text.lines().map(str::to_owned).collect();
            if lines.is_empty() {
                continue;
            }
            let line = line.index(lines.len());
            match MANGLED[mangled] {
                "" => drop(lines.remove(line)),
                value => {
                    let kept = lines[line].split_once(": ").map_or("", |(key, _)| key).to_owned();
                    lines[line] = format!("{kept}: {value}");
                }
            }
            sources[file].text = lines.join("\n");
        }
        for source in &mut sources {
            if yaml::documents(&source.text).is_err() {
                source.text.clear();
            }
        }
        if let Ok(imported) = import(&sources, &Options::default()) {
            Mesh::read(&imported.mesh.to_yaml()).unwrap();
            for finding in &imported.findings {
                prop_assert!(!finding.hint.is_empty() || finding.severity == Severity::Hint, "{finding:?}");
            }
        }
    }
}

const MANGLED: [&str; 12] = [
    "",
    "null",
    "{}",
    "[]",
    "[[]]",
    "[{}]",
    "7",
    "-1",
    "true",
    "'*'",
    "a.b.c.svc.d.e.f",
    "''",
];
