//! What published names cost: which have entries of their own, which share one, and which are led to another.

use std::collections::BTreeMap;

use crate::support::{bundle, resolved, specs};
use serde_json::{Value, json};

/// A mesh of some clusters (name, region, zone) and services, and what else its document says.
fn document(clusters: &[(&str, &str, &str)], services: &Value, more: &Value) -> Value {
    let clusters = clusters
        .iter()
        .enumerate()
        .map(|(index, (name, region, zone))| {
            json!({ "name": name, "region": region, "zone": zone,
                "gateway": { "addresses": [format!("203.0.113.{}", index + 1)] } })
        });
    let mut document = json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "a.example" },
            "clusters": clusters.collect::<Value>(),
            "services": services,
        },
    });
    for (name, value) in more.as_object().unwrap() {
        document["spec"][name] = value.clone();
    }
    document
}

const THREE: [(&str, &str, &str); 3] = [
    ("red", "r1", "z1"),
    ("blue", "r1", "z2"),
    ("green", "r2", "z3"),
];

fn entries(document: &Value, cluster: &str) -> BTreeMap<String, Value> {
    specs(document, cluster, "ServiceEntry")
}

fn names(specs: &BTreeMap<String, Value>) -> Vec<&str> {
    specs.keys().map(String::as_str).collect()
}

const OTHERS: &str = "any.region.a.example";
const OWN_ZONE: &str = "any.zone.a.example";

/// A published name: `svc.ns` and what follows `.svc.`.
fn host(service: &str, place: &str) -> String {
    format!("{service}.external.svc.{place}a.example")
}

#[test]
fn the_names_of_other_places_are_in_one_entry_and_go_by_dns() {
    let services = json!([
        { "name": "web", "namespace": "s", "port": 80 },
        { "name": "cart", "namespace": "s", "clusters": ["green"], "ports": [
            { "port": 81 }, { "port": 82, "protocol": "grpc" }, { "port": 83, "protocol": "tls" } ] },
        { "name": "bytes", "namespace": "s", "port": 84, "protocol": "tcp" },
    ]);
    let document = document(&THREE, &services, &json!({}));
    let expected = json!({
        "hosts": ["*.r1.a.example", "*.r2.a.example"],
        "location": "MESH_EXTERNAL",
        "ports": [
            { "number": 80, "name": "http", "protocol": "HTTP" },
            { "number": 82, "name": "grpc-82", "protocol": "GRPC" },
            { "number": 443, "name": "tls", "protocol": "TLS" },
        ],
        "resolution": "NONE",
    });
    for (cluster, region) in [("red", "r1."), ("blue", "r1."), ("green", "r2.")] {
        let entries = entries(&document, cluster);
        assert_eq!(entries[OTHERS], expected, "{cluster}");
        // Of cart, the names of r2 and z3 have the same cluster behind them as the global one.
        assert_eq!(
            names(&entries),
            [
                OTHERS,
                OWN_ZONE,
                &host("bytes.s", ""),
                &host("cart.s", ""),
                &host("web.s", ""),
                &host("web.s", region),
            ],
            "{cluster}"
        );
    }
}

