//! The documents in `examples/` give what they are there to show.

use documents::{bundle, examples, with_target};
use shared::bundle::Carried;
use shared::facts::Facts;
use shared::kubernetes::ownership::{self, stamp};
use shared::mesh::{Mesh, Target};
use shared::plan;
use shared::plan::desired::Desired;
use shared::plan::unchanged::{Comparison, compare};

fn example(name: &str) -> Mesh {
    examples().remove(name).unwrap()
}

/// Addresses that a test knows of the gateways.
fn addresses() -> Facts {
    Facts {
        gateways: [("cluster1", "203.0.113.1"), ("cluster2", "203.0.113.2")]
            .map(|(cluster, address)| (cluster.to_owned(), vec![address.to_owned()]))
            .into(),
        ..Facts::default()
    }
}

#[test]
fn walkthrough_as_rendered() {
    for target in Target::all() {
        let mesh = with_target(&example("walkthrough.yaml"), target);
        insta::assert_snapshot!(
            format!("walkthrough-{}", target.as_str()),
            bundle(&mesh, &addresses()).to_stream()
        );
    }
}

#[test]
fn printed_walkthrough_federated_as_rendered() {
    let mut mesh = example("walkthrough-printed.yaml");
    mesh.spec.target = Some(Target::KubefedV1alpha1);
    insta::assert_snapshot!(bundle(&mesh, &Facts::default()).to_stream());
}

