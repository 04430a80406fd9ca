//! Mutual TLS between clusters: what is said of a document, what is rendered, who answers, and what a
//! verification must see.

use crate::support::{mesh, resolved, specs};
use serde_json::{Value, json};
use shared::check;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::traffic::answers::{Answers, in_mesh};
use shared::traffic::expect::expect;
use shared::traffic::outage::Outage;
use shared::verify::{Around, Expected, Failure, HttpResponse, Reply, judge_call};

/// `shop` runs in both clusters; `stock` in one, with a vanity name and another port beside requests; `news`
/// is called through the ingress gateways.
fn document() -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": {
            "transport": "mtls",
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "aws" } },
            "endpoints": "names",
            "clusters": [
                { "name": "north", "region": "r1", "zone": "a",
                  "gateway": { "addresses": ["203.0.113.1"] },
                  "eastWestGateway": { "addresses": ["203.0.113.11"] } },
                { "name": "south", "region": "r2", "zone": "b", "trustDomain": "south.example.com",
                  "gateway": { "addresses": ["203.0.113.2"] },
                  "eastWestGateway": { "service": "ew", "namespace": "edge", "selector": { "app": "ew" },
                                       "addresses": ["203.0.113.12"], "port": 16443 } },
            ],
            "services": [
                { "name": "shop", "namespace": "s", "port": 81, "serviceAccount": "seller", "failover": { "retry": true } },
                { "name": "stock", "namespace": "s", "hostname": "in", "clusters": ["north"], "ports": [
                    { "port": 82 }, { "port": 83, "protocol": "tcp" } ] },
                { "name": "news", "namespace": "s", "port": 84, "transport": "http", "clusters": ["north"] },
            ],
        },
    })
}

fn found(document: &Value, code: &str) -> Vec<Finding> {
    let findings = check(&mesh(document), &Facts::default()).findings;
    let of_code = findings.into_iter().filter(|finding| finding.code == code);
    of_code.collect()
}

#[test]
fn findings() {
    use Severity::{Error, Hint, Warning};
    let first = |field: &str| format!("spec.services[0].{field}");
    for (pointer, value, code, severity, path) in [
        ("", json!(null), "FM0523", Hint, "spec.transport".to_owned()),
        (
            "",
            json!(null),
            "FM0525",
            Hint,
            "spec.services[1].serviceAccount".into(),
        ),
        (
            "/spec/istio",
            json!("1.10"),
            "FM0502",
            Error,
            "spec.transport".into(),
        ),
        (
            "/spec/services/0/routes",
            json!([{ "exact": "/a" }]),
            "FM0522",
            Error,
            first("routes"),
        ),
        (
            "/spec/services/0/serviceAccount",
            json!("A b"),
            "FM0526",
            Error,
            first("serviceAccount"),
        ),
        (
            "/spec/clusters/0/trustDomain",
            json!("a b"),
            "FM0526",
            Error,
            "spec.clusters[0].trustDomain".into(),
        ),
        (
            "/spec/services/2/serviceAccount",
            json!("x"),
            "FM0527",
            Warning,
            "spec.services[2].serviceAccount".into(),
        ),
        (
            "/spec/services/0/transport",
            json!("tls"),
            "FM0521",
            Error,
            "spec.services[2].transport".into(),
        ),
    ] {
        let mut document = document();
        if !pointer.is_empty() {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[field] = value;
        }
        let found = found(&document, code);
        assert_eq!(found.len(), 1, "{pointer} {code}: {found:#?}");
        assert_eq!(
            (found[0].severity, &found[0].path),
            (severity, &path),
            "{found:#?}"
        );
    }
}

#[test]
fn every_mesh_has_to_know_the_trust_domains_of_the_others() {
    let said: Vec<(String, String)> = found(&document(), "FM0524")
        .into_iter()
        .map(|finding| (finding.path, finding.hint))
        .collect();
    let hint = |own: &str, others: &str| {
        format!("set `trustDomain: {own}` and `trustDomainAliases: [{others}]` in its meshConfig")
    };
    assert_eq!(
        said,
        [
            (
                "spec.clusters[0].trustDomain".to_owned(),
                hint("cluster.local", "south.example.com")
            ),
            (
                "spec.clusters[1].trustDomain".to_owned(),
                hint("south.example.com", "cluster.local")
            ),
        ]
    );
    let mut one = document();
    one["spec"]["clusters"][1]
        .as_object_mut()
        .unwrap()
        .remove("trustDomain");
    assert!(found(&one, "FM0524").is_empty());
}

