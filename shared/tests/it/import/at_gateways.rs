//! VirtualServices of others: what gateways take of them.

use serde_json::{Value, json};
use shared::import::{ImportError, Imported, Options, import};

use super::{finding, source};

const GATEWAY: &str = "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: web}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
---
";

fn virtual_service(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\n\
         metadata: {{name: {name}, namespace: web}}\nspec: {spec}\n---\n"
    )
}

fn of(objects: &[String]) -> (Value, Imported) {
    let source = source("a.yaml", &format!("{GATEWAY}{}", objects.concat()));
    let options = Options {
        suffix: Some("example.com".to_owned()),
        ..Options::default()
    };
    let imported = import(&[source], &options).unwrap();
    let document = serde_json::to_value(&imported.mesh).unwrap();
    (document["spec"].clone(), imported)
}

#[test]
fn a_service_for_sidecars_and_a_gateway_is_shared_with_the_gateways_routes() {
    let (spec, imported) = of(&[virtual_service(
        "shop",
        "
  hosts: [shop.example.com, shop.web.svc.cluster.local]
  gateways: [public, mesh]
  http:
  - match: [{gateways: [mesh], uri: {prefix: /}}]
    route: [{destination: {host: shop-canary, port: {number: 7000}}}]
  - match: [{sourceLabels: {app: cart}}]
    route: [{destination: {host: shop, subset: cart, port: {number: 8000}}}]
  - match: [{gateways: [mesh], uri: {prefix: /inner}}, {gateways: [public], uri: {prefix: /both}}]
    route: [{destination: {host: shop, port: {number: 8000}}}]
    timeout: 2s
  - match: [{gateways: [public]}]
    route: [{destination: {host: shop, port: {number: 8000}}}]
    timeout: 3s",
    )]);
    assert_eq!(
        spec["services"],
        json!([{
            "name": "shop", "namespace": "web", "port": 8000, "hostname": "shop",
            "routes": [{ "prefix": "/both", "timeout": "2s" }, { "timeout": "3s" }],
        }])
    );
    assert_eq!(spec["clusters"][0]["egressGateway"], Value::Null);
    for path in [
        "gateways",
        "http[0]",
        "http[1]",
        "http[2].match[0]",
        "hosts",
    ] {
        let path = format!("a.yaml: VirtualService web/shop spec.{path}");
        finding(&imported, "FM1002", &path);
    }
    let rest = "a.yaml: VirtualService web/shop spec.http[3]";
    let is_rest = |one: &&shared::check::Finding| one.path.starts_with(rest);
    assert_eq!(imported.findings.iter().find(is_rest), None);
}

/// By default they are for both, and the document's routes are for gateways alone.
#[test]
fn sidecars_beside_a_gateway_are_told_as_lost() {
    let (spec, imported) = of(&[virtual_service(
        "shop",
        "{hosts: [shop.example.com], gateways: [mesh, public], http: [{route: [{destination: {host: shop, port: {number: 8000}}}]}]}",
    )]);
    assert_eq!(spec["services"][0]["name"], "shop");
    let path = "a.yaml: VirtualService web/shop spec.gateways";
    let told = finding(&imported, "FM1002", path);
    assert_eq!(told.message, "the document does not render `mesh`");
    assert!(imported.is_incomplete());
}

/// No external host of the document uses it.
#[test]
fn an_egress_gateway_without_external_hosts_is_not_imported() {
    let (spec, imported) = of(&[virtual_service(
        "out",
        "
  hosts: [api.example.org]
  gateways: [istio-egressgateway, mesh]
  http:
  - match: [{gateways: [mesh]}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local}}]
  - match: [{gateways: [istio-egressgateway]}]
    route: [{destination: {host: api.example.org}}]",
    )]);
    assert_eq!(spec["clusters"][0].get("egressGateway"), None);
    finding(&imported, "FM1001", "a.yaml: VirtualService web/out");
}

#[test]
fn a_route_for_one_of_two_gateways_is_told() {
    let (_, imported) = of(&[virtual_service(
        "shop",
        "
  hosts: [shop.example.com]
  gateways: [public, inner]
  http:
  - match: [{gateways: [inner], uri: {prefix: /inner}}]
    route: [{destination: {host: shop, port: {number: 8000}}}]",
    )]);
    let path = "a.yaml: VirtualService web/shop spec.http[0].match[0]";
    let told = finding(&imported, "FM1002", path);
    assert!(told.message.contains("inner"), "{told:?}");
}

