//! Addresses of gateways that no call from another cluster can use.

use serde_json::{Value, json};
use shared::check;
use shared::check::{Finding, Severity};
use shared::facts::Facts;

use crate::support::{document, mesh};

fn spec(north: &Value) -> Value {
    json!({
        "dns": { "suffix": "mesh.example.com" },
        "clusters": [
            { "name": "north", "region": "r1", "zone": "z1", "gateway": north },
            { "name": "south", "region": "r2", "zone": "z2", "gateway": { "addresses": ["203.0.113.2"] } },
        ],
        "services": [{ "name": "orders", "namespace": "shop", "port": 8080 }],
    })
}

fn found(spec: &Value, facts: &Facts, code: &str) -> Vec<Finding> {
    let mut findings = check(&mesh(&document(spec)), facts).findings;
    findings.retain(|finding| finding.code == code);
    findings
}

fn severities(address: &str) -> Vec<(Severity, String)> {
    let written = spec(&json!({ "addresses": ["203.0.113.1", address] }));
    let written = found(&written, &Facts::default(), "FM0212");
    let mut facts = Facts::default();
    let addresses = vec!["203.0.113.1".to_owned(), address.to_owned()];
    facts.gateways.insert("north".to_owned(), addresses);
    let reported = found(&spec(&json!({})), &facts, "FM0212");
    let severity = |finding: &Finding| finding.severity;
    let (written_as, reported_as): (Vec<_>, Vec<_>) = (
        written.iter().map(severity).collect(),
        reported.iter().map(severity).collect(),
    );
    assert_eq!(written_as, reported_as, "{address}");
    written
        .into_iter()
        .map(|finding| (finding.severity, finding.path))
        .collect()
}

#[test]
fn addresses_that_no_other_cluster_can_use_are_errors() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "istio-ingressgateway.istio-system.svc",
        "istio-ingressgateway.istio-system.svc.cluster.local",
        "orders.shop.external.svc.mesh.example.com",
    ] {
        let path = "spec.clusters[0].gateway.addresses[1]".to_owned();
        assert_eq!(severities(address), [(Severity::Error, path)], "{address}");
    }
}

#[test]
fn addresses_that_a_trial_may_have_are_warnings() {
    for address in [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "localhost",
        "a.localhost",
        "gateway.mesh.example.com",
    ] {
        let found = severities(address);
        assert_eq!(found.len(), 1, "{address}");
        assert_eq!(found[0].0, Severity::Warning, "{address}");
    }
}

#[test]
fn addresses_of_private_networks_and_load_balancers_are_good() {
    for address in [
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "fd00::1",
        "2001:db8::1",
        "a1b2.elb.amazonaws.com",
        "svc.example.com",
        "notlocalhost",
        "othermesh.example.com",
    ] {
        assert!(severities(address).is_empty(), "{address}");
    }
}

#[test]
fn an_address_inside_the_cluster_is_one_of_a_machine() {
    let spec = spec(&json!({ "addresses": ["203.0.113.1"], "clusterIP": "0.0.0.0" }));
    let found = found(&spec, &Facts::default(), "FM0212");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "spec.clusters[0].gateway.clusterIP");
}

#[test]
fn one_address_for_two_places_is_a_warning() {
    let shared = json!({ "addresses": ["203.0.113.2"] });
    let found_at = |spec: &Value| found(spec, &Facts::default(), "FM0213");
    let found = found_at(&spec(&shared));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].path, "spec.clusters[1].gateway.addresses[0]");
    assert!(found[0].message.contains("`north`"), "{}", found[0].message);

    // Ports tell the gateways apart, and all names of a zone lead to all of its gateways.
    let other_port = json!({ "addresses": ["203.0.113.2"], "port": 8080 });
    assert!(found_at(&spec(&other_port)).is_empty());
    let mut one_zone = spec(&shared);
    for name in ["region", "zone"] {
        one_zone["clusters"][1][name] = one_zone["clusters"][0][name].clone();
    }
    assert!(found_at(&one_zone).is_empty());
}

#[test]
fn a_gateway_is_no_service_to_share() {
    let mut of_gateway = spec(&json!({ "addresses": ["203.0.113.1"] }));
    of_gateway["services"][0]["name"] = "istio-ingressgateway".into();
    let codes = |spec: &Value| found(spec, &Facts::default(), "FM0436").len();
    // In another namespace it is another Service.
    assert_eq!(codes(&of_gateway), 0);
    of_gateway["services"][0]["namespace"] = "istio-system".into();
    assert_eq!(codes(&of_gateway), 1);
    // In one cluster of two, by an override.
    let mut overridden = spec(&json!({ "addresses": ["203.0.113.1"] }));
    overridden["services"][0]["overrides"] = json!([{ "clusters": ["south"], "name": "istio-ingressgateway", "namespace": "istio-system" }]);
    assert_eq!(codes(&overridden), 1);
}
