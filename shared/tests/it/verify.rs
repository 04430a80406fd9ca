//! Every probable cause, from what would be seen.

use std::net::IpAddr;

use shared::kubernetes::object::Key;
use shared::mesh::Protocol;
use shared::verify::{
    Around, Backend, Cause, Check, Counts, Expected, Failure, Family, HttpResponse, Off, OffObject,
    Outcome, Owner, PortSeen, RecordAround, Reply, Report, Resolution, Resolver, judge_call,
    judge_record,
};

fn answer(status: u16, cluster: &str, body: &str) -> Reply {
    Reply::Answered(HttpResponse {
        status,
        cluster: (!cluster.is_empty()).then(|| cluster.to_owned()),
        envoy: true,
        body: body.to_owned(),
    })
}

fn code(expected: &[&str], status: Option<u16>, reply: &Reply, around: &Around) -> &'static str {
    let answered_by: Vec<String> = expected.iter().map(ToString::to_string).collect();
    let expected = Expected {
        status,
        answered_by: &answered_by,
    };
    judge_call(expected, reply, around).map_or_else(|cause| cause.code(), |()| "passed")
}

const UPSTREAM: &str = "upstream connect error or disconnect/reset before headers. ";

#[test]
fn an_answer_alone() {
    let refused = format!(
        "{UPSTREAM}reset reason: remote connection failure, transport failure reason: delayed connect error: 111"
    );
    let late = format!("{UPSTREAM}reset reason: connection timeout");
    let cut = format!("{UPSTREAM}reset reason: connection termination");
    let protocol = format!("{UPSTREAM}reset reason: protocol error");
    let tls = format!(
        "{UPSTREAM}reset reason: remote connection failure, transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"
    );
    #[rustfmt::skip]
    let cases: &[(&[&str], Option<u16>, Reply, &str)] = &[
        (&["north"], None, answer(200, "north", ""), "passed"),
        (&["north", "south"], Some(200), answer(200, "south", ""), "passed"),
        // For the local name only the status counts.
        (&[], None, answer(404, "", "no such page"), "passed"),
        (&[], Some(200), answer(404, "", "no such page"), "status"),
        (&["north"], None, answer(200, "south", ""), "wrong-cluster"),
        (&["north"], None, answer(200, "", "hello"), "unmarked"),
        (&["north"], None, answer(404, "", ""), "no-host"),
        // Not a gateway's own: somebody else is at the address.
        (&["north"], None, answer(404, "", "no such page"), "unmarked"),
        (&["north"], None, Reply::Answered(HttpResponse { status: 404, ..HttpResponse::default() }), "unmarked"),
        (&["north"], Some(200), answer(404, "north", "no such page"), "status"),
        (&["north"], None, answer(502, "", ""), "no-route"),
        (&["north"], None, answer(503, "", "no healthy upstream"), "unhealthy"),
        (&["north"], None, answer(503, "", ""), "unhealthy"),
        // Said by a gateway that marks its answers.
        (&["north"], None, answer(503, "north", "no healthy upstream"), "unhealthy"),
        (&["north"], None, answer(503, "", &refused), "refused"),
        (&["north"], None, answer(503, "", &late), "timeout"),
        (&["north"], None, answer(503, "", &cut), "reset"),
        (&["north"], None, answer(503, "", &protocol), "reset"),
        (&["north"], None, answer(503, "", &tls), "tls"),
        (&["north"], None, answer(504, "", "upstream request timeout"), "timeout"),
        (&["north"], None, answer(500, "north", "out of paper"), "service-error"),
        (&["north"], Some(200), answer(503, "north", "out of paper"), "service-error"),
        (&["north"], None, answer(500, "", "out of paper"), "status"),
        (&["north"], None, Reply::Failed(Failure::Unresolved), "unresolved"),
        (&["north"], None, Reply::Failed(Failure::Refused), "refused"),
        (&["north"], None, Reply::Failed(Failure::Reset), "reset"),
        (&["north"], None, Reply::Failed(Failure::Timeout), "timeout"),
        (&["north"], None, Reply::Failed(Failure::Tls("alert".into())), "tls"),
        (&["north"], None, Reply::Failed(Failure::Other("odd".into())), "other"),
    ];
    for (expected, status, reply, desired) in cases {
        assert_eq!(
            code(expected, *status, reply, &Around::default()),
            *desired,
            "{expected:?} {status:?} {reply:?}"
        );
    }
}

