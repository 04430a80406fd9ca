//! Manifests that fedmesh wrote give their document back; those of others give one that does the same,
//! and what it does not do is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod documents;

use documents::importable;
use proptest::prelude::*;
use serde_json::json;
use shared::bundle::{Bundle, MESH_FILE};
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::import::{ImportError, Imported, Options, Source, import};
use shared::mesh::{Mesh, Target};
use shared::resolved::Resolved;
use shared::{check, yaml};

/// The engines whose manifests are read; those of the others give the objects in them as what has no place.
const ENGINES: [Target; 2] = [Target::Direct, Target::KubefedV1Alpha1];

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
    let (wanted, got) = (bundle(mesh), bundle(&imported.mesh));
    let yaml = imported.mesh.to_yaml();
    for (wanted, got) in files(&wanted).iter().zip(files(&got)) {
        assert_eq!(
            (&wanted.file, &wanted.text),
            (&got.file, &got.text),
            "{yaml}"
        );
    }
    assert_eq!(wanted.clusters.len(), got.clusters.len(), "{yaml}");
}

/// Both documents mean the same, but for what no manifest says.
#[track_caller]
fn same_document(mesh: &Mesh, imported: &Imported) {
    let (mut wanted, mut got) = (resolve(mesh), resolve(&imported.mesh));
    let published_by_us = !shared::render::controller_publishes(&wanted);
    // Files are named for services, so services come in the order of their names.
    wanted.services.sort_by_key(shared::resolved::Service::id);
    got.services.sort_by_key(shared::resolved::Service::id);
    for one in [&mut wanted, &mut got] {
        // An API version is all that says of Istio's.
        one.istio.minor = u16::from(one.istio.networking_api() == "v1");
        // Without services there are no names, and nobody who answers.
        if one.services.is_empty() {
            one.dns.federation = shared::name::Label::new("none").unwrap();
            one.answer_header = true;
        }
        for cluster in &mut one.clusters {
            // How the agent reaches a cluster, and what it does to its DNS, is in no object.
            cluster.context = String::new();
            cluster.dns_flavour = None;
        }
        one.dns.nameservers.clear();
        for service in &mut one.services {
            // How a service is tried is in no object.
            service.probe = shared::resolved::Probe {
                path: String::new(),
                status: None,
            };
        }
    }
    for index in 0..wanted.clusters.len() {
        let serves = wanted
            .services
            .iter()
            .any(|service| service.clusters.contains(&index));
        let zone = |one: &shared::resolved::Cluster| (one.region.clone(), one.zone.clone());
        let here = zone(&wanted.clusters[index]);
        let alone = wanted
            .clusters
            .iter()
            .filter(|one| zone(one) == here)
            .count()
            == 1;
        let (wanted, got) = (&mut wanted.clusters[index], &mut got.clusters[index]);
        if !alone {
            // Records have the addresses of all clusters of a zone together.
            got.gateway.addresses.clone_from(&wanted.gateway.addresses);
        }
        if !serves {
            // Nobody calls a gateway behind which there is no service; see docs/import.md.
            (got.region, got.zone) = (wanted.region.clone(), wanted.zone.clone());
            got.gateway.clone_from(&wanted.gateway);
        }
        if !published_by_us {
            // The federation's controller looks addresses up itself.
            got.gateway.addresses.clone_from(&wanted.gateway.addresses);
        }
        if let Some(addresses) = &mut wanted.gateway.addresses {
            addresses.sort();
        }
    }
    if !bundle(mesh).to_stream().contains("recordTTL: ") {
        // Without records there is nothing that has a time to live.
        wanted.dns.ttl = got.dns.ttl;
        if wanted.dns.external_dns.is_none() && !wanted.target.has_hub() {
            // And nothing is in one cluster alone that others do not have.
            wanted.dns.cluster = got.dns.cluster;
        }
    }
    for (wanted, got) in wanted.services.iter_mut().zip(&got.services) {
        let elsewhere = |route: &shared::resolved::Route| {
            let ends = ["redirect", "directResponse"];
            ends.iter().any(|end| route.action.contains_key(*end))
        };
        if wanted.routes.iter().all(elsewhere) {
            // No request gets to the service, so nothing says at which port it is.
            wanted.ports.clone_from(&got.ports);
        }
        // What names contain follows from region and zone, which were compared.
        for (wanted, got) in wanted.names.iter_mut().zip(&got.names) {
            wanted.clusters.clone_from(&got.clusters);
        }
        if wanted.clusters.len() < 2 {
            // Nothing fails over, so nothing says how.
            wanted.retry.clone_from(&got.retry);
            wanted.outlier_detection.clone_from(&got.outlier_detection);
        }
    }
    assert_eq!(got, wanted, "{}", imported.mesh.to_yaml());
}

