//! Fields that others own: taken over on purpose, left to them, or shown as drift.

use serde_json::{Value, json};
use shared::api::{Event, Outcome, Status};
use shared::mesh::Ignore;
use shared::plan::{Action, Plan, Step};

use crate::fixture::{EAST, Fixture, WEST, counts, shared_bed, steps};

fn step<'a>(plan: &'a Plan, cluster: &str, object: &str) -> &'a Step {
    let found = plan
        .steps()
        .find(|(name, step)| *name == cluster && step.object.to_string() == object);
    found
        .unwrap_or_else(|| panic!("no {object} in {plan:#?}"))
        .1
}

/// Patches an object of the mesh's namespace as another tool.
fn patch(fixture: &Fixture<'_>, context: &str, object: &str, patch: &Value) {
    let patch = format!("--patch={patch}");
    let arguments = [
        "patch",
        object,
        "-n",
        fixture.name,
        "--type=merge",
        "--field-manager=other-tool",
        &patch,
    ];
    fixture.kubectl(context, &arguments);
}

/// Who owns a field of `spec`, by `fieldsV1`.
fn owners(live: &Value, field: &str) -> Vec<String> {
    let managed = live["metadata"]["managedFields"].as_array().unwrap();
    let owns = |one: &&Value| !one["fieldsV1"]["f:spec"][format!("f:{field}")].is_null();
    let owners = managed.iter().filter(owns);
    owners
        .map(|one| one["manager"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_in_conflict_are_taken_over_if_all_of_them_are_named() {
    let mut fixture = Fixture::new(shared_bed(), "settled");
    fixture.apply().await;
    let before = fixture.get(EAST, &["-n", "settled", "virtualservice", "orders"]);
    let spec = json!({ "spec": { "hosts": ["other.example.net"], "gateways": ["mesh"] } });
    patch(&fixture, EAST, "virtualservice/orders", &spec);
    let object = "VirtualService settled/orders";
    let name = |field: &str| format!("VirtualService/settled/orders:{field}");

    // One of two: a forced apply would take both.
    fixture.decisions.take_over = [name(".spec.hosts"), name(".spec.http")].into();
    let planned = fixture.plan().await;
    let half = step(&planned.plan, "sunrise", object);
    assert_eq!(half.action, Action::Conflict);
    assert_eq!(half.conflicts.len(), 2, "{half:#?}");
    let message = half.message.as_deref().unwrap();
    assert!(
        message.ends_with("add --take-over 'VirtualService/settled/orders:.spec.gateways'"),
        "{message}"
    );
    let unused: Vec<&str> = planned
        .findings
        .iter()
        .filter(|finding| finding.code == "FM0809")
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        unused,
        ["`VirtualService/settled/orders:.spec.http` has no conflict in any cluster"]
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(!report.is_success());
    let live = fixture.get(EAST, &["-n", "settled", "virtualservice", "orders"]);
    assert_eq!(live["spec"]["hosts"], json!(["other.example.net"]));

    fixture.decisions.take_over = [name(".spec.hosts"), name(".spec.gateways")].into();
    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunrise"),
        ["change VirtualService settled/orders"]
    );
    let taken = step(&planned.plan, "sunrise", object);
    assert!(taken.diff.contains("-  - other.example.net"), "{taken:#?}");
    let message = taken.message.as_deref().unwrap();
    assert!(message.starts_with("takes over "), "{message}");
    assert!(message.contains(".spec.hosts from other-tool"), "{message}");

    // A field that the other manager takes after the plan was not named.
    let http = json!({ "spec": { "http": [{ "route": [{ "destination": { "host": "x" } }] }] } });
    patch(&fixture, EAST, "virtualservice/orders", &http);
    let (report, events) = fixture.carry_out(planned, false).await;
    assert!(!report.is_success());
    let conflict = events.iter().find_map(|event| match event {
        Event::Object {
            outcome: Outcome::Conflict { conflicts },
            ..
        } => Some(conflicts),
        _ => None,
    });
    assert_eq!(conflict.unwrap().len(), 3, "{events:#?}");
    let live = fixture.get(EAST, &["-n", "settled", "virtualservice", "orders"]);
    assert_eq!(live["spec"]["hosts"], json!(["other.example.net"]));

    fixture.decisions.take_over.insert(name(".spec.http"));
    fixture.apply().await;
    let live = fixture.get(EAST, &["-n", "settled", "virtualservice", "orders"]);
    assert_eq!(live["spec"], before["spec"]);
    assert_eq!(owners(&live, "hosts"), ["fedmesh-settled"]);
    // It is ours for good, and there is nothing left to take over.
    let planned = fixture.plan().await;
    assert!(!planned.plan.has_changes());
    let codes = planned.findings.iter().filter(|one| one.code == "FM0809");
    assert_eq!(codes.count(), 3);
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_beside_ours_are_drift_until_they_are_removed() {
    let mut fixture = Fixture::new(shared_bed(), "drifted");
    fixture.apply().await;
    let object = "VirtualService drifted/orders";
    let export = json!({
        "metadata": { "annotations": { "note": "of others", "networking.istio.io/exportTo": "." } },
        "spec": { "exportTo": ["."] },
    });
    patch(&fixture, WEST, "virtualservice/orders", &export);
    let planned = fixture.plan().await;
    assert!(!planned.plan.has_changes());
    let drifted = step(&planned.plan, "sunset", object);
    let found: Vec<[&str; 2]> = drifted
        .drift
        .iter()
        .map(|one| [one.field.as_str(), one.manager.as_str()])
        .collect();
    assert_eq!(
        found,
        [
            [
                ".metadata.annotations.networking.istio.io/exportTo",
                "other-tool"
            ],
            [".spec.exportTo", "other-tool"],
        ]
    );
    assert!(drifted.drift.iter().all(|one| one.time.is_some()));
    assert_eq!(
        counts(&planned.plan)[&Action::Unchanged],
        planned.plan.steps().count()
    );
    let all = planned.plan.steps();
    assert_eq!(all.filter(|(_, step)| !step.drift.is_empty()).count(), 1);
    let status = Status::of(&planned.plan);
    assert!(!status.is_unchanged());
    assert_eq!(status.clusters[0].drifted[0].object.to_string(), object);
    assert_eq!(
        status.clusters[0].unchanged,
        planned.plan.clusters[0].steps.len() - 1
    );

    // Beside a change, and an apply leaves it.
    fixture.mesh.spec.services[0].port = Some(8001);
    let planned = fixture.plan().await;
    let changed = step(&planned.plan, "sunset", object);
    assert_eq!(changed.action, Action::Change);
    assert_eq!(changed.drift.len(), 2, "{changed:#?}");
    assert!(Status::of(&planned.plan).clusters[0].drifted.is_empty());
    fixture.apply().await;
    let planned = fixture.plan().await;
    assert_eq!(step(&planned.plan, "sunset", object).drift.len(), 2);

    let back = json!({
        "metadata": { "annotations": { "networking.istio.io/exportTo": null } },
        "spec": { "exportTo": null },
    });
    patch(&fixture, WEST, "virtualservice/orders", &back);
    let planned = fixture.plan().await;
    assert!(Status::of(&planned.plan).is_unchanged());
    fixture.remove().await;
}

fn ignore(kind: &str, fields: &[&str]) -> Ignore {
    Ignore {
        kind: kind.into(),
        fields: fields.iter().map(|one| (*one).to_owned()).collect(),
        ..Ignore::default()
    }
}

/// Applies a part of an object as another tool, without force.
fn apply_as_other(fixture: &Fixture<'_>, context: &str, object: &Value) {
    let arguments = [
        "apply",
        "--server-side",
        "--field-manager=other-tool",
        "-f",
        "-",
    ];
    let applied = fixture
        .bed
        .kubectl_with_input(context, &arguments, &object.to_string());
    applied.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_fields_are_created_and_then_left_to_their_manager() {
    let mut fixture = Fixture::new(shared_bed(), "ignored");
    fixture.mesh.spec.ignore = vec![
        Ignore {
            namespace: Some("ignored".into()),
            ..ignore("VirtualService", &["/spec/hosts", "/spec/exportTo"])
        },
        ignore("DNSEndpoint", &["/spec/endpoints"]),
    ];
    let object = "VirtualService ignored/orders";
    let service = ["-n", "ignored", "virtualservice", "orders"];
    let planned = fixture.plan().await;
    let created = step(&planned.plan, "sunset", object);
    assert!(created.diff.contains("hosts:"), "{}", created.diff);
    fixture.apply().await;
    let live = fixture.get(EAST, &service);
    assert_eq!(live["spec"]["hosts"][0], "shop.ignored.example.net");
    assert_eq!(owners(&live, "hosts"), [""; 0]);
    assert_eq!(owners(&live, "http"), ["fedmesh-ignored"]);
    assert!(Status::of(&fixture.plan().await.plan).is_unchanged());

    // Another tool applies it, and adds another one, without a conflict on either side.
    let theirs = json!({
        "apiVersion": live["apiVersion"], "kind": "VirtualService",
        "metadata": { "name": "orders", "namespace": "ignored" },
        "spec": { "hosts": ["other.example.net"], "exportTo": ["."] },
    });
    apply_as_other(&fixture, EAST, &theirs);
    let records = fixture.get(
        WEST,
        &["-A", "dnsendpoint", "-l", "fedmesh.dev/mesh=ignored"],
    );
    let metadata = &records["items"][0]["metadata"];
    let patch = r#"--patch={"spec":{"endpoints":[{"dnsName":"x.example.net","recordType":"A","targets":["192.0.2.1"]}]}}"#;
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "dnsendpoint",
            metadata["name"].as_str().unwrap(),
            "-n",
            metadata["namespace"].as_str().unwrap(),
            "--type=merge",
            "--field-manager=other-tool",
            patch,
        ],
    );
    assert!(Status::of(&fixture.plan().await.plan).is_unchanged());

    // A change of what is not ignored.
    fixture.mesh.spec.services[0].port = Some(8001);
    let planned = fixture.plan().await;
    let changed = step(&planned.plan, "sunrise", object);
    assert_eq!(changed.action, Action::Change);
    assert!(
        !changed.diff.contains("-  - other") && !changed.diff.contains("+  - shop"),
        "{}",
        changed.diff
    );
    fixture.apply().await;
    let live = fixture.get(EAST, &service);
    assert_eq!(live["spec"]["hosts"], json!(["other.example.net"]));
    assert_eq!(owners(&live, "hosts"), ["other-tool"]);
    let other = fixture.get(WEST, &service);
    assert_eq!(other["spec"]["hosts"][0], "shop.ignored.example.net");
    assert!(Status::of(&fixture.plan().await.plan).is_unchanged());

    // No longer ignored, it is a conflict where somebody else has it, and ours where nobody has.
    fixture.mesh.spec.ignore.remove(0);
    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunrise"),
        ["conflict VirtualService ignored/orders"]
    );
    assert_eq!(
        steps(&planned.plan, "sunset"),
        ["change VirtualService ignored/orders"]
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(!report.is_success());
    let live = fixture.get(WEST, &service);
    assert_eq!(owners(&live, "hosts"), ["fedmesh-ignored"]);

    // Ignored again, it stays as it is, although nobody but us had it.
    fixture.mesh.spec.ignore.push(Ignore {
        namespace: Some("ignored".into()),
        name: Some("orders".into()),
        ..ignore("VirtualService", &["/spec/hosts"])
    });
    let planned = fixture.plan().await;
    let marked = step(&planned.plan, "sunset", object);
    assert_eq!((marked.action, marked.diff.as_str()), (Action::Change, ""));
    // Nothing but a drift is left of what the other tool has added.
    let beside = step(&planned.plan, "sunrise", object);
    assert_eq!(beside.action, Action::Unchanged);
    assert_eq!(beside.drift[0].field, ".spec.exportTo");
    fixture.apply().await;
    let after = fixture.get(WEST, &service);
    assert_eq!(after["spec"], live["spec"]);
    assert_eq!(owners(&after, "hosts"), [""; 0]);
    assert!(!fixture.plan().await.plan.has_changes());
    fixture.remove().await;
    assert_eq!(fixture.ours(EAST), [].into());
}