#[test]
fn an_answer_with_evidence() {
    let without_sidecar = Around {
        sidecar: Some(false),
        ..Around::default()
    };
    let missing = Around {
        objects: vec![
            off("south", "DestinationRule istio-system/x", Off::Changed),
            off("north", "VirtualService sales/orders", Off::Missing),
        ],
        ..Around::default()
    };
    let empty = Around {
        backends: vec![
            backend("http-web", "", Some(1)),
            backend("http", "", Some(0)),
        ],
        ..Around::default()
    };
    let changed_and_empty = Around {
        objects: vec![off("north", "Deployment sales/orders", Off::Changed)],
        ..empty.clone()
    };
    let named = |name: &str, app: &str| Around {
        backends: vec![backend(name, app, Some(2))],
        ..Around::default()
    };
    let no_port = Around {
        backends: vec![Backend {
            port: None,
            ..backend("", "", Some(2))
        }],
        ..Around::default()
    };
    let headless = |is_local| Around {
        backends: vec![Backend {
            headless_target: Some(8080),
            ..backend("http", "", Some(2))
        }],
        is_local,
        ..Around::default()
    };
    let without_address = Around {
        without_address: vec!["north".into()],
        ..Around::default()
    };
    let elsewhere = Around {
        locality: Some(("no locality".into(), "eu/eu-a".into())),
        client: "west".into(),
        ..Around::default()
    };
    let unresolved = Around {
        record: Some(Cause::StubDomain),
        ..Around::default()
    };
    let unhealthy = answer(503, "", "no healthy upstream");
    let cut = answer(503, "", &format!("{UPSTREAM}reset reason: protocol error"));
    #[rustfmt::skip]
    let cases: &[(&Around, Reply, &str)] = &[
        (&without_sidecar, unhealthy.clone(), "no-sidecar"),
        (&without_sidecar, answer(200, "north", ""), "passed"),
        (&missing, answer(404, "", ""), "object-missing"),
        (&missing, unhealthy.clone(), "object-missing"),
        (&missing, answer(200, "", ""), "object-missing"),
        // The service's own error is its own whatever else is off.
        (&missing, answer(500, "north", "out of paper"), "service-error"),
        (&empty, unhealthy.clone(), "no-endpoints"),
        (&empty, answer(200, "south", ""), "no-endpoints"),
        (&changed_and_empty, unhealthy.clone(), "no-endpoints"),
        (&changed_and_empty, answer(404, "", ""), "object-changed"),
        (&empty, answer(503, "north", ""), "no-endpoints"),
        (&empty, answer(503, "north", "out of paper"), "service-error"),
        (&without_address, unhealthy, "gateway-address"),
        (&without_address, Reply::Failed(Failure::Unresolved), "gateway-address"),
        (&named("mysql", ""), cut.clone(), "port-name"),
        (&named("httpport", ""), cut.clone(), "port-name"),
        (&named("", ""), cut.clone(), "port-name"),
        (&named("http", "tcp"), cut.clone(), "port-name"),
        (&no_port, cut.clone(), "port-name"),
        (&named("http-web", ""), cut.clone(), "reset"),
        (&named("web", "http"), cut.clone(), "reset"),
        (&named("grpc", ""), cut.clone(), "reset"),
        (&headless(true), cut.clone(), "headless-port"),
        (&headless(true), Reply::Failed(Failure::Refused), "headless-port"),
        (&headless(false), cut, "reset"),
        (&elsewhere, answer(200, "south", ""), "locality"),
        (&unresolved, Reply::Failed(Failure::Unresolved), "stub-domain"),
    ];
    for (around, reply, desired) in cases {
        assert_eq!(
            code(&["north"], None, reply, around),
            *desired,
            "{reply:?} {around:?}"
        );
    }
}

