//! Manifests that fedmesh wrote give their document back; those of others give one that does the same,
//! and what it does not do is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod documents;

use documents::{examples, importable, with_target};
use proptest::prelude::*;
use serde_json::json;
use shared::bundle::{Bundle, MESH_FILE};
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::import::{ImportError, Imported, Options, Source, import};
use shared::mesh::{Mesh, Target};
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
    let (wanted, got) = (bundle(mesh), bundle(&imported.mesh));
    let yaml = imported.mesh.to_yaml();
    let (wanted, got) = (files(&wanted), files(&got));
    for (wanted, got) in wanted.iter().zip(&got) {
        assert_eq!(
            (&wanted.file, &wanted.text),
            (&got.file, &got.text),
            "{yaml}"
        );
    }
    assert_eq!(wanted.len(), got.len(), "{yaml}");
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

/// Both documents mean the same, but for what no manifest says.
#[track_caller]
fn same_document(mesh: &Mesh, imported: &Imported) {
    let (mut wanted, mut got) = (resolve(mesh), resolve(&imported.mesh));
    // Files are named for services, and hosts outside are in the order of their names: a folder has no other.
    for one in [&mut wanted, &mut got] {
        one.services.sort_by_key(shared::resolved::Service::id);
        one.external.sort_by_key(|host| host.host.to_string());
        // An API version is all that says of Istio's.
        one.istio.minor = u16::from(one.istio.networking_api() == "v1");
        // They are merged into a cluster's own settings, which are no manifest of fedmesh's.
        one.dns.nameservers.clear();
        for cluster in &mut one.clusters {
            // How the agent reaches a cluster, and what it does to its DNS, is in no object.
            cluster.context = String::new();
            cluster.dns_flavour = None;
        }
        for service in &mut one.services {
            // How a service is tried is in no object.
            service.probe = shared::resolved::Probe {
                path: String::new(),
                status: None,
            };
            in_each_cluster(service);
            for route in &mut service.routes {
                // A condition that holds of all requests is none.
                if route.matches.iter().all(|one| *one == json!({})) {
                    route.matches.clear();
                }
            }
        }
    }
    not_needed(mesh, &mut wanted, &mut got);
    for index in 0..wanted.clusters.len() {
        of_cluster(index, &mut wanted, &mut got);
    }
    for (wanted, got) in wanted.services.iter_mut().zip(&got.services) {
        let elsewhere = |route: &shared::resolved::Route| {
            let ends = ["redirect", "directResponse"];
            ends.iter().any(|end| route.action.contains_key(*end))
        };
        if wanted.routes.iter().all(elsewhere) {
            // No request gets to the service, so nothing says at which port it is.
            let take = |wanted: &mut Vec<shared::resolved::Port>,
                        got: &[shared::resolved::Port]| {
                for (wanted, got) in wanted.iter_mut().zip(got) {
                    if wanted.protocol.is_http() {
                        wanted.number = got.number;
                    }
                }
            };
            take(&mut wanted.ports, &got.ports);
            for (cluster, place) in &mut wanted.overrides {
                let there = got.overrides.get(cluster);
                take(&mut place.ports, there.map_or(&got.ports, |one| &one.ports));
            }
            if got.overrides.is_empty() {
                // Those of the port alone; any other one is seen by its name.
                let usual = (&wanted.name, &wanted.namespace, &wanted.ports);
                let all = &mut wanted.overrides;
                all.retain(|_, one| (&one.name, &one.namespace, &one.ports) != usual);
            }
        }
        // What names contain follows from region and zone, which were compared.
        for (wanted, got) in wanted.names.iter_mut().zip(&got.names) {
            wanted.clusters.clone_from(&got.clusters);
        }
        if wanted.clusters.len() < 2 || !wanted.is_http() {
            // Nothing fails over, or nothing is repeated, so nothing says how.
            wanted.retry.clone_from(&got.retry);
        }
        if wanted.clusters.len() < 2 {
            wanted.outlier_detection.clone_from(&got.outlier_detection);
        }
    }
    assert_eq!(got, wanted, "{}", imported.mesh.to_yaml());
}

