//! Each rule finds what it is there for, at the right place, and leaves the rest alone.

mod engines;

use crate::support;
use serde_json::{Value, json};
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::{Mesh, check};

/// A document without findings but hints; cluster names, contexts and Services all differ.
fn document() -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "rfc2136" } },
            "clusters": [
                { "name": "north", "context": "kind-a", "region": "r1", "zone": "z1",
                  "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "context": "kind-b", "region": "r2", "zone": "z2",
                  "gateway": { "addresses": ["203.0.113.2", "2001:db8::2"] } },
            ],
            "services": [
                { "name": "orders", "namespace": "shop", "port": 8080, "hostname": "buy", "clusters": ["north"] },
                { "name": "stock", "namespace": "shop", "port": 9090, "failover": { "retry": false } },
            ],
        },
    })
}

fn findings(document: &Value) -> Vec<Finding> {
    support::findings(&serde_json::from_value(document.clone()).unwrap())
}

/// Changes one field and expects one finding for it.
#[track_caller]
fn expect(
    pointer: &str,
    value: Value,
    expected: code::Code,
    severity: Severity,
    path: &str,
) -> Finding {
    let mut document = document();
    set(&mut document, pointer, value);
    expect_of(&document, expected, severity, path)
}

/// Expects one finding of a code.
#[track_caller]
fn expect_of(document: &Value, expected: code::Code, severity: Severity, path: &str) -> Finding {
    let findings = findings(document);
    let found: Vec<&Finding> = findings.iter().filter(|f| f.code == expected.id).collect();
    let [found] = found.as_slice() else {
        panic!("expected one {}: {findings:#?}", expected.id)
    };
    assert_eq!(
        (found.severity, found.path.as_str()),
        (severity, path),
        "{found:#?}"
    );
    support::assert_is_complete(found);
    if severity == Severity::Error {
        let errors: Vec<&Finding> = findings
            .iter()
            .filter(|f| f.severity == Severity::Error)
            .collect();
        assert_eq!(errors, [*found], "one slip, one error");
    }
    (*found).clone()
}

/// Sets a value, making objects on the way.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let mut at = document;
    for part in pointer.split('/').skip(1) {
        at = match part.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[part],
        };
    }
    *at = value;
}

#[test]
fn the_good_document_has_nothing_to_mend() {
    assert_eq!(findings(&document()), []);
}

#[test]
fn names() {
    use Severity::Error;
    expect(
        "/metadata/name",
        json!("De_mo"),
        code::NOT_A_LABEL,
        Error,
        "metadata.name",
    );
    expect(
        "/metadata/name",
        json!("x".repeat(56)),
        code::NAME_TOO_LONG,
        Error,
        "metadata.name",
    );
    expect(
        "/metadata/name",
        json!(""),
        code::EMPTY,
        Error,
        "metadata.name",
    );
    expect(
        "/spec/clusters/1/name",
        json!("-south"),
        code::NOT_A_LABEL,
        Error,
        "spec.clusters[1].name",
    );
    expect(
        "/spec/services/1/name",
        json!("x".repeat(64)),
        code::NOT_A_LABEL,
        Error,
        "spec.services[1].name",
    );
    expect(
        "/spec/services/0/namespace",
        json!("a.b"),
        code::NOT_A_LABEL,
        Error,
        "spec.services[0].namespace",
    );
    expect(
        "/spec/dns/federation",
        json!("ext.ernal"),
        code::NOT_A_LABEL,
        Error,
        "spec.dns.federation",
    );
    expect(
        "/spec/services/1/hostname",
        json!("Stock"),
        code::NOT_A_LABEL,
        Error,
        "spec.services[1].hostname",
    );
}

#[test]
fn a_name_of_253_characters_is_the_longest() {
    // The longest name is the zone's: service.namespace.external.svc.zone.region.suffix.
    let fixed = "orders.shop.external.svc.z1.r1.".len();
    let suffix = |length: usize| {
        let mut suffix = "s".repeat(length);
        for dot in (60..length - 1).step_by(61) {
            suffix.replace_range(dot..=dot, ".");
        }
        json!(suffix)
    };
    let mut longest = document();
    longest["spec"]["dns"]["suffix"] = suffix(253 - fixed);
    assert_eq!(findings(&longest), []);
    expect(
        "/spec/dns/suffix",
        suffix(253 - fixed + 1),
        code::NAME_TOO_LONG,
        Severity::Error,
        "spec.services[0].name",
    );
}

