//! Addresses that cannot be looked up, or that all vanish at once.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use fedmesh_agent::operation::Planned;
use serde_json::{Value, json};
use shared::api::{Intent, Status};
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::ownership::LAST_KNOWN_ANNOTATION;
use shared::plan::decisions::Decisions;

use crate::fixture::{EAST, Fixture, LoneBed, WEST, shared_bed, steps};
use crate::following::{
    clear_gateway, make_gateways, move_gateway, once, records, set_ready, targets, with_services,
};

/// What is said of last known addresses: path and message.
fn said(planned: &Planned) -> Vec<(String, String)> {
    let findings = planned.findings.iter();
    findings
        .filter(|finding| finding.code == "FM0807")
        .map(|finding| (finding.path.clone(), finding.message.clone()))
        .collect()
}

/// The mesh's record in a cluster.
fn annotation(fixture: &Fixture<'_>, context: &str) -> Value {
    let name = format!("secret/fedmesh-{}", fixture.name);
    let secret = fixture.get(context, &["-n=istio-system", &name]);
    secret["metadata"]["annotations"][LAST_KNOWN_ANNOTATION].clone()
}

/// The addresses in the mesh's record, by cluster.
fn recorded(fixture: &Fixture<'_>, context: &str) -> BTreeMap<String, Vec<String>> {
    let annotation = annotation(fixture, context);
    let last_known = LastKnown::read(annotation.as_str().unwrap());
    let all = last_known.gateways.into_iter();
    all.map(|(cluster, known)| (cluster, known.addresses))
        .collect()
}

fn addresses(of: [(&str, &[&str]); 2]) -> BTreeMap<String, Vec<String>> {
    let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
    of.map(|(cluster, all)| (cluster.to_owned(), texts(all)))
        .into()
}

/// As a record of an earlier version is.
fn strip_annotation(fixture: &Fixture<'_>, context: &str) {
    let secret = format!("secret/fedmesh-{}", fixture.name);
    let remove = format!("{LAST_KNOWN_ANNOTATION}-");
    fixture.kubectl(context, &["annotate", "-n=istio-system", &secret, &remove]);
    assert!(annotation(fixture, context).is_null());
}

async fn plan_without(fixture: &Fixture<'_>, clusters: &[&str]) -> Planned {
    let options = Decisions {
        forget_addresses: clusters.iter().map(|&name| name.to_owned()).collect(),
        ..Decisions::default()
    };
    let operations = &fixture.operations;
    let planned = operations.plan_with(&fixture.mesh, Intent::Apply, &options);
    planned.await.unwrap()
}

