//! What is rendered, where it differs from cluster to cluster, and what never changes.

use std::collections::{BTreeMap, BTreeSet};

use documents::{addresses, bundle, meshes};
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::bundle::{Bundle, ClusterManifests, WRITTEN_BY};
use shared::check;
use shared::facts::Facts;
use shared::kubernetes::object::Object;
use shared::mesh::{EastWestGateway, Mesh, Target, Transport};
use shared::resolved::published;
use shared::yaml;

/// Three clusters in two regions, two of them in zones of one name; a service in one cluster only.
fn three_clusters() -> Mesh {
    serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "shop" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "cluster": "south" },
            "endpoints": "names",
            "clusters": [
                { "name": "north", "context": "ctx-1", "region": "r1", "zone": "a", "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "context": "ctx-2", "region": "r2", "zone": "a",
                  "gateway": { "addresses": ["2001:db8::2", "203.0.113.2"], "namespace": "edge", "service": "door", "port": 8080 } },
                { "name": "west", "context": "ctx-3", "region": "r2", "zone": "b", "gateway": { "addresses": ["lb.example.net"] } },
            ],
            "services": [
                { "name": "orders", "namespace": "sales", "port": 81, "hostname": "buy", "clusters": ["south"] },
                { "name": "stock", "namespace": "depot", "port": 82 },
            ],
        },
    }))
    .unwrap()
}

fn objects<'a>(
    bundle: &'a Bundle,
    cluster: &str,
    kind: &str,
) -> BTreeMap<&'a str, &'a shared::kubernetes::object::Object> {
    let manifests = bundle
        .cluster(cluster)
        .unwrap_or_else(|| panic!("{cluster} gets nothing"));
    manifests
        .objects()
        .filter(|o| o.kind.kind == kind)
        .map(|o| (o.name.as_str(), o))
        .collect()
}

#[test]
fn each_gateway_accepts_every_name_of_what_runs_there_and_no_other() {
    let bundle = bundle(&three_clusters(), &Facts::default());
    let hosts = |cluster: &str| {
        let gateways = objects(&bundle, cluster, "Gateway");
        let server = &gateways["fedmesh-shop"].body["spec"]["servers"][0];
        (
            server["port"]["number"].clone(),
            server["hosts"].as_array().unwrap().len(),
        )
    };
    // Global, two regions, three zones; orders has a vanity name besides.
    assert_eq!(hosts("north"), (json!(80), 6));
    assert_eq!(hosts("south"), (json!(8080), 13));
    assert_eq!(
        objects(&bundle, "south", "Gateway")["fedmesh-shop"]
            .namespace
            .as_deref(),
        Some("edge")
    );
    assert_eq!(
        objects(&bundle, "south", "VirtualService")["stock"].body["spec"]["gateways"],
        json!(["edge/fedmesh-shop"])
    );
    assert!(
        !objects(&bundle, "north", "VirtualService").contains_key("orders"),
        "it does not run there"
    );
}