#[test]
fn clusters() {
    use Severity::{Error, Hint, Warning};
    expect(
        "/spec/clusters/1/region",
        json!(""),
        code::NO_LOCALITY,
        Error,
        "spec.clusters[1].region",
    );
    expect(
        "/spec/clusters/0/zone",
        json!(""),
        code::NO_LOCALITY,
        Error,
        "spec.clusters[0].zone",
    );
    expect(
        "/spec/clusters/1/context",
        json!("kind-a"),
        code::ONE_CONTEXT_TWICE,
        Error,
        "spec.clusters[1].context",
    );
    expect(
        "/spec/clusters/1/context",
        json!(""),
        code::EMPTY,
        Error,
        "spec.clusters[1].context",
    );
    expect(
        "/spec/clusters/1/gateway/port",
        json!(0),
        code::BAD_PORT,
        Error,
        "spec.clusters[1].gateway.port",
    );
    expect(
        "/spec/clusters/1/gateway/port",
        json!(65536),
        code::BAD_PORT,
        Error,
        "spec.clusters[1].gateway.port",
    );
    expect(
        "/spec/clusters/1/gateway/selector",
        json!({ "a b": "c" }),
        code::BAD_LABEL,
        Error,
        "spec.clusters[1].gateway.selector",
    );
    expect(
        "/spec/clusters/1/gateway/addresses/0",
        json!("203.0.113"),
        code::BAD_ADDRESS,
        Error,
        "spec.clusters[1].gateway.addresses[0]",
    );
    expect(
        "/spec/clusters/1/gateway/addresses",
        json!([]),
        code::UNKNOWN_ADDRESS,
        Warning,
        "spec.clusters[1].gateway.addresses",
    );

    let mut one_zone = document();
    one_zone["spec"]["clusters"][1]["region"] = json!("r1");
    one_zone["spec"]["clusters"][1]["zone"] = json!("z1");
    let found = findings(&one_zone);
    assert_eq!(
        (found.len(), found[0].code.as_str(), found[0].severity),
        (1, code::ONE_ZONE_TWICE.id, Hint)
    );
    expect(
        "/spec/clusters/1/zone",
        json!("z1"),
        code::ZONE_IN_TWO_REGIONS,
        Hint,
        "spec.clusters[1].zone",
    );

    let mut twice = document();
    twice["spec"]["clusters"][1]["name"] = json!("north");
    let found = findings(&twice);
    assert_eq!(
        (found[0].code.as_str(), found[0].path.as_str()),
        (code::DUPLICATE.id, "spec.clusters[1].name")
    );

    let mut none = document();
    none["spec"]["clusters"] = json!([]);
    assert!(
        findings(&none)
            .iter()
            .any(|f| f.code == code::NO_CLUSTER.id)
    );
}

#[test]
fn dns_suffixes_are_corrected() {
    let corrected = |text: &str| {
        expect(
            "/spec/dns/suffix",
            json!(text),
            code::BAD_SUFFIX,
            Severity::Error,
            "spec.dns.suffix",
        )
        .fix
        .map(|fix| fix.value)
    };
    assert_eq!(
        corrected("mesh.example.com.").as_deref(),
        Some("mesh.example.com")
    );
    assert_eq!(
        corrected("*.mesh.example.com").as_deref(),
        Some("mesh.example.com")
    );
    assert_eq!(
        corrected("Mesh.Example.com").as_deref(),
        Some("mesh.example.com")
    );
    assert_eq!(corrected("mesh example.com"), None);
    assert_eq!(corrected("com"), None);
    assert_eq!(corrected("10.0.0.1"), None);
    assert_eq!(corrected("x.cluster.local"), None);
}

