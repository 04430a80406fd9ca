//! External hosts in manifests of others: their entries, routes and rules.

use serde_json::json;
use shared::check::{Finding, Severity};
use shared::import::Imported;

use super::finding;
use super::statements::{of_suffix, told};

const EXTERNAL: &str = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: mirrors}
spec:
  hosts: [one.mirror.example, two.mirror.example, three.mirror.example]
  location: MESH_EXTERNAL
  exportTo: ["*"]
  ports: [{number: 80, name: web, protocol: http}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: git}
spec:
  hosts: [git.example]
  addresses: [192.0.2.0/24]
  ports: [{number: 22, name: ssh, protocol: tcp}]
  resolution: NONE
"#;

#[test]
fn external_hosts_lose_the_addresses_that_callers_resolve_alone() {
    let imported = of_suffix(EXTERNAL);
    let expected = [
        "FM1003 a.yaml: ServiceEntry mirrors",
        "FM1002 a.yaml: ServiceEntry mirrors spec.resolution",
        "FM1003 a.yaml: ServiceEntry git",
    ];
    assert_eq!(told(&imported), expected);
    let resolution = |imported: &Imported| {
        let path = "a.yaml: ServiceEntry mirrors spec.resolution";
        finding(imported, "FM1002", path).message.clone()
    };
    let message = "the manifests have `\"NONE\"` by default, but the document renders `\"DNS\"`";
    assert_eq!(resolution(&imported), message);
    let ports = "  ports: [{number: 80,";
    let none = EXTERNAL.replace(ports, &format!("  resolution: NONE\n{ports}"));
    let none = of_suffix(&none);
    assert_eq!(told(&none), expected);
    assert_eq!(resolution(&none), message.replace(" by default", ""));
    // The document has the addresses, among which sidecars choose.
    let addresses = of_suffix(&EXTERNAL.replace("192.0.2.0/24", "192.0.2.7"));
    let told_of_git = finding(
        &addresses,
        "FM1002",
        "a.yaml: ServiceEntry git spec.resolution",
    );
    assert!(told_of_git.message.contains("STATIC"), "{told_of_git:?}");
    let with_wildcard = EXTERNAL.replace("one.mirror.example", "'*.mirror.example'");
    assert_eq!(told(&of_suffix(&with_wildcard)), expected);
    let by_dns = EXTERNAL.replace(ports, &format!("  resolution: DNS\n{ports}"));
    let [mirrors, _, git] = expected;
    assert_eq!(told(&of_suffix(&by_dns)), [mirrors, git]);
    let message = &finding(&imported, "FM1003", "a.yaml: ServiceEntry mirrors").message;
    for host in ["one", "two", "three"] {
        assert!(
            message.contains(&format!(".{host}.mirror.example`")),
            "{message}"
        );
    }
    // With a port that a document cannot have, the entry is reported, and nothing as replaced.
    let other = of_suffix(&EXTERNAL.replace("protocol: tcp", "protocol: mongo"));
    assert_eq!(
        told(&other),
        [
            mirrors,
            "FM1002 a.yaml: ServiceEntry mirrors spec.resolution",
            "FM1001 a.yaml: ServiceEntry git"
        ]
    );
}

const EGRESS: &str = r"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: news}
spec:
  hosts: [news.example]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: out}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: [news.example]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: out}
spec:
  host: istio-egressgateway.istio-system.svc.cluster.local
  subsets: [{name: news}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: news}
spec:
  hosts: [news.example]
  gateways: [mesh, out]
  tls:
  - match: [{gateways: [mesh], port: 443, sniHosts: [news.example]}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, subset: news, port: {number: 443}}}]
  - match: [{gateways: [out], port: 443, sniHosts: [news.example]}]
    route: [{destination: {host: news.example, port: {number: 443}}, weight: 100}]
";

#[test]
fn names_of_an_egress_gateway_are_no_loss() {
    let imported = of_suffix(EGRESS);
    let lost = imported
        .findings
        .iter()
        .filter(|one| one.code != "FM1003" && one.code != "FM1004");
    // The rule of the gateway has nothing but the name of a subset.
    let lost: Vec<_> = lost.map(|one| (one.severity, &*one.path)).collect();
    assert_eq!(lost, [(Severity::Hint, "a.yaml: DestinationRule out")]);
    assert_eq!(imported.mesh.spec.external[0].egress_gateway, Some(true));
}

