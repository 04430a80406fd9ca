//! Hosts outside that are called through the clusters' egress gateways.

use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check::code;
use shared::facts::Facts;
use shared::{Mesh, check};

/// Two clusters whose egress gateways differ in everything, one without; `external` is called by two.
fn document(external: &Value) -> Mesh {
    serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "rfc2136" } },
            "clusters": [
                { "name": "north", "region": "r1", "zone": "z1", "egressGateway": {} },
                { "name": "middle", "region": "r2", "zone": "z1" },
                { "name": "south", "region": "r2", "zone": "z2",
                  "egressGateway": { "service": "exit", "namespace": "edge", "selector": { "app": "exit" } } },
            ],
            "external": external,
        },
    }))
    .unwrap()
}

fn calls(host: &str, ports: &Value) -> Value {
    json!({ "host": host, "ports": ports, "clusters": ["north", "south"], "egressGateway": true })
}

/// The `spec` of the only object of a kind in a cluster, with its `namespace/name`.
fn only(mesh: &Mesh, cluster: &str, kind: &str) -> Option<(String, Value)> {
    let checked = check(mesh, &Facts::default());
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let bundle = Bundle::new(mesh, &resolved);
    let mut found = bundle
        .clusters
        .iter()
        .filter(|manifests| manifests.name == cluster)
        .flat_map(shared::bundle::ClusterManifests::objects)
        .filter(|object| object.kind.kind == kind);
    let one = found.next()?;
    assert!(found.next().is_none(), "one {kind}");
    let namespace = one.namespace.as_deref().unwrap();
    Some((
        format!("{namespace}/{}", one.name),
        one.body["spec"].clone(),
    ))
}

fn errors(external: &Value) -> Vec<(String, String)> {
    let checked = check(&document(external), &Facts::default());
    checked
        .findings
        .into_iter()
        .filter(|finding| finding.code.starts_with("FM09"))
        .map(|finding| (finding.code, finding.path))
        .collect()
}

#[test]
fn tls_passes_the_gateway_as_it_is() {
    let mesh = document(&json!([calls(
        "pay.example.net",
        &json!([{ "port": 8443, "protocol": "https" }])
    )]));
    let (name, gateway) = only(&mesh, "south", "Gateway").unwrap();
    assert_eq!(name, "edge/egress-demo");
    assert_eq!(
        gateway,
        json!({
            "selector": { "app": "exit" },
            "servers": [{
                "port": { "number": 443, "name": "tls", "protocol": "TLS" },
                "tls": { "mode": "PASSTHROUGH" },
                "hosts": ["pay.example.net"],
            }],
        })
    );
    let (name, service) = only(&mesh, "south", "VirtualService").unwrap();
    assert_eq!(name, "istio-system/fedmesh-demo.pay.example.net");
    assert_eq!(
        service,
        json!({
            "hosts": ["pay.example.net"],
            "gateways": ["mesh", "edge/egress-demo"],
            "tls": [
                { "match": [{ "gateways": ["mesh"], "port": 8443, "sniHosts": ["pay.example.net"] }],
                  "route": [{ "destination": { "host": "exit.edge.svc.cluster.local", "port": { "number": 443 } } }] },
                { "match": [{ "gateways": ["edge/egress-demo"], "port": 443, "sniHosts": ["pay.example.net"] }],
                  "route": [{ "destination": { "host": "pay.example.net", "port": { "number": 8443 } } }] },
            ],
        })
    );
    assert_eq!(only(&mesh, "south", "DestinationRule"), None);
}

#[test]
fn plain_http_reaches_the_gateway_by_mutual_tls() {
    let mesh = document(&json!([calls(
        "rates.example.org",
        &json!([{ "port": 8080, "protocol": "http" }])
    )]));
    let (name, gateway) = only(&mesh, "north", "Gateway").unwrap();
    assert_eq!(name, "istio-system/egress-demo");
    assert_eq!(
        gateway,
        json!({
            "selector": { "istio": "egressgateway" },
            "servers": [{
                "port": { "number": 80, "name": "https-mesh", "protocol": "HTTPS" },
                "tls": { "mode": "ISTIO_MUTUAL" },
                "hosts": ["rates.example.org"],
            }],
        })
    );
    let service = "istio-egressgateway.istio-system.svc.cluster.local";
    assert_eq!(
        only(&mesh, "north", "DestinationRule").unwrap(),
        (
            "istio-system/fedmesh-demo.egress".to_owned(),
            json!({
                "host": service,
                "subsets": [{ "name": "fedmesh-demo", "trafficPolicy": { "portLevelSettings": [
                    { "port": { "number": 80 }, "tls": { "mode": "ISTIO_MUTUAL", "sni": "rates.example.org" } },
                ] } }],
            })
        )
    );
    let (_, routes) = only(&mesh, "north", "VirtualService").unwrap();
    assert_eq!(
        routes["http"],
        json!([
            { "match": [{ "gateways": ["mesh"], "port": 8080 }],
              "route": [{ "destination": { "host": service, "port": { "number": 80 }, "subset": "fedmesh-demo" } }] },
            { "match": [{ "gateways": ["istio-system/egress-demo"], "port": 80 }],
              "route": [{ "destination": { "host": "rates.example.org", "port": { "number": 8080 } } }] },
        ])
    );
    assert!(routes.get("tls").is_none());
}

#[test]
fn a_cluster_accepts_and_routes_what_it_may_call() {
    let mut here = calls(
        "a.example.net",
        &json!([{ "port": 80, "tls": {} }, { "port": 443 }]),
    );
    here["clusters"] = json!(["north"]);
    let mesh =
        document(&json!([here, calls("b.example.net", &json!([])), { "host": "c.example.net" }]));
    let hosts = |cluster: &str| -> Vec<Value> {
        let (_, gateway) = only(&mesh, cluster, "Gateway").unwrap();
        let servers = gateway["servers"].as_array().unwrap();
        servers
            .iter()
            .map(|server| server["hosts"].clone())
            .collect()
    };
    assert_eq!(
        hosts("north"),
        [
            json!(["a.example.net"]),
            json!(["a.example.net", "b.example.net"])
        ]
    );
    assert_eq!(hosts("south"), [json!(["b.example.net"])]);
    assert!(only(&mesh, "middle", "Gateway").is_none());
    assert!(
        only(&mesh, "middle", "ServiceEntry").is_some(),
        "it calls c.example.net itself"
    );
}

#[test]
fn what_cannot_pass_is_found() {
    let (none, not) = (code::NO_EGRESS_GATEWAY.id, code::NOT_BY_EGRESS_GATEWAY.id);
    let at = |code: &str| vec![(code.to_owned(), "spec.external[0].egressGateway".to_owned())];
    assert_eq!(
        errors(&json!([{ "host": "a.example.net", "egressGateway": true }])),
        at(none)
    );
    assert_eq!(
        errors(&json!([{ "host": "a.example.net", "egressGateway": false }])),
        []
    );
    assert_eq!(
        errors(&json!([calls("*.example.net", &json!([]))])),
        at(not)
    );
    for ports in [
        json!([{ "port": 443 }, { "port": 8443, "protocol": "https" }]),
        json!([{ "port": 80 }, { "port": 8080, "protocol": "http" }]),
    ] {
        assert_eq!(errors(&json!([calls("a.example.net", &ports)])), at(not));
    }
    let mut tcp = calls(
        "a.example.net",
        &json!([{ "port": 5432, "protocol": "tcp" }]),
    );
    tcp["addresses"] = json!(["192.0.2.7"]);
    assert_eq!(errors(&json!([tcp])), at(not));
}
