//! Hosts outside: what is found in a document, and what the clusters get.

use crate::support::{assert_is_complete, findings};
use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::{Mesh, check};

use Severity::{Error, Warning};

/// A document with these hosts and no other finding.
fn document(external: &Value) -> Mesh {
    serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "rfc2136" } },
            "clusters": [
                { "name": "north", "context": "kind-a", "region": "r1", "zone": "z1",
                  "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "context": "kind-b", "region": "r2", "zone": "z2",
                  "gateway": { "addresses": ["203.0.113.2"] } },
            ],
            "services": [{ "name": "orders", "port": 8080, "hostname": "buy", "clusters": ["north"] }],
            "external": external,
        },
    }))
    .unwrap()
}

/// Expects one finding for these hosts, at a path below `spec.external`.
#[track_caller]
fn expect(external: &Value, expected: code::Code, severity: Severity, path: &str) -> Finding {
    let findings = findings(&document(external));
    let [found] = findings.as_slice() else {
        panic!("expected one {}: {findings:#?}", expected.id)
    };
    assert_eq!(
        (found.code.as_str(), found.severity, found.path.as_str()),
        (
            expected.id,
            severity,
            format!("spec.external{path}").as_str()
        ),
        "{found:#?}"
    );
    assert_is_complete(found);
    found.clone()
}

#[track_caller]
fn good(external: &Value) {
    assert_eq!(findings(&document(external)), []);
}

/// The body's `spec` of an object, and whether each of the two clusters has it.
fn rendered(external: &Value, kind: &str, name: &str) -> Vec<Option<Value>> {
    bundled(&document(external), kind, name)
}

fn bundled(mesh: &Mesh, kind: &str, name: &str) -> Vec<Option<Value>> {
    let checked = check(mesh, &Facts::default());
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let bundle = Bundle::new(mesh, &resolved);
    ["north", "south"]
        .map(|cluster| {
            let object = bundle
                .cluster(cluster)
                .unwrap()
                .objects()
                .find(|object| object.kind.kind == kind && object.name == name)?;
            assert_eq!(object.namespace.as_deref(), Some("istio-system"));
            Some(object.body["spec"].clone())
        })
        .to_vec()
}

#[test]
fn hosts() {
    for host in [
        "api.example.net",
        "*.example.net",
        "*.org",
        "xn--bcher-kva.example",
    ] {
        good(&json!([{ "host": host }]));
    }
    for host in [
        "",
        "*",
        "API.example.net",
        "https://api.example.net",
        "api.*.net",
        "api.example.net.",
        "payments",
        "192.0.2.7",
        "*.0.2.7",
    ] {
        let external = json!([{ "host": host }]);
        expect(&external, code::BAD_EXTERNAL_HOST, Error, "[0].host");
    }
    for host in [
        "orders.default.svc.cluster.local",
        "*.svc.cluster.local",
        "cluster.local",
        "*.local",
        "orders.default.svc",
    ] {
        let external = json!([{ "host": host }]);
        expect(&external, code::CLUSTERS_OWN_HOST, Error, "[0].host");
    }
}

#[test]
fn a_host_is_there_once() {
    let external = json!([{ "host": "a.example.net" }, { "host": "b.example.net" }, { "host": "a.example.net" }]);
    expect(&external, code::DUPLICATE, Error, "[2].host");
    // Objects of a wildcard are named by a label in its place.
    let external = json!([{ "host": "wildcard.example.net" }, { "host": "*.example.net" }]);
    expect(&external, code::DUPLICATE, Error, "[1].host");
    good(&json!([{ "host": "a.example.net" }, { "host": "*.example.net" }]));
}

#[test]
fn the_mesh_keeps_its_names() {
    for host in [
        "buy.mesh.example.com",
        "orders.default.external.svc.mesh.example.com",
    ] {
        let external = json!([{ "host": host }]);
        expect(&external, code::MESH_OWN_HOST, Error, "[0].host");
    }
    for host in [
        "sell.mesh.example.com",
        "*.mesh.example.com",
        "*.example.com",
    ] {
        let external = json!([{ "host": host }]);
        expect(&external, code::MESH_OWN_HOST, Warning, "[0].host");
    }
    good(&json!([{ "host": "othermesh.example.com" }, { "host": "example.com" }]));
}

#[test]
fn names_of_objects_keep_to_their_limit() {
    // `fedmesh-demo.` before it.
    let host = |length: usize| {
        let mut host = "h".repeat(length);
        for dot in (60..length - 1).step_by(61) {
            host.replace_range(dot..=dot, ".");
        }
        json!([{ "host": host }])
    };
    good(&host(240));
    expect(&host(241), code::NAME_TOO_LONG, Error, "[0].host");
}

#[test]
fn addresses() {
    for addresses in [
        json!(["192.0.2.7", "2001:db8::7"]),
        json!(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]),
    ] {
        good(&json!([{ "host": "a.example.net", "addresses": addresses }]));
    }
    for address in [
        "",
        "a.example.net",
        "192.0.2",
        "10.0.0.0/33",
        "10.0.0.0/",
        "/8",
        "::/129",
    ] {
        let external = json!([{ "host": "a.example.net", "addresses": ["192.0.2.7", address] }]);
        expect(
            &external,
            code::BAD_EXTERNAL_ADDRESS,
            Error,
            "[0].addresses[1]",
        );
    }
}