/// The program, applying.
fn apply(fixture: &Fixture<'_>, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.yaml");
    std::fs::write(&path, fixture.mesh.to_yaml()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"));
    command.args(["apply", "-f"]).arg(path).args(options);
    command.arg("--kubeconfig").arg(fixture.bed.kubeconfig());
    command.output().unwrap()
}

/// Events of `follow --once`, which has to end well.
fn follow_once(fixture: &Fixture<'_>) -> Vec<Value> {
    let output = once(fixture);
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Events of `follow --once` while `sunrise` is away: its endpoints cannot be written, which is told last.
fn follow_once_without_sunrise(fixture: &Fixture<'_>) -> Vec<Value> {
    let output = once(fixture);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines();
    let mut all: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = all.pop().unwrap();
    let message = last["error"]["message"].as_str().unwrap();
    let expected = "the records or endpoints could not be written: sunrise: context east-context";
    assert!(message.starts_with(expected), "{message}");
    all
}

fn events(all: &[Value]) -> Vec<&str> {
    all.iter()
        .map(|one| one["event"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_api_server_an_unchanged_document_changes_nothing() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "kept");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    fixture.apply().await;
    let both = [
        ("sunset", &["203.0.113.10"][..]),
        ("sunrise", &["203.0.113.11"][..]),
    ];
    for context in [WEST, EAST] {
        assert_eq!(recorded(&fixture, context), addresses(both));
    }
    let (ours, before) = (fixture.ours(WEST), records(&fixture, "orders"));

    bed.stop_api_server(EAST).unwrap();
    let planned = fixture.plan().await;
    let status = Status::of(&planned.plan);
    assert!(status.clusters[0].changed.is_empty(), "{status:#?}");
    assert!(status.clusters[0].missing.is_empty(), "{status:#?}");
    let [(path, message)] = said(&planned).try_into().unwrap();
    assert_eq!(path, "spec.clusters[1].gateway.addresses");
    for part in [
        "sunrise",
        "203.0.113.11 stays published (last known, since 20",
        "the cluster cannot be reached",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let (report, _) = fixture.carry_out(planned, true).await;
    assert_eq!(report.clusters[0].error, None);
    assert_eq!(fixture.ours(WEST), ours, "nothing is written");

    // Only the record knows the address now, and a plan on another machine goes by it.
    let records_gone = ["delete", "dnsendpoint/orders.kept", "-n=istio-system"];
    fixture.kubectl(WEST, &records_gone);
    let planned = fixture.plan().await;
    assert_eq!(steps(&planned.plan, "sunset").len(), 1);
    fixture.carry_out(planned, true).await;
    assert_eq!(records(&fixture, "orders"), before);

    // A person withdraws it, and it stays so without being asked for again.
    let zone = "orders.kept.external.svc.r1-1.r1.kept.example.net";
    let region = "orders.kept.external.svc.r1.kept.example.net";
    let withdraw = ["--yes", "--partial", "--forget-address", "sunrise"];
    let applied = apply(&fixture, &withdraw);
    // The other cluster is not applied to.
    assert_eq!(applied.status.code(), Some(1), "{applied:?}");
    assert_eq!(targets(&fixture, &format!("{zone} CNAME")), [region]);
    assert_eq!(targets(&fixture, &format!("{region} A")), ["203.0.113.10"]);
    let one = [("sunset", &["203.0.113.10"][..]), ("sunrise", &[][..])];
    assert_eq!(recorded(&fixture, WEST), addresses(one));
    let planned = fixture.plan().await;
    assert_eq!(steps(&planned.plan, "sunset"), [] as [&str; 0]);
    let [(_, message)] = said(&planned).try_into().unwrap();
    assert!(message.contains("had no address (last known"), "{message}");
    assert_eq!(events(&follow_once_without_sunrise(&fixture)), ["lost"]);
    assert_eq!(targets(&fixture, &format!("{region} A")), ["203.0.113.10"]);

    // Once its cluster answers, it is published again; the copy in its own record is older.
    bed.start_api_server(EAST).unwrap();
    fixture.apply().await;
    assert_eq!(records(&fixture, "orders"), before);
    assert_eq!(recorded(&fixture, WEST), addresses(both));
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_an_earlier_version_keep_their_addresses() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "earlier");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    fixture.apply().await;
    let before = records(&fixture, "orders");
    for context in [WEST, EAST] {
        strip_annotation(&fixture, context);
    }
    bed.stop_api_server(EAST).unwrap();

    let planned = fixture.plan().await;
    assert_eq!(steps(&planned.plan, "sunset"), [] as [&str; 0]);
    let [(_, message)] = said(&planned).try_into().unwrap();
    assert!(
        message.contains("203.0.113.11 stays published (last known, from the live records)"),
        "{message}"
    );
    // Whoever writes first records what was found in them.
    assert_eq!(events(&follow_once_without_sunrise(&fixture)), ["lost"]);
    let both = [
        ("sunset", &["203.0.113.10"][..]),
        ("sunrise", &["203.0.113.11"][..]),
    ];
    assert_eq!(recorded(&fixture, WEST), addresses(both));
    strip_annotation(&fixture, WEST);
    fixture.carry_out(fixture.plan().await, true).await;
    assert_eq!(recorded(&fixture, WEST), addresses(both));
    assert_eq!(records(&fixture, "orders"), before);
    bed.start_api_server(EAST).unwrap();
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_was_never_asked_has_no_address_yet() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "never");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    bed.stop_api_server(EAST).unwrap();
    let planned = fixture.plan().await;
    assert_eq!(said(&planned), []);
    let unknown = planned.findings.iter().find(|one| one.code == "FM0208");
    let message = &unknown.unwrap().message;
    assert!(
        message.contains("its names have no address yet: context"),
        "{message}"
    );
    fixture.carry_out(planned, true).await;
    let region = "orders.never.external.svc.r1.never.example.net A";
    assert_eq!(targets(&fixture, region), ["203.0.113.10"]);
    assert_eq!(
        recorded(&fixture, WEST),
        [("sunset".to_owned(), vec!["203.0.113.10".to_owned()])].into()
    );
    // Following agrees.
    assert_eq!(events(&follow_once_without_sunrise(&fixture)), ["lost"]);
    bed.start_api_server(EAST).unwrap();
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_all_vanish_stay_and_one_of_several_goes() {
    let mut fixture = Fixture::new(shared_bed(), "vanish");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    fixture.apply().await;
    let (ours, before) = (fixture.ours(WEST), records(&fixture, "orders"));
    fixture.apply().await;
    assert_eq!(fixture.ours(WEST), ours, "a second apply writes nothing");

    for context in [WEST, EAST] {
        clear_gateway(&fixture, context);
    }
    let planned = fixture.plan().await;
    assert!(!planned.plan.has_changes(), "{:#?}", planned.plan);
    let said: Vec<_> = said(&planned)
        .into_iter()
        .map(|(_, message)| message)
        .collect();
    assert_eq!(said.len(), 2);
    assert!(
        said[0].contains("no gateway has an address and a ready pod, so sunset keeps 203.0.113.10"),
        "{said:?}"
    );
    fixture.apply().await;
    let told = follow_once(&fixture);
    assert_eq!(events(&told), ["lost", "lost"]);
    assert_eq!(told[1]["kept"], json!(["203.0.113.11"]));
    assert_eq!(records(&fixture, "orders"), before);
    assert_eq!(fixture.ours(WEST), ours, "nothing is written");
    // Pods without an address to reach them by change nothing.
    set_ready(&fixture, WEST, true);
    assert_eq!(events(&follow_once(&fixture)), ["lost", "lost"]);

    // With one back, the other one is drained.
    move_gateway(&fixture, WEST, "203.0.113.10");
    let told = follow_once(&fixture);
    assert_eq!(told[0]["event"], "record", "{told:?}");
    let zone = "orders.vanish.external.svc.r1-1.r1.vanish.example.net";
    let region = "orders.vanish.external.svc.r1.vanish.example.net";
    assert_eq!(targets(&fixture, &format!("{zone} CNAME")), [region]);
    let one = [("sunset", &["203.0.113.10"][..]), ("sunrise", &[][..])];
    assert_eq!(recorded(&fixture, WEST), addresses(one));
    // So the next one is the last, and stays until a person says otherwise.
    clear_gateway(&fixture, WEST);
    fixture.apply().await;
    assert_eq!(targets(&fixture, &format!("{region} A")), ["203.0.113.10"]);
    let planned = plan_without(&fixture, &["sunset", "sunrise"]).await;
    let of_forgetting: Vec<_> = planned
        .findings
        .iter()
        .filter(|one| one.code == "FM0808")
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(of_forgetting, ["spec.clusters[1]"]);
    assert_eq!(
        steps(&planned.plan, "sunset"),
        ["delete DNSEndpoint istio-system/orders.vanish"]
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert!(!fixture.plan().await.plan.has_changes());
    let none = [("sunset", &[][..]), ("sunrise", &[][..])];
    assert_eq!(recorded(&fixture, WEST), addresses(none));

    move_gateway(&fixture, WEST, "203.0.113.10");
    move_gateway(&fixture, EAST, "203.0.113.11");
    fixture.apply().await;
    assert_eq!(records(&fixture, "orders"), before);
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_name_that_does_not_resolve_keeps_its_addresses() {
    let mut fixture = Fixture::new(shared_bed(), "hosts");
    with_services(&mut fixture, &["orders"]);
    fixture.mesh.spec.dns.resolve_host_names = Some(true);
    let sunrise = fixture.mesh.spec.clusters[1].gateway.as_mut().unwrap();
    sunrise.addresses = vec!["lb.invalid".to_owned()];
    make_gateways(&fixture);
    fixture.apply().await;
    let region = "orders.hosts.external.svc.r1.hosts.example.net A";
    assert_eq!(targets(&fixture, region), ["203.0.113.10"]);
    // As an apply would have left it at a time when the name resolved.
    let seen = "2026-05-04T09:12:31Z";
    let known = json!({
        "recorded": seen,
        "gateways": { "sunset": { "addresses": ["203.0.113.10"], "seen": seen } },
        "hostNames": { "lb.invalid": { "addresses": ["192.0.2.7"], "seen": seen } },
    });
    let annotate = format!("{LAST_KNOWN_ANNOTATION}={known}");
    strip_annotation(&fixture, EAST);
    let secret = "secret/fedmesh-hosts";
    let overwrite = [
        "annotate",
        "-n=istio-system",
        "--overwrite",
        secret,
        &annotate,
    ];
    fixture.kubectl(WEST, &overwrite);

    let planned = fixture.plan().await;
    let [(path, message)] = said(&planned).try_into().unwrap();
    assert_eq!(path, "spec.clusters[1].gateway.addresses");
    assert!(
        message.contains("192.0.2.7 stays published (last known, since 2026-05-04T09:12:31Z)"),
        "{message}"
    );
    let told = follow_once(&fixture);
    assert_eq!(told[0]["event"], "unresolved", "{told:?}");
    assert_eq!(told[0]["kept"], json!(["192.0.2.7"]));
    assert_eq!(targets(&fixture, region), ["192.0.2.7", "203.0.113.10"]);
    assert!(!fixture.plan().await.plan.has_changes());

    let planned = plan_without(&fixture, &["sunrise"]).await;
    assert_eq!(
        planned.resolved.as_ref().unwrap().dns.host_names,
        Some(BTreeMap::new())
    );
    assert_eq!(said(&planned), []);
    assert!(planned.findings.iter().any(|one| one.code == "FM0322"));
    fixture.remove().await;
}
