//! What is reported of manifests is true, and reported once.

use shared::check::Severity;
use shared::import::{Imported, Options, import};

use super::{bundle, example, files, finding, imported, source};

/// Code and path of each finding about manifests.
pub(super) fn told(imported: &Imported) -> Vec<String> {
    let all = imported.findings.iter().filter(|one| one.code != "FM1004");
    all.map(|one| format!("{} {}", one.code, one.path))
        .collect()
}

pub(super) fn of_suffix(text: &str) -> Imported {
    let options = Options {
        name: Some("shop".to_owned()),
        suffix: Some("mesh.example.net".to_owned()),
    };
    import(&[source("a.yaml", text)], &options).unwrap()
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