#[test]
fn dns() {
    use Severity::{Error, Hint, Warning};
    expect(
        "/spec/dns/suffix",
        json!("mesh.global"),
        code::BAD_SUFFIX,
        Warning,
        "spec.dns.suffix",
    );
    expect(
        "/spec/dns/suffix",
        json!(""),
        code::EMPTY,
        Error,
        "spec.dns.suffix",
    );
    expect(
        "/spec/dns/ttl",
        json!(0),
        code::BAD_TTL,
        Error,
        "spec.dns.ttl",
    );
    expect(
        "/spec/dns/ttl",
        json!(2_147_483_648_u32),
        code::BAD_TTL,
        Error,
        "spec.dns.ttl",
    );
    expect(
        "/spec/dns/cluster",
        json!("kind-a"),
        code::UNKNOWN_CLUSTER,
        Error,
        "spec.dns.cluster",
    );
    expect(
        "/spec/dns/externalDns",
        Value::Null,
        code::NO_EXTERNAL_DNS,
        Hint,
        "spec.dns.externalDns",
    );
    expect(
        "/spec/dns/externalDns/provider",
        json!(""),
        code::EMPTY_PROVIDER,
        Error,
        "spec.dns.externalDns.provider",
    );
    expect(
        "/spec/dns/externalDns/ownerId",
        json!("a,b"),
        code::EMPTY,
        Error,
        "spec.dns.externalDns.ownerId",
    );
    expect(
        "/spec/dns/naming",
        json!("gateway"),
        code::GATEWAY_NAMING_SERVICES,
        Error,
        "spec.dns.naming",
    );

    let mut gateways = document();
    gateways["spec"]["services"] =
        json!([{ "name": "stock", "port": 1, "failover": { "retry": true } }]);
    gateways["spec"]["dns"]["naming"] = json!("gateway");
    assert_eq!(findings(&gateways), []);
    gateways["spec"]["clusters"][1]["gateway"]["service"] = json!("edge");
    let found = findings(&gateways);
    assert_eq!(
        (found[0].code.as_str(), found.len()),
        (code::GATEWAY_NAMING_GATEWAYS.id, 1)
    );
}

#[test]
fn name_servers_and_external_dns() {
    use Severity::Error;
    expect(
        "/spec/dns/externalDns/secret",
        json!("Key_1"),
        code::NOT_A_LABEL,
        Error,
        "spec.dns.externalDns.secret",
    );
    expect(
        "/spec/dns/nameservers",
        json!(["10.0.0.53", "ns.example.com"]),
        code::BAD_NAME_SERVER,
        Error,
        "spec.dns.nameservers[1]",
    );
    expect(
        "/spec/dns/nameservers",
        json!(["127.0.0.1:5300"]),
        code::LOOPBACK_NAME_SERVER,
        Severity::Warning,
        "spec.dns.nameservers[0]",
    );
    expect(
        "/spec/dns/nameservers",
        json!(["10.0.0.53", "[2001:db8::53]:0"]),
        code::BAD_PORT,
        Error,
        "spec.dns.nameservers[1]",
    );
    for twice in ["10.0.0.53", "10.0.0.53:53"] {
        expect(
            "/spec/dns/nameservers",
            json!(["10.0.0.53", "10.0.0.53:5353", twice]),
            code::NAME_SERVER_TWICE,
            Severity::Warning,
            "spec.dns.nameservers[2]",
        );
    }
    let many: Vec<String> = (1..=16).map(|last| format!("10.0.0.{last}")).collect();
    expect(
        "/spec/dns/nameservers",
        json!(many),
        code::MANY_NAME_SERVERS,
        Error,
        "spec.dns.nameservers",
    );
    for bad in [
        "rfc2136-host=a",
        "--",
        "--policy=upsert-only",
        "--txt-owner-id=other",
        "--a=b\nc",
    ] {
        expect(
            "/spec/dns/externalDns/args",
            json!(["--interval=1m", bad]),
            code::BAD_ARGUMENT,
            Error,
            "spec.dns.externalDns.args[1]",
        );
    }
    for credential in [
        "--rfc2136-tsig-secret=hunter2",
        "--cloudflare-api-token=hunter2",
        "--exoscale-apisecret=hunter2",
        "--webhook-provider-url=http://u:hunter2@h",
        "--webhook-provider-url=https://hunter2@h/",
    ] {
        let found = expect(
            "/spec/dns/externalDns/args",
            json!(["--interval=1m", credential]),
            code::CREDENTIAL,
            Error,
            "spec.dns.externalDns.args[1]",
        );
        let (flag, _) = credential.split_once('=').unwrap();
        assert!(found.message.contains(flag), "{}", found.message);
        assert!(found.hint.contains("EXTERNAL_DNS_"), "{}", found.hint);
    }
    let mut arguments = document();
    arguments["spec"]["dns"]["externalDns"]["args"] = json!([
        "--rfc2136-tsig-secret-alg=hmac-sha256",
        "--rfc2136-tsig-keyname=key",
        "--azure-config-file=/etc/azure.json",
    ]);
    assert_eq!(findings(&arguments), []);
}

