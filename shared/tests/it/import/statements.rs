//! What is reported of manifests is true, and reported once.

use serde_json::json;
use shared::check::{Finding, Severity};
use shared::import::{Imported, Options, import};

use super::{bundle, example, files, finding, imported, source};

/// Code and path of each finding about manifests.
fn told(imported: &Imported) -> Vec<String> {
    let all = imported.findings.iter().filter(|one| one.code != "FM1004");
    all.map(|one| format!("{} {}", one.code, one.path))
        .collect()
}

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

fn of_suffix(text: &str) -> Imported {
    let options = Options {
        name: Some("shop".to_owned()),
        suffix: Some("mesh.example.net".to_owned()),
    };
    import(&[source("a.yaml", text)], &options).unwrap()
}

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

const TCP: &str = r#"
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: echo}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 31400, name: any, protocol: tcp}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo}
spec:
  hosts: ["*"]
  gateways: [echo]
  tcp:
  - match: [{port: 31400}]
    route: [{destination: {host: echo, port: {number: 9000}}, weight: 100}]
"#;

#[test]
fn a_field_with_the_effect_of_an_omitted_one_is_no_loss() {
    let imported = of_suffix(TCP);
    let expected = [
        "FM1003 a.yaml: Gateway echo",
        "FM1002 a.yaml: Gateway echo spec.servers[0].hosts",
        "FM1002 a.yaml: VirtualService echo spec.hosts",
    ];
    assert_eq!(told(&imported), expected);
    // The field alone is reported, not all that is around it.
    let subset = of_suffix(&TCP.replace("host: echo,", "host: echo, subset: v1,"));
    let [gateway, servers, hosts] = expected;
    let field = "FM1002 a.yaml: VirtualService echo spec.tcp[0].route[0].destination.subset";
    assert_eq!(told(&subset), [gateway, servers, hosts, field]);
}

