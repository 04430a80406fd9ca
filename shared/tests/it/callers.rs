//! Who calls a service: what is said of a document, what is rendered, and what a verification must see.

use crate::support;
use std::collections::BTreeMap;

use crate::support::{mesh, resolved, specs};
use serde_json::{Value, json};
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::import::{Options, Source, import};
use shared::traffic::expect::expect;
use shared::traffic::outage::Outage;
use shared::traffic::simulate;
use shared::verify::{Around, Cause, Expected, HttpResponse, Reply, judge_call, judge_refused};
use shared::{bundle::Bundle, check};

/// `shop` is in mutual TLS and runs in `north` and `south`; `news` is called through ingress gateways.
fn document(callers: &Value) -> Value {
    let cluster = |name: &str, number: u8, domain: &str| {
        json!({ "name": name, "region": name, "zone": "a", "trustDomain": domain, "labels": { "tier": name },
            "gateway": { "addresses": [format!("203.0.113.{number}")] },
            "eastWestGateway": { "addresses": [format!("203.0.113.1{number}")] } })
    };
    support::document(&json!({
        "dns": { "suffix": "a.example" },
        "clusters": [
            cluster("north", 1, "cluster.local"),
            cluster("south", 2, "south.example"),
            cluster("west", 3, "cluster.local"),
        ],
        "services": [
            { "name": "shop", "namespace": "s", "port": 81, "transport": "mtls", "serviceAccount": "shop",
              "clusters": ["north", "south"], "selector": { "app": "shop" }, "callers": callers },
            { "name": "news", "namespace": "s", "port": 82 },
        ],
    }))
}

fn found(document: &Value) -> Vec<Finding> {
    check(&mesh(document), &Facts::default()).findings
}

/// The one finding with a code.
#[track_caller]
fn one(document: &Value, code: &str) -> Finding {
    let found: Vec<Finding> = found(document)
        .into_iter()
        .filter(|one| one.code == code)
        .collect();
    assert_eq!(found.len(), 1, "{code}: {found:#?}");
    found.into_iter().next().unwrap()
}

const WEB: &str = "spec.services[0]";

#[test]
fn findings() {
    use Severity::{Error, Warning};
    for (callers, code, severity, path) in [
        (json!([]), "FM0531", Error, "callers"),
        (json!([{}]), "FM0104", Error, "callers[0]"),
        (
            json!([{ "serviceAccounts": ["a"] }]),
            "FM0104",
            Error,
            "callers[0].serviceAccounts",
        ),
        (
            json!([{ "namespace": "Web" }]),
            "FM0101",
            Error,
            "callers[0].namespace",
        ),
        (
            json!([{ "namespace": "web", "serviceAccounts": ["a b"] }]),
            "FM0526",
            Error,
            "callers[0].serviceAccounts[0]",
        ),
        (
            json!([{ "namespace": "web", "serviceAccounts": ["a", "a"] }]),
            "FM0103",
            Error,
            "callers[0].serviceAccounts[1]",
        ),
        (
            json!([{ "clusters": ["east"] }]),
            "FM0203",
            Error,
            "callers[0].clusters[0]",
        ),
        (
            json!([{ "clusters": [] }]),
            "FM0534",
            Error,
            "callers[0].clusters",
        ),
        (
            json!([{ "clusterSelector": { "tier": "east" } }]),
            "FM0534",
            Error,
            "callers[0].clusterSelector",
        ),
        (
            json!([{ "clusterSelector": { "a b": "c" } }]),
            "FM0210",
            Error,
            "callers[0].clusterSelector",
        ),
        (
            json!([{ "clusters": ["north"], "clusterSelector": { "tier": "north" } }]),
            "FM0416",
            Error,
            "callers[0].clusterSelector",
        ),
        // West has the trust domain of north.
        (
            json!([{ "clusters": ["north"] }]),
            "FM0536",
            Warning,
            "callers[0]",
        ),
        // Istio takes trust domains that know each other for one another.
        (
            json!([{ "namespace": "web", "clusters": ["north", "west"] }]),
            "FM0536",
            Warning,
            "callers[0]",
        ),
    ] {
        let found = one(&document(&callers), code);
        assert_eq!(
            (found.severity, found.path),
            (severity, format!("{WEB}.{path}")),
            "{callers}"
        );
    }
}