#[test]
fn services() {
    use Severity::{Error, Hint};
    expect(
        "/spec/services/0/port",
        json!(0),
        code::BAD_PORT,
        Error,
        "spec.services[0].port",
    );
    expect(
        "/spec/services/0/clusters",
        json!([]),
        code::SERVED_NOWHERE,
        Error,
        "spec.services[0].clusters",
    );
    let found = expect(
        "/spec/services/0/clusters/0",
        json!("kind-a"),
        code::UNKNOWN_CLUSTER,
        Error,
        "spec.services[0].clusters[0]",
    );
    assert_eq!(found.hint, "use one of: north, south");
    expect(
        "/spec/services/0/routes",
        json!([{ "exact": "html" }]),
        code::BAD_PATH,
        Error,
        "spec.services[0].routes[0]",
    );
    expect(
        "/spec/services/1/hostname",
        json!("buy"),
        code::NAME_TWICE,
        Error,
        "spec.services[1].hostname",
    );
    expect(
        "/spec/services/1/name",
        json!("orders"),
        code::DUPLICATE,
        Error,
        "spec.services[1].name",
    );
    expect(
        "/spec/services/1/failover",
        json!({}),
        code::RETRY_OPEN,
        Hint,
        "spec.services[1].failover.retry",
    );
    expect(
        "/spec/services/0/failover",
        json!({ "retry": true, "perTryTimeout": "fast" }),
        code::BAD_DURATION,
        Error,
        "spec.services[0].failover.perTryTimeout",
    );
    for bad in ["fast", "0s"] {
        expect(
            "/spec/services/0/failover",
            json!({ "retry": true, "connectTimeout": bad }),
            code::BAD_DURATION,
            Error,
            "spec.services[0].failover.connectTimeout",
        );
    }
    for bad in ["9ms", "1m0.001s"] {
        expect(
            "/spec/services/0/failover",
            json!({ "retry": true, "connectTimeout": bad }),
            code::CONNECT_TIMEOUT_RANGE,
            Error,
            "spec.services[0].failover.connectTimeout",
        );
    }
    expect(
        "/spec/services/0/probe",
        json!({ "path": "health" }),
        code::BAD_PATH,
        Error,
        "spec.services[0].probe.path",
    );
    expect(
        "/spec/services/0/probe",
        json!({ "status": 600 }),
        code::BAD_PROBE,
        Error,
        "spec.services[0].probe.status",
    );
    expect(
        "/spec/services",
        json!([]),
        code::NO_SERVICE,
        Hint,
        "spec.services",
    );
}

#[test]
fn ports() {
    use Severity::{Error, Hint};
    let at = "/spec/services/0/ports";
    let mut several = document();
    several["spec"]["services"][0]["port"].take();
    let expect_in = |ports: Value, code, severity, path: &str| {
        let mut document = several.clone();
        document["spec"]["services"][0]["ports"] = ports;
        expect_of(&document, code, severity, path)
    };
    expect(
        "/spec/services/0/port",
        Value::Null,
        code::NO_PORT,
        Error,
        "spec.services[0].port",
    );
    expect(
        at,
        json!([{ "port": 8081 }]),
        code::NO_PORT,
        Error,
        "spec.services[0].port",
    );
    expect_in(
        json!([{ "port": 8080 }, { "port": 70000 }]),
        code::BAD_PORT,
        Error,
        "spec.services[0].ports[1].port",
    );
    expect_in(
        json!([{ "port": 8080, "published": 0 }]),
        code::BAD_PORT,
        Error,
        "spec.services[0].ports[0].published",
    );
    expect_in(
        json!([{ "port": 8080 }, { "port": 8080, "protocol": "tcp", "published": 81 }]),
        code::SERVICE_PORT_TWICE,
        Error,
        "spec.services[0].ports[1].port",
    );
    let found = expect_in(
        json!([{ "port": 8080 }, { "port": 8081, "protocol": "grpc", "published": 80 }]),
        code::SERVICE_PORT_TWICE,
        Error,
        "spec.services[0].ports[1].published",
    );
    assert_eq!(
        found.message,
        "ports `8080` and `8081` are both published on `80`"
    );
    let found = expect_in(
        json!([{ "port": 5432, "protocol": "tcp", "published": 80 }]),
        code::PUBLISHED_TWICE,
        Error,
        "spec.services[1].port",
    );
    assert_eq!(
        found.message,
        "published port `80` conflicts with the same port of service `orders.shop` (tcp)"
    );
    // Another service's own HTTP port has a listener in every sidecar of its clusters.
    expect_in(
        json!([{ "port": 5432, "protocol": "tcp", "published": 9090 }]),
        code::PUBLISHED_TWICE,
        Error,
        "spec.services[0].ports[0].published",
    );
    expect_in(
        json!([{ "port": 5432, "protocol": "tcp" }]),
        code::TCP_TELLS_NO_NAME,
        Hint,
        "spec.services[0].ports[0].published",
    );
    expect_in(
        json!([{ "port": 8080 }, { "port": 9000, "protocol": "grpc" }]),
        code::GATEWAY_SERVICE_PORT,
        Hint,
        "spec.services[0].ports[1].published",
    );
    // HTTP and TLS share their ports with their like, and the usual ones are open anyway.
    several["spec"]["services"][0]["ports"] = json!([
        { "port": 8080, "protocol": "http2" }, { "port": 8443, "protocol": "tls" }
    ]);
    assert_eq!(findings(&several), []);
    several["spec"]["clusters"][1]["gateway"]["port"] = json!(8443);
    several["spec"]["services"][0]["ports"][1]["published"] = json!(8443);
    let found = expect_of(
        &several,
        code::PUBLISHED_TWICE,
        Error,
        "spec.services[0].ports[1].published",
    );
    assert_eq!(
        found.message,
        "published port `8443` conflicts with the gateway of cluster `south`, which serves published port 80 on it"
    );
}