#[test]
fn printed_walkthrough_lists_the_five_hosts_in_every_cluster() {
    let bundle = bundle(&example("walkthrough-printed.yaml"), &Facts::default());
    let mut seen = 0;
    for cluster in &bundle.clusters {
        for object in cluster
            .objects()
            .filter(|object| object.kind.kind == "VirtualService" && object.name == "httpbin")
        {
            assert_eq!(
                object.body["spec"]["hosts"],
                serde_json::json!([
                    "httpbin.my.dns.zone.name",
                    "istio-ingressgateway.istio-system.external.svc.my.dns.zone.name",
                    "istio-ingressgateway.istio-system.external.svc.us-west1.my.dns.zone.name",
                    "istio-ingressgateway.istio-system.external.svc.us-west1-a.us-west1.my.dns.zone.name",
                    "istio-ingressgateway.istio-system.external.svc.us-west1-b.us-west1.my.dns.zone.name",
                ])
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 2, "one in each cluster");
}

#[test]
fn a_bundle_comes_back_in_every_form() {
    for name in ["walkthrough.yaml", "walkthrough-printed.yaml"] {
        for target in Target::all() {
            let mesh = with_target(&example(name), target);
            let bundle = bundle(&mesh, &Facts::default());
            let zip = bundle.to_zip().unwrap();
            assert_eq!(zip, bundle.to_zip().unwrap());
            let files = bundle
                .files()
                .map(|(path, text)| (path.to_owned(), text.to_owned()));
            for carried in [
                Carried::from_files(files).unwrap(),
                Carried::from_zip(&zip).unwrap(),
                Carried::from_stream(&bundle.to_stream()).unwrap(),
            ] {
                let back = carried.mesh().unwrap();
                assert_eq!(back, mesh);
                carried.verify(&back).unwrap();
            }
        }
    }
}

#[test]
fn an_edit_by_hand_is_named() {
    let mesh = example("walkthrough.yaml");
    let bundle = bundle(&mesh, &Facts::default());
    let path = "cluster2/60-httpbin.default.yaml";

    let files = bundle.files().map(|(p, text)| {
        let text = if p == path {
            text.replace("/html", "/xml")
        } else {
            text.to_owned()
        };
        (p.to_owned(), text)
    });
    let mut files: Vec<(String, String)> = files.collect();
    files.retain(|(p, _)| p != "cluster1/60-gateway.yaml");
    files.push(("cluster1/99-mine.yaml".into(), "kind: ConfigMap\n".into()));
    let carried = Carried::from_files(files).unwrap();
    let mismatch = carried.verify(&mesh).unwrap_err();
    assert_eq!(mismatch.changed, [path]);
    assert_eq!(mismatch.missing, ["cluster1/60-gateway.yaml"]);
    assert_eq!(mismatch.extra, ["cluster1/99-mine.yaml"]);

    let stream = bundle.to_stream();
    let at = stream
        .find("# file: cluster2/60-httpbin.default.yaml")
        .unwrap();
    let edited = format!(
        "{}{}",
        &stream[..at],
        stream[at..].replace("exact: /html", "exact: /xml")
    );
    let carried = Carried::from_stream(&edited).unwrap();
    assert_eq!(
        carried
            .verify(&carried.mesh().unwrap())
            .unwrap_err()
            .changed,
        [path]
    );
}

fn desired(mesh: &shared::Mesh) -> Desired {
    Desired::new(shared::check(mesh, &addresses()).resolved.unwrap())
}

#[test]
fn what_is_wanted_is_what_the_bundle_has() {
    use shared::mesh::Target;
    for (name, example) in examples() {
        for target in Target::all() {
            let mesh = with_target(&example, target);
            let facts = documents::addresses(&mesh);
            let Some(resolved) = shared::check(&mesh, &facts).resolved else {
                continue;
            };
            let desired = Desired::new(resolved);
            let bundle = bundle(&mesh, &facts);
            let applyset_id = ownership::applyset_id(&mesh.metadata.name);
            for cluster in mesh.spec.clusters.iter().map(|one| one.name.as_str()) {
                let manifests = bundle.cluster(cluster);
                let manifests = manifests.filter(|_| target != Target::Gitops);
                let objects = manifests
                    .into_iter()
                    .flat_map(shared::bundle::ClusterManifests::objects);
                // What a cluster ignores is no part of a bundle, and tested for itself.
                let objects: Vec<_> = objects
                    .map(|object| stamp(object.clone(), &applyset_id))
                    .collect();
                assert_eq!(desired.has_any(cluster), !objects.is_empty());
                assert!(mesh.spec.ignore.is_empty());
                assert_eq!(desired.of(cluster), objects, "{name} {target:?} {cluster}");
            }
            assert_eq!(desired.of("elsewhere"), []);
        }
    }
}

#[test]
fn an_empty_cluster_gets_everything_and_a_removal_takes_it_back() {
    let mesh = example("walkthrough.yaml");
    let desired = desired(&mesh);
    let clusters = [("cluster1", "cluster1"), ("cluster2", "cluster2")];
    let observed: plan::Observed = clusters
        .iter()
        .map(|(name, _)| ((*name).to_owned(), Ok(plan::ObservedCluster::default())))
        .collect();
    let first = plan::plan(&desired, clusters, &observed);
    assert!(first.can_be_applied() && first.has_changes());
    assert!(
        first
            .steps()
            .all(|(_, step)| step.action == plan::Action::Create && !step.diff.is_empty())
    );
    assert_eq!(
        first,
        plan::plan(&desired, clusters, &observed),
        "the same id for the same"
    );
}

#[test]
fn an_object_is_in_step_with_what_was_applied_and_nothing_less() {
    let desired = desired(&example("walkthrough.yaml"));
    let objects = &desired.of("cluster1");
    assert!(objects.len() > 10, "{}", objects.len());
    for object in objects {
        let is_unchanged = |live: &serde_json::Value| {
            let found = compare(&live.to_string(), |namespace, name| {
                let here = object.namespace.as_deref().unwrap_or_default();
                (namespace == here && name == object.name).then_some(object)
            });
            matches!(found.unwrap(), Comparison::Unchanged(_))
        };
        let mut live = object.to_json();
        live["metadata"]["managedFields"] = serde_json::json!([
            { "manager": "other", "operation": "Update", "fieldsV1": { "f:status": {} } },
            { "manager": "fedmesh-demo", "operation": "Apply", "fieldsV1": { "f:spec": { "f:host": {} } } },
        ]);
        live["metadata"]["labels"]["more"] = "of others".into();
        live["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
        live["status"] = serde_json::json!({ "of": "the server" });
        assert!(is_unchanged(&live), "{live:#}");
        let mut listed = live.clone();
        listed.as_object_mut().unwrap().sort_keys();
        assert!(is_unchanged(&listed), "{listed:#}");
        let fields = listed.as_object_mut().unwrap();
        // As lists of a built-in kind have them.
        fields.remove("kind");
        fields.remove("apiVersion");
        // Last of all.
        let metadata = fields.remove("metadata").unwrap();
        fields.insert("metadata".to_owned(), metadata);
        assert!(is_unchanged(&listed), "{listed:#}");
        // A namespace has nothing but its name.
        let of_body = object.body.keys().next().map(|field| format!("/{field}"));
        let everywhere = [
            "/apiVersion".to_owned(),
            "/kind".to_owned(),
            "/metadata/name".to_owned(),
            "/metadata/labels".to_owned(),
            "/metadata/labels/applyset.kubernetes.io~1part-of".to_owned(),
            "/metadata/annotations".to_owned(),
            "/metadata/annotations/fedmesh.dev~1applied".to_owned(),
            "/metadata/managedFields/1/manager".to_owned(),
            "/metadata/managedFields/1/operation".to_owned(),
            "/metadata/managedFields".to_owned(),
        ];
        for changed in everywhere.into_iter().chain(of_body) {
            let mut other = live.clone();
            let field = other.pointer_mut(&changed).unwrap();
            *field = match field {
                serde_json::Value::String(_) => "another".into(),
                _ if changed.contains("metadata") => serde_json::Value::Null,
                _ => "another".into(),
            };
            assert!(!is_unchanged(&other), "{changed}: {other:#}");
        }
        live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert!(!is_unchanged(&live), "it goes");
    }
    let nothing = compare(r#"{"metadata":{"name":"a"},"spec":{}}"#, |_, _| None);
    assert_eq!(nothing.unwrap(), Comparison::Unknown);
    for broken in [
        "",
        "[]",
        "{}",
        r#"{"metadata":{}}"#,
        r#"{"metadata":{"name":"a"}"#,
    ] {
        assert!(compare(broken, |_, _| None).is_err(), "{broken}");
    }
}

#[test]
fn a_member_that_is_handed_nothing_is_planned_only_for_what_is_left_there() {
    let mut mesh = example("walkthrough.yaml");
    mesh.spec.target = Some(shared::mesh::Target::KubefedV1alpha1);
    let desired = desired(&mesh);
    let clusters = [("cluster1", "cluster1"), ("cluster2", "cluster2")];
    let kind = shared::kubernetes::object::Kind::istio("v1", "VirtualService", "virtualservices");
    let key = shared::kubernetes::object::Key {
        group: kind.group.to_string(),
        kind: kind.kind.to_string(),
        namespace: "default".into(),
        name: "httpbin".into(),
    };
    let names = |member: Result<plan::ObservedCluster, String>| -> Vec<String> {
        let host = Ok(plan::ObservedCluster::default());
        let observed =
            plan::Observed::from([("cluster1".into(), host), ("cluster2".into(), member)]);
        let plan = plan::plan(&desired, clusters, &observed);
        plan.clusters
            .into_iter()
            .map(|cluster| cluster.name)
            .collect()
    };
    assert_eq!(names(Ok(plan::ObservedCluster::default())), ["cluster1"]);
    assert_eq!(names(Err("unreachable".into())), ["cluster1"]);
    let mut left = plan::ObservedCluster::default();
    let live = serde_json::json!({});
    left.prune_candidates
        .insert(key, plan::PruneCandidate::new(kind, &live));
    assert_eq!(names(Ok(left)), ["cluster1", "cluster2"]);
}

#[test]
fn what_a_hub_spread_is_not_taken_from_under_another_engine() {
    use shared::mesh::Target;
    let clusters = [("cluster1", "cluster1"), ("cluster2", "cluster2")];
    let action = |left_by: Target, now: Target, hub: &str, removes: bool| {
        let mut mesh = with_target(&example("walkthrough.yaml"), left_by);
        let bundle = bundle(&mesh, &addresses());
        let mut spreads = bundle.clusters[0].objects().filter(|object| {
            ["types.kubefed.io", "work.open-cluster-management.io"]
                .contains(&object.kind.group.as_ref())
        });
        let object = spreads.next().unwrap();
        let mut seen = plan::ObservedCluster::default();
        let (kind, live) = (object.kind.clone(), object.to_json());
        let key = shared::kubernetes::object::Key {
            name: "no-longer-wanted".into(),
            ..object.key()
        };
        seen.prune_candidates
            .insert(key.clone(), plan::PruneCandidate::new(kind, &live));
        let observed = plan::Observed::from([("cluster1".to_owned(), Ok(seen))]);
        mesh.spec.target = Some(now);
        mesh.spec.dns.cluster = Some(hub.to_owned());
        let plan = if removes {
            let seen = observed["cluster1"].as_ref().unwrap();
            let removal = plan::ClusterPlan::removal("cluster1", "cluster1", seen);
            plan::Plan::new("demo".to_owned(), vec![removal])
        } else {
            plan::plan(&desired(&mesh), clusters, &observed)
        };
        let mut steps = plan.steps();
        let (_, step) = steps.find(|(_, step)| step.object == key).unwrap();
        assert_eq!(
            step.action == plan::Action::Delete,
            plan.can_be_applied(),
            "{:?}",
            step.message
        );
        step.action
    };
    let (kubefed, ocm) = (Target::KubefedV1beta1, Target::Ocm);
    let (go, stay) = (plan::Action::Delete, plan::Action::Blocked);
    assert_eq!(action(kubefed, kubefed, "cluster1", false), go);
    assert_eq!(action(kubefed, Target::Direct, "cluster1", false), stay);
    assert_eq!(action(kubefed, ocm, "cluster1", false), stay);
    assert_eq!(
        action(kubefed, kubefed, "cluster2", false),
        stay,
        "the hub moved"
    );
    assert_eq!(action(ocm, Target::Direct, "cluster1", false), stay);
    assert_eq!(action(ocm, ocm, "cluster1", false), go);
    assert_eq!(action(kubefed, Target::Direct, "cluster1", true), go);
}

#[test]
fn kinds_are_found_by_name_in_the_wave_that_they_are_rendered_in() {
    for target in shared::mesh::Target::all() {
        let mesh = with_target(&example("walkthrough-printed.yaml"), target);
        for cluster in &bundle(&mesh, &addresses()).clusters {
            for object in cluster.objects() {
                let kind = &object.kind;
                assert_eq!(
                    shared::engine::wave(&kind.group, &kind.kind),
                    kind.wave,
                    "{}",
                    kind.group_kind()
                );
            }
        }
    }
}