#[test]
fn findings_beside_callers() {
    use Severity::{Error, Warning};
    let everybody = json!([{ "namespace": "web" }]);
    for (field, value, code, severity, path) in [
        ("exportTo", json!(["web"]), "FM0532", Error, "exportTo"),
        ("transport", json!("http"), "FM0533", Warning, "callers"),
        ("transport", json!("http"), "FM0527", Warning, "selector"),
        ("selector", json!({}), "FM0535", Error, "selector"),
        (
            "selector",
            json!({ "a": "b c" }),
            "FM0210",
            Error,
            "selector",
        ),
    ] {
        let mut document = document(&everybody);
        document["spec"]["services"][0][field] = value;
        let found: Vec<_> = found(&document)
            .into_iter()
            .filter(|one| one.code == code)
            .collect();
        let found = found.iter().find(|one| one.path == format!("{WEB}.{path}"));
        assert_eq!(
            found.map(|one| one.severity),
            Some(severity),
            "{field} {code}"
        );
    }
    for callers in [
        everybody,
        json!([{ "clusters": ["south"] }]),
        json!([{ "clusters": ["north", "west"] }]),
        json!([{ "namespace": "web", "clusters": ["north"] }, { "namespace": "web", "clusters": ["south", "west"] }]),
    ] {
        let found = found(&document(&callers));
        let about = found.iter().filter(|one| one.path.contains("callers"));
        assert_eq!(about.count(), 0, "{callers}: {found:#?}");
    }
}

#[test]
fn istio_without_exports_to_namespaces_keeps_clusters_apart_alone() {
    let with = |caller: Value| {
        let mut document = document(&json!([caller]));
        document["spec"]["istio"] = json!("1.6");
        document["spec"]["services"][0]["transport"] = json!("http");
        let lacking = found(&document).into_iter();
        let lacking = lacking.filter(|one| one.code == "FM0502");
        lacking.map(|one| one.path).collect::<Vec<_>>()
    };
    assert_eq!(
        with(json!({ "namespace": "web" })),
        [format!("{WEB}.callers")]
    );
    assert_eq!(with(json!({ "clusters": ["north"] })), Vec::<String>::new());
}

/// The policies of a cluster, by name.
fn policies(document: &Value, cluster: &str) -> BTreeMap<String, Value> {
    specs(document, cluster, "AuthorizationPolicy")
}

#[test]
fn serving_clusters_refuse_whoever_is_not_a_caller() {
    let callers = json!([
        { "namespace": "web", "serviceAccounts": ["web", "jobs"] },
        { "namespace": "desk", "clusters": ["south"] },
        { "clusters": ["west"] },
    ]);
    let document = document(&callers);
    let expected = json!({
        "selector": { "matchLabels": { "app": "shop" } },
        "action": "DENY",
        "rules": [{ "from": [{ "source": { "notPrincipals": [
            "cluster.local/*",
            "cluster.local/ns/web/sa/jobs", "cluster.local/ns/web/sa/web",
            "south.example/ns/desk/sa/*",
            "south.example/ns/web/sa/jobs", "south.example/ns/web/sa/web",
        ] } }] }],
    });
    for cluster in ["north", "south"] {
        let policies = policies(&document, cluster);
        assert_eq!(
            policies,
            BTreeMap::from([("shop-callers".to_owned(), expected.clone())])
        );
    }
    assert_eq!(policies(&document, "west"), BTreeMap::new());

    let mut http = document.clone();
    http["spec"]["services"][0]["transport"] = json!("http");
    assert_eq!(policies(&http, "north"), BTreeMap::new());

    for (istio, version) in [("1.21", "v1beta1"), ("1.22", "v1")] {
        let mut document = document.clone();
        document["spec"]["istio"] = json!(istio);
        let bundle = Bundle::new(&mesh(&document), &resolved(&document));
        let mut objects = bundle.cluster("north").unwrap().objects();
        let policy = objects
            .find(|one| one.kind.kind == "AuthorizationPolicy")
            .unwrap();
        assert_eq!(
            policy.kind.api_version(),
            format!("security.istio.io/{version}")
        );
        assert_eq!(policy.namespace.as_deref(), Some("s"));
    }
}

/// What a cluster has of a service inside its mesh, by kind: names of objects with their `exportTo`.
fn seen(document: &Value, cluster: &str, service: &str) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    for kind in ["ServiceEntry", "DestinationRule", "VirtualService"] {
        for (name, spec) in specs(document, cluster, kind) {
            let is_in_mesh = kind != "VirtualService" || spec["gateways"] == json!(["mesh"]);
            if is_in_mesh && name.starts_with(&format!("{service}.s.")) {
                let export = spec.get("exportTo").cloned().unwrap_or_default();
                seen.insert(format!("{kind} {name}"), export);
            }
        }
    }
    seen
}