#[test]
fn endpoints_are_the_own_gateway_or_another_clusters_zone() {
    let bundle = bundle(&three_clusters(), &Facts::default());
    let endpoints = |cluster: &str, host: &str| {
        objects(&bundle, cluster, "ServiceEntry")[host].body["spec"]["endpoints"].clone()
    };
    assert_eq!(
        endpoints("south", "stock.depot.external.svc.mesh.example.com"),
        json!([
            { "address": "stock.depot.external.svc.a.r1.mesh.example.com", "ports": { "http": 80 }, "locality": "r1/a" },
            { "address": "door.edge.svc.cluster.local", "ports": { "http": 8080 }, "locality": "r2/a" },
            { "address": "stock.depot.external.svc.b.r2.mesh.example.com", "ports": { "http": 80 }, "locality": "r2/b" },
        ])
    );
    let orders = "orders.sales.external.svc.mesh.example.com";
    assert_eq!(
        endpoints("north", orders),
        json!([{ "address": "orders.sales.external.svc.a.r2.mesh.example.com", "ports": { "http": 8080 }, "locality": "r2/a" }])
    );
    // No cluster of r1 runs orders: names of it are answered by those of the level above, and lead to its entry.
    let entries = objects(&bundle, "north", "ServiceEntry");
    let led = [
        "buy.mesh.example.com",
        "orders.sales.external.svc.r1.mesh.example.com",
        "orders.sales.external.svc.a.r1.mesh.example.com",
    ];
    for host in led {
        assert!(!entries.contains_key(host), "{host}");
    }
    let routes = &objects(&bundle, "north", "VirtualService")[orders].body["spec"];
    assert_eq!(routes["hosts"], json!([orders, led[0], led[1], led[2]]));
    let destination = json!({ "host": orders, "port": { "number": 80 } });
    let http = routes["http"].as_array().unwrap();
    assert_eq!(http.len(), 1);
    assert_eq!(http[0].get("match"), None);
    assert_eq!(http[0]["route"], json!([{ "destination": destination }]));
}

#[test]
fn a_zone_is_resolved_by_dns_unless_it_is_the_own_one_or_its_port_is_another() {
    let bundle = bundle(&three_clusters(), &Facts::default());
    let entry = |cluster: &str, name: &str| {
        objects(&bundle, cluster, "ServiceEntry")[name].body["spec"].clone()
    };
    let own = entry("north", "any.zone.mesh.example.com");
    assert_eq!(
        own["hosts"],
        json!(["*.external.svc.a.r1.mesh.example.com"])
    );
    assert_eq!(
        own["endpoints"][0]["address"],
        "istio-ingressgateway.istio-system.svc.cluster.local"
    );
    let others = entry("north", "any.region.mesh.example.com");
    assert_eq!(
        others["hosts"],
        json!(["*.r1.mesh.example.com", "*.r2.mesh.example.com"])
    );
    assert_eq!(others["resolution"], "NONE");
    assert!(others.get("endpoints").is_none());
    let has_entry = |name: &str| objects(&bundle, "north", "ServiceEntry").contains_key(name);
    assert!(!has_entry("stock.depot.external.svc.b.r2.mesh.example.com"));
    assert!(!has_entry("stock.depot.zone") && !has_entry("stock.depot.zones"));
    let other_port = entry("north", "stock.depot.external.svc.a.r2.mesh.example.com");
    assert_eq!(other_port["endpoints"][0]["ports"]["http"], 8080);
}

#[test]
fn failover_settings_come_where_there_is_somewhere_to_go() {
    let bundle = bundle(&three_clusters(), &Facts::default());
    let rules = objects(&bundle, "north", "DestinationRule");
    assert_eq!(
        rules.keys().copied().collect::<Vec<_>>(),
        [
            "any.external.svc.mesh.example.com",
            // A gateway in r2 is on another port, so stock has endpoints there.
            "any.external.svc.r2.mesh.example.com",
        ]
    );
    let mut orders = three_clusters();
    orders.spec.services.truncate(1);
    let orders = self::bundle(&orders, &Facts::default());
    for cluster in ["north", "south", "west"] {
        assert!(
            objects(&orders, cluster, "DestinationRule").is_empty(),
            "it has one cluster"
        );
    }
    for rule in rules.values() {
        let policy = &rule.body["spec"]["trafficPolicy"];
        assert_eq!(policy["loadBalancer"]["localityLbSetting"]["enabled"], true);
        assert_eq!(policy["outlierDetection"]["maxEjectionPercent"], 100);
    }
}