#[test]
fn the_names_of_the_own_zone_are_in_one_entry_and_lead_to_the_own_gateway() {
    let services = json!([
        { "name": "web", "namespace": "s", "port": 80 },
        { "name": "cart", "namespace": "s", "clusters": ["red"], "ports": [
            { "port": 81, "published": 5000 }, { "port": 84, "published": 5001, "protocol": "tcp" } ] },
    ]);
    let mut document = document(&THREE, &services, &json!({}));
    let gateway = json!({ "addresses": ["203.0.113.3"], "service": "door", "namespace": "edge", "port": 8080 });
    document["spec"]["clusters"][2]["gateway"] = gateway;
    let entry = |cluster: &str| entries(&document, cluster)[OWN_ZONE].clone();
    let port =
        |number: u16, name: &str| json!({ "number": number, "name": name, "protocol": "HTTP" });
    assert_eq!(
        entry("red"),
        json!({
            "hosts": ["*.external.svc.z1.r1.a.example"],
            "location": "MESH_EXTERNAL",
            "ports": [port(80, "http"), port(5000, "http-5000")],
            "resolution": "DNS",
            "endpoints": [{
                "address": "istio-ingressgateway.istio-system.svc.cluster.local",
                "ports": { "http": 80, "http-5000": 5000 }, "locality": "r1/z1",
            }],
        })
    );
    // Ports of what runs there, where its gateway has them.
    let green = entry("green");
    assert_eq!(green["hosts"], json!(["*.external.svc.z3.r2.a.example"]));
    assert_eq!(green["ports"], json!([port(80, "http")]));
    assert_eq!(
        green["endpoints"],
        json!([{ "address": "door.edge.svc.cluster.local", "ports": { "http": 8080 }, "locality": "r2/z3" }])
    );
}

/// The published names of a service, by what follows `.svc.` in them, with what they fall back to.
fn published(document: &Value) -> Vec<(String, Option<String>)> {
    let resolved = resolved(document);
    let names = resolved.services[0].names.iter();
    let place = |host: &str| host.split_once(".svc.").unwrap().1.to_owned();
    names
        .map(|name| {
            let above = name.falls_back_to.as_ref();
            (
                place(name.host.as_str()),
                above.map(|host| place(host.as_str())),
            )
        })
        .collect()
}

#[test]
fn a_level_that_is_missing_has_no_name_anywhere() {
    let services =
        json!([{ "name": "web", "namespace": "s", "port": 80, "clusters": ["red", "blue"] }]);
    let with = |levels: Value| {
        let mut document = document(&THREE, &services, &json!({ "endpoints": "addresses" }));
        document["spec"]["dns"]["levels"] = levels;
        document
    };
    let (global, r1, r2) = ("a.example", "r1.a.example", "r2.a.example");
    let (z1, z2, z3) = ("z1.r1.a.example", "z2.r1.a.example", "z3.r2.a.example");
    let pairs = |pairs: &[(&str, Option<&str>)]| -> Vec<(String, Option<String>)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, above)| ((*name).to_owned(), above.map(str::to_owned)))
            .collect()
    };
    let without_regions = with(json!(["zone", "global"]));
    let zones = [
        (global, None),
        (z1, Some(global)),
        (z2, Some(global)),
        (z3, Some(global)),
    ];
    assert_eq!(published(&without_regions), pairs(&zones));
    let without_zones = with(json!(["global", "region"]));
    let regions = [(global, None), (r1, Some(global)), (r2, Some(global))];
    assert_eq!(published(&without_zones), pairs(&regions));
    let only_global = with(json!(["global"]));
    assert_eq!(published(&only_global), pairs(&[(global, None)]));

    for (document, missing) in [
        (
            &without_regions,
            vec![host("web.s", "r1."), host("web.s", "r2.")],
        ),
        (
            &without_zones,
            vec![z1.to_owned(), z2.to_owned(), z3.to_owned()],
        ),
        (&only_global, vec![r1.to_owned(), r2.to_owned()]),
    ] {
        let text = bundle(document).to_stream();
        assert!(text.contains(&host("web.s", "")));
        for name in missing {
            assert!(!text.contains(&name), "{name}: {text}");
        }
    }
}

#[test]
fn a_service_has_levels_of_its_own() {
    let services = json!([
        { "name": "web", "namespace": "s", "port": 80, "levels": ["global"] },
        { "name": "cart", "namespace": "s", "port": 81 },
    ]);
    let mut document = document(&THREE, &services, &json!({ "endpoints": "addresses" }));
    let count = |document: &Value| {
        let resolved = resolved(document);
        [0, 1].map(|index: usize| resolved.services[index].names.len())
    };
    assert_eq!(count(&document), [1, 6]);
    document["spec"]["dns"]["levels"] = json!(["global", "region"]);
    assert_eq!(count(&document), [1, 3]);
}

