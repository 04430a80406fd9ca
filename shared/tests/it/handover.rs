//! How names leave entries of their own: which temporary routes lead calls for them meanwhile.

use crate::support;
use crate::support::resolved;
use serde_json::{Value, json};
use shared::kubernetes::object::{Key, Kind, Object};
use shared::plan::desired::Desired;
use shared::plan::handover::Handover;
use shared::plan::{Claim, DryRun, Existing, ObservedCluster, PruneCandidate};

const NEAR: &str = "shop.default.external.svc.a.example";
const VANITY: &str = "shop.a.example";
const FAR: &str = "shop.default.external.svc.e.a.example";
const FAR_TLS: &str = "vault.default.external.svc.e.a.example";

fn document(target: &str) -> Value {
    let cluster = |name: &str, region: &str, number: u8| {
        json!({ "name": name, "region": region, "zone": "z",
            "gateway": { "addresses": [format!("203.0.113.{number}")] } })
    };
    support::document(&json!({
        "target": target,
        "dns": { "suffix": "a.example" },
        "endpoints": "names",
        "clusters": [cluster("west", "w", 1), cluster("east", "e", 2)],
        "services": [
            { "name": "shop", "hostname": "shop", "port": 80 },
            { "name": "vault", "port": 443, "protocol": "tls" },
        ],
    }))
}

fn entry(name: &str, hosts: &[&str]) -> (Key, Value) {
    let key = Key {
        group: "networking.istio.io".into(),
        kind: "ServiceEntry".into(),
        namespace: "istio-system".into(),
        name: name.into(),
    };
    let live = json!({ "metadata": { "name": name, "uid": name }, "spec": { "hosts": hosts } });
    (key, live)
}

/// What `west` does where these entries are surplus, and the entry of the global name has these hosts.
fn in_west(
    document: &Value,
    candidate: &[(Key, Value)],
    global: &[&str],
) -> (Handover, Vec<Object>) {
    let desired = Desired::new(resolved(document));
    let objects = desired.of("west");
    let kind = Kind::istio("v1", "ServiceEntry", "serviceentries");
    let candidate = candidate
        .iter()
        .map(|(key, live)| (key.clone(), PruneCandidate::new(kind.clone(), live)));
    let (key, live) = entry(NEAR, global);
    let asked = Existing::Asked {
        answer: DryRun::Would(live.clone()),
        live,
        claim: Box::<Claim>::default(),
    };
    let observed = ObservedCluster {
        prune_candidates: candidate.collect(),
        desired: [(key, asked)].into(),
        ..ObservedCluster::default()
    };
    (desired.handover(&objects, &observed), objects)
}

fn spec(route: &Object) -> &Value {
    &route.body["spec"]
}

#[test]
fn names_that_a_wildcard_takes_over_are_led_there_meanwhile() {
    let candidate = [entry("far", &[FAR]), entry("far-tls", &[FAR_TLS])];
    let (handover, objects) = in_west(&document("direct"), &candidate, &[NEAR]);
    assert!(handover.waits && handover.losing.is_empty());
    let [route] = handover.routes.as_slice() else {
        panic!("{:#?}", handover.routes);
    };
    let to =
        |port| json!([{ "destination": { "host": "*.e.a.example", "port": { "number": port } } }]);
    assert_eq!(
        *spec(route),
        json!({
            "hosts": [FAR, FAR_TLS],
            "gateways": ["mesh"],
            "http": [{ "match": [{ "port": 80 }], "route": to(80) }],
            "tls": [{ "match": [{ "port": 443, "sniHosts": [FAR, FAR_TLS] }], "route": to(443) }],
        })
    );
    // It is there for as long as the run; the next one deletes it otherwise.
    let one = objects.first().unwrap();
    assert_eq!(route.labels, one.labels);
    assert!(!objects.iter().any(|one| one.key() == route.key()));
}

#[test]
fn names_that_no_longer_exist_are_not_led_anywhere() {
    let gone = "gone.default.external.svc.e.a.example";
    let (handover, _) = in_west(&document("direct"), &[entry("gone", &[gone])], &[NEAR]);
    assert_eq!(handover, Handover::default());
}

#[test]
fn an_entry_that_loses_a_name_to_a_route_waits_for_it() {
    let (handover, objects) = in_west(&document("direct"), &[], &[NEAR, VANITY]);
    let leads = objects
        .iter()
        .filter(|one| one.kind.kind == "VirtualService");
    assert!(
        leads
            .filter(|one| spec(one)["gateways"] == json!(["mesh"]))
            .any(|one| spec(one)["hosts"] == json!([NEAR, VANITY])),
        "the test goes by a name that is led to another"
    );
    assert_eq!(handover.losing, [entry(NEAR, &[]).0].into());
    assert!(handover.waits && handover.routes.is_empty());
}

#[test]
fn an_entry_of_another_name_takes_a_host_over_by_itself() {
    let (handover, _) = in_west(&document("direct"), &[entry("other", &[NEAR])], &[NEAR]);
    assert_eq!(handover, Handover::default());
}

#[test]
fn what_a_hub_hands_on_is_in_no_order() {
    let candidate = [entry("far", &[FAR])];
    let desired = Desired::new(resolved(&document("karmada")));
    let kind = Kind::istio("v1", "ServiceEntry", "serviceentries");
    let [(key, live)] = candidate;
    let observed = ObservedCluster {
        prune_candidates: [(key, PruneCandidate::new(kind, &live))].into(),
        ..ObservedCluster::default()
    };
    let handover = desired.handover(&desired.of("west"), &observed);
    assert_eq!(handover, Handover::default());
}