#[test]
fn ports() {
    let of = |ports: Value| json!([{ "host": "a.example.net", "ports": ports }]);
    good(&of(
        json!([{ "port": 80 }, { "port": 443 }, { "port": 8443, "protocol": "https" }]),
    ));
    expect(
        &of(json!([{ "port": 0 }])),
        code::BAD_PORT,
        Error,
        "[0].ports[0].port",
    );
    expect(
        &of(json!([{ "port": 65536 }])),
        code::BAD_PORT,
        Error,
        "[0].ports[0].port",
    );
    expect(
        &of(json!([{ "port": 8443 }])),
        code::NO_PROTOCOL,
        Error,
        "[0].ports[0].protocol",
    );
    let twice = of(json!([{ "port": 443 }, { "port": 80 }, { "port": 443, "protocol": "http" }]));
    expect(&twice, code::PORT_TWICE, Error, "[0].ports[2].port");
}

#[test]
fn tcp_needs_addresses() {
    let tcp = |host: &str, addresses: &[&str]| json!({ "host": host, "addresses": addresses, "ports": [{ "port": 5432, "protocol": "tcp" }] });
    let path = "[0].ports[0].protocol";
    let (code, twice) = (code::TCP_WITHOUT_ADDRESS, code::TCP_TWICE);
    good(&json!([tcp("a.example.net", &["192.0.2.7"])]));
    good(&json!([tcp("*.example.net", &["192.0.2.0/24"])]));
    expect(&json!([tcp("a.example.net", &[])]), code, Warning, path);
    expect(&json!([tcp("*.example.net", &[])]), code, Error, path);

    let one = tcp("a.example.net", &["192.0.2.7", "192.0.2.8"]);
    good(&json!([one, tcp("b.example.net", &["192.0.2.9"])]));
    let other = tcp("b.example.net", &["192.0.2.8"]);
    expect(&json!([one, other]), twice, Error, "[1].ports[0].port");
    let (mut here, mut there) = (one, other);
    here["clusters"] = json!(["north"]);
    there["clusters"] = json!(["south"]);
    good(&json!([here, there]));
    let found = findings(&document(&json!([
        tcp("a.example.net", &[]),
        tcp("b.example.net", &[])
    ])));
    assert_eq!(
        found[0].code, twice.id,
        "neither has an address: {found:#?}"
    );
}

#[test]
fn clusters() {
    let of = |clusters: Value| json!([{ "host": "a.example.net", "clusters": clusters }]);
    good(&of(json!(["south", "north"])));
    expect(
        &of(json!([])),
        code::CALLED_FROM_NOWHERE,
        Error,
        "[0].clusters",
    );
    let unknown = expect(
        &of(json!(["north", "west"])),
        code::UNKNOWN_CLUSTER,
        Error,
        "[0].clusters[1]",
    );
    assert!(unknown.hint.contains("north, south"));
}

#[test]
fn origination() {
    let of = |more: Value| {
        let mut host = json!({ "host": "a.example.net", "ports": [{ "port": 80, "tls": {} }] });
        host.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([host])
    };
    let tls = |tls: Value| of(json!({ "ports": [{ "port": 80, "tls": tls }] }));
    good(&of(json!({})));
    good(&of(json!({ "addresses": ["192.0.2.7"] })));
    let path = "[0].ports[0].tls";
    for not_one_host in [
        json!({ "host": "*.example.net" }),
        json!({ "addresses": ["192.0.2.0/24"] }),
    ] {
        expect(&of(not_one_host), code::BAD_ORIGINATION, Error, path);
    }
    let https = of(json!({ "ports": [{ "port": 443, "tls": {} }] }));
    expect(&https, code::BAD_ORIGINATION, Error, path);
    let target = tls(json!({ "targetPort": 0 }));
    expect(
        &target,
        code::BAD_PORT,
        Error,
        "[0].ports[0].tls.targetPort",
    );
    let names = tls(json!({ "subjectAltNames": ["a", ""] }));
    expect(
        &names,
        code::EMPTY,
        Error,
        "[0].ports[0].tls.subjectAltNames[1]",
    );
    let file = tls(json!({ "caCertificates": "ca.pem" }));
    expect(
        &file,
        code::BAD_ORIGINATION,
        Error,
        "[0].ports[0].tls.caCertificates",
    );

    let mut old = document(&of(json!({})));
    old.spec.istio = Some("1.11".into());
    let found = findings(&old);
    assert_eq!(
        (found[0].code.as_str(), found[0].path.as_str()),
        (code::OLD_ISTIO.id, "spec.external[0].ports[0].tls")
    );
    old.spec.istio = Some("1.12".into());
    assert_eq!(findings(&old), []);
}