#[test]
fn what_only_requests_have() {
    let mut tls = document();
    tls["spec"]["services"][1] = json!({ "name": "stock", "port": 8443, "protocol": "tls" });
    assert_eq!(
        findings(&tls),
        [],
        "nothing is repeated, so nothing is asked"
    );
    for (field, value) in [
        ("routes", json!([{ "exact": "/html" }])),
        ("failover", json!({ "retry": false })),
        ("probe", json!({ "status": 200 })),
    ] {
        let mut document = tls.clone();
        document["spec"]["services"][1][field] = value;
        let path = format!("spec.services[1].{field}");
        expect_of(&document, code::HTTP_ONLY, Severity::Error, &path);
    }
    tls["spec"]["services"][1]["failover"] =
        json!({ "connectTimeout": "5s", "outlierDetection": { "baseEjectionTime": "1m" } });
    assert_eq!(findings(&tls), [], "every protocol has connections");
}

#[test]
fn versions_and_images() {
    use Severity::Error;
    for bad in ["latest", "1", "1.27.x", "1.2.3.4", ""] {
        expect(
            "/spec/istio",
            json!(bad),
            code::BAD_ISTIO,
            Error,
            "spec.istio",
        );
    }
    expect(
        "/spec/istio",
        json!("0.8"),
        code::OLD_ISTIO,
        Error,
        "spec.istio",
    );
    expect(
        "/spec/images",
        json!({ "sleep": "a b" }),
        code::BAD_IMAGE,
        Error,
        "spec.images.sleep",
    );
}

/// DNS knows no ports, and a zone's name leads to all gateways there.
#[test]
fn ports_of_one_zone() {
    let mut one_zone = document();
    one_zone["spec"]["clusters"][1]["region"] = json!("r1");
    one_zone["spec"]["clusters"][1]["zone"] = json!("z1");
    // Only north runs orders: the zone's name of stock leads to both ports.
    one_zone["spec"]["clusters"][1]["gateway"]["port"] = json!(8080);
    let found = findings(&one_zone);
    assert_eq!(
        (found.len(), found[0].code.as_str(), found[0].path.as_str()),
        (
            2,
            code::PORTS_OF_ONE_ZONE.id,
            "spec.clusters[1].gateway.port"
        )
    );
    assert!(found[1].hint.contains("different ports"), "{found:#?}");
    // The default with TLS.
    let mut with_tls = one_zone.clone();
    with_tls["spec"]["transport"] = json!("tls");
    with_tls["spec"]["tls"] = json!({ "credentialName": "gateways" });
    with_tls["spec"]["clusters"][1]["gateway"]["port"] = json!(443);
    let of_zone = findings(&with_tls)
        .into_iter()
        .find(|one| one.code == code::ONE_ZONE_TWICE.id)
        .unwrap();
    assert!(!of_zone.hint.contains("different ports"), "{of_zone:#?}");
    one_zone["spec"]["services"][1]["clusters"] = json!(["south"]);
    let found = findings(&one_zone);
    assert!(
        found
            .iter()
            .all(|finding| finding.severity == Severity::Hint),
        "no service runs in both: {found:#?}"
    );
}