#[test]
fn records_by_kind_of_address_and_fallback() {
    let bundle = bundle(&three_clusters(), &Facts::default());
    assert!(
        objects(&bundle, "north", "DNSEndpoint").is_empty(),
        "the records are in the DNS cluster"
    );
    let records = |name: &str| -> Vec<(String, String, Value)> {
        let endpoint = objects(&bundle, "south", "DNSEndpoint")[name];
        let list = endpoint.body["spec"]["endpoints"].as_array().unwrap();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        list.iter()
            .map(|r| {
                (
                    text(&r["dnsName"]),
                    text(&r["recordType"]),
                    r["targets"].clone(),
                )
            })
            .collect()
    };
    let row = |host: &str, kind: &str, targets: &[&str]| {
        (host.to_owned(), kind.to_owned(), json!(targets))
    };
    assert_eq!(
        records("orders.sales"),
        [
            row(
                "orders.sales.external.svc.mesh.example.com",
                "A",
                &["203.0.113.2"]
            ),
            row(
                "orders.sales.external.svc.mesh.example.com",
                "AAAA",
                &["2001:db8::2"]
            ),
            row(
                "buy.mesh.example.com",
                "CNAME",
                &["orders.sales.external.svc.mesh.example.com"]
            ),
            row(
                "orders.sales.external.svc.r1.mesh.example.com",
                "CNAME",
                &["orders.sales.external.svc.mesh.example.com"]
            ),
            row(
                "orders.sales.external.svc.r2.mesh.example.com",
                "A",
                &["203.0.113.2"]
            ),
            row(
                "orders.sales.external.svc.r2.mesh.example.com",
                "AAAA",
                &["2001:db8::2"]
            ),
            row(
                "orders.sales.external.svc.a.r1.mesh.example.com",
                "CNAME",
                &["orders.sales.external.svc.r1.mesh.example.com"]
            ),
            row(
                "orders.sales.external.svc.a.r2.mesh.example.com",
                "A",
                &["203.0.113.2"]
            ),
            row(
                "orders.sales.external.svc.a.r2.mesh.example.com",
                "AAAA",
                &["2001:db8::2"]
            ),
            row(
                "orders.sales.external.svc.b.r2.mesh.example.com",
                "CNAME",
                &["orders.sales.external.svc.r2.mesh.example.com"]
            ),
        ]
    );
    // A load balancer's host name stands alone or not at all.
    let stock = records("stock.depot");
    assert!(stock.contains(&row(
        "stock.depot.external.svc.b.r2.mesh.example.com",
        "CNAME",
        &["lb.example.net"]
    )));
    assert!(
        !stock
            .iter()
            .any(|(host, ..)| host == "stock.depot.external.svc.mesh.example.com")
    );
    let mesh = three_clusters();
    let left_out = check(&mesh, &Facts::default())
        .findings
        .into_iter()
        .filter(|f| f.code == "FM0306")
        .count();
    assert_eq!(left_out, 2, "the global name and that of region r2");
}

#[test]
fn an_unknown_address_leaves_records_out_and_no_address_falls_back() {
    let mut mesh = three_clusters();
    mesh.spec.clusters[1]
        .gateway
        .as_mut()
        .unwrap()
        .addresses
        .clear();
    let unknown = bundle(&mesh, &Facts::default());
    assert!(
        !objects(&unknown, "south", "DNSEndpoint").contains_key("orders.sales"),
        "its only address is not known"
    );
    let none = Facts {
        gateways: BTreeMap::from([("south".to_owned(), Vec::new())]),
        ..Facts::default()
    };
    let none = bundle(&mesh, &none);
    let endpoints =
        &objects(&none, "south", "DNSEndpoint")["stock.depot"].body["spec"]["endpoints"];
    let zone = endpoints
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["dnsName"] == "stock.depot.external.svc.a.r2.mesh.example.com");
    assert_eq!(zone.unwrap()["recordType"], "CNAME");
}

#[test]
fn records_of_every_kind_have_the_ttl() {
    let mut mesh = three_clusters();
    mesh.spec.dns.ttl = Some(77);
    let bundle = bundle(&mesh, &Facts::default());
    let objects = objects(&bundle, "south", "DNSEndpoint");
    let records = objects
        .values()
        .flat_map(|object| object.body["spec"]["endpoints"].as_array().unwrap());
    let mut kinds = BTreeSet::new();
    for record in records {
        assert_eq!(record["recordTTL"], 77, "{record}");
        kinds.insert(record["recordType"].as_str().unwrap());
    }
    assert_eq!(kinds, BTreeSet::from(["A", "AAAA", "CNAME"]));
}

