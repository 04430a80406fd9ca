//! Manifests of others: what they give, and what is told of them.

use serde_json::json;
use shared::check::Severity;
use shared::import::{ImportError, Options, import};

use super::{bundle, example, files, finding, imported, source, text};

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
    let external_dns = imported.mesh.spec.dns.external_dns.unwrap();
    assert_eq!(external_dns.zone.as_deref(), Some("zone.name"));
    assert!(imported.findings.is_empty(), "{:#?}", imported.findings);
}

/// They are told by the name of what they are for, and are neither in the document nor in a finding.
#[test]
fn credentials_are_left_out_and_told() {
    let mut sources = files(&bundle(&example("walkthrough")));
    for source in &mut sources {
        source.text = source.text.replace(
            "        - --domain-filter=my.dns.zone.name\n",
            "        - --domain-filter=my.dns.zone.name\n\
             \x20       - --exoscale-apikey=hunter2\n\
             \x20       - --exoscale-apisecret=hunter2\n\
             \x20       - --webhook-provider-url=http://u:hunter2@h\n\
             \x20       - --pihole-password\n\
             \x20       - hunter2\n\
             \x20       - --request-timeout=30s\n",
        );
        source.text = source.text.replace(
            "        image: registry.k8s.io/external-dns",
            "        env:\n\
             \x20       - name: AWS_SECRET_ACCESS_KEY\n\
             \x20         value: hunter2\n\
             \x20       image: u:hunter2@registry.k8s.io/external-dns",
        );
    }
    let imported = imported(&sources);
    let document = imported.mesh.to_yaml();
    assert!(document.contains("--request-timeout=30s"), "{document}");
    for word in ["exoscale-api", "webhook", "pihole", "hunter2"] {
        assert!(!document.contains(word), "{word}: {document}");
    }
    let told = format!("{:#?} {:#?}", imported.findings, imported.checks);
    assert!(!told.contains("hunter2"), "{told}");
    let container = "cluster1/50-external-dns.yaml: Deployment external-dns/external-dns spec.template.spec.containers[0]";
    let args = &finding(&imported, "FM1008", &format!("{container}.args")).message;
    for flag in [
        "--exoscale-apikey=",
        "--exoscale-apisecret=",
        "--webhook-provider-url=",
        "--pihole-password",
    ] {
        assert!(args.contains(flag), "{flag}: {args}");
    }
    let env = &finding(&imported, "FM1008", &format!("{container}.env")).message;
    assert!(env.contains("AWS_SECRET_ACCESS_KEY"), "{env}");
    assert!(imported.is_incomplete());
    assert_eq!(
        imported
            .checks
            .iter()
            .filter(|one| one.severity == Severity::Error)
            .count(),
        0
    );
}

/// A mesh that somebody keeps by hand: other names of objects, short hosts, an older API.
pub(super) const BY_HAND: &str = r#"
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
        ("- 1\n", "x.yaml: a document that is not a map"),
        ("kind: A\nmetadata: {name: 1}\n", "x.yaml: a A whose name"),
        ("# nothing\n", "there are no manifests"),
        (
            "kind: A\nmetadata: {name: a}\n",
            "the manifests do not have the DNS suffix",
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