/// From 0.21 on it reads its own kind of record alone, and the federation's controller writes another.
#[test]
fn external_dns_that_does_not_read_what_the_federation_writes() {
    use Severity::{Hint, Warning};
    let mut document = document();
    document["spec"]["target"] = json!("kubefed-v1alpha1");
    document["spec"]["dns"]["naming"] = json!("gateway");
    document["spec"]["services"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    let found = |document: &Value| {
        let found = findings(document).into_iter();
        let mut found = found.filter(|one| one.code == code::FEDERATION_EXTERNAL_DNS.id);
        found.next().map(|one| (one.severity, one.path))
    };
    let path = "spec.images.externalDns".to_owned();
    assert_eq!(found(&document), None, "the pinned one");
    for (tag, expected) in [
        ("external-dns:v0.20.0", None),
        ("external-dns:v0.21.0", Some((Warning, path.clone()))),
        ("external-dns:latest", Some((Hint, path.clone()))),
    ] {
        document["spec"]["images"] = json!({ "externalDns": tag });
        assert_eq!(found(&document), expected, "{tag}");
    }
    let mut ours = document.clone();
    ours["spec"]["dns"]["naming"] = json!("service");
    assert_eq!(found(&ours), None, "fedmesh writes the records");
    document["spec"]["dns"]["externalDns"] = Value::Null;
    assert_eq!(found(&document), None, "it is somebody else's");
}

#[test]
fn levels_of_names() {
    use Severity::Error;
    let of_mesh = |levels, code, path| expect("/spec/dns/levels", levels, code, Error, path);
    let path = "spec.dns.levels";
    of_mesh(json!(["zone", "region"]), code::MISSING_LEVEL, path);
    of_mesh(json!([]), code::MISSING_LEVEL, path);
    of_mesh(
        json!(["global", "zone", "global"]),
        code::DUPLICATE,
        "spec.dns.levels[2]",
    );
    let mut document = document();
    document["spec"]["endpoints"] = json!("names");
    let needs_zones =
        |document: &Value, path| expect_of(document, code::ENDPOINTS_NEED_ZONES, Error, path);
    let levels = json!(["region", "global"]);
    document["spec"]["services"][1]["levels"] = levels.clone();
    needs_zones(&document, "spec.services[1].levels");
    document["spec"]["services"][1]["levels"].take();
    document["spec"]["dns"]["levels"] = json!(["global"]);
    let finding = needs_zones(&document, path);
    let mesh: Mesh = serde_json::from_value(document.clone()).unwrap();
    let fixed = finding.fix.and_then(|fix| fix.apply(&mesh)).expect("a fix");
    assert_eq!(check(&fixed, &Facts::default()).count(Error), 0);
    // No service goes by it.
    for service in 0..2 {
        document["spec"]["services"][service]["levels"] = json!(["global", "zone"]);
    }
    assert!(!findings(&document).iter().any(|one| one.code == "FM0332"));
    // There is no other cluster.
    document["spec"]["clusters"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    document["spec"]["services"][0]["levels"] = levels;
    assert!(!findings(&document).iter().any(|one| one.code == "FM0332"));
}

#[test]
fn a_gateway_lists_no_more_names_than_api_servers_store() {
    let mut document = document();
    let clusters = (0..100).map(|i| {
        json!({ "name": format!("c{i}"), "region": format!("r{}", i % 4), "zone": format!("z{i}") })
    });
    document["spec"]["clusters"] = clusters.collect();
    let services =
        (0..320).map(|i| json!({ "name": format!("one-of-many-services-{i}"), "port": 80 }));
    document["spec"]["services"] = services.collect();
    let found = |document: &Value| {
        let found = findings(document).into_iter();
        found.filter(|one| one.code == "FM0334").count()
    };
    assert_eq!(found(&document), 1);
    document["spec"]["endpoints"] = json!("addresses");
    document["spec"]["dns"]["levels"] = json!(["global", "region"]);
    assert_eq!(found(&document), 0);
}

#[test]
fn the_federation_controller_publishes_all_levels() {
    let mut document = document();
    document["spec"]["target"] = json!("kubefed-v1alpha1");
    document["spec"]["dns"]["naming"] = json!("gateway");
    document["spec"]["services"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    document["spec"]["dns"]["levels"] = json!(["global", "zone"]);
    expect_of(
        &document,
        code::LEVELS_OF_CONTROLLER,
        Severity::Error,
        "spec.dns.levels",
    );
    document["spec"]["dns"]["levels"] = json!(["global", "zone", "region"]);
    assert!(!findings(&document).iter().any(|one| one.code == "FM0333"));
}

#[test]
fn a_fix_mends_what_it_belongs_to() {
    let mut document = document();
    document["spec"]["clusters"][0]["zone"] = json!("Z_1");
    let mesh: Mesh = serde_json::from_value(document.clone()).unwrap();
    let found = findings(&document);
    let fix = found[0].fix.as_ref().expect("a fix");
    let corrected = fix.apply(&mesh).expect("the field is there");
    assert_eq!(corrected.spec.clusters[0].zone, "z-1");
    assert_eq!(
        check(&corrected, &Facts::default()).count(Severity::Error),
        0
    );
}

/// Wherever it is: it is told at its field, and no finding has it in its words.
#[test]
fn credentials_are_found_in_every_field_and_never_quoted() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2";
    let key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    for (pointer, value, path) in [
        (
            "/spec/gitops",
            json!({ "repoURL": "https://u:hunter2@git.example.com/x" }),
            "spec.gitops.repoURL",
        ),
        (
            "/spec/gitops",
            json!({ "repoURL": "u:hunter2@git.example.com/x" }),
            "spec.gitops.repoURL",
        ),
        (
            "/spec/images",
            json!({ "httpbin": "u:hunter2@registry.example.com/httpbin:v1" }),
            "spec.images.httpbin",
        ),
        (
            "/spec/images",
            json!({ "externalDns": "https://u:hunter2@registry.example.com/a b" }),
            "spec.images.externalDns",
        ),
        (
            "/spec/dns/nameservers",
            json!(["u:hunter2@192.0.2.1"]),
            "spec.dns.nameservers[0]",
        ),
        (
            "/spec/dns/suffix",
            json!("http://u:hunter2@mesh.example.com"),
            "spec.dns.suffix",
        ),
        (
            "/spec/dns/externalDns/provider",
            json!("http://u:hunter2@h"),
            "spec.dns.externalDns.provider",
        ),
        (
            "/spec/dns/externalDns/ownerId",
            json!(token),
            "spec.dns.externalDns.ownerId",
        ),
        (
            "/spec/dns/externalDns/serviceAccountAnnotations",
            json!({ "a": key }),
            "spec.dns.externalDns.serviceAccountAnnotations.a",
        ),
        (
            "/spec/dns/externalDns/settings",
            json!({ "etcdUrls": ["http://u:hunter2@h"] }),
            "spec.dns.externalDns.settings.etcdUrls[0]",
        ),
        (
            "/spec/dns/externalDns/args",
            json!(["--pihole-password", "hunter2"]),
            "spec.dns.externalDns.args[1]",
        ),
        (
            "/spec/dns/externalDns/args",
            json!(["a --x=http://u:hunter2@h"]),
            "spec.dns.externalDns.args[0]",
        ),
        (
            "/spec/services/0/routes",
            json!([{ "prefix": "/", "headers": { "request": { "set": { "authorization": "Basic hunter2" } } } }]),
            "spec.services[0].routes[0].headers.request.set.authorization",
        ),
    ] {
        let mut given = document();
        set(&mut given, pointer, value);
        let found = findings(&given);
        let here: Vec<_> = found.iter().filter(|one| one.path == path).collect();
        assert!(
            here.iter()
                .any(|one| one.code == "FM0105" && one.severity == Severity::Error),
            "{path}: {found:#?}"
        );
        assert!(
            !format!("{found:?}").contains("hunter2"),
            "{path}: {found:#?}"
        );
    }
    let mut given = document();
    let variable = json!([{ "prefix": "/", "headers": { "request": { "set": { "authorization": "%REQ(x-a)%" } } } }]);
    set(&mut given, "/spec/services/0/routes", variable);
    assert!(!findings(&given).iter().any(|one| one.code == "FM0105"));
}