#[test]
fn the_api_version_follows_istio() {
    for (istio, api) in [
        ("1.4", "v1alpha3"),
        ("1.5", "v1beta1"),
        ("1.21.3", "v1beta1"),
        ("1.22", "v1"),
        ("1.30", "v1"),
    ] {
        let mut mesh = three_clusters();
        mesh.spec.istio = Some(istio.into());
        let bundle = bundle(&mesh, &Facts::default());
        assert_eq!(
            objects(&bundle, "north", "VirtualService")["stock"]
                .kind
                .version,
            api,
            "{istio}"
        );
    }
}

#[test]
fn what_most_clusters_have_is_the_template() {
    let entry = |mesh: &Mesh| {
        let resolved = check(mesh, &Facts::default()).resolved.unwrap();
        let mut placed = shared::render::render(&resolved).into_iter();
        placed
            .find(|one| one.template.name == "stock.depot.external.svc.mesh.example.com")
            .unwrap()
    };
    let mut mesh = three_clusters();
    // The first cluster serves, and so has a local endpoint that the other two have not.
    mesh.spec.services[1].clusters = Some(vec!["north".to_owned()]);
    let placed = entry(&mesh);
    assert_eq!(placed.differences.keys().collect::<Vec<_>>(), [&0]);
}

/// A value whose lists of objects and texts are sorted.
fn unordered(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(unordered).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields
                .into_iter()
                .map(|(name, value)| (name, unordered(value)))
                .collect();
            json!(fields)
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rendering_is_deterministic_and_reads_back(mesh in meshes()) {
        let first = bundle(&mesh, &Facts::default());
        prop_assert_eq!(&first, &bundle(&mesh, &Facts::default()));
        prop_assert_eq!(Mesh::read(&first.mesh_yaml).unwrap(), mesh);
        for cluster in &first.clusters {
            let mut seen = std::collections::BTreeSet::new();
            for file in &cluster.files {
                if file.objects.is_empty() {
                    prop_assert!(file.text.starts_with(WRITTEN_BY), "{}", file.path);
                    continue;
                }
                let documents: Vec<&str> = file.text.split("---\n").collect();
                prop_assert_eq!(documents.len(), file.objects.len());
                for (document, object) in documents.iter().zip(&file.objects) {
                    prop_assert_eq!(&yaml::from_str::<Value>(document).unwrap(), &object.to_json());
                    prop_assert!(seen.insert(object.key()), "{} twice", object.key());
                }
            }
        }
    }

    /// Clusters and services are told by their names. What has an order in the manifests is lists of
    /// clusters' addresses, which are all called; and the first cluster is the one with the records, if no
    /// other is named.
    #[test]
    fn the_order_of_clusters_and_services_changes_no_object(mesh in meshes()) {
        let mut mesh = mesh;
        mesh.spec.target = Some(Target::Direct);
        let first = mesh.spec.clusters[0].name.clone();
        mesh.spec.dns.cluster.get_or_insert(first);
        let facts = addresses(&mesh);
        let mut other = mesh.clone();
        other.spec.clusters.reverse();
        other.spec.services.reverse();
        other.spec.external.reverse();
        let (one, other) = (bundle(&mesh, &facts), bundle(&other, &facts));
        for cluster in &one.clusters {
            let manifests = |bundle: &Bundle| -> BTreeMap<String, Value> {
                let objects = bundle.cluster(&cluster.name).unwrap().objects();
                objects.map(|object| (object.key().to_string(), unordered(object.to_json()))).collect()
            };
            prop_assert_eq!(manifests(&one), manifests(&other), "{}", cluster.name);
        }
    }

    #[test]
    fn every_name_is_accepted_where_it_is_answered(mesh in meshes()) {
        let mut mesh = mesh;
        mesh.spec.target = Some(Target::Direct);
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        let bundle = Bundle::new(&mesh, &resolved);
        let of_mutual = resolved.services.iter().filter(|service| service.is_mutual());
        let clusters = of_mutual.flat_map(|service| &service.clusters);
        let domains: BTreeSet<&str> = clusters.map(|&at| resolved.clusters[at].cluster_domain.as_str()).collect();
        for row in published::rows(&resolved) {
            let mut services = resolved.services.iter();
            let mutual = services.any(|service| service.is_mutual() && service.id() == row.service);
            // A name of its own is all that mutual TLS comes by, in whichever cluster domain.
            let asked: Vec<String> = if mutual {
                domains.iter().map(|domain| format!("{}.svc.{domain}", row.service)).collect()
            } else {
                vec![row.host.clone()]
            };
            prop_assert!(!row.answered_by.is_empty(), "{}", row.host);
            prop_assert!(row.host.len() <= 253 && row.host.ends_with(".mesh.example.com"));
            for cluster in &row.answered_by {
                // The Gateway API's routes name the hosts, and listeners take what is below the suffix.
                let kinds = if resolved.gateway_api && !mutual {
                    &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"][..]
                } else {
                    &["Gateway"]
                };
                let gateways: Vec<&Object> = kinds.iter().flat_map(|kind| objects(&bundle, cluster, kind).into_values()).collect();
                let is_accepted = |asked: &String| gateways.iter().any(|one| {
                    // Plain TCP says no name: its gateway takes whatever comes.
                    let names = |hosts: &Value| hosts.as_array().is_none_or(|hosts| hosts.contains(&json!(asked)) || hosts.contains(&json!("*")));
                    match one.body["spec"].get("servers") {
                        Some(servers) => servers.as_array().unwrap().iter().any(|server| names(&server["hosts"])),
                        None => names(&one.body["spec"]["hostnames"]),
                    }
                });
                let accepted = asked.iter().all(is_accepted);
                prop_assert!(accepted, "{} in {}", row.host, cluster);
            }
        }
    }
}

