//! Requests in TLS between clusters: what is said of a document, what is rendered, and what a
//! verification must see.

use crate::support::{mesh, specs};
use serde_json::{Value, json};
use shared::check;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::traffic::expect::expect;
use shared::verify::{Around, Expected, HttpResponse, Reply, judge_call};

/// `shop` runs in both clusters; `stock` in one, with a vanity name; `vault` has bytes beside requests.
fn document() -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": {
            "transport": "tls",
            "tls": { "credentialName": "door", "ca": "/etc/roots.pem" },
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "aws" } },
            "endpoints": "names",
            "clusters": [
                { "name": "north", "region": "r1", "zone": "a", "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "region": "r2", "zone": "b", "gateway": { "addresses": ["203.0.113.2"] } },
            ],
            "services": [
                { "name": "shop", "namespace": "s", "port": 81, "failover": { "retry": true } },
                { "name": "stock", "namespace": "s", "port": 82, "hostname": "in", "clusters": ["north"] },
                { "name": "vault", "namespace": "t", "clusters": ["north"], "ports": [
                    { "port": 83 }, { "port": 84, "protocol": "grpc" }, { "port": 85, "protocol": "tcp" } ] },
            ],
        },
    })
}

fn found(document: &Value, code: &str) -> Finding {
    let findings = check(&mesh(document), &Facts::default()).findings;
    let mut of_code: Vec<Finding> = findings
        .iter()
        .filter(|finding| finding.code == code)
        .cloned()
        .collect();
    assert_eq!(of_code.len(), 1, "{code}: {findings:#?}");
    of_code.remove(0)
}

#[test]
fn findings() {
    use Severity::{Error, Hint, Warning};
    for (pointer, value, code, severity, path) in [
        (
            "tls",
            json!(null),
            "FM0511",
            Error,
            "spec.tls.credentialName",
        ),
        (
            "tls",
            json!({ "credentialName": "A b" }),
            "FM0511",
            Error,
            "spec.tls.credentialName",
        ),
        (
            "tls",
            json!({ "credentialName": "door", "ca": "roots.pem" }),
            "FM0513",
            Error,
            "spec.tls.ca",
        ),
        ("transport", json!("http"), "FM0512", Warning, "spec.tls"),
        ("istio", json!("1.20"), "FM0502", Error, "spec.transport"),
        (
            "istio",
            json!("1.21"),
            "FM0514",
            Hint,
            "spec.tls.credentialName",
        ),
    ] {
        let mut document = document();
        document["spec"][pointer] = value;
        let found = found(&document, code);
        assert_eq!(
            (found.severity, found.path.as_str()),
            (severity, path),
            "{found:#?}"
        );
    }
}

#[test]
fn the_names_of_a_certificate() {
    let mut document = document();
    document["spec"]["clusters"][1]["gateway"]["namespace"] = json!("edge");
    let found = found(&document, "FM0514");
    assert_eq!(
        found.message,
        "gateways present the certificate in the Secret `door` of their namespace (istio-system, edge)"
    );
    // A wildcard is for one label, so each level of each namespace needs its own.
    assert_eq!(
        found.hint,
        "check that the Secret exists, and that its certificate is valid for \
         *.s.external.svc.mesh.example.com, \
         *.s.external.svc.r1.mesh.example.com, *.s.external.svc.r2.mesh.example.com, \
         *.s.external.svc.a.r1.mesh.example.com, *.s.external.svc.b.r2.mesh.example.com, \
         in.mesh.example.com, \
         *.t.external.svc.mesh.example.com, \
         *.t.external.svc.r1.mesh.example.com, *.t.external.svc.r2.mesh.example.com, \
         *.t.external.svc.a.r1.mesh.example.com, *.t.external.svc.b.r2.mesh.example.com"
    );
}

