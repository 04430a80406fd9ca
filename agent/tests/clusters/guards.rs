//! What a plan finds before anything is changed: refusals of the server, deletions of much at once, clusters that are
//! others than before.

use std::time::Duration;

use fedmesh_agent::operation::{ApplyOptions, Blocked, Operations};
use serde_json::{Value, json};
use shared::api::Intent;
use shared::plan::Action;

use crate::fixture::{CLUSTERS, EAST, Fixture, LoneBed, WEST, document, shared_bed};

fn create(fixture: &Fixture<'_>, object: &Value) {
    let create = ["create", "-f", "-"];
    let text = object.to_string();
    fixture
        .bed
        .kubectl_with_input(WEST, &create, &text)
        .unwrap();
}

/// Plans until the server refuses the object with these words: it learns of policies and webhooks a little later.
async fn is_rejected(fixture: &Fixture<'_>, words: &str) {
    let mut last = None;
    for _ in 0..100 {
        let plan = fixture.plan().await.plan;
        let of_orders = plan
            .steps()
            .find(|(_, step)| step.object.to_string() == ORDERS);
        let step = of_orders
            .unwrap_or_else(|| panic!("no {ORDERS} in {plan:#?}"))
            .1;
        let message = step.message.clone().unwrap_or_default();
        if step.action == Action::Rejected && message.contains(words) {
            return;
        }
        last = Some(step.clone());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{words:?} is never said: {last:#?}")
}

const ORDERS: &str = "VirtualService refusing/orders";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_would_refuse_to_create_is_in_the_plan() {
    // Policies and webhooks are the whole server's.
    let lone = LoneBed::take().await;
    let fixture = Fixture::new(lone.bed(), "refusing");
    let selector = json!({ "matchLabels": { "kubernetes.io/metadata.name": "refusing" } });
    let rules = json!([{
        "apiGroups": ["networking.istio.io"], "apiVersions": ["*"],
        "operations": ["CREATE"], "resources": ["virtualservices"],
    }]);

    // A policy.
    create(
        &fixture,
        &json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": { "name": "no-routes" },
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": { "namespaceSelector": selector, "resourceRules": rules },
                "validations": [{ "expression": "false", "message": "no routes in this namespace" }],
            },
        }),
    );
    create(
        &fixture,
        &json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": "no-routes" },
            "spec": { "policyName": "no-routes", "validationActions": ["Deny"] },
        }),
    );
    is_rejected(&fixture, "no routes in this namespace").await;
    fixture.kubectl(
        WEST,
        &["delete", "validatingadmissionpolicybinding", "no-routes"],
    );
    fixture.kubectl(WEST, &["delete", "validatingadmissionpolicy", "no-routes"]);

    // A webhook that does not answer, and one that cannot be asked without side effects.
    let webhook = |name: &str, side_effects: &str| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": name },
            "webhooks": [{
                "name": "routes.example.com", "admissionReviewVersions": ["v1"], "sideEffects": side_effects,
                "failurePolicy": "Fail", "timeoutSeconds": 1, "namespaceSelector": selector, "rules": rules,
                "clientConfig": { "url": "https://127.0.0.1:1/validate" },
            }],
        })
    };
    create(&fixture, &webhook("silent", "None"));
    is_rejected(&fixture, "failed calling webhook").await;
    fixture.kubectl(
        WEST,
        &["delete", "validatingwebhookconfiguration", "silent"],
    );

    // A quota.
    create(
        &fixture,
        &json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": { "name": "full", "namespace": "refusing" },
            "spec": { "hard": { "count/virtualservices.networking.istio.io": "0" } },
        }),
    );
    let status = r#"{"status":{"hard":{"count/virtualservices.networking.istio.io":"0"},
                     "used":{"count/virtualservices.networking.istio.io":"0"}}}"#;
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "resourcequota",
            "full",
            "-n=refusing",
            "--subresource=status",
            "--type=merge",
            "-p",
            status,
        ],
    );
    is_rejected(&fixture, "exceeded quota: full").await;
    fixture.kubectl(WEST, &["delete", "resourcequota", "full", "-n=refusing"]);

    // A namespace that is being deleted: something in it has to be finished with first.
    create(
        &fixture,
        &json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "held", "namespace": "refusing", "finalizers": ["example.com/held"] },
        }),
    );
    fixture.kubectl(WEST, &["delete", "namespace", "refusing", "--wait=false"]);
    is_rejected(&fixture, "is being terminated").await;
    // Nothing was changed by all these plans.
    assert_eq!(fixture.ours(WEST), [].into());
    let release = r#"{"metadata":{"finalizers":null}}"#;
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "configmap",
            "held",
            "-n=refusing",
            "--type=merge",
            "-p",
            release,
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_tried_says_so() {
    let lone = LoneBed::take().await;
    let fixture = Fixture::new(lone.bed(), "untried");
    create(
        &fixture,
        &json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "effects" },
            "webhooks": [{
                "name": "routes.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "NoneOnDryRun",
                "failurePolicy": "Ignore", "timeoutSeconds": 1,
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "untried" } },
                "rules": [{
                    "apiGroups": ["networking.istio.io"], "apiVersions": ["*"],
                    "operations": ["CREATE"], "resources": ["virtualservices"],
                }],
                "clientConfig": { "url": "https://127.0.0.1:1/validate" },
            }],
        }),
    );
    let planned = fixture.plan().await;
    assert!(
        planned.plan.is_complete(),
        "a webhook that may fail stops nothing"
    );
    fixture.kubectl(
        WEST,
        &["delete", "validatingwebhookconfiguration", "effects"],
    );

    // A namespace and a definition that the same plan makes.
    let mut mesh = fixture.mesh.clone();
    mesh.spec.dns.external_dns = Some(
        serde_json::from_value(json!({ "provider": "google", "namespace": "untried-dns" }))
            .unwrap(),
    );
    let planned = fixture.operations.plan(&mesh, Intent::Apply).await.unwrap();
    let said = |object: &str| {
        let step = planned
            .plan
            .steps()
            .find(|(_, step)| step.object.to_string() == object);
        let step = step.unwrap_or_else(|| panic!("no {object}")).1;
        assert_eq!(step.action, Action::Create);
        step.message.clone()
    };
    assert_eq!(
        said("Deployment untried-dns/external-dns").unwrap(),
        "not tried: namespace `untried-dns` is created by this plan"
    );
    assert_eq!(said("VirtualService untried/orders"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_is_deleted_only_by_its_number() {
    let mut fixture = Fixture::new(shared_bed(), "emptied");
    fixture.mesh = document("emptied", &["a", "b", "c", "d"]);
    fixture.apply().await;
    let all = fixture.ours(WEST).len() + fixture.ours(EAST).len();
    fixture.mesh.spec.services.clear();
    let planned = fixture.plan().await;
    let options = |allow_delete| ApplyOptions {
        allow_delete,
        ..ApplyOptions::default()
    };
    let Err(Blocked::Deletes(found)) = planned.allow(options(None)) else {
        panic!("everything may go without a word")
    };
    assert_eq!((found.deletes, found.objects), (all, all));
    let reasons = found.reasons.join("; ");
    for words in [
        "objects of the mesh",
        "everything in sunset, sunrise",
        "every record of a.emptied",
    ] {
        assert!(reasons.contains(words), "{reasons}");
    }
    assert!(planned.allow(options(Some(all - 1))).is_err());
    assert_eq!(planned.allow(options(Some(all))), Ok(()));

    // One service of four.
    fixture.mesh = document("emptied", &["a", "b", "c"]);
    let planned = fixture.plan().await;
    let Err(Blocked::Deletes(found)) = planned.allow(options(None)) else {
        panic!("all of a service may go without a word")
    };
    assert_eq!(found.reasons, ["every record of d.emptied"]);
    let removal = fixture.plan_removal().await;
    assert_eq!(removal.allow(options(None)), Ok(()));
    fixture.remove().await;
}

/// The operations of a kubeconfig in which the context `of` leads to the cluster of `to`, and the other way round
/// where they are swapped.
pub(crate) fn rewired(
    fixture: &Fixture<'_>,
    pairs: &[(&str, &str)],
) -> (Operations, tempfile::TempDir) {
    let config = std::fs::read_to_string(fixture.bed.kubeconfig()).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let mut other = config.clone();
    let contexts = config["contexts"].as_array().unwrap();
    let at = |name: &str| contexts.iter().position(|one| one["name"] == name).unwrap();
    for (of, to) in pairs {
        other["contexts"][at(of)]["context"] = contexts[at(to)]["context"].clone();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, other.to_string()).unwrap();
    (Operations::new(Some(file)), folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_that_leads_to_another_cluster_is_refused() {
    let mut fixture = Fixture::new(shared_bed(), "rewired");
    let (one, _folder) = rewired(&fixture, &[(EAST, WEST)]);
    // Before anything is applied: two contexts of one cluster.
    let plan = one.plan(&fixture.mesh, Intent::Apply).await.unwrap().plan;
    for cluster in &plan.clusters {
        let error = cluster.error.as_deref().unwrap();
        assert!(error.contains("lead to the same cluster"), "{error}");
    }
    fixture.apply().await;
    let before = [fixture.ours(WEST), fixture.ours(EAST)];

    let (swapped, _folder) = rewired(&fixture, &[(EAST, WEST), (WEST, EAST)]);
    for intent in [Intent::Apply, Intent::Remove] {
        let plan = swapped.plan(&fixture.mesh, intent).await.unwrap().plan;
        for cluster in &plan.clusters {
            let error = cluster.error.as_deref().unwrap();
            let words = format!("with --replaced {} if", cluster.name);
            assert!(
                error.contains("leads to another cluster than at the last apply"),
                "{error}"
            );
            assert!(error.contains(&words), "{error}");
        }
    }
    assert_eq!(before, [fixture.ours(WEST), fixture.ours(EAST)]);
    // A person who knows better says so.
    let direct = std::mem::replace(&mut fixture.operations, swapped);
    fixture.decisions.replaced = CLUSTERS.map(|(name, _)| name.to_owned()).into();
    let planned = fixture.plan().await;
    assert!(
        planned
            .plan
            .clusters
            .iter()
            .all(|cluster| cluster.error.is_none())
    );
    fixture.operations = direct;
    fixture.decisions.replaced.clear();
    fixture.remove().await;
}
