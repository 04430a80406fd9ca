//! What a verification makes of a zone's name server: records that are right, missing, wrong, or
//! somebody else's.

use std::fmt::Write as _;

use fedmesh_agent::verify::VerifyOptions;
use shared::mesh::ExternalDns;
use shared::verify::{Family, Outcome, Report};

use crate::fixture::{Fixture, WEST, shared_bed};
use crate::named::Named;
use crate::verifying::{gateway, options, run, with_gateways};

/// As a fixture's document gives them: both gateways are on loopback, so one address is all.
const NAMES: [&str; 4] = [
    "orders.resolved.external.svc",
    "orders.resolved.external.svc.r1",
    "orders.resolved.external.svc.r1-0.r1",
    "orders.resolved.external.svc.r1-1.r1",
];

fn zone(address: &str, more: &str) -> String {
    let mut text = String::new();
    for name in NAMES {
        writeln!(text, "{name} IN A {address}").unwrap();
    }
    format!("{text}shop IN CNAME {}\n{more}", NAMES[0])
}

/// The causes at the name server, each once.
fn at_server(report: &Report, server: &Named) -> Vec<String> {
    let asked = server.address.to_string();
    let checks = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Record && check.asked == asked);
    let mut causes: Vec<String> = checks
        .map(|check| match (check.outcome, &check.cause) {
            (Outcome::Passed, _) => "ok".to_owned(),
            (_, cause) => cause.as_ref().unwrap().code.clone(),
        })
        .collect();
    causes.dedup();
    causes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_at_the_authoritative_server() {
    let mut fixture = Fixture::new(shared_bed(), "resolved");
    with_gateways(
        &mut fixture,
        [gateway(Some("sunset")), gateway(Some("sunrise"))],
    );
    let server = Named::start("resolved.example.net", &zone("127.0.0.1", ""));
    let options = VerifyOptions {
        name_servers: vec![server.address],
        ..options()
    };
    fixture.apply().await;
    let report = run(&fixture, &options).await;
    assert_eq!(at_server(&report, &server), ["ok"]);
    // Nothing fails, and clients could not be asked.
    assert_eq!(report.outcome(), Outcome::CouldNotCheck);

    server.replace(&zone("192.0.2.99", ""));
    let report = run(&fixture, &options).await;
    assert_eq!(at_server(&report, &server), ["record-differs"]);
    assert_eq!(report.outcome(), Outcome::Failed);
    let check = report
        .checks
        .iter()
        .find(|check| check.asked == server.address.to_string())
        .unwrap();
    assert_eq!(check.seen.addresses, ["192.0.2.99"]);

    // An address too many is no better, of whichever family.
    server.replace(&zone(
        "127.0.0.1",
        &format!("{} IN AAAA 2001:db8::1", NAMES[0]),
    ));
    assert_eq!(
        at_server(&run(&fixture, &options).await, &server),
        ["record-differs", "ok"]
    );

    server.replace("");
    assert_eq!(
        at_server(&run(&fixture, &options).await, &server),
        ["no-address"]
    );

    let ours = format!("--selector=fedmesh.dev/mesh={}", fixture.name);
    fixture.kubectl(WEST, &["delete", "dnsendpoint", "-n=istio-system", &ours]);
    assert_eq!(
        at_server(&run(&fixture, &options).await, &server),
        ["object-missing"]
    );
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_somebody_else() {
    let mut fixture = Fixture::new(shared_bed(), "resolved2");
    with_gateways(
        &mut fixture,
        [gateway(Some("sunset")), gateway(Some("sunrise"))],
    );
    fixture.mesh.spec.dns.external_dns = Some(ExternalDns {
        provider: "rfc2136".to_owned(),
        owner_id: Some("ours".to_owned()),
        namespace: Some("resolved2".to_owned()),
        ..ExternalDns::default()
    });
    let owned = |owner: &str, resource: &str, prefix: &str| {
        let mut text = String::new();
        for (index, name) in NAMES.iter().enumerate() {
            let name = name.replace("resolved", "resolved2");
            writeln!(text, "{name} IN A 192.0.2.9").unwrap();
            // As old versions and as new ones name it.
            let kind = if index == 0 { "" } else { "a-" };
            writeln!(
                text,
                "{prefix}{kind}{name} IN TXT \"heritage=external-dns,external-dns/owner={owner},\
                 external-dns/resource=crd/{resource}\""
            )
            .unwrap();
        }
        text
    };
    let server = Named::start(
        "resolved2.example.net",
        &owned("theirs", "resolved2/orders.resolved2", "fedmesh-"),
    );
    let options = VerifyOptions {
        name_servers: vec![server.address],
        ..options()
    };
    fixture.apply().await;
    // The alias has no record and no owner; there our own ExternalDNS is at fault: no pod runs here.
    let report = run(&fixture, &options).await;
    assert_eq!(
        at_server(&report, &server),
        ["external-dns", "foreign-owner"]
    );
    let cause = report
        .checks
        .iter()
        .filter_map(|check| check.cause.as_ref())
        .find(|cause| cause.code == "foreign-owner")
        .unwrap();
    assert!(
        cause
            .message
            .contains("owner id \"theirs\", not to \"ours\""),
        "{cause:?}"
    );

    // An ExternalDNS without our prefix.
    server.replace(&owned("theirs", "resolved2/orders.resolved2", ""));
    let report = run(&fixture, &options).await;
    assert_eq!(
        at_server(&report, &server),
        ["external-dns", "foreign-owner"]
    );

    // Two meshes with one owner id.
    server.replace(&owned("ours", "elsewhere/orders.other", "fedmesh-"));
    let report = run(&fixture, &options).await;
    assert_eq!(
        at_server(&report, &server),
        ["external-dns", "shared-owner"]
    );

    // Ours, so it is only that nobody follows them.
    server.replace(&owned("ours", "resolved2/orders.resolved2", "fedmesh-"));
    let report = run(&fixture, &options).await;
    assert_eq!(at_server(&report, &server), ["external-dns"]);

    // A server of another zone, and none at all.
    let stranger = Named::start("other.example.net", "");
    let nobody = VerifyOptions {
        name_servers: vec![stranger.address, "127.0.0.1:1".parse().unwrap()],
        ..options
    };
    let report = run(&fixture, &nobody).await;
    assert_eq!(at_server(&report, &stranger), ["name-server"]);
    let unasked = report
        .checks
        .iter()
        .find(|check| check.asked == "127.0.0.1:1")
        .unwrap();
    assert_eq!(unasked.outcome, Outcome::CouldNotCheck);
    fixture.remove().await;
}