/// A key of `Kind namespace/name`.
fn key(object: &str) -> Key {
    let (kind, rest) = object.split_once(' ').unwrap();
    let (namespace, name) = rest.split_once('/').unwrap();
    Key {
        group: String::new(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn off(cluster: &str, object: &str, how: Off) -> OffObject {
    OffObject {
        cluster: cluster.into(),
        object: key(object),
        how,
    }
}

fn backend(name: &str, app_protocol: &str, ready: Option<usize>) -> Backend {
    Backend {
        cluster: "north".into(),
        service: "sales/orders".into(),
        number: 8000,
        protocol: Protocol::Http,
        port: Some(PortSeen {
            name: name.into(),
            app_protocol: app_protocol.into(),
        }),
        ready,
        headless_target: None,
    }
}

#[test]
fn curl_says_it_with_a_number() {
    for (exit, failure) in [
        (6, Failure::Unresolved),
        (7, Failure::Refused),
        (28, Failure::Timeout),
        (52, Failure::Reset),
        (56, Failure::Reset),
        (60, Failure::Tls("m".into())),
        (3, Failure::Other("m".into())),
    ] {
        assert_eq!(Failure::of_curl(exit, "m"), failure);
    }
    assert_eq!(
        Failure::of_curl(3, ""),
        Failure::Other("curl ended with code 3".into())
    );
}

fn addresses(list: &[&str]) -> Resolution {
    Resolution::Addresses(list.iter().map(|text| text.parse().unwrap()).collect())
}

fn around(private: bool) -> RecordAround {
    let expected: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
    RecordAround {
        expected: expected.into(),
        ttl: 300,
        private,
        server: "10.0.0.53:53".into(),
        our_owner: Some("shop".into()),
        our_resource: "crd/external-dns/orders.sales".into(),
        ..RecordAround::default()
    }
}

fn owned(owner: &str, resource: &str) -> RecordAround {
    RecordAround {
        owners: vec![Owner {
            owner: owner.into(),
            resource: resource.into(),
        }],
        ..around(true)
    }
}

#[test]
fn what_dns_says() {
    use Resolution::{NoAddress, NoSuchName};
    use Resolver::{Authority, Cluster, Machine};
    let right = addresses(&["192.0.2.1", "192.0.2.2"]);
    let other = addresses(&["192.0.2.9"]);
    let late = Resolution::Error("timed out".into());
    let knows = |private: bool, authority: &Resolution| RecordAround {
        authority: Some(authority.clone()),
        ..around(private)
    };
    let with = |objects: Vec<OffObject>| RecordAround {
        objects,
        ..knows(true, &right)
    };
    let no_external_dns = RecordAround {
        external_dns: Some("0 of 1 ready".into()),
        ..around(true)
    };
    let no_gateway = RecordAround {
        without_address: vec!["north".into()],
        ..around(true)
    };
    #[rustfmt::skip]
    let cases: &[(Resolver, &Resolution, RecordAround, &str)] = &[
        (Authority, &right, around(true), "passed"),
        (Cluster, &right, around(true), "passed"),
        (Machine, &right, around(true), "passed"),
        (Authority, &addresses(&["192.0.2.1"]), around(true), "record-differs"),
        (Authority, &other, around(true), "record-differs"),
        (Authority, &NoSuchName, around(true), "no-address"),
        (Authority, &NoAddress, around(true), "no-address"),
        (Authority, &late, around(true), "name-server"),
        (Authority, &other, owned("warehouse", ""), "foreign-owner"),
        (Authority, &NoSuchName, owned("warehouse", ""), "foreign-owner"),
        (Authority, &other, owned("shop", "crd/external-dns/orders.other"), "shared-owner"),
        (Authority, &other, owned("shop", "crd/external-dns/orders.sales"), "record-differs"),
        (Authority, &NoSuchName, no_external_dns.clone(), "external-dns"),
        (Authority, &other, no_external_dns, "external-dns"),
        (Authority, &NoSuchName, no_gateway, "gateway-address"),
        (Authority, &NoSuchName, with(vec![off("north", "DNSEndpoint external-dns/orders.sales", Off::Missing)]), "object-missing"),
        (Authority, &NoSuchName, with(vec![off("north", "ConfigMap kube-system/coredns", Off::Changed)]), "no-address"),
        (Cluster, &NoSuchName, knows(true, &right), "stub-domain"),
        (Cluster, &late, knows(true, &right), "stub-domain"),
        (Cluster, &NoSuchName, around(true), "stub-domain"),
        (Cluster, &NoSuchName, knows(false, &right), "stale-record"),
        (Cluster, &NoSuchName, around(false), "no-address"),
        (Cluster, &other, knows(true, &right), "stale-record"),
        (Cluster, &NoSuchName, with(vec![off("south", "ConfigMap kube-system/coredns", Off::Changed)]), "cluster-dns-edited"),
        (Cluster, &NoSuchName, with(vec![off("south", "ConfigMap kube-system/coredns", Off::Missing)]), "object-missing"),
        (Cluster, &NoSuchName, with(vec![off("south", "ConfigMap kube-system/coredns", Off::Refused("no".into()))]), "object-refused"),
        (Cluster, &other, knows(true, &other), "record-differs"),
        (Cluster, &NoSuchName, knows(true, &NoSuchName), "no-address"),
        (Cluster, &NoSuchName, knows(true, &late), "stub-domain"),
        (Cluster, &addresses(&["240.240.0.7"]), knows(true, &right), "sidecar-dns"),
        (Cluster, &addresses(&["2001:2::7"]), knows(true, &right), "sidecar-dns"),
        (Machine, &NoSuchName, around(true), "local-dns"),
        (Machine, &other, around(false), "local-dns"),
    ];
    for (place, seen, around, desired) in cases {
        let code =
            judge_record(*place, seen, around).map_or_else(|cause| cause.code(), |()| "passed");
        assert_eq!(code, *desired, "{place:?} {seen:?} {around:?}");
    }
}

#[test]
fn owners_are_read_from_txt_records() {
    for (text, owner) in [
        (
            "\"heritage=external-dns,external-dns/owner=shop,external-dns/resource=crd/external-dns/orders.sales\"",
            Some(("shop", "crd/external-dns/orders.sales")),
        ),
        (
            "heritage=external-dns,external-dns/owner=shop",
            Some(("shop", "")),
        ),
        ("v=spf1 -all", None),
        ("heritage=other,external-dns/owner=shop", None),
        ("", None),
    ] {
        let parsed = Owner::parse(text);
        let parsed = parsed
            .as_ref()
            .map(|o| (o.owner.as_str(), o.resource.as_str()));
        assert_eq!(parsed, owner, "{text}");
    }
}

#[test]
fn a_report_is_as_good_as_its_worst_check() {
    use Outcome::{CouldNotCheck, Failed, Passed};
    let check = |outcome, advisory| Check {
        outcome,
        advisory,
        ..Check::new(Family::Call)
    };
    for (checks, outcome) in [
        (&[][..], Passed),
        (
            &[(Passed, false), (Failed, true), (CouldNotCheck, true)],
            Passed,
        ),
        (&[(Passed, false), (CouldNotCheck, false)], CouldNotCheck),
        (&[(CouldNotCheck, false), (Failed, false)], Failed),
    ] {
        let report = Report {
            checks: checks.iter().map(|(o, a)| check(*o, *a)).collect(),
            ..Report::default()
        };
        assert_eq!(report.outcome(), outcome, "{checks:?}");
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
    let report = Report {
        checks: vec![
            check(Failed, true),
            check(Passed, true),
            check(Failed, false),
        ],
        ..Report::default()
    };
    assert_eq!(
        report.counts(),
        Counts {
            passed: 1,
            failed: 1,
            could_not_check: 0,
            advisory: 1
        }
    );
}

#[test]
fn what_is_worth_another_try() {
    let check = |outcome, cause: &Cause| Check::new(Family::Call).with(outcome, cause);
    for (outcome, cause, worth) in [
        (Outcome::Failed, Cause::NoHost, true),
        (
            Outcome::CouldNotCheck,
            Cause::NoClient("none yet".into()),
            true,
        ),
        (Outcome::CouldNotCheck, Cause::NoDnsTool, false),
        (
            Outcome::CouldNotCheck,
            Cause::NotFromHere("a".into()),
            false,
        ),
    ] {
        assert_eq!(
            check(outcome, &cause).is_worth_another_try(),
            worth,
            "{cause:?}"
        );
    }
}