/// The shapes of Istio's documentation and tests; the Service of the gateway tells those with other names.
#[test]
fn calls_through_an_egress_gateway_share_nothing() {
    let entry = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: out, namespace: web}\n\
        spec: {hosts: [api.example.org], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}\n---\n";
    let shared = virtual_service(
        "shop",
        "{hosts: [shop.example.com], gateways: [public], http: [{route: [{destination: {host: shop, port: {number: 8000}}}]}]}",
    );
    let through = |gateway: &str, service: &str, host: &str| {
        virtual_service(
            "out",
            &format!(
                "
  hosts: [api.example.org]
  gateways: [{gateway}, mesh]
  http:
  - match: [{{gateways: [mesh], port: 80}}]
    route: [{{destination: {{host: {service}, port: {{number: 80}}}}}}]
  - match: [{{gateways: [{gateway}], port: 80}}]
    route: [{{destination: {{host: {host}, port: {{number: 80}}}}}}]"
            ),
        )
    };
    let leave = |selector: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: leave, namespace: web}}\n\
             spec: {{selector: {{app: out}}, servers: []}}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {{name: door, namespace: edge}}\n\
             spec: {{selector: {selector}, ports: [{{port: 80}}]}}\n---\n"
        )
    };
    let usual = "istio-egressgateway.istio-system.svc.cluster.local";
    let door = "door.edge.svc.cluster.local";
    for (objects, service, is_egress) in [
        (
            through("istio-egressgateway", usual, "api.example.org"),
            None,
            true,
        ),
        (
            through("leave", door, "api.example.org"),
            Some("door"),
            true,
        ),
        (through("istio-egressgateway", usual, "proxy"), None, true),
        (
            leave("{app: out, tier: edge}") + &through("leave", door, "proxy"),
            Some("door"),
            true,
        ),
        // A Service that is no gateway.
        (
            leave("{app: cart}") + &through("leave", door, "api.example.org"),
            None,
            false,
        ),
        (through("leave", door, "proxy"), None, false),
        (through("leave", "api", "api"), None, false),
    ] {
        let (spec, _) = of(&[entry.to_owned(), shared.clone(), objects.clone()]);
        let external = &spec["external"][0];
        assert_eq!(external["egressGateway"] == true, is_egress, "{objects}");
        let gateway = &spec["clusters"][0]["egressGateway"];
        assert_eq!(gateway["service"].as_str(), service, "{objects}");
        if is_egress {
            assert_eq!(
                spec["services"].as_array().map(Vec::len),
                Some(1),
                "{objects}"
            );
        }
    }
}

const ROOT: &str = "
  hosts: [shop.example.com]
  gateways: [public]
  http:
  - match: [{uri: {prefix: /cart}, headers: {x-a: {exact: '1'}}}, {uri: {prefix: /basket}}]
    delegate: {name: cart, namespace: carts}
    timeout: 3s
  - delegate: {name: rest}";

fn delegate(namespace: &str, name: &str, http: &str) -> String {
    virtual_service(name, &format!("\n  http: {http}"))
        .replace("namespace: web", &format!("namespace: {namespace}"))
}

#[test]
fn routes_of_delegates_have_the_matches_and_settings_of_their_root() {
    let (spec, imported) = of(&[
        virtual_service("root", ROOT),
        delegate(
            "carts",
            "cart",
            "
  - match: [{uri: {exact: /cart/list}, headers: {x-b: {exact: '2'}}}]
    route: [{destination: {host: shop.web.svc.cluster.local, port: {number: 8000}}}]
    timeout: 1s
  - match: [{uri: {prefix: /other}}]
    route: [{destination: {host: shop.web.svc.cluster.local, port: {number: 8000}}}]
  - route: [{destination: {host: shop.web.svc.cluster.local, port: {number: 8000}}}]",
        ),
        delegate(
            "web",
            "rest",
            "[{route: [{destination: {host: shop, port: {number: 8000}}}]}]",
        ),
    ]);
    let a = json!({ "x-a": { "exact": "1" } });
    assert_eq!(
        spec["services"],
        json!([{
            "name": "shop", "namespace": "web", "port": 8000, "hostname": "shop",
            "routes": [
                {
                    "match": [{
                        "uri": { "exact": "/cart/list" },
                        "headers": { "x-b": { "exact": "2" }, "x-a": { "exact": "1" } },
                    }],
                    "timeout": "1s",
                },
                {
                    "match": [{ "uri": { "prefix": "/cart" }, "headers": a }, { "uri": { "prefix": "/basket" } }],
                    "timeout": "3s",
                },
                {},
            ],
        }])
    );
    finding(&imported, "FM1003", "a.yaml: VirtualService carts/cart");
    finding(&imported, "FM1003", "a.yaml: VirtualService web/rest");
    let ignored = "a.yaml: VirtualService carts/cart spec.http[1]";
    finding(&imported, "FM1005", ignored);
    let lost: Vec<_> = imported
        .findings
        .iter()
        .filter(|one| ["FM1001", "FM1002"].contains(&one.code.as_str()))
        .filter(|one| one.path.contains("VirtualService"))
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn delegations_may_not_copy_far_too_many_routes() {
    let route = "  - {match: [], redirect: {uri: /}}\n".repeat(5_000);
    let roots = "  - delegate: {name: rest}\n".repeat(5_000);
    let text = virtual_service(
        "root",
        &format!("\n  hosts: [a.example.com]\n  gateways: [public]\n  http:\n{roots}"),
    ) + &delegate("web", "rest", &format!("\n{route}"));
    let error = import(&[source("a.yaml", &text)], &Options::default());
    assert!(matches!(error, Err(ImportError::TooManyCopies(_))));
}

#[test]
fn a_short_name_in_a_delegate_is_that_of_its_namespace() {
    let (spec, _) = of(&[
        virtual_service(
            "root",
            "{hosts: [shop.example.com], gateways: [public], http: [{delegate: {name: shop, namespace: carts}}]}",
        ),
        delegate(
            "carts",
            "shop",
            "[{route: [{destination: {host: shop, port: {number: 8000}}}]}]",
        ),
    ]);
    assert_eq!(spec["services"][0]["namespace"], "carts");
}

#[test]
fn a_root_without_its_delegates_shares_nothing_and_is_told() {
    let (spec, imported) = of(&[
        virtual_service("root", ROOT),
        // It has hosts, so it is no delegate.
        virtual_service(
            "rest",
            "{hosts: [rest], http: [{route: [{destination: {host: rest}}]}]}",
        ),
    ]);
    assert_eq!(spec.get("services"), None, "{spec:#}");
    for number in 0..2 {
        let path = format!("a.yaml: VirtualService web/root spec.http[{number}].delegate");
        finding(&imported, "FM1002", &path);
    }
    finding(&imported, "FM1001", "a.yaml: VirtualService web/root");
}
