//! Clusters with different DNS domains: every object has the hosts of its own cluster's Services, and mutual TLS has one
//! SNI for all clusters.

use std::collections::BTreeSet;

use documents::with_target;
use serde_json::{Value, json};
use shared::check::{Severity, code};
use shared::cluster_dns;
use shared::import::{Options, Source, import};
use shared::mesh::Target;
use shared::render::render;
use shared::traffic::expect::expect;

use crate::support::{bundle, document, findings, mesh, resolved, specs};

const DOMAINS: [&str; 3] = ["cluster.local", "corp.local", "corp.local"];

/// With everything that has the host of a Service; in `east` and `west` it is below another domain.
fn everything(transport: &str) -> Value {
    let clusters = ["north", "east", "west"];
    let clusters = clusters.iter().zip(DOMAINS).enumerate();
    let clusters = clusters.map(|(index, (name, domain))| {
        let mut one = json!({
            "name": name, "region": "r", "zone": name, "egressGateway": {},
            "gateway": { "addresses": [format!("203.0.113.{index}")] },
            "eastWestGateway": { "namespace": "edge", "addresses": [format!("203.0.113.1{index}")] },
        });
        if domain != "cluster.local" {
            one["clusterDomain"] = domain.into();
        }
        one
    });
    let mut document = document(&json!({
        "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "aws" } },
        "endpoints": "names",
        "clusters": clusters.collect::<Value>(),
        "services": [
            {
                "name": "shop", "namespace": "s", "port": 81, "transport": transport,
                "trafficPolicy": { "connectionPool": { "http": { "maxRetries": 3 } } },
                "callers": [{ "namespace": "web" }],
            },
            { "name": "productpage", "namespace": "books", "port": 9080 },
        ],
        "sidecars": {},
        "external": [{ "host": "api.example.net", "egressGateway": true }],
        "samples": ["bookinfo"],
        "bookinfo": { "routes": "reviews-v3" },
    }));
    if transport == "mtls" {
        let service = document["spec"]["services"][0].as_object_mut().unwrap();
        service.insert("selector".into(), json!({ "app": "shop" }));
        service.insert("serviceAccount".into(), "seller".into());
    }
    document
}

/// All hosts of Services in the objects of a cluster, by their index, as `<name>.<namespace>` and the domain.
fn hosts(document: &Value, cluster: usize) -> BTreeSet<(String, String)> {
    let objects = render(&resolved(document)).into_iter();
    let objects = objects.filter_map(|placed| placed.in_cluster(cluster));
    let mut found = BTreeSet::new();
    for object in objects {
        let text = object.to_json().to_string();
        for text in text.split(['"', '/']) {
            if let Some((service, domain)) = text.split_once(".svc.")
                && service.split('.').count() == 2
                && !domain.ends_with("mesh.example.com")
            {
                found.insert((service.to_owned(), domain.to_owned()));
            }
        }
    }
    found
}

#[test]
fn objects_have_the_domain_of_their_cluster() {
    let services = [
        "istio-egressgateway.istio-system",
        "istio-ingressgateway.istio-system",
        "productpage.books",
        "reviews.books",
        "shop.s",
    ];
    for (istio, more) in [
        ("1.27", None),
        (
            "1.0",
            Some(["egress-m.istio-system", "fedmesh-m.istio-system"]),
        ),
    ] {
        let mut document = everything("http");
        let mut services: BTreeSet<&str> = services.into();
        if let Some(more) = more {
            document["spec"]["istio"] = istio.into();
            document["spec"].as_object_mut().unwrap().remove("sidecars");
            let service = document["spec"]["services"][0].as_object_mut();
            service.unwrap().remove("callers");
            services.extend(more);
        }
        for (cluster, domain) in DOMAINS.into_iter().enumerate() {
            let expected = services.iter();
            let expected = expected.map(|one| ((*one).to_owned(), domain.to_owned()));
            assert_eq!(
                hosts(&document, cluster),
                expected.collect::<BTreeSet<_>>(),
                "{istio} {cluster}"
            );
        }
    }
    let mut document = everything("http");
    document["spec"]["gatewayApi"] = true.into();
    for (cluster, address) in [("north", "cluster.local"), ("east", "corp.local")] {
        let gateway = &specs(&document, cluster, "Gateway")["fedmesh-m"];
        let service = format!("istio-ingressgateway.istio-system.svc.{address}");
        assert_eq!(gateway["addresses"][0]["value"], service);
    }
}