#[test]
fn names_exist_where_there_are_callers() {
    let callers = json!([
        { "namespace": "web", "clusters": ["north"] },
        { "namespace": "desk", "clusters": ["north"] },
        { "clusters": ["south"] },
    ]);
    let mut document = document(&callers);
    document["spec"]["services"][1]["callers"] = callers;
    for service in ["shop", "news"] {
        let north = seen(&document, "north", service);
        assert!(north.len() > 1, "{north:?}");
        assert!(
            north
                .values()
                .all(|export| *export == json!(["desk", "web"])),
            "{north:?}"
        );
        let south = seen(&document, "south", service);
        assert!(
            south.values().all(|export| *export == json!(["*"])),
            "{south:?}"
        );
        assert_eq!(south.len(), north.len());
        assert_eq!(seen(&document, "west", service), BTreeMap::new());
    }
    // What serves is there as ever.
    assert!(specs(&document, "west", "VirtualService").contains_key("news"));
    let hosts = &specs(&document, "west", "Gateway")["fedmesh-m"]["servers"][0]["hosts"];
    assert!(hosts.as_array().unwrap().len() > 3, "{hosts}");
    // Nobody has a namespace, so nothing has to be said of namespaces.
    document["spec"]["services"][0]["callers"] = json!([{ "clusters": ["north"] }]);
    let north = seen(&document, "north", "shop");
    assert!(north.values().all(Value::is_null), "{north:?}");
}

#[test]
fn entries_for_many_services_go_as_far_as_their_callers() {
    let with = |news: &Value| {
        let mut document = document(&json!([{ "namespace": "web" }]));
        let services = document["spec"]["services"].as_array_mut().unwrap();
        services[1]["callers"] = news.clone();
        services.push(
            json!({ "name": "cart", "namespace": "s", "port": 83, "published": 5000,
            "callers": [{ "namespace": "till", "clusters": ["north"] }] }),
        );
        services[2].as_object_mut().unwrap().remove("published");
        services[2]["ports"] = json!([{ "port": 83, "published": 5000 }]);
        services[2].as_object_mut().unwrap().remove("port");
        document
    };
    let wide = |document: &Value, cluster: &str| {
        let entries = specs(document, cluster, "ServiceEntry");
        ["any.zone.a.example", "any.region.a.example"].map(|name| {
            let entry = entries.get(name)?;
            let ports = entry["ports"].as_array().unwrap().iter();
            let ports: Vec<u64> = ports.map(|port| port["number"].as_u64().unwrap()).collect();
            Some((ports, entry.get("exportTo").cloned()))
        })
    };
    let kept = with(&json!([{ "namespace": "desk", "clusters": ["north", "south"] }]));
    let both = Some((vec![80, 5000], Some(json!(["desk", "till"]))));
    assert_eq!(wide(&kept, "north"), [both.clone(), both]);
    let news = Some((vec![80], Some(json!(["desk"]))));
    assert_eq!(wide(&kept, "south"), [news.clone(), news]);
    assert_eq!(wide(&kept, "west"), [None, None]);
    // Somebody of any namespace calls news in south.
    let open = with(&json!([{ "clusters": ["south"] }]));
    let open = wide(&open, "south");
    assert_eq!(open[0], Some((vec![80], Some(json!(["*"])))));
}

#[test]
fn calls_are_expected_of_callers_and_refused_of_strangers() {
    let document = document(&json!([
        { "namespace": "web", "serviceAccounts": ["web"], "clusters": ["south", "west"] },
    ]));
    let resolved = resolved(&document);
    let expected = expect(&resolved).calls;
    let of = |client: &str| -> Vec<(&str, bool)> {
        let calls = expected.iter();
        let calls = calls.filter(|call| call.client == client && call.service == "shop.s");
        calls.map(|call| (call.level, call.refused)).collect()
    };
    // It runs in north, where nobody may call it.
    assert_eq!(of("north"), [("local", true)]);
    let names = || {
        [
            "global", "region", "region", "region", "zone", "zone", "zone",
        ]
        .map(|level| (level, false))
    };
    let mut south = vec![("local", false)];
    south.extend(names());
    assert_eq!(of("south"), south);
    assert_eq!(of("west"), names());

    let service = &resolved.services[0];
    assert!(service.is_called_by(1, "web", "web"));
    for (cluster, namespace, account) in [(0, "web", "web"), (1, "desk", "web"), (1, "web", "jobs")]
    {
        assert!(!service.is_called_by(cluster, namespace, account));
    }
    let call = |client: &str, level: &str| {
        let mut calls = expected.iter();
        let is_it = |call: &&shared::traffic::expect::Call| {
            (&*call.client, &*call.service, call.level) == (client, "shop.s", level)
        };
        calls.find(is_it).unwrap()
    };
    // North has the trust domain of west.
    let local = call("north", "local");
    assert_eq!(local.by_stranger(&resolved, "web", "web"), None);
    assert!(local.by_stranger(&resolved, "web", "jobs").is_some());
    let stranger = call("west", "global")
        .by_stranger(&resolved, "web", "jobs")
        .unwrap();
    assert!(stranger.refused && stranger.answered_by.is_empty());
    // Its namespace does not see the name.
    assert_eq!(
        call("west", "global").by_stranger(&resolved, "desk", "web"),
        None
    );
    assert!(
        call("south", "local")
            .by_stranger(&resolved, "desk", "web")
            .is_some()
    );
    // Nothing refuses anybody.
    let mut calls = expected.iter();
    let news = calls.find(|call| call.service == "news.s").unwrap();
    assert_eq!(news.by_stranger(&resolved, "web", "jobs"), None);

    let rows = simulate::rows(&resolved, &Outage::default());
    let clients: std::collections::BTreeSet<_> = rows
        .iter()
        .filter(|row| row.service == "shop.s")
        .map(|row| row.client.as_deref())
        .collect();
    assert_eq!(clients, [None, Some("south"), Some("west")].into());
}