#[test]
fn gateways_end_sessions_and_lead_plain_requests_on() {
    let document = document();
    let servers = &specs(&document, "north", "Gateway")["fedmesh-m"]["servers"];
    let rows: Vec<(Value, Value)> = servers
        .as_array()
        .unwrap()
        .iter()
        .map(|server| (server["port"].clone(), server["tls"].clone()))
        .collect();
    let port = |number: u16, name: &str, protocol: &str| json!({ "number": number, "name": name, "protocol": protocol });
    let simple =
        json!({ "mode": "SIMPLE", "credentialName": "door", "minProtocolVersion": "TLSV1_2" });
    assert_eq!(
        rows,
        [
            (port(80, "http", "HTTP"), json!({ "httpsRedirect": true })),
            (port(443, "https", "HTTPS"), simple.clone()),
            (port(84, "https-84", "HTTPS"), simple),
            (port(85, "tcp-85", "TCP"), Value::Null),
        ]
    );
    assert_eq!(servers[0]["hosts"], servers[1]["hosts"]);

    let mut without = document.clone();
    without["spec"]["tls"]["redirect"] = json!(false);
    without["spec"]["tls"]["minVersion"] = json!("TLSV1_3");
    let servers = &specs(&without, "south", "Gateway")["fedmesh-m"]["servers"];
    assert_eq!(servers.as_array().unwrap().len(), 1);
    assert_eq!(servers[0]["tls"]["minProtocolVersion"], "TLSV1_3");

    // A redirect leads to 443, so where TLS is on another port there is none.
    for number in [80, 8443] {
        let mut elsewhere = document.clone();
        elsewhere["spec"]["clusters"][1]["gateway"]["port"] = json!(number);
        let servers = &specs(&elsewhere, "south", "Gateway")["fedmesh-m"]["servers"];
        assert_eq!(servers[0]["port"], port(number, "https", "HTTPS"));
        assert_eq!(servers.as_array().unwrap().len(), 1);
    }
}

#[test]
fn clients_call_port_80_and_gateways_are_asked_on_443() {
    let entries = specs(&document(), "south", "ServiceEntry");
    let shop = &entries["shop.s.external.svc.mesh.example.com"];
    assert_eq!(shop["ports"][0]["number"], 80);
    for endpoint in shop["endpoints"].as_array().unwrap() {
        assert_eq!(endpoint["ports"], json!({ "http": 443 }));
    }
    // By DNS alone: there are no endpoints to say it.
    let others = &entries["any.region.mesh.example.com"];
    assert_eq!(others.get("endpoints"), None);
    assert_eq!(
        others["ports"],
        json!([
            { "number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443 },
            { "number": 84, "name": "grpc-84", "protocol": "GRPC" },
        ])
    );
    for id in ["shop.s", "stock.s", "vault.t"] {
        let zones = format!("{id}.zones");
        assert!(!entries.contains_key(&zones), "{zones}");
    }
    let vault = &entries["vault.t.external.svc.mesh.example.com"];
    assert_eq!(
        vault["endpoints"][0]["ports"],
        json!({ "http": 443, "grpc-84": 84, "tcp-85": 85 })
    );
}

#[test]
fn sidecars_begin_sessions_for_every_name() {
    let document = document();
    let rules = specs(&document, "south", "DestinationRule");
    let tls = json!({ "mode": "SIMPLE", "caCertificates": "/etc/roots.pem" });
    let names: Vec<&str> = rules.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "any.external.svc.mesh.example.com",
            "any.r1.mesh.example.com",
            "any.r2.mesh.example.com",
            "vault.t.external.svc.mesh.example.com",
        ]
    );
    for (name, rule) in &rules {
        assert_eq!(rule["trafficPolicy"]["tls"], tls, "{name}");
        let text = rule.to_string();
        assert!(
            !text.contains("credentialName") && !text.contains("sni"),
            "{text}"
        );
    }
    // Names of regions and zones: of others DNS takes any address.
    let wide = &rules["any.r1.mesh.example.com"];
    assert_eq!(
        *wide,
        json!({ "host": "*.r1.mesh.example.com", "trafficPolicy": { "tls": tls } })
    );
    let shop = &rules["any.external.svc.mesh.example.com"];
    assert_eq!(shop["host"], "*.external.svc.mesh.example.com");
    let shop = &shop["trafficPolicy"];
    assert_eq!(shop["outlierDetection"]["maxEjectionPercent"], 100);
    assert_eq!(shop.get("portLevelSettings"), None);
    // Bytes go as they are.
    assert_eq!(
        rules["vault.t.external.svc.mesh.example.com"]["trafficPolicy"]["portLevelSettings"],
        json!([{ "port": { "number": 85 }, "tls": { "mode": "DISABLE" } }])
    );

    // Every name that a pod can call is under a rule, whichever Istio takes: the most specific.
    for entry in specs(&document, "south", "ServiceEntry").values() {
        for host in entry["hosts"].as_array().unwrap() {
            let host = host.as_str().unwrap();
            let covered = rules.values().any(|rule| {
                let of = rule["host"].as_str().unwrap();
                of == host || of.strip_prefix('*').is_some_and(|end| host.ends_with(end))
            });
            assert!(covered, "{host}");
        }
    }
    // The vanity name has neither entry nor rule: it is led to a name that has both.
    let stock =
        &specs(&document, "south", "VirtualService")["stock.s.external.svc.mesh.example.com"];
    assert!(
        stock["hosts"]
            .as_array()
            .unwrap()
            .contains(&json!("in.mesh.example.com"))
    );
    for route in stock["http"].as_array().unwrap() {
        assert_eq!(
            route["route"][0]["destination"]["host"],
            "stock.s.external.svc.mesh.example.com"
        );
    }
}