/// The template has the domain of most clusters, and only the others differ.
#[test]
fn one_template_has_the_domain_of_most_clusters() {
    let rules = render(&resolved(&everything("http"))).into_iter();
    let mut rules = rules.filter(|one| one.template.kind.kind == "DestinationRule");
    let rule = rules.find(|one| one.template.name == "shop").unwrap();
    assert_eq!(rule.template.body["spec"]["host"], "shop.s.svc.corp.local");
    let differences = &rule.differences;
    assert_eq!(differences.keys().collect::<Vec<_>>(), [&0]);
    assert_eq!(differences[&0][0].value, "shop.s.svc.cluster.local");
}

#[test]
fn mutual_tls_has_one_sni_and_aliases_where_the_domain_is_another() {
    const DEFAULT: &str = "shop.s.svc.cluster.local";
    const OTHER: &str = "shop.s.svc.corp.local";
    let sni = |document: &Value, client: &str| {
        let rules = specs(document, client, "DestinationRule");
        rules["shop.s.external.svc.mesh.example.com"]["trafficPolicy"]["tls"]["sni"].clone()
    };
    let document = everything("mtls");
    for (client, own, alias) in [
        ("north", DEFAULT, OTHER),
        ("east", OTHER, DEFAULT),
        ("west", OTHER, DEFAULT),
    ] {
        assert_eq!(sni(&document, client), format!("outbound_.81_._.{DEFAULT}"));
        let gateway = &specs(&document, client, "Gateway")["eastwest-m"];
        assert_eq!(gateway["servers"][0]["hosts"], json!([DEFAULT, OTHER]));
        // A gateway alone sees it.
        assert_eq!(
            specs(&document, client, "ServiceEntry")[alias],
            json!({
                "hosts": [alias], "exportTo": ["edge"], "location": "MESH_INTERNAL", "resolution": "DNS",
                "ports": [{ "number": 81, "name": "http-81", "protocol": "HTTP" }],
                "endpoints": [{ "address": own, "labels": { "security.istio.io/tlsMode": "istio" } }],
            })
        );
    }
    // Where all clusters of the service have one domain, that is the SNI's.
    let mut document = document;
    document["spec"]["services"][0]["clusters"] = json!(["east", "west"]);
    for client in ["north", "east"] {
        assert_eq!(sni(&document, client), format!("outbound_.81_._.{OTHER}"));
        assert!(!specs(&document, client, "ServiceEntry").contains_key(DEFAULT));
    }
    // Another service with mutual TLS runs below the other domain, to which this one may move.
    document["spec"]["services"][1]["transport"] = "mtls".into();
    assert_eq!(sni(&document, "north"), format!("outbound_.81_._.{OTHER}"));
    assert!(specs(&document, "east", "ServiceEntry").contains_key(DEFAULT));
}

#[test]
fn verifications_call_the_host_of_the_cluster() {
    let expected = expect(&resolved(&everything("http")));
    let calls = expected.calls.iter().filter(|call| call.level == "local");
    let calls: BTreeSet<(&str, &str)> = calls
        .map(|call| (call.client.as_str(), call.url_host.as_str()))
        .collect();
    let pages = ["north", "east", "west"].into_iter().zip(DOMAINS);
    for (client, domain) in pages {
        let host = format!("productpage.books.svc.{domain}");
        assert!(calls.contains(&(client, host.as_str())), "{calls:?}");
    }
}