/// Every record of a document: name, type and targets.
fn records(mesh: &Mesh, facts: &Facts) -> BTreeSet<(String, String, String)> {
    let bundle = bundle(mesh, facts);
    let mut records = BTreeSet::new();
    for object in bundle.clusters.iter().flat_map(ClusterManifests::objects) {
        for record in object.body["spec"]["endpoints"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if let Some(name) = record["dnsName"].as_str() {
                let targets: Vec<&str> = record["targets"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|target| target.as_str().unwrap())
                    .collect();
                let kind = record["recordType"].as_str().unwrap();
                records.insert((name.to_owned(), kind.to_owned(), targets.join(" ")));
            }
        }
    }
    records
}

/// The places of the findings with a code.
fn found(mesh: &Mesh, facts: &Facts, code: &str) -> Vec<String> {
    let findings = check(mesh, facts).findings.into_iter();
    let findings = findings.filter(|one| one.code == code);
    findings.map(|one| one.path).collect()
}

#[test]
fn host_names_are_resolved_only_where_no_alias_can_stand() {
    let mut mesh = three_clusters();
    mesh.spec.services.truncate(1);
    mesh.spec.services[0].clusters = None;
    mesh.spec.clusters[1].gateway.as_mut().unwrap().addresses = vec!["lb2.example.net".into()];
    let global = "orders.sales.external.svc.mesh.example.com";
    let r2 = "orders.sales.external.svc.r2.mesh.example.com";
    let has = |records: &BTreeSet<(String, String, String)>, name: &str| -> Vec<(String, String)> {
        let records = records.iter().filter(|(host, _, _)| host == name);
        records
            .map(|(_, kind, targets)| (kind.clone(), targets.clone()))
            .collect()
    };
    let is = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    // As it was: nothing where DNS has no form, and what to do.
    assert_eq!(has(&records(&mesh, &Facts::default()), global), []);
    assert_eq!(found(&mesh, &Facts::default(), "FM0306").len(), 2);
    assert_eq!(found(&mesh, &Facts::default(), "FM0322"), [""; 0]);

    mesh.spec.dns.resolve_host_names = Some(true);
    let of = |index: usize| format!("spec.clusters[{index}].gateway.addresses");
    assert_eq!(found(&mesh, &Facts::default(), "FM0322"), [of(1), of(2)]);
    assert_eq!(found(&mesh, &Facts::default(), "FM0321"), [""; 0]);
    // The address that is one stands alone until somebody looks.
    assert_eq!(
        has(&records(&mesh, &Facts::default()), global),
        is(&[("A", "203.0.113.1")])
    );
    assert_eq!(has(&records(&mesh, &Facts::default()), r2), []);

    let mut facts = Facts::default();
    let addresses = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
    let lb2 = addresses(&["203.0.113.20", "2001:db8::20"]);
    facts.host_names.insert("lb2.example.net".to_owned(), lb2);
    assert_eq!(found(&mesh, &facts, "FM0322"), [of(2)]);
    facts
        .host_names
        .insert("lb.example.net".to_owned(), addresses(&["203.0.113.30"]));
    assert_eq!(found(&mesh, &facts, "FM0322"), [""; 0]);
    assert_eq!(found(&mesh, &facts, "FM0306"), [""; 0]);
    assert_eq!(found(&mesh, &facts, "FM0321"), ["spec.services[0].name"]);
    let all = records(&mesh, &facts);
    assert_eq!(
        has(&all, global),
        is(&[
            ("A", "203.0.113.1 203.0.113.20 203.0.113.30"),
            ("AAAA", "2001:db8::20")
        ])
    );
    assert_eq!(
        has(&all, r2),
        is(&[("A", "203.0.113.20 203.0.113.30"), ("AAAA", "2001:db8::20")])
    );
    let zone = "orders.sales.external.svc.b.r2.mesh.example.com";
    assert_eq!(
        has(&all, zone),
        is(&[("CNAME", "lb.example.net")]),
        "an alias stays true by itself"
    );
    assert_eq!(has(&all, "buy.mesh.example.com"), is(&[("CNAME", global)]));
}