/// Says what a service is in each of its clusters: which of them the others differ from is no object's.
fn in_each_cluster(service: &mut shared::resolved::Service) {
    let Some(mut usual) = service.overrides.values().next().cloned() else {
        return;
    };
    usual.name.clone_from(&service.name);
    usual.namespace.clone_from(&service.namespace);
    usual.ports.clone_from(&service.ports);
    for &cluster in &service.clusters {
        let place = service.overrides.entry(cluster);
        place.or_insert_with(|| usual.clone());
    }
    if let Some(place) = service.overrides.values().next() {
        service.ports.clone_from(&place.ports);
    }
}

/// What a document may say although nothing of it needs it.
fn not_needed(mesh: &Mesh, wanted: &mut Resolved, got: &mut Resolved) {
    if wanted.target != Target::Gitops {
        // There are no objects of Argo CD and Flux.
        wanted.gitops = None;
    }
    if !bundle(mesh).to_stream().contains("recordTTL: ") {
        // Without records there is nothing that has a time to live.
        wanted.dns.ttl = got.dns.ttl;
        if wanted.dns.external_dns.is_none() && !wanted.target.has_hub() {
            // And nothing is in one cluster alone that others do not have.
            wanted.dns.cluster = got.dns.cluster;
        }
    }
    let http = || wanted.services.iter().filter(|one| one.is_http());
    if http().next().is_none() {
        // Without requests there is nothing to mark.
        wanted.answer_header = got.answer_header;
    }
    let redirected = |one: &shared::resolved::Service| {
        let clusters = one.clusters.iter();
        let mut ports = clusters.map(|&cluster| wanted.clusters[cluster].gateway.port);
        one.ports.iter().any(|port| port.published == 80) && ports.any(|port| port == 443)
    };
    let redirected = http().any(redirected);
    if let (Some(wanted), Some(got)) = (&mut wanted.tls, &got.tls)
        && !redirected
    {
        // There is a redirect only to where gateways listen as usual.
        wanted.redirect = got.redirect;
    }
}

/// What nothing says of a cluster.
fn of_cluster(index: usize, wanted: &mut Resolved, got: &mut Resolved) {
    let published_by_us = !shared::render::controller_publishes(wanted);
    let here = |one: &shared::resolved::Service| one.clusters.contains(&index);
    let services = || wanted.services.iter().filter(|one| here(one));
    let serves = services().next().is_some();
    let has_usual = services().any(|one| {
        one.ports
            .iter()
            .any(|port| port.protocol.is_http() && port.published == 80)
    });
    let outside = |one: &shared::resolved::ExternalHost| {
        one.by_egress_gateway && one.clusters.contains(&index)
    };
    let leads_out = wanted.external.iter().any(outside);
    let zone = |one: &shared::resolved::Cluster| (one.region.clone(), one.zone.clone());
    let here = zone(&wanted.clusters[index]);
    let of_zone = wanted.clusters.iter().filter(|one| zone(one) == here);
    let alone = of_zone.count() == 1;
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
    if !has_usual {
        // Its port is that of what is published on 80.
        got.gateway.port = wanted.gateway.port;
    }
    if !leads_out {
        // Nothing is led through it.
        wanted.egress_gateway = None;
    }
    if !published_by_us {
        // The federation's controller looks addresses up itself.
        got.gateway.addresses.clone_from(&wanted.gateway.addresses);
    }
    if let Some(addresses) = &mut wanted.gateway.addresses {
        addresses.sort();
    }
}

#[test]
fn examples_come_back() {
    for (name, mesh) in examples() {
        // What the Gateway API says, and mutual TLS, are not read: see the next tests.
        if ["gateway-api.yaml", "mtls.yaml"].contains(&name.as_str()) {
            continue;
        }
        for target in Target::ALL {
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
        let mesh = match mesh.spec.target {
            Some(Target::Ocm) => with_clusters_as_in(&mesh, &imported),
            _ => mesh,
        };
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
