//! Whose an object is: what belongs to another mesh or to nobody is never taken, and never deleted.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::Mesh;
use shared::api::{Event, Intent, Outcome, Status};
use shared::check::check;
use shared::facts::Facts;
use shared::kubernetes::ownership::{applyset_id, parent_name};
use shared::plan::decisions::Decision;
use shared::plan::desired::Desired;
use shared::plan::{Action, Plan, Step};
use testbed::Testbed;

use crate::fixture::{CLUSTERS, EAST, Fixture, WEST, blocked, counts, document, shared_bed, steps};

fn step<'a>(plan: &'a Plan, cluster: &str, object: &str) -> &'a Step {
    let found = plan
        .steps()
        .find(|(name, step)| *name == cluster && step.object.to_string() == object);
    found
        .unwrap_or_else(|| panic!("no {object} in {plan:#?}"))
        .1
}

/// Every object of a mesh in a cluster, as it would be applied.
fn desired(mesh: &Mesh, cluster: &str) -> Vec<Value> {
    let resolved = check(mesh, &Facts::default()).resolved.unwrap();
    let desired = Desired::new(resolved);
    let objects = desired.of(cluster).into_iter();
    objects.map(|object| object.to_json()).collect()
}

fn create(bed: &Testbed, context: &str, object: &Value) {
    bed.kubectl_with_input(context, &["create", "-f", "-"], &object.to_string())
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_meshes_side_by_side_leave_each_other_alone() {
    let demo = Fixture::new(shared_bed(), "side-demo");
    let mut shop = Fixture::new(shared_bed(), "side-shop");
    demo.apply().await;
    let before = demo.ours(WEST);
    shop.apply().await;
    shop.remove().await;
    assert_eq!(demo.ours(WEST), before, "nothing of the other was touched");
    assert_eq!(shop.ours(WEST), [].into());

    // Both share one service: the second is told whose it is, and nothing is changed.
    shop.mesh.spec.services[0].namespace = Some("side-demo".into());
    let planned = shop.plan().await;
    let taken = step(&planned.plan, "sunset", "VirtualService side-demo/orders");
    assert_eq!(taken.action, Action::Blocked);
    assert_eq!(
        taken.decision,
        Some(Decision::RenamedFrom("side-demo".into()))
    );
    let message = taken.message.as_deref().unwrap();
    assert!(
        message.contains("it belongs to mesh `side-demo`"),
        "{message}"
    );
    assert!(!planned.plan.can_be_applied());
    let status = Status::of(&planned.plan);
    assert!(
        status.clusters[0]
            .refused
            .iter()
            .any(|one| one.why == message)
    );
    blocked(planned);
    assert_eq!(demo.ours(WEST), before);
    // Another mesh's cannot be adopted.
    shop.decisions.adopt = ["VirtualService/side-demo/orders".to_owned()].into();
    let planned = shop.plan().await;
    let taken = step(&planned.plan, "sunset", "VirtualService side-demo/orders");
    assert_eq!(taken.action, Action::Blocked);
    demo.remove().await;
    assert_eq!(demo.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_external_dns_and_two_samples_are_told_apart() {
    let mut demo = Fixture::new(shared_bed(), "twin-demo");
    let mut shop = Fixture::new(shared_bed(), "twin-shop");
    for fixture in [&mut demo, &mut shop] {
        let external_dns = json!({ "provider": "google", "namespace": "twin-dns" });
        let spec = &mut fixture.mesh.spec;
        spec.dns.external_dns = Some(serde_json::from_value(external_dns).unwrap());
        spec.samples = serde_json::from_value(json!(["sleep"])).unwrap();
    }
    demo.apply().await;
    let before = [demo.ours(WEST), demo.ours(EAST)];
    let planned = shop.plan().await;
    for (object, words) in [
        (
            "Deployment twin-dns/external-dns",
            "`spec.dns.externalDns.namespace`",
        ),
        ("Deployment default/sleep", "`spec.samples`"),
    ] {
        let step = step(&planned.plan, "sunset", object);
        assert_eq!(step.action, Action::Blocked);
        let message = step.message.as_deref().unwrap();
        assert!(
            message.contains("mesh `twin-demo`") && message.contains(words),
            "{message}"
        );
    }
    // As the plan says.
    let external_dns = shop.mesh.spec.dns.external_dns.as_mut().unwrap();
    external_dns.namespace = Some("twin-dns-shop".into());
    shop.mesh.spec.samples.clear();
    shop.apply().await;
    shop.remove().await;
    assert_eq!(before, [demo.ours(WEST), demo.ours(EAST)]);
    shop.apply().await;
    let before = [shop.ours(WEST), shop.ours(EAST)];
    demo.remove().await;
    assert_eq!(before, [shop.ours(WEST), shop.ours(EAST)]);
    assert_eq!(demo.ours(WEST), [].into());
    assert_eq!(demo.ours(EAST), [].into());
    shop.remove().await;
    assert_eq!(shop.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_created_is_adopted_on_purpose_and_given_back() {
    let mut fixture = Fixture::new(shared_bed(), "foreign");
    // Everything that the document wants is there already, made by hand and otherwise.
    let mut references = Vec::new();
    let mut made: BTreeMap<String, Value> = BTreeMap::new();
    for mut object in desired(&fixture.mesh, "sunset") {
        object["metadata"]["labels"] = json!({ "made": "by-hand" });
        object["metadata"]["annotations"] = json!({ "note": "mine" });
        if object["kind"] == "VirtualService" {
            object["spec"]["hosts"] = json!(["by-hand.example.net"]);
        }
        let text = |field: &str| {
            object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let kind = object["kind"].as_str().unwrap();
        let reference = format!("{kind}/{}/{}", text("namespace"), text("name"));
        create(fixture.bed, WEST, &object);
        made.insert(reference.clone(), object);
        references.push(reference);
    }
    let kinds: Vec<&str> = references
        .iter()
        .filter_map(|one| one.split('/').next())
        .collect();
    for kind in [
        "Gateway",
        "VirtualService",
        "ServiceEntry",
        "DestinationRule",
        "DNSEndpoint",
    ] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let planned = fixture.plan().await;
    assert_eq!(counts(&planned.plan)[&Action::Blocked], references.len());
    let foreign = step(&planned.plan, "sunset", "VirtualService foreign/orders");
    let message = foreign.message.as_deref().unwrap();
    assert!(
        message.contains("--adopt VirtualService/foreign/orders"),
        "{message}"
    );
    blocked(planned);
    assert_eq!(fixture.ours(WEST), [].into());

    fixture.decisions.adopt = references.iter().cloned().collect();
    let planned = fixture.plan().await;
    assert_eq!(counts(&planned.plan)[&Action::Adopt], references.len());
    let adopted = step(&planned.plan, "sunset", "VirtualService foreign/orders");
    assert!(
        adopted.diff.contains("-  - by-hand.example.net"),
        "{}",
        adopted.diff
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(report.clusters[0].adopted, references.len());
    // From now on they are ours, without the option.
    fixture.decisions.adopt.clear();
    assert!(!fixture.plan().await.plan.has_changes());
    // A change keeps what they were.
    fixture.mesh.spec.dns.ttl = Some(77);
    fixture.mesh.spec.services[0].port = Some(8001);
    fixture.apply().await;
    assert!(!fixture.plan().await.plan.has_changes());

    let removal = fixture.plan_removal().await;
    assert_eq!(counts(&removal.plan)[&Action::Disown], references.len());
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
    for (reference, object) in made {
        let [kind, namespace, name] = reference.split('/').collect::<Vec<_>>()[..] else {
            panic!("{reference}")
        };
        let group = object["apiVersion"]
            .as_str()
            .unwrap()
            .split('/')
            .next()
            .unwrap();
        let live = fixture.get(WEST, &["-n", namespace, &format!("{kind}.{group}"), name]);
        assert_eq!(live["spec"], object["spec"], "{reference}");
        assert_eq!(live["metadata"]["labels"], object["metadata"]["labels"]);
        assert_eq!(
            live["metadata"]["annotations"],
            object["metadata"]["annotations"]
        );
        let managers = live["metadata"]["managedFields"].to_string();
        assert!(!managers.contains("fedmesh-foreign"), "{managers}");
    }
    // Given back, they are somebody else's again.
    let planned = fixture.plan().await;
    assert_eq!(counts(&planned.plan)[&Action::Blocked], references.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_created_between_plan_and_apply_is_not_taken() {
    let fixture = Fixture::new(shared_bed(), "meanwhile");
    let planned = fixture.plan().await;
    let mut object = desired(&fixture.mesh, "sunset")
        .into_iter()
        .find(|one| one["kind"] == "VirtualService" && one["metadata"]["name"] == "orders")
        .unwrap();
    object["metadata"]["labels"] = json!({});
    object["metadata"]["annotations"] = json!({});
    create(fixture.bed, WEST, &object);
    let (report, events) = fixture.carry_out(planned, false).await;
    assert!(!report.is_success());
    let failed = events.iter().find_map(|event| match event {
        Event::Object {
            object,
            outcome: Outcome::Failed { message },
            ..
        } => Some(format!("{object}: {message}")),
        _ => None,
    });
    assert!(
        failed.as_ref().is_some_and(|one| one.starts_with(
            "VirtualService meanwhile/orders: another client created it since the plan"
        )),
        "{failed:?}"
    );
    let live = fixture.get(WEST, &["-n", "meanwhile", "virtualservice", "orders"]);
    assert_eq!(live["metadata"]["labels"], Value::Null);
    assert_eq!(live["spec"], object["spec"]);
    fixture.remove().await;
    fixture.get(WEST, &["-n", "meanwhile", "virtualservice", "orders"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_created_anew_between_plan_and_removal_stays() {
    let fixture = Fixture::new(shared_bed(), "anew");
    fixture.apply().await;
    let removal = fixture.plan_removal().await;
    let mut object = desired(&fixture.mesh, "sunset")
        .into_iter()
        .find(|one| one["kind"] == "VirtualService" && one["metadata"]["name"] == "orders")
        .unwrap();
    fixture.kubectl(WEST, &["delete", "virtualservice/orders", "-n=anew"]);
    object["metadata"] = json!({ "namespace": "anew", "name": "orders" });
    create(fixture.bed, WEST, &object);
    let (report, _) = fixture.carry_out(removal, false).await;
    assert!(!report.is_success(), "{report:#?}");
    let live = fixture.get(WEST, &["-n=anew", "virtualservice/orders"]);
    assert_eq!(live["spec"], object["spec"]);
    // The others, and the record, go with the next removal.
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
    fixture.get(WEST, &["-n=anew", "virtualservice/orders"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_record_and_removed_labels_hide_nothing() {
    let fixture = Fixture::new(shared_bed(), "hidden");
    fixture.apply().await;
    let all = fixture.ours(WEST).len();
    // A person takes one of the labels off, of one object each.
    let services = ["-n", "hidden", "virtualservice", "orders"];
    let label = |context: &str, object: &[&str], label: &str| {
        let mut arguments = vec!["label"];
        arguments.extend(object);
        let label = format!("{label}-");
        arguments.push(&label);
        fixture.kubectl(context, &arguments);
    };
    label(WEST, &services, "applyset.kubernetes.io/part-of");
    label(
        EAST,
        &[
            "-n",
            "istio-system",
            "gateway.networking.istio.io",
            "fedmesh-hidden",
        ],
        "fedmesh.dev/mesh",
    );
    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunset"),
        ["change VirtualService hidden/orders"]
    );
    assert_eq!(
        steps(&planned.plan, "sunrise"),
        ["change Gateway istio-system/fedmesh-hidden"]
    );
    // Somebody deletes the record as well.
    for (_, context) in CLUSTERS {
        fixture.kubectl(
            context,
            &[
                "delete",
                "secret",
                "-n",
                "istio-system",
                &parent_name("hidden"),
            ],
        );
    }
    let removal = fixture.plan_removal().await;
    assert_eq!(
        removal.plan.clusters[0].count(Action::Delete),
        all - 1,
        "everything but the record: {:#?}",
        steps(&removal.plan, "sunset")
    );
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
    assert_eq!(fixture.ours(EAST), [].into());
    let gone = fixture.kubectl(
        WEST,
        &["get", "-n", "hidden", "virtualservices", "-o", "name"],
    );
    assert_eq!(gone.trim(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_of_a_former_version_is_recognised_and_removed_whole() {
    let fixture = Fixture::new(shared_bed(), "upgraded");
    for (cluster, context) in CLUSTERS {
        for object in desired(&fixture.mesh, cluster) {
            fixture
                .bed
                .kubectl_with_input(
                    context,
                    &[
                        "apply",
                        "--server-side",
                        "--field-manager=fedmesh",
                        "-f",
                        "-",
                    ],
                    &object.to_string(),
                )
                .unwrap();
        }
        let record = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": parent_name("upgraded"), "namespace": "istio-system",
                "labels": {
                    "app.kubernetes.io/managed-by": "fedmesh",
                    "fedmesh.dev/mesh": "upgraded",
                    "applyset.kubernetes.io/id": applyset_id("upgraded"),
                },
                "annotations": {
                    "applyset.kubernetes.io/tooling": "fedmesh/0.1.0",
                    "applyset.kubernetes.io/contains-group-kinds":
                        "DNSEndpoint.externaldns.k8s.io,DestinationRule.networking.istio.io,\
                         Gateway.networking.istio.io,ServiceEntry.networking.istio.io,\
                         VirtualService.networking.istio.io",
                    "applyset.kubernetes.io/additional-namespaces": "upgraded",
                    "fedmesh.dev/document": fixture.mesh.digest(),
                    "fedmesh.dev/clusters":
                        format!("{{\"sunset\":\"{WEST}\",\"sunrise\":\"{EAST}\"}}"),
                },
            },
        });
        fixture
            .bed
            .kubectl_with_input(
                context,
                &[
                    "apply",
                    "--server-side",
                    "--field-manager=fedmesh",
                    "-f",
                    "-",
                ],
                &record.to_string(),
            )
            .unwrap();
    }
    let planned = fixture.plan().await;
    for (_, step) in planned.plan.steps() {
        assert_eq!(step.action, Action::Change, "{step:#?}");
        assert_eq!(step.diff, "", "only marks: {step:#?}");
    }
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert!(!fixture.plan().await.plan.has_changes());
    let live = fixture.get(WEST, &["-n", "upgraded", "virtualservice", "orders"]);
    let managers = live["metadata"]["managedFields"].as_array().unwrap();
    let managers: Vec<&Value> = managers.iter().map(|one| &one["manager"]).collect();
    assert_eq!(managers, ["fedmesh-upgraded"]);
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
    assert_eq!(fixture.ours(EAST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_mesh_takes_its_objects_along() {
    let old = Fixture::new(shared_bed(), "oldname");
    old.apply().await;
    let mut new = Fixture::new(shared_bed(), "renamed");
    new.mesh = document("oldname", &["orders"]);
    new.mesh.metadata.name = "renamed".into();
    // Without saying so, nothing is taken.
    let planned = new.plan().await;
    let taken = step(&planned.plan, "sunset", "VirtualService oldname/orders");
    assert_eq!(taken.action, Action::Blocked);
    assert!(
        taken
            .message
            .as_deref()
            .unwrap()
            .contains("--renamed-from oldname")
    );

    new.decisions.renamed_from = Some("oldname".into());
    let planned = new.plan().await;
    let taken = step(&planned.plan, "sunset", "VirtualService oldname/orders");
    assert_eq!(taken.action, Action::Change);
    for (kind, name) in [
        ("Gateway", "fedmesh-oldname"),
        ("Secret", "fedmesh-oldname"),
    ] {
        let gone = step(
            &planned.plan,
            "sunset",
            &format!("{kind} istio-system/{name}"),
        );
        assert_eq!(gone.action, Action::Delete);
    }
    let (report, _) = new.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(old.ours(WEST), [].into());
    assert_eq!(old.ours(EAST), [].into());
    new.decisions.renamed_from = None;
    assert!(!new.plan().await.plan.has_changes());
    let live = new.get(WEST, &["-n", "oldname", "virtualservice", "orders"]);
    let managers = live["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(managers.len(), 1, "{managers:#?}");
    assert_eq!(managers[0]["manager"], "fedmesh-renamed");
    new.remove().await;
    assert_eq!(new.ours(WEST), [].into());
    assert_eq!(
        new.operations
            .plan(&new.mesh, Intent::Remove)
            .await
            .unwrap()
            .plan
            .steps()
            .count(),
        0
    );
}