#[test]
fn a_service_of_bytes_alone_is_left_alone() {
    let mut document = document();
    document["spec"]["services"][2] = json!(
        { "name": "vault", "namespace": "t", "port": 85, "protocol": "tcp", "clusters": ["north"] }
    );
    let rules = specs(&document, "north", "DestinationRule");
    let rule = &rules["vault.t.external.svc.mesh.example.com"];
    // Istio takes no policy that says nothing.
    assert_eq!(
        rule["trafficPolicy"],
        json!({ "tls": { "mode": "DISABLE" } })
    );
}

#[test]
fn verification_asks_gateways_in_tls_and_clients_as_before() {
    let checked = check(&mesh(&document()), &Facts::default());
    let expectations = expect(&checked.resolved.unwrap());
    for call in &expectations.gateways {
        assert_eq!(call.tls, call.port != 85, "{call:?}");
    }
    assert!(expectations.gateways.iter().any(|call| call.port == 443));
    let shop = expectations
        .calls
        .iter()
        .find(|call| call.level == "global");
    assert_eq!(shop.unwrap().port, 80);
}

#[test]
fn whose_certificate_is_not_taken() {
    let body = "upstream connect error or disconnect/reset before headers. reset reason: remote \
        connection failure, transport failure reason: TLS_error:|268435581:SSL routines:\
        OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify SAN list:TLS_error_end";
    let code = |tls: bool, cluster: Option<&str>| {
        let reply = Reply::Answered(HttpResponse {
            status: 503,
            cluster: cluster.map(str::to_owned),
            envoy: true,
            body: body.to_owned(),
        });
        let around = Around {
            tls,
            ..Around::default()
        };
        let expected = Expected {
            status: None,
            answered_by: &["north".to_owned()],
        };
        judge_call(expected, &reply, &around).unwrap_err().code()
    };
    assert_eq!(code(true, None), "certificate", "the gateway's");
    assert_eq!(code(true, Some("north")), "tls", "it is behind the gateway");
    assert_eq!(code(false, None), "tls", "a mesh's own");
}

#[test]
fn envoy_does_not_say_what_was_seen_of_the_gateway() {
    let around = Around {
        certificate: Some("south: expired".to_owned()),
        ..Around::default()
    };
    let expected = Expected {
        status: None,
        answered_by: &["south".to_owned()],
    };
    let body = "upstream connect error or disconnect/reset before headers. retried and the latest \
        reset reason: remote connection failure";
    for (status, cluster, body) in [(503, None, body), (200, Some("north".to_owned()), "")] {
        let reply = Reply::Answered(HttpResponse {
            status,
            cluster,
            envoy: true,
            body: body.to_owned(),
        });
        let cause = judge_call(expected, &reply, &around).unwrap_err();
        assert_eq!(cause.code(), "certificate", "{reply:?}");
    }
}