#[test]
fn settings_that_nothing_uses() {
    let mut document = document();
    document["spec"]["transport"] = json!("http");
    let paths: Vec<String> = found(&document, "FM0527")
        .into_iter()
        .map(|one| one.path)
        .collect();
    assert_eq!(
        paths,
        [
            "spec.services[0].serviceAccount",
            "spec.clusters[0].eastWestGateway",
            "spec.clusters[1].eastWestGateway",
            "spec.clusters[1].trustDomain",
        ]
    );
}

#[test]
fn the_federation_controller_knows_ingress_gateways_only() {
    let mut document = document();
    document["spec"]["target"] = json!("kubefed-v1alpha1");
    document["spec"]["dns"]["naming"] = json!("gateway");
    document["spec"]["services"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    assert_eq!(found(&document, "FM0528")[0].severity, Severity::Error);
    document["spec"]["target"] = json!("direct");
    assert!(found(&document, "FM0528").is_empty());
}

#[test]
fn gateways_of_one_zone_have_one_port() {
    let mut document = document();
    document["spec"]["clusters"][1]["region"] = json!("r1");
    document["spec"]["clusters"][1]["zone"] = json!("a");
    assert_eq!(
        found(&document, "FM0211")[0].path,
        "spec.clusters[1].eastWestGateway.port"
    );
}

#[test]
fn east_west_gateways_pass_on_what_runs_there() {
    let document = document();
    let server = |number: u16, hosts: Value| {
        json!([{ "port": { "number": number, "name": "tls", "protocol": "TLS" }, "hosts": hosts,
                 "tls": { "mode": "AUTO_PASSTHROUGH" } }])
    };
    let north = specs(&document, "north", "Gateway");
    assert_eq!(
        north["eastwest-m"]["selector"],
        json!({ "istio": "eastwestgateway" })
    );
    let hosts = json!(["shop.s.svc.cluster.local", "stock.s.svc.cluster.local"]);
    assert_eq!(north["eastwest-m"]["servers"], server(15443, hosts));
    // And ingress gateways know the other service alone.
    let taken = north["fedmesh-m"]["servers"].to_string();
    assert!(
        taken.contains("news.s") && !taken.contains("shop.s"),
        "{taken}"
    );
    let routes = specs(&document, "north", "VirtualService");
    let global = |id: &str| format!("{id}.external.svc.mesh.example.com");
    assert_eq!(
        routes.keys().collect::<Vec<_>>(),
        [
            "news",
            &global("news.s"),
            &global("shop.s"),
            &global("stock.s")
        ]
    );
    for (name, routes) in &routes {
        let is_at_gateway = name == "news";
        assert_eq!(
            routes["gateways"] != json!(["mesh"]),
            is_at_gateway,
            "{name}"
        );
    }

    let south = specs(&document, "south", "Gateway");
    assert_eq!(south.keys().collect::<Vec<_>>(), ["eastwest-m"]);
    assert_eq!(south["eastwest-m"]["selector"], json!({ "app": "ew" }));
    assert_eq!(
        south["eastwest-m"]["servers"],
        server(16443, json!(["shop.s.svc.cluster.local"]))
    );
}

#[test]
fn names_lead_to_east_west_gateways() {
    let document = document();
    let entries = specs(&document, "south", "ServiceEntry");
    let shop = &entries["shop.s.external.svc.mesh.example.com"];
    assert_eq!(shop["location"], "MESH_INTERNAL");
    assert_eq!(shop["ports"][0]["number"], 80);
    let endpoints: Vec<(&Value, &Value)> = shop["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| (&endpoint["address"], &endpoint["ports"]))
        .collect();
    assert_eq!(
        endpoints,
        [
            (
                &json!("shop.s.external.svc.a.r1.mesh.example.com"),
                &json!({ "http": 15443 })
            ),
            (
                &json!("ew.edge.svc.cluster.local"),
                &json!({ "http": 16443 })
            ),
        ]
    );
    // By DNS alone, at the usual port.
    let zones = &entries["stock.s.zones"];
    assert_eq!(zones["ports"][0]["targetPort"], 15443);
    let news = &entries["news.s.external.svc.mesh.example.com"];
    assert_eq!(news["location"], "MESH_EXTERNAL");
    assert_eq!(news["endpoints"][0]["ports"], json!({ "http": 80 }));

    let records = specs(&document, "north", "DNSEndpoint");
    let targets = |id: &str| {
        let endpoints = records[id]["endpoints"].as_array().unwrap();
        let mut named = endpoints.iter();
        let host = format!("{id}.external.svc.mesh.example.com");
        named.find(|one| one["dnsName"] == *host).unwrap()["targets"].clone()
    };
    assert_eq!(targets("shop.s"), json!(["203.0.113.11", "203.0.113.12"]));
    assert_eq!(targets("news.s"), json!(["203.0.113.1"]));
}

#[test]
fn sidecars_begin_sessions_by_the_services_own_name() {
    let rules = specs(&document(), "south", "DestinationRule");
    let policy = |host: &str| &rules[host]["trafficPolicy"];
    let shop = policy("shop.s.external.svc.mesh.example.com");
    assert_eq!(
        shop["tls"],
        json!({
            "mode": "ISTIO_MUTUAL", "sni": "outbound_.81_._.shop.s.svc.cluster.local",
            "subjectAltNames": [
                "spiffe://cluster.local/ns/s/sa/seller", "spiffe://south.example.com/ns/s/sa/seller",
            ],
        })
    );
    assert_eq!(shop["outlierDetection"]["maxEjectionPercent"], 100);

    // Each port has a name of its own; without an account nobody is looked for.
    let ports = json!([
        { "port": { "number": 80 }, "tls": { "mode": "ISTIO_MUTUAL", "sni": "outbound_.82_._.stock.s.svc.cluster.local" } },
        { "port": { "number": 83 }, "tls": { "mode": "ISTIO_MUTUAL", "sni": "outbound_.83_._.stock.s.svc.cluster.local" } },
    ]);
    assert_eq!(
        policy("stock.s.external.svc.mesh.example.com"),
        &json!({ "portLevelSettings": ports })
    );
    // Bytes are the global name's alone.
    assert_eq!(
        policy("stock.s.external.svc.r1.mesh.example.com")["tls"]["sni"],
        "outbound_.82_._.stock.s.svc.cluster.local"
    );

    // Every name that a pod can call has a rule, or is led to one that has: without it the call would be plain.
    let entries = specs(&document(), "south", "ServiceEntry");
    for (name, entry) in &entries {
        for host in entry["hosts"].as_array().unwrap() {
            let has_rule = rules.contains_key(host.as_str().unwrap());
            let is_mutual = !name.starts_with("news") && !name.starts_with("any.");
            assert_eq!(has_rule, is_mutual, "{host}");
        }
    }
    let led = specs(&document(), "south", "VirtualService");
    for service in resolved(&document()).services {
        let global = format!("{}.external.svc.mesh.example.com", service.id());
        for name in &service.names {
            let host = name.host.as_str();
            let mut to = entries.values().filter(|entry| {
                let hosts = entry["hosts"].as_array().unwrap();
                hosts.contains(&json!(host))
            });
            let is_led = led.get(&global).is_some_and(|routes| {
                let hosts = routes["hosts"].as_array().unwrap();
                hosts.contains(&json!(host))
            });
            let has_entry = to.next().is_some() && rules.contains_key(host);
            // A service whose calls are plain is under the entry for many.
            assert!(has_entry || is_led || service.id() == "news.s", "{host}");
        }
    }
    for routes in led.values() {
        for route in routes["http"].as_array().unwrap() {
            let to = &route["route"][0]["destination"]["host"];
            let to = to.as_str().unwrap();
            assert_eq!(rules.contains_key(to), !to.starts_with("news.s."), "{to}");
        }
    }
}

#[test]
fn an_east_west_gateway_is_found_like_another() {
    let mut document = document();
    for cluster in document["spec"]["clusters"].as_array_mut().unwrap() {
        cluster["eastWestGateway"]
            .as_object_mut()
            .unwrap()
            .remove("addresses");
    }
    let warned = |facts: &Facts| -> Vec<(String, String)> {
        let findings = check(&mesh(&document), facts).findings;
        let ours = findings
            .into_iter()
            .filter(|one| one.path.ends_with("eastWestGateway.addresses"));
        ours.map(|one| (one.code, one.path)).collect()
    };
    assert_eq!(warned(&Facts::default()).len(), 2);
    let facts = Facts {
        east_west_gateways: [
            ("north".to_owned(), vec!["192.0.2.1".to_owned()]),
            ("south".to_owned(), Vec::new()),
        ]
        .into(),
        ..Facts::default()
    };
    let path = "spec.clusters[1].eastWestGateway.addresses".to_owned();
    assert_eq!(warned(&facts), [("FM0209".to_owned(), path)]);
    let checked = check(&mesh(&document), &facts).resolved.unwrap();
    let addresses = &checked.clusters[0].east_west_gateway.addresses;
    assert_eq!(addresses.as_ref().unwrap().len(), 1);
}

#[test]
fn bytes_leave_a_cluster_whose_pods_are_gone() {
    let mut document = document();
    document["spec"]["services"][0]["protocol"] = json!("tcp");
    document["spec"]["services"][0]
        .as_object_mut()
        .unwrap()
        .remove("failover");
    let answers = |document: &Value| {
        let resolved = resolved(document);
        let name = &resolved.services[0].names[0];
        let outage = Outage {
            services: [(0, 0)].into(),
            ..Outage::default()
        };
        in_mesh(&resolved, 0, 0, name, &outage)
    };
    assert_eq!(answers(&document), Answers::By(vec![1]));
    // The gateway takes a plain connection, and drops it.
    document["spec"]["services"][0]["transport"] = json!("http");
    document["spec"]["services"][0]
        .as_object_mut()
        .unwrap()
        .remove("serviceAccount");
    assert_ne!(answers(&document), Answers::By(vec![1]));
}

#[test]
fn verification_looks_at_certificates_through_east_west_gateways() {
    let expectations = expect(&resolved(&document()));
    let seen: Vec<(&str, &str, u16, &str, &str)> = expectations
        .gateways
        .iter()
        .filter_map(|call| {
            let mutual = call.mutual.as_ref()?;
            let (sni, identity) = (mutual.sni.as_str(), mutual.identity.as_str());
            Some((
                call.cluster.as_str(),
                call.address.as_str(),
                call.port,
                sni,
                identity,
            ))
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "north",
                "203.0.113.11",
                15443,
                "outbound_.81_._.shop.s.svc.cluster.local",
                "spiffe://cluster.local/ns/s/sa/seller"
            ),
            (
                "south",
                "203.0.113.12",
                16443,
                "outbound_.81_._.shop.s.svc.cluster.local",
                "spiffe://south.example.com/ns/s/sa/seller"
            ),
            (
                "north",
                "203.0.113.11",
                15443,
                "outbound_.82_._.stock.s.svc.cluster.local",
                "spiffe://cluster.local/ns/s/sa/"
            ),
            (
                "north",
                "203.0.113.11",
                15443,
                "outbound_.83_._.stock.s.svc.cluster.local",
                "spiffe://cluster.local/ns/s/sa/"
            ),
        ]
    );
    let mut calls = expectations.calls.iter();
    let shop = calls.find(|call| call.level == "global").unwrap();
    // Nobody marks an answer that no gateway sees.
    assert_eq!((shop.port, shop.answered_by.len()), (80, 0));
    let record = &expectations.records[0];
    assert_eq!(record.addresses.len(), 2);
    assert_eq!(record.addresses[0].to_string(), "203.0.113.11");
}

#[test]
fn whose_root_or_identity_is_not_taken() {
    let envoy = |why: &str| {
        let body = format!(
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection \
             failure, transport failure reason: {why}"
        );
        Reply::Answered(HttpResponse {
            status: 503,
            cluster: None,
            envoy: true,
            body,
        })
    };
    let refused = "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end";
    let unknown =
        "TLS_error:|268436504:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end";
    let ejected = Reply::Answered(HttpResponse {
        status: 503,
        cluster: None,
        envoy: true,
        body: "no healthy upstream".to_owned(),
    });
    for (reply, foreign, code) in [
        (envoy(refused), true, "no-common-root"),
        (envoy(unknown), true, "no-common-root"),
        (ejected.clone(), true, "no-common-root"),
        (Reply::Failed(Failure::Reset), true, "no-common-root"),
        (envoy(refused), false, "identity"),
        (envoy(unknown), false, "tls"),
        (ejected, false, "unhealthy"),
        (
            Reply::Failed(Failure::Identity("x".into())),
            false,
            "identity",
        ),
        (
            Reply::Failed(Failure::ForeignRoot(vec!["south".into()])),
            false,
            "no-common-root",
        ),
    ] {
        let around = Around {
            mutual: true,
            foreign_roots: foreign.then(|| "south".to_owned()).into_iter().collect(),
            ..Around::default()
        };
        let expected = Expected {
            status: None,
            answered_by: &[],
        };
        let cause = judge_call(expected, &reply, &around).unwrap_err();
        assert_eq!(cause.code(), code, "{reply:?} {foreign}");
    }
}