#[test]
fn where_istio_takes_no_other_port_by_dns_names_are_listed() {
    let services = json!([
        { "name": "web", "namespace": "s", "port": 80 },
        { "name": "cart", "namespace": "s", "ports": [{ "port": 81, "published": 5000 }] },
    ]);
    let of = |istio: &str| {
        let more = json!({ "istio": istio, "transport": "tls",
            "tls": { "credentialName": "door", "ca": "/etc/roots.pem" } });
        entries(&document(&THREE, &services, &more), "red")
    };
    let other = json!({ "number": 5000, "name": "http-5000", "protocol": "HTTP" });
    let usual = json!({ "number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443 });

    let new = of("1.22");
    assert_eq!(new[OTHERS]["ports"], json!([usual, other]));
    assert!(!new.contains_key("web.s.zones"));

    let old = of("1.21");
    assert_eq!(old[OTHERS]["ports"], json!([other]));
    assert!(!old.contains_key("cart.s.zones"));
    assert_eq!(
        old["web.s.zones"],
        json!({
            "hosts": [host("web.s", "r2."), host("web.s", "z2.r1."), host("web.s", "z3.r2.")],
            "location": "MESH_EXTERNAL",
            "ports": [usual],
            "resolution": "DNS",
        })
    );
    // There are endpoints for the own zone's names, which say the port.
    assert_eq!(
        old[OWN_ZONE]["endpoints"][0]["ports"],
        json!({ "http": 443, "http-5000": 5000 })
    );
    assert!(!old.contains_key("web.s.zone"));
}

#[test]
fn an_entry_for_many_services_is_exported_to_where_any_of_them_is() {
    let to = |last: Value| {
        let mut services = json!([
            { "name": "web", "namespace": "s", "port": 80, "exportTo": ["shop", "door"] },
            { "name": "cart", "namespace": "s", "port": 81, "exportTo": ["shop", "bank"] },
            { "name": "stock", "namespace": "s", "port": 82 },
        ]);
        if !last.is_null() {
            services[2]["exportTo"] = last;
        }
        let entries = entries(&document(&THREE, &services, &json!({})), "red");
        assert_eq!(
            entries[&host("web.s", "")]["exportTo"],
            json!(["shop", "door"])
        );
        [OTHERS, OWN_ZONE].map(|name| entries[name].get("exportTo").cloned())
    };
    let union = Some(json!(["bank", "door", "shop"]));
    assert_eq!(to(json!(["door"])), [union.clone(), union]);
    assert_eq!(to(Value::Null), [None, None]);
}

#[test]
fn another_protocol_on_a_port_has_entries_of_its_own() {
    let http = json!({ "name": "web", "namespace": "s", "port": 80 });
    let grpc = json!({ "name": "rpc", "namespace": "s", "port": 90, "protocol": "grpc" });
    let http2 = json!({ "name": "two", "namespace": "s", "port": 91, "protocol": "http2" });
    let port =
        |protocol: &str, name: &str| json!([{ "number": 80, "name": name, "protocol": protocol }]);
    for services in [json!([http, grpc]), json!([grpc, http])] {
        let by_names = json!({ "endpoints": "names" });
        let entries = entries(&document(&THREE, &services, &by_names), "red");
        for name in [OTHERS, OWN_ZONE] {
            assert_eq!(entries[name]["ports"], port("HTTP", "http"), "{services}");
        }
        let own = &entries["rpc.s.zone"];
        assert_eq!(own["hosts"], json!([host("rpc.s", "z1.r1.")]));
        assert_eq!(own["ports"], port("GRPC", "grpc"));
        assert_eq!(own["endpoints"].as_array().unwrap().len(), 1);
        let others = &entries["rpc.s.zones"];
        assert_eq!(
            others["hosts"],
            json!([
                host("rpc.s", "r2."),
                host("rpc.s", "z2.r1."),
                host("rpc.s", "z3.r2.")
            ])
        );
        assert_eq!(others["ports"], port("GRPC", "grpc"));
        assert_eq!(
            (&others["resolution"], others.get("endpoints")),
            (&json!("DNS"), None)
        );
        assert!(!entries.contains_key("web.s.zone") && !entries.contains_key("web.s.zones"));
    }
    // gRPC is HTTP/2, so these share the entries, whichever comes first.
    for services in [json!([http2, grpc]), json!([grpc, http2])] {
        let entries = entries(&document(&THREE, &services, &json!({})), "red");
        for name in [OTHERS, OWN_ZONE] {
            assert_eq!(entries[name]["ports"], port("HTTP2", "http2"), "{services}");
        }
        assert!(
            names(&entries)
                .iter()
                .all(|name| !name.starts_with("rpc.s.zone"))
        );
    }
}

#[test]
fn a_name_with_the_same_clusters_as_a_wider_one_is_led_to_its_entry() {
    // In all clusters of r1, which are not all.
    let services = json!([{ "name": "web", "namespace": "s", "hostname": "in", "clusters": ["red", "blue"],
        "ports": [{ "port": 80 }, { "port": 81, "published": 5000 }] }]);
    let document = document(&THREE, &services, &json!({}));
    let global = host("web.s", "");
    let to_global =
        |port: u16| json!([{ "destination": { "host": global, "port": { "number": port } } }]);
    for (cluster, led) in [
        ("red", vec![host("web.s", "r1.")]),
        // Neither its region nor its zone has a cluster that runs it.
        ("green", vec![host("web.s", "r2."), host("web.s", "z3.r2.")]),
    ] {
        let entries = entries(&document, cluster);
        let own = names(&entries).into_iter();
        let own: Vec<&str> = own.filter(|name| !name.starts_with("any.")).collect();
        assert_eq!(own, [global.as_str()], "{cluster}");
        assert_eq!(entries[&global]["hosts"], json!([global]));

        let routes = specs(&document, cluster, "VirtualService");
        let routes = &routes[&global];
        assert_eq!(routes["gateways"], json!(["mesh"]));
        let mut hosts = vec![global.clone(), "in.a.example".to_owned()];
        hosts.extend(led);
        assert_eq!(routes["hosts"], json!(hosts), "{cluster}");
        // There is one destination, so ports alone are told apart.
        let http = routes["http"].as_array().unwrap();
        assert_eq!(http.len(), 2);
        for (route, port) in http.iter().zip([80, 5000]) {
            assert_eq!(route["match"], json!([{ "port": port }]));
            assert_eq!(route["route"], to_global(port));
        }
    }
}

#[test]
fn several_destinations_are_told_apart_by_what_the_authority_begins_with() {
    let routes = |ports: Value| {
        let services =
            json!([{ "name": "web", "namespace": "s", "hostname": "in", "ports": ports }]);
        let four = [THREE[0], THREE[1], THREE[2], ("gold", "r2", "z3")];
        let routes = specs(
            &document(&four, &services, &json!({})),
            "green",
            "VirtualService",
        );
        routes[&host("web.s", "")].clone()
    };
    // Both clusters of r2 are in one zone.
    let (global, region, zone) = (
        host("web.s", ""),
        host("web.s", "r2."),
        host("web.s", "z3.r2."),
    );
    let to = |host: &str, port: u16| json!([{ "destination": { "host": host, "port": { "number": port } } }]);
    let prefix = |host: &str| json!({ "prefix": host });

    let one = routes(json!([{ "port": 80 }]));
    assert_eq!(one["hosts"], json!([region, zone, global, "in.a.example"]));
    let http = one["http"].as_array().unwrap();
    assert_eq!(http.len(), 2);
    assert_eq!(
        http[0]["match"],
        json!([{ "authority": prefix(&region) }, { "authority": prefix(&zone) }])
    );
    assert_eq!(http[0]["route"], to(&region, 80));
    assert_eq!(
        (http[1].get("match"), &http[1]["route"]),
        (None, &to(&global, 80))
    );
    for route in http {
        assert_eq!(route["retries"]["attempts"], 3);
    }

    let two =
        routes(json!([{ "port": 80 }, { "port": 81, "published": 5000, "protocol": "grpc" }]));
    let http = two["http"].as_array().unwrap();
    assert_eq!(http.len(), 4);
    for (routes, port) in http.chunks(2).zip([80, 5000]) {
        assert_eq!(
            routes[0]["match"],
            json!([
                { "authority": prefix(&region), "port": port },
                { "authority": prefix(&zone), "port": port },
            ])
        );
        assert_eq!(routes[0]["route"], to(&region, port));
        assert_eq!(routes[1]["match"], json!([{ "port": port }]));
        assert_eq!(routes[1]["route"], to(&global, port));
    }
}

#[test]
fn names_told_by_tls_are_hosts_of_one_entry_and_each_fails_over() {
    let services = json!([
        { "name": "vault", "namespace": "s", "hostname": "in", "port": 443, "protocol": "tls", "clusters": ["red", "blue"] },
        { "name": "web", "namespace": "s", "port": 80, "clusters": ["green"] },
    ]);
    let document = document(&THREE, &services, &json!({}));
    let (global, region) = (host("vault.s", ""), host("vault.s", "r1."));
    let entries = entries(&document, "red");
    assert_eq!(
        entries[&global]["hosts"],
        json!([global, "in.a.example", region])
    );
    assert!(!entries.contains_key("in.a.example") && !entries.contains_key(&region));
    assert!(!specs(&document, "red", "VirtualService").contains_key(&global));
    // Envoy has a cluster for each host, and each leaves a gateway that fails only by a rule.
    let rules = specs(&document, "red", "DestinationRule");
    let hosts: Vec<&Value> = rules.values().map(|rule| &rule["host"]).collect();
    assert_eq!(
        hosts,
        [
            "*.external.svc.a.example",
            "*.external.svc.r1.a.example",
            "in.a.example"
        ]
    );
    for rule in rules.values() {
        let policy = &rule["trafficPolicy"];
        assert_eq!(policy["outlierDetection"]["maxEjectionPercent"], 100);
        assert_eq!(policy["loadBalancer"]["localityLbSetting"]["enabled"], true);
    }
}

/// How many hosts the ServiceEntries of a cluster have, each of which is a cluster of Envoy's for each port. Every
/// cluster has a zone of its own and runs all services; regions take turns.
fn hosts(clusters: usize, regions: usize, services: usize) -> usize {
    let names: Vec<[String; 3]> = (0..clusters)
        .map(|index| {
            let region = index % regions;
            [
                format!("c{index}"),
                format!("r{region}"),
                format!("z{index}"),
            ]
        })
        .collect();
    let clusters: Vec<(&str, &str, &str)> = names
        .iter()
        .map(|[name, region, zone]| (name.as_str(), region.as_str(), zone.as_str()))
        .collect();
    let services = (0..services).map(|index| {
        json!({ "name": format!("s{index}"), "namespace": "s", "port": 80, "hostname": format!("v{index}") })
    });
    let document = document(&clusters, &services.collect(), &json!({}));
    let entries = entries(&document, "c0");
    let hosts = entries
        .values()
        .map(|entry| entry["hosts"].as_array().unwrap().len());
    hosts.sum()
}

#[test]
fn what_a_sidecar_has_grows_with_services_only() {
    // The global name of each; one entry for the own zone, one host for each region.
    assert_eq!(hosts(10, 1, 20), 20 + 1 + 1);
    assert_eq!(hosts(30, 1, 20), 20 + 1 + 1);
    // The own region's names besides.
    assert_eq!(hosts(10, 2, 20), 2 * 20 + 1 + 2);
    assert_eq!(hosts(30, 2, 20), 2 * 20 + 1 + 2);
    assert_eq!(hosts(10, 2, 40), 2 * 40 + 1 + 2);
}