#[test]
fn a_refusal_is_told_from_an_answer() {
    let reply = |status: u16, body: &str| {
        Reply::Answered(HttpResponse {
            status,
            body: body.into(),
            ..HttpResponse::default()
        })
    };
    let denial = reply(403, "RBAC: access denied");
    let around = Around::default();
    assert_eq!(judge_refused(&denial, &around), Ok(()));
    assert_eq!(judge_refused(&reply(403, ""), &around), Ok(()));
    for status in [200, 404] {
        let seen = judge_refused(&reply(status, ""), &around);
        assert_eq!(seen, Err(Cause::NotDenied { status }));
    }
    let own = judge_refused(&reply(403, "you are not signed in"), &around);
    assert_eq!(own, Err(Cause::NotDenied { status: 403 }));
    let seen = judge_refused(&reply(503, "no healthy upstream"), &around);
    assert_eq!(seen, Err(Cause::Unhealthy));

    let any = Expected {
        status: None,
        answered_by: &[],
    };
    assert_eq!(judge_call(any, &denial, &around), Err(Cause::AccessDenied));
    assert_eq!(
        judge_call(any, &reply(403, "you are not signed in"), &around),
        Ok(())
    );
}

/// Callers of a service in mutual TLS come back from the policy, those of another from where its names are.
#[test]
fn callers_are_imported() {
    let callers = json!([
        { "namespace": "desk", "clusters": ["south"] },
        { "namespace": "web", "serviceAccounts": ["jobs", "web"], "clusters": ["north", "south"] },
    ]);
    let mut document = document(&callers);
    document["spec"]["services"][1]["callers"] =
        json!([{ "namespace": "web", "clusters": ["north"] }]);
    document["spec"]["clusters"][1]["trustDomain"] = json!("cluster.local");
    let text = Bundle::new(&mesh(&document), &resolved(&document)).to_stream();
    let manifests: String = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("#|"))
        .collect();
    let source = Source {
        file: "all.yaml".into(),
        cluster: None,
        text: manifests,
    };
    let imported = import(&[source], &Options::default()).unwrap();
    assert_eq!(imported.findings, []);
    let of = |index: usize| serde_json::to_value(&imported.mesh.spec.services[index]).unwrap();
    let place = |name: &str| {
        let mut services = imported.mesh.spec.services.iter();
        services.position(|one| one.name == name).unwrap()
    };
    let shop = of(place("shop"));
    assert_eq!(
        (&shop["callers"], &shop["selector"]),
        (&callers, &json!({ "app": "shop" }))
    );
    assert_eq!(
        of(place("news"))["callers"],
        document["spec"]["services"][1]["callers"]
    );
}

#[test]
fn names_say_who_calls_them() {
    let callers = json!([
        { "namespace": "shop", "serviceAccounts": ["web", "api"] },
        { "namespace": "quay", "clusters": ["north", "south", "west"] },
        { "clusterSelector": { "tier": "west" } },
    ]);
    let rows = shared::resolved::published::rows(&resolved(&document(&callers)));
    for row in rows {
        let words = row.caller_words();
        let words = words.map(|words| words.join(" "));
        let restricted = (row.service == "shop.s").then_some("shop/api shop/web quay *@west");
        assert_eq!(words.as_deref(), restricted, "{}", row.host);
    }
}