#[test]
fn how_a_host_is_found_follows_from_what_is_known_of_it() {
    let entry = |external: Value, name: &str| {
        let entries = rendered(&external, "ServiceEntry", name);
        assert_eq!(entries[0], entries[1], "the same in all clusters");
        entries[0].clone().unwrap()
    };
    let https = json!([{ "number": 443, "name": "https-443", "protocol": "HTTPS" }]);
    assert_eq!(
        entry(
            json!([{ "host": "a.example.net" }]),
            "fedmesh-demo.a.example.net"
        ),
        json!({ "hosts": ["a.example.net"], "location": "MESH_EXTERNAL", "ports": https, "resolution": "DNS" })
    );
    assert_eq!(
        entry(
            json!([{ "host": "*.example.net" }]),
            "fedmesh-demo.wildcard.example.net"
        ),
        json!({ "hosts": ["*.example.net"], "location": "MESH_EXTERNAL", "ports": https, "resolution": "NONE" })
    );
    let known = json!([{
        "host": "db.example.net", "addresses": ["192.0.2.7", "192.0.2.8"],
        "ports": [{ "port": 80 }, { "port": 5432, "protocol": "tcp" }],
    }]);
    assert_eq!(
        entry(known, "fedmesh-demo.db.example.net"),
        json!({
            "hosts": ["db.example.net"], "location": "MESH_EXTERNAL",
            "ports": [
                { "number": 80, "name": "http-80", "protocol": "HTTP" },
                { "number": 5432, "name": "tcp-5432", "protocol": "TCP" },
            ],
            "resolution": "STATIC",
            "addresses": ["192.0.2.7", "192.0.2.8"],
            "endpoints": [{ "address": "192.0.2.7" }, { "address": "192.0.2.8" }],
        })
    );
    for (host, addresses) in [
        ("a.example.net", ["192.0.2.7", "10.0.0.0/8"]),
        ("*.example.net", ["192.0.2.7", "192.0.2.8"]),
    ] {
        let external = json!([{ "host": host, "addresses": addresses }]);
        let name = format!("fedmesh-demo.{}", host.replace('*', "wildcard"));
        let spec = entry(external, &name);
        assert_eq!(
            (
                &spec["resolution"],
                &spec["addresses"],
                spec.get("endpoints")
            ),
            (&json!("NONE"), &json!(addresses), None)
        );
    }
}

#[test]
fn sidecars_speak_tls_for_one_port_and_look_at_the_certificate() {
    let external = json!([{
        "host": "a.example.net",
        "ports": [
            { "port": 80, "tls": {} },
            { "port": 443 },
            { "port": 8080, "protocol": "http",
              "tls": { "targetPort": 9443, "subjectAltNames": ["b", "c"], "caCertificates": "/ca.pem" } },
        ],
    }]);
    let name = "fedmesh-demo.a.example.net";
    let entry = rendered(&external, "ServiceEntry", name)[0]
        .clone()
        .unwrap();
    let targets = entry["ports"].as_array().unwrap().iter();
    let targets: Vec<Option<&Value>> = targets.map(|port| port.get("targetPort")).collect();
    assert_eq!(targets, [Some(&json!(443)), None, Some(&json!(9443))]);
    assert_eq!(
        rendered(&external, "DestinationRule", name)[1],
        Some(json!({
            "host": "a.example.net",
            "trafficPolicy": { "portLevelSettings": [
                { "port": { "number": 80 }, "tls": {
                    "mode": "SIMPLE", "sni": "a.example.net",
                    "subjectAltNames": ["a.example.net"], "caCertificates": "system",
                } },
                { "port": { "number": 8080 }, "tls": {
                    "mode": "SIMPLE", "sni": "a.example.net",
                    "subjectAltNames": ["b", "c"], "caCertificates": "/ca.pem",
                } },
            ] },
        }))
    );
    let as_it_is = json!([{ "host": "a.example.net" }]);
    assert_eq!(rendered(&as_it_is, "DestinationRule", name), [None, None]);
}

#[test]
fn only_the_clusters_that_may_call_get_a_host() {
    let external = json!([{ "host": "a.example.net", "clusters": ["south"] }]);
    let entries = rendered(&external, "ServiceEntry", "fedmesh-demo.a.example.net");
    assert!(entries[0].is_none() && entries[1].is_some());
}

#[test]
fn two_meshes_with_one_host_leave_each_other_alone() {
    let external = json!([{ "host": "a.example.net", "ports": [{ "port": 80, "tls": {} }] }]);
    let mut other = document(&external);
    other.metadata.name = "other".into();
    for kind in ["ServiceEntry", "DestinationRule"] {
        assert!(bundled(&other, kind, "fedmesh-demo.a.example.net")[0].is_none());
        assert!(bundled(&other, kind, "fedmesh-other.a.example.net")[0].is_some());
    }
}

#[test]
fn the_document_reads_back() {
    let mesh = document(&json!([{
        "host": "*.example.net", "addresses": ["10.0.0.0/8"], "clusters": ["north"],
        "ports": [{ "port": 80, "protocol": "http", "tls": { "targetPort": 444, "subjectAltNames": ["x"], "caCertificates": "/y" } }],
    }]));
    assert_eq!(Mesh::read(&mesh.to_yaml()).unwrap(), mesh);
}