#[test]
fn host_names_of_east_west_gateways_are_resolved_like_others() {
    let mut mesh = three_clusters();
    mesh.spec.services.truncate(1);
    mesh.spec.services[0].clusters = None;
    mesh.spec.transport = Some(Transport::Mtls);
    mesh.spec.dns.resolve_host_names = Some(true);
    for (cluster, address) in
        mesh.spec
            .clusters
            .iter_mut()
            .zip(["203.0.113.1", "lb2.example.net", "lb3.example.net"])
    {
        cluster.east_west_gateway = Some(EastWestGateway {
            addresses: vec![address.into()],
            ..EastWestGateway::default()
        });
    }
    let of = |index: usize| format!("spec.clusters[{index}].eastWestGateway.addresses");
    assert_eq!(found(&mesh, &Facts::default(), "FM0322"), [of(1), of(2)]);

    let mut facts = Facts::default();
    for (host, address) in [("lb2", "203.0.113.20"), ("lb3", "2001:db8::30")] {
        let host = format!("{host}.example.net");
        facts
            .host_names
            .insert(host, vec![address.parse().unwrap()]);
    }
    assert_eq!(found(&mesh, &facts, "FM0322"), [""; 0]);
    let global = "orders.sales.external.svc.mesh.example.com";
    let records: Vec<_> = records(&mesh, &facts)
        .into_iter()
        .filter(|(host, _, _)| host == global)
        .map(|(_, kind, targets)| format!("{kind} {targets}"))
        .collect();
    assert_eq!(records, ["A 203.0.113.1 203.0.113.20", "AAAA 2001:db8::30"]);
}