/// The rule of its Service does not have the labels of its pods.
#[test]
fn pods_of_an_egress_gateway_that_is_missing_are_assumed() {
    let path = "spec.clusters[0].egressGateway.selector";
    let of_pods = |one: &&Finding| one.path == path;
    let whole = of_suffix(EGRESS);
    assert_eq!(whole.findings.iter().find(of_pods), None);
    let without = of_suffix(&EGRESS.replace("kind: Gateway\n", "kind: WasmPlugin\n"));
    let told = finding(&without, "FM1004", path);
    assert!(told.hint.contains("`istio: egressgateway`"), "{told:?}");
}

#[test]
fn tls_of_all_ports_is_that_of_each() {
    let text = r"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay}
spec:
  hosts: [pay.example]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pay}
spec:
  host: pay.example
  trafficPolicy: {tls: {mode: SIMPLE, sni: pay.example}}
";
    let both = [
        "FM1003 a.yaml: ServiceEntry pay",
        "FM1003 a.yaml: DestinationRule pay",
    ];
    assert_eq!(told(&of_suffix(text)), both);
    let other = of_suffix(&text.replace("sni: pay.example", "sni: other.example"));
    finding(
        &other,
        "FM1002",
        "a.yaml: DestinationRule pay spec.trafficPolicy.tls",
    );
}

const REWRITTEN: &str = r"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay}
spec:
  hosts: [pay.example]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 443, name: https, protocol: HTTPS}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pay-ports}
spec:
  hosts: [pay.example]
  http: [{match: [{port: 80}], route: [{destination: {host: pay.example, port: {number: 443}}}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pay-tls}
spec:
  host: pay.example
  trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]}
";

/// A route to the port with TLS is the target port of a document.
#[test]
fn a_route_to_a_port_with_tls_is_imported() {
    let imported = of_suffix(REWRITTEN);
    let external =
        |imported: &Imported| serde_json::to_value(&imported.mesh.spec.external).unwrap();
    let with_tls =
        json!([{ "host": "pay.example", "ports": [{ "port": 80, "tls": {} }, { "port": 443 }] }]);
    assert_eq!(external(&imported), with_tls);
    let replaced = [
        "FM1003 a.yaml: ServiceEntry pay",
        "FM1003 a.yaml: VirtualService pay-ports",
        "FM1003 a.yaml: DestinationRule pay-tls",
    ];
    assert_eq!(told(&imported), replaced);
    let more = "{mode: SIMPLE}, loadBalancer: {simple: ROUND_ROBIN}";
    let [entry, route, rule] = replaced;
    let lost = "FM1002 a.yaml: DestinationRule pay-tls spec.trafficPolicy.portLevelSettings[0].loadBalancer";
    let imported = of_suffix(&REWRITTEN.replace("{mode: SIMPLE}", more));
    assert_eq!(told(&imported), [entry, route, rule, lost]);

    // Routes that do anything else, or lead to a port without TLS, stay, and so does the rule.
    let plain = json!([{ "host": "pay.example", "ports": [{ "port": 80 }, { "port": 443 }] }]);
    let stay = [
        entry,
        "FM1001 a.yaml: VirtualService pay-ports",
        "FM1001 a.yaml: DestinationRule pay-tls",
    ];
    for (from, to) in [
        ("{port: 80}", "{port: 80, uri: {prefix: /a}}"),
        ("http: [{match", "http: [{timeout: 3s, match"),
        (
            "pay.example, port: {number: 443}}",
            "pay.example, subset: a, port: {number: 443}}",
        ),
        (
            "hosts: [pay.example]\n  http",
            "hosts: [pay.example, '*.pay.example']\n  http",
        ),
        (
            "hosts: [pay.example]\n  http",
            "hosts: [pay.example]\n  exportTo: [.]\n  http",
        ),
        (
            "[{match: [{port: 80}]",
            "[{match: [{port: 443}], route: [{destination: {host: pay.example, port: {number: 80}}}]}, {match: [{port: 80}]",
        ),
        ("port: {number: 443}}}]}]", "port: {number: 8443}}}]}]"),
        ("{mode: SIMPLE}", "{mode: DISABLE}"),
    ] {
        assert!(REWRITTEN.contains(from), "{from}");
        let imported = of_suffix(&REWRITTEN.replace(from, to));
        assert_eq!(external(&imported), plain, "{to}");
        assert_eq!(told(&imported), stay, "{to}");
    }
}
