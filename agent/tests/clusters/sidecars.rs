//! Sidecars of somebody else, in namespaces that are to get ours.

use serde_json::{Value, json};
use shared::mesh::{Caller, Sidecars};
use shared::plan::decisions::Decision;
use shared::plan::{Action, Plan, Step};

use crate::fixture::{EAST, Fixture, WEST, blocked, shared_bed};

/// A mesh whose callers are in its own namespace, with Sidecars.
fn fixture(name: &'static str) -> Fixture<'static> {
    let mut fixture = Fixture::new(shared_bed(), name);
    with_sidecars(&mut fixture, name);
    fixture
}

fn with_sidecars(fixture: &mut Fixture<'_>, namespace: &str) {
    fixture.mesh.spec.services[0].callers = Some(vec![Caller {
        namespace: Some(namespace.to_owned()),
        ..Caller::default()
    }]);
    fixture.mesh.spec.sidecars = Some(Sidecars::default());
}

fn create(fixture: &Fixture<'_>, context: &str, name: &str, selector: &Value) {
    let mut sidecar = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Sidecar",
        "metadata": { "name": name, "namespace": fixture.name },
        "spec": { "egress": [{ "hosts": ["bank/*"] }] },
    });
    if !selector.is_null() {
        sidecar["spec"]["workloadSelector"] = selector.clone();
    }
    let bed = fixture.bed;
    bed.kubectl_with_input(context, &["create", "-f", "-"], &sidecar.to_string())
        .unwrap();
}

fn delete(fixture: &Fixture<'_>, context: &str, name: &str) {
    let namespace = format!("-n={}", fixture.name);
    fixture.kubectl(context, &["delete", "sidecar", name, &namespace]);
}

fn sidecar<'a>(plan: &'a Plan, cluster: &str, namespace: &str) -> &'a Step {
    let name = format!("Sidecar {namespace}/default");
    let mut steps = plan.steps();
    let found = steps.find(|(of, step)| *of == cluster && step.object.to_string() == name);
    found.unwrap_or_else(|| panic!("no {name} in {plan:#?}")).1
}

const REMEDY: &str = "move its hosts into `spec.sidecars.hosts` and delete it";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_default_blocks_until_it_is_gone_or_adopted() {
    let mut fixture = fixture("known");
    create(&fixture, WEST, "default", &Value::Null);
    let planned = fixture.plan().await;
    let step = sidecar(&planned.plan, "sunset", "known");
    assert_eq!(step.action, Action::Blocked);
    let message = step.message.as_deref().unwrap();
    assert!(
        message.contains("was not created by this mesh") && message.contains(REMEDY),
        "{message}"
    );
    let adopt = step.decision.clone();
    assert_eq!(adopt, Some(Decision::Adopt(step.object.reference())));
    assert!(message.contains(&step.object.reference()), "{message}");
    assert_eq!(
        sidecar(&planned.plan, "sunrise", "known").action,
        Action::Create
    );
    fixture.decisions.adopt = [step.object.reference()].into();
    fixture.apply().await;
    let hosts = |fixture: &Fixture<'_>| {
        let live = fixture.get(WEST, &["sidecar/default", "-n=known"]);
        live["spec"]["egress"][0]["hosts"].clone()
    };
    let ours = json!(["./*", "istio-system/*"]);
    assert_eq!(hosts(&fixture), ours);
    // It is given back as it was.
    fixture.mesh.spec.sidecars = None;
    fixture.apply().await;
    assert_eq!(hosts(&fixture), json!(["bank/*"]));
    fixture.remove().await;
    delete(&fixture, WEST, "default");
    for context in [WEST, EAST] {
        assert_eq!(fixture.ours(context), [].into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_istio_takes_in_its_place_blocks() {
    let mut fixture = fixture("rival");
    create(&fixture, WEST, "older", &Value::Null);
    // For some workloads only, so Istio takes ours for the others.
    let some = json!({ "labels": { "app": "web" } });
    create(&fixture, EAST, "aside", &some);
    let planned = fixture.plan().await;
    let step = sidecar(&planned.plan, "sunset", "rival");
    assert_eq!((step.action, &*step.diff), (Action::Blocked, ""));
    let message = step.message.as_deref().unwrap();
    assert!(
        message.contains("Sidecar `rival/older`") && message.contains(REMEDY),
        "{message}"
    );
    assert!(step.decision.is_none());
    let other = sidecar(&planned.plan, "sunrise", "rival");
    assert_eq!((other.action, &other.message), (Action::Create, &None));
    blocked(planned);
    assert_eq!(fixture.ours(WEST), [].into());

    delete(&fixture, WEST, "older");
    fixture.apply().await;
    // Istio takes the older one, which is ours now, unless the other has a selector, if without labels. Ours comes
    // first by its name too, where both are of one second.
    create(&fixture, WEST, "younger", &Value::Null);
    assert!(!fixture.plan().await.plan.has_changes());
    create(&fixture, WEST, "chosen", &json!({}));
    let planned = fixture.plan().await;
    let step = sidecar(&planned.plan, "sunset", "rival");
    assert_eq!(step.action, Action::Blocked);
    let message = step.message.as_deref().unwrap();
    assert!(message.contains("Sidecar `rival/chosen`"), "{message}");

    // Without Sidecars of ours nobody looks at those of others.
    fixture.mesh.spec.sidecars = None;
    fixture.apply().await;
    fixture.remove().await;
    for name in ["chosen", "younger"] {
        delete(&fixture, WEST, name);
    }
    delete(&fixture, EAST, "aside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_meshes_cannot_both_have_one() {
    let first = fixture("first");
    first.apply().await;
    let mut second = Fixture::new(shared_bed(), "second");
    with_sidecars(&mut second, "first");
    let planned = second.plan().await;
    let step = sidecar(&planned.plan, "sunset", "first");
    assert_eq!(step.action, Action::Blocked);
    let message = step.message.as_deref().unwrap();
    assert!(
        message.contains("mesh `first`; remove `spec.sidecars` from one of the two documents"),
        "{message}"
    );
    second.mesh.spec.sidecars = None;
    second.apply().await;
    second.remove().await;
    first.remove().await;
}