/// A Gateway that no imported route is for is not replaced, and a VirtualService for sidecars not by one for gateways.
#[test]
fn an_object_for_another_purpose_is_not_a_replacement() {
    let others = r#"
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: other}
spec:
  selector: {istio: eastwestgateway}
  servers: [{port: {number: 15443, name: tls, protocol: TLS}, tls: {mode: AUTO_PASSTHROUGH}, hosts: ["*.local"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo-v2}
spec:
  hosts: [echo]
  http: [{route: [{destination: {host: echo, subset: v2}}]}]
"#;
    let routes = TCP.replace(
        "kind: VirtualService\nmetadata: {name: echo}",
        "kind: VirtualService\nmetadata: {name: routes}",
    );
    for (name, message) in [
        (
            "echo-v2",
            "the document renders no VirtualService that replaces it",
        ),
        (
            "echo",
            "the document renders an object of this name for another purpose",
        ),
    ] {
        let imported = of_suffix(&format!("{routes}{}", others.replace("echo-v2", name)));
        finding(&imported, "FM1001", "a.yaml: Gateway other");
        let route = finding(
            &imported,
            "FM1001",
            &format!("a.yaml: VirtualService {name}"),
        );
        assert_eq!(route.message, message);
        for path in ["a.yaml: Gateway other", route.path.as_str()] {
            let of_it = imported
                .findings
                .iter()
                .filter(|one| one.path.starts_with(path));
            assert_eq!(of_it.count(), 1, "{:#?}", imported.findings);
        }
    }
}

/// The hints for objects that are not replaced.
#[test]
fn a_hint_is_for_the_purpose_of_an_object() {
    let objects = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay, namespace: shop}
spec: {hosts: [pay.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pay, namespace: shop}
spec: {hosts: [pay.example], http: [{timeout: 3s, route: [{destination: {host: pay.example}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec: {hosts: [cart], http: [{timeout: 3s, route: [{destination: {host: cart}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pay, namespace: shop}
spec: {host: pay.example, trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pay, namespace: istio-system}
spec: {host: pay.example, trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: through, namespace: shop}
spec:
  selector: {istio: eastwestgateway}
  servers: [{port: {number: 15443, name: tls, protocol: TLS}, tls: {mode: AUTO_PASSTHROUGH}, hosts: ["*.local"]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: unused, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [other.example]}]
"#;
    let imported = of_suffix(objects);
    for (object, hint) in [
        ("VirtualService shop/pay", "`tls` of a port"),
        ("VirtualService shop/cart", "share the service"),
        (
            "DestinationRule shop/pay",
            "in the namespace `istio-system`",
        ),
        ("DestinationRule istio-system/pay", "apply it separately"),
        ("Gateway shop/through", "`transport: mtls`"),
        ("Gateway shop/unused", "share a service"),
    ] {
        let told = finding(&imported, "FM1001", &format!("a.yaml: {object}"));
        assert!(told.hint.contains(hint), "{told:?}");
        let is_moved = told.hint.contains("istio-system");
        assert_eq!(is_moved, object == "DestinationRule shop/pay", "{told:?}");
    }
    let passed = TCP.replace(
        "  tcp:\n  - match: [{port: 31400}]",
        "  tls:\n  - match: [{port: 31400, sniHosts: [echo.example]}]",
    );
    let path = "a.yaml: VirtualService echo spec.tls[0].match[0].sniHosts";
    let imported = of_suffix(&passed);
    let told = finding(&imported, "FM1002", path);
    assert!(told.hint.contains("`hostname`"), "{told:?}");
}

const WITH_ERROR: &str = r"
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: sales}
spec:
  hosts: [orders.mesh.example.org]
  gateways: [public]
  http:
  - route: [{destination: {host: orders, port: {number: 8000}}}]
    timeout: soon
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bills, namespace: sales}
spec:
  hosts: [bills.mesh.example.org]
  gateways: [public]
  http:
  - name: all
    route: [{destination: {host: bills, port: {number: 70000}}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: sales}
";

#[test]
fn losses_are_reported_of_a_document_with_errors() {
    let found = imported(&[source("a.yaml", WITH_ERROR)]);
    let errors = found
        .checks
        .iter()
        .filter(|one| one.severity == Severity::Error);
    assert!(errors.count() >= 2, "{:#?}", found.checks);
    assert!(found.mesh.to_yaml().contains("timeout: soon"));
    let part = &finding(&found, "FM1002", "").message;
    assert!(
        part.contains("`spec.services[0].routes[0].timeout`"),
        "{part}"
    );
    assert!(part.contains("`spec.services[1]"), "{part}");
    finding(
        &found,
        "FM1002",
        "a.yaml: VirtualService sales/orders spec.http[0].timeout",
    );
    finding(&found, "FM1001", "a.yaml: PeerAuthentication sales/default");
    // Of a route to the same destination, the fields are reported that are lost.
    let more = "timeout: soon\n    name: all\n    retries: {attempts: -1}\n    fault: {abort: {httpStatus: 9999}}";
    let found = imported(&[source("a.yaml", &WITH_ERROR.replace("timeout: soon", more))]);
    for field in ["name", "timeout", "retries.attempts", "fault"] {
        let path = format!("a.yaml: VirtualService sales/orders spec.http[0].{field}");
        finding(&found, "FM1002", &path);
    }
    let part = &finding(&found, "FM1002", "").message;
    assert!(
        part.contains(".fault`") && !part.contains(".fault.abort"),
        "{part}"
    );

    // Without a suffix nothing can be rendered, so each object is reported.
    let options = Options {
        name: None,
        suffix: Some("not a suffix".to_owned()),
    };
    let found = import(&[source("a.yaml", WITH_ERROR)], &options).unwrap();
    for object in [
        "VirtualService sales/orders",
        "VirtualService sales/bills",
        "PeerAuthentication sales/default",
    ] {
        finding(&found, "FM1001", &format!("a.yaml: {object}"));
    }
}

/// An engine's object may be replaced in one of its clusters only.
#[test]
fn a_statement_that_holds_in_some_clusters_names_them() {
    let hosts = "hosts: [orders.mesh.example.org]\n        gateways: [public]";
    let text = format!(
        "\
apiVersion: types.kubefed.io/v1beta1
kind: FederatedVirtualService
metadata: {{name: routes, namespace: sales}}
spec:
  placement: {{clusters: [{{name: north}}, {{name: south}}]}}
  overrides:
  - clusterName: south
    clusterOverrides:
    - {{path: /spec/http/0/route/0/destination/host, value: elsewhere.example}}
  template:
    spec:
        {hosts}
        http: [{{route: [{{destination: {{host: orders, port: {{number: 8000}}}}}}]}}]
"
    );
    let found = imported(&[source("a.yaml", &text)]);
    let place = "a.yaml: VirtualService sales/routes";
    let replaced = &finding(&found, "FM1003", place).message;
    assert!(replaced.ends_with("replaces it (in `north`)"), "{replaced}");
    let lost = &finding(&found, "FM1001", place).message;
    assert!(lost.ends_with("(in `south`)"), "{lost}");
}

#[test]
fn a_default_of_the_header_is_not_added() {
    let mut mesh = example("walkthrough");
    for service in &mut mesh.spec.services {
        service.protocol = Some(shared::mesh::Protocol::Tcp);
        service.routes.clear();
        service.failover = None;
    }
    mesh.spec.answer_header = None;
    let found = imported(&files(&bundle(&mesh)));
    assert_eq!(found.mesh.spec.answer_header, None);
    assert_eq!(found.findings, []);
}