#[test]
fn examples_come_back() {
    for name in [
        "walkthrough",
        "walkthrough-printed",
        "three-clusters",
        "routes",
        "clusters-that-differ",
        "locality",
    ] {
        for target in ENGINES {
            let mut mesh = example(name);
            mesh.spec.target = Some(target);
            let bundle = bundle(&mesh);
            for sources in [files(&bundle), stream(&bundle)] {
                let imported = imported(&sources);
                same_manifests(&mesh, &imported);
                same_document(&mesh, &imported);
                assert_eq!(imported.findings, [], "{name} {target:?}");
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

/// Services in mutual TLS have nothing at an ingress gateway, from which services are known.
#[test]
fn what_travels_in_mutual_tls_is_told() {
    let imported = imported(&files(&bundle(&example("mtls"))));
    let services = imported.mesh.spec.services.iter();
    let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["notices"]);
    for lost in [
        "ServiceEntry istio-system/berths.quay.external.svc.mesh.example.com",
        "DestinationRule istio-system/berths.quay.external.svc.mesh.example.com",
        "ServiceEntry istio-system/pilots.quay.zones",
    ] {
        for cluster in ["oslo", "porto"] {
            let told = imported.findings.iter().any(|finding| {
                finding.severity == Severity::Warning
                    && finding.path.starts_with(cluster)
                    && finding.path.contains(lost)
            });
            assert!(told, "{cluster}: {lost}: {:#?}", imported.findings);
        }
    }
    let gateways = imported.mesh.spec.clusters.iter();
    for gateway in gateways.filter_map(|cluster| cluster.gateway.as_ref()) {
        assert_eq!((&gateway.service, gateway.port), (&None, None));
    }
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

fn finding<'a>(imported: &'a Imported, code: &str, path: &str) -> &'a Finding {
    let mut all = imported.findings.iter();
    all.find(|one| one.code == code && one.path.starts_with(path))
        .unwrap_or_else(|| panic!("no {code} {path} in {:#?}", imported.findings))
}

#[test]
fn faults_of_manifests_written_by_hand_are_told_and_mended() {
    let faulty = text("tests/manifests/federated-faults.yaml");
    let imported = imported(&[source("web.yaml", &faulty)]);
    assert_eq!(
        imported.mesh.to_yaml(),
        "\
apiVersion: fedmesh.dev/v1alpha1
kind: Mesh
metadata:
  name: mesh
spec:
  target: kubefed-v1alpha1
  dns:
    suffix: mesh.example.net
    naming: gateway
    ttl: 60
    externalDns:
      provider: google
      ownerId: change_me
      namespace: federation-system
  clusters:
  - name: east
    region: r2
    zone: r2-a
  - name: west
    region: r2
    zone: r2-b
  services:
  - name: web
    port: 8000
    hostname: web
    routes:
    - exact: /front
    - prefix: /api/
"
    );
    for (code, path) in [
        ("FM1004", "metadata.name"),
        (
            "FM1006",
            "web.yaml: FederatedServiceOverrideOverride web-away",
        ),
        (
            "FM1006",
            "web.yaml: FederatedVirtualServiceOverride web spec.overrides[0].hosts",
        ),
        (
            "FM1006",
            "web.yaml: FederatedVirtualServiceOverride web spec.overrides[1].hosts",
        ),
        ("FM1007", "web.yaml: VirtualService web"),
        (
            "FM1005",
            "web.yaml: ServiceDNSRecord istio-system/istio-ingressgateway",
        ),
        (
            "FM1002",
            "web.yaml: ServiceDNSRecord istio-system/istio-ingressgateway spec.externalName",
        ),
        ("FM1001", "web.yaml: ConfigMap kube-system/coredns"),
        (
            "FM1002",
            "web.yaml: Gateway web-entry spec.servers[0].hosts",
        ),
        ("FM1003", "web.yaml: Gateway web-entry"),
        ("FM1003", "web.yaml: ServiceEntry web-away"),
        (
            "FM1002",
            "web.yaml: Deployment federation-system/external-dns spec.template.spec.containers[0].args",
        ),
    ] {
        finding(&imported, code, path);
    }
    assert!(imported.is_incomplete());
}

#[test]
fn a_filter_may_be_wider_than_the_suffix() {
    let mut sources = files(&bundle(&example("walkthrough")));
    for source in &mut sources {
        source.text = source.text.replace(
            "--domain-filter=my.dns.zone.name",
            "--domain-filter=zone.name",
        );
    }
    let imported = imported(&sources);
    assert_eq!(imported.mesh.spec.dns.suffix, "my.dns.zone.name");
    let args = "cluster1/50-external-dns.yaml: Deployment external-dns/external-dns spec.template";
    assert_eq!(
        finding(&imported, "FM1002", args).message,
        "the document does not give --domain-filter=zone.name"
    );
    assert_eq!(imported.findings.len(), 1);
}

/// A mesh that somebody keeps by hand: other names of objects, short hosts, an older API.
const BY_HAND: &str = r#"
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: {name: public, namespace: web, uid: 8f2c, labels: {team: web}}
spec:
  selector: {app: door}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    tls: {mode: SIMPLE, credentialName: shop}
    hosts: ["shop.example.com"]
  - port: {number: 8080, name: http, protocol: HTTP}
    hosts: ["shop.example.com", "cart.example.com"]
---
apiVersion: v1
kind: List
items:
- apiVersion: networking.istio.io/v1beta1
  kind: VirtualService
  metadata: {name: shop-routes, namespace: web}
  spec:
    hosts: [shop.example.com]
    gateways: [public]
    http:
    - name: canary
      match: [{headers: {x-canary: {exact: "yes"}}}]
      route: [{destination: {host: shop, subset: v2, port: {number: 9000}}}]
    - match: [{uri: {prefix: /cart}}]
      route: [{destination: {host: cart.web.svc.cluster.local}}]
    - route: [{destination: {host: shop}}]
      timeout: 3s
- apiVersion: networking.istio.io/v1beta1
  kind: VirtualService
  metadata: {name: cart, namespace: web}
  spec:
    hosts: [cart.example.com]
    gateways: [public]
    http:
    - route: [{destination: {host: cart}}]
- apiVersion: networking.istio.io/v1beta1
  kind: DestinationRule
  metadata: {name: shop-versions, namespace: web}
  spec:
    host: shop
    trafficPolicy: {tls: {mode: ISTIO_MUTUAL}, connectionPool: {tcp: {maxConnections: 9}}}
    subsets: [{name: v2, labels: {version: v2}}]
- apiVersion: v1
  kind: Service
  metadata: {name: cart, namespace: web}
  spec: {ports: [{name: http, port: 7000}]}
- apiVersion: networking.istio.io/v1beta1
  kind: Sidecar
  metadata: {name: default, namespace: web}
  spec: {egress: [{hosts: ["./*"]}]}
"#;

#[test]
fn a_mesh_kept_by_hand_gives_services_and_what_has_no_place() {
    let imported = imported(&[source("all.yaml", BY_HAND)]);
    let document = serde_json::to_value(&imported.mesh).unwrap();
    assert_eq!(
        document["spec"],
        json!({
            "istio": "1.21",
            "dns": { "suffix": "example.com" },
            "clusters": [{
                "name": "cluster1", "region": "unknown", "zone": "unknown",
                "gateway": { "selector": { "app": "door" }, "port": 8080 },
            }],
            "services": [
                {
                    "name": "shop", "namespace": "web", "port": 9000, "hostname": "shop",
                    "routes": [
                        { "match": [{ "headers": { "x-canary": { "exact": "yes" } } }], "to": [{ "subset": "v2" }] },
                        { "timeout": "3s" },
                    ],
                    "subsets": [{ "name": "v2", "labels": { "version": "v2" } }],
                    "trafficPolicy": { "connectionPool": { "tcp": { "maxConnections": 9 } } },
                },
                { "name": "cart", "namespace": "web", "port": 7000, "hostname": "cart" },
            ],
        })
    );
    for (code, path) in [
        ("FM1004", "spec.clusters[0].zone"),
        ("FM1003", "all.yaml: Gateway web/public"),
        ("FM1002", "all.yaml: Gateway web/public metadata.labels"),
        ("FM1002", "all.yaml: Gateway web/public spec.servers[0]"),
        (
            "FM1002",
            "all.yaml: VirtualService web/shop-routes spec.http[0].name",
        ),
        (
            "FM1002",
            "all.yaml: VirtualService web/shop-routes spec.http[1]",
        ),
        (
            "FM1002",
            "all.yaml: DestinationRule web/shop-versions spec.trafficPolicy.tls",
        ),
        ("FM1001", "all.yaml: Service web/cart"),
        ("FM1001", "all.yaml: Sidecar web/default"),
    ] {
        finding(&imported, code, path);
    }
    let uid = imported
        .findings
        .iter()
        .find(|one| one.path.contains("uid"));
    assert_eq!(uid, None, "what an API server writes is nobody's loss");
}

#[test]
fn headings_folders_and_options_say_what_manifests_do_not() {
    let plain = "kind: VirtualService\napiVersion: networking.istio.io/v1\nmetadata: {name: a}\n\
        spec: {hosts: ['*'], gateways: [g], http: [{route: [{destination: {host: a, port: {number: 1}}}]}]}\n";
    let text = format!("# cluster: north\n{plain}# cluster: south\n---\n# file: x/y.yaml\n{plain}");
    let options = Options {
        name: Some("shop".to_owned()),
        suffix: Some("a.example.com".to_owned()),
    };
    let none = import(&[source("-", &text)], &Options::default());
    assert_eq!(none, Err(ImportError::NoSuffix));
    let imported = import(&[source("-", &text)], &options).unwrap();
    let clusters: Vec<&str> = imported
        .mesh
        .spec
        .clusters
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(clusters, ["north", "south"]);
    assert_eq!(imported.mesh.metadata.name, "shop");
    finding(&imported, "FM1002", "-: VirtualService a spec.hosts");
    finding(&imported, "FM1002", "x/y.yaml: VirtualService a spec.hosts");
}

#[test]
fn an_error_names_file_and_line() {
    for (text, expected) in [
        ("a: [\n", "x.yaml: line "),
        (
            "# file: inner.yaml\nkind: A\n---\nkind: B\n---\nb: 1\nb: 2\n",
            "inner.yaml: line 7",
        ),
        ("a: 1\n", "x.yaml: a document without kind"),
        ("- 1\n", "x.yaml: a document that is no map"),
        ("kind: A\nmetadata: {name: 1}\n", "x.yaml: a A whose name"),
        ("# nothing\n", "there are no manifests"),
        (
            "kind: A\nmetadata: {name: a}\n",
            "nothing in the manifests says under which DNS suffix",
        ),
    ] {
        let error = import(&[source("x.yaml", text)], &Options::default()).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{text:?}: {error}");
        assert!(!error.hint().is_empty());
    }
    let deep = "[".repeat(10_000);
    assert!(import(&[source("x", &deep)], &Options::default()).is_err());
    // A short text that would become a long one.
    let (head, names) = (
        "apiVersion: primitives.federation.k8s.io/v1alpha1\nmetadata: {name: a}\n",
        vec!["a"; 100_000].join(","),
    );
    let text = format!(
        "{head}kind: FederatedRole\nspec: {{template: {{x: {}}}}}\n---\n\
         {head}kind: FederatedRolePlacement\nspec: {{clusterNames: [{names}]}}\n",
        "x".repeat(10_000),
    );
    let error = import(&[source("x", &text)], &Options::default());
    assert!(
        matches!(error, Err(ImportError::TooManyCopies(_))),
        "{error:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn documents_come_back(mesh in importable()) {
        let bundle = bundle(&mesh);
        // Nothing of a mesh without services and objects is in any manifest.
        prop_assume!(!mesh.spec.services.is_empty());
        let imported = imported(&stream(&bundle));
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