#[test]
fn checks() {
    let refused = |change: &dyn Fn(&mut Value), code: code::Code, path: &str| {
        let mut document = everything("http");
        change(&mut document["spec"]);
        let found = findings(&mesh(&document)).into_iter();
        let found = found.filter(|one| one.severity == Severity::Error);
        let found: Vec<(String, String)> = found.map(|one| (one.code, one.path)).collect();
        assert_eq!(found, [(code.id.to_owned(), path.to_owned())]);
    };
    let domain = "spec.clusters[1].clusterDomain";
    for text in ["", "Corp.local", "corp.local.", "a b"] {
        refused(
            &|spec| spec["clusters"][1]["clusterDomain"] = text.into(),
            code::BAD_CLUSTER_DOMAIN,
            domain,
        );
    }
    refused(
        &|spec| {
            spec["clusters"][1]["clusterDomain"] = "k8s.mesh.example.com".into();
            spec["dns"]["nameservers"] = json!(["192.0.2.53"]);
        },
        code::BAD_CLUSTER_DOMAIN,
        domain,
    );
    for suffix in ["mesh.cluster.local", "mesh.corp.local", "corp.local"] {
        refused(
            &|spec| spec["dns"]["suffix"] = suffix.into(),
            code::BAD_SUFFIX,
            "spec.dns.suffix",
        );
    }
    for host in [
        "a.b.svc.corp.local",
        "*.corp.local",
        "*.local",
        "a.cluster.local",
    ] {
        refused(
            &|spec| spec["external"][0] = json!({ "host": host }),
            code::CLUSTERS_OWN_HOST,
            "spec.external[0].host",
        );
    }
    refused(
        &|spec| spec["clusters"][0]["gateway"]["addresses"] = json!(["gateway.corp.local"]),
        code::UNUSABLE_ADDRESS,
        "spec.clusters[0].gateway.addresses[0]",
    );
    // A zone above it is no problem where no cluster DNS forwards it.
    let mut document = everything("http");
    document["spec"]["clusters"][1]["clusterDomain"] = "k8s.mesh.example.com".into();
    resolved(&document);
}

#[test]
fn another_domain_of_the_cluster_dns_is_reported() {
    let mut document = everything("http");
    let found = |document: &Value, domains: &[&str]| {
        let domains: Vec<String> = domains.iter().map(|&one| one.to_owned()).collect();
        cluster_dns::finding(&domains, 0, &resolved(document))
    };
    let other = found(&document, &["corp.local"]).unwrap();
    assert_eq!(
        (other.code.as_str(), other.severity, other.path.as_str()),
        (
            "FM0218",
            Severity::Warning,
            "spec.clusters[0].clusterDomain"
        )
    );
    let fixed = other.fix.unwrap().apply(&mesh(&document)).unwrap();
    assert_eq!(
        fixed.spec.clusters[0].cluster_domain.as_deref(),
        Some("corp.local")
    );
    assert!(
        found(&document, &["a.local", "b.local"])
            .unwrap()
            .fix
            .is_none()
    );
    for known in [
        &["cluster.local"][..],
        &["corp.local", "cluster.local"],
        &[],
    ] {
        assert_eq!(found(&document, known), None, "{known:?}");
    }
    // CoreDNS does not serve the pods of that cluster.
    document["spec"]["clusters"][0]["dnsFlavour"] = "none".into();
    assert_eq!(found(&document, &["corp.local"]), None);
}

#[test]
fn the_domains_are_imported() {
    for transport in ["http", "mtls"] {
        for target in Target::all() {
            let mut document = everything(transport);
            document["spec"].as_object_mut().unwrap().remove("sidecars");
            let mesh = with_target(&mesh(&document), target);
            let bundle = bundle(&serde_json::to_value(&mesh).unwrap());
            let text = bundle.to_stream();
            let lines = text.lines().filter(|line| !line.starts_with("#|"));
            let source = Source {
                file: "-".to_owned(),
                cluster: None,
                text: lines.collect::<Vec<_>>().join("\n"),
            };
            let imported = import(&[source], &Options::default()).unwrap();
            assert_eq!(imported.findings, [], "{target:?}");
            for cluster in &imported.mesh.spec.clusters {
                let domain = cluster.cluster_domain.as_deref();
                let expected = (cluster.name != "north").then_some("corp.local");
                assert_eq!(domain, expected, "{target:?} {}", cluster.name);
            }
        }
    }
}
