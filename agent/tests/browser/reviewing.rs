//! Plans on the page: decisions, deletions that need a word, and applies that are refused, wait and skip.

use std::collections::BTreeSet;
use std::fs;

use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::operation::Operations;
use shared::Mesh;
use shared::api::{ApplyRefused, Event, Report};
use shared::plan::decisions::{Decision, Decisions};
use testbed::Testbed;
use testbed::browser::ColourScheme;

use crate::page::Page;
use crate::plans::{blocked, deleting, failing, refusal};
use crate::repository;
use crate::stub_agent::{StubAgent, report_of};
use crate::stub_review::StubReview;
use crate::verifying::{connected, three_clusters};

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];

/// An object of the walk-through that a person has created before.
pub(crate) fn an_object_to_adopt(bed: &Testbed) {
    bed.kubectl("cluster1", &["create", "serviceaccount", "httpbin"])
        .unwrap();
}

/// It blocks the plan, and is adopted at its place.
pub(crate) async fn adopted(page: &Page) {
    page.wait_for_text("plan-counts", "1 blocked").await;
    page.press_enter_at("[data-decide='adopt ServiceAccount/default/httpbin']")
        .await;
    page.wait_for_text("plan-counts", "1 adopt").await;
    page.wait_for_text("plan-counts", "create").await;
}

/// Applies while another writer holds the Leases, and again once it has ended.
pub(crate) async fn refused_while_another_writes(page: &Page, bed: &Testbed) {
    let operations = Operations::new(Some(bed.kubeconfig().to_owned()));
    let document = fs::read_to_string(repository("examples/walkthrough.yaml")).unwrap();
    let mesh = Mesh::read(&document).unwrap();
    let (decisions, options) = (Decisions::default(), LockOptions::default());
    let locked = operations.lock(&mesh, &decisions, "apply", options);
    let locked = locked.await.unwrap();
    page.press_enter("apply").await;
    page.wait_for_text("review-page", "is being changed by another run: apply ")
        .await;
    locked.release().await;
    page.press_enter("try-again").await;
}

/// What was adopted is there, and is nobody's again.
pub(crate) fn given_back(bed: &Testbed) {
    let account = bed
        .kubectl(
            "cluster1",
            &["get", "serviceaccount", "httpbin", "-o", "yaml"],
        )
        .unwrap();
    assert!(!account.contains("fedmesh"), "{account}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blocks_a_plan_is_decided_at_its_place() {
    let review = StubReview::new(
        blocked,
        [],
        vec![vec![Event::Finished {
            report: Report::default(),
        }]],
    );
    let report = report_of(&three_clusters());
    let agent = StubAgent::serve_with(repository("dist"), report, Some(review.clone())).await;
    let page = connected(&agent).await;
    page.click("review").await;
    page.wait_for_text("plan-counts", "3 blocked").await;
    for text in [
        "1 delete",
        "1 conflict",
        "1 rejected",
        "1 disown",
        "It exists and does not belong to this mesh",
        "It belongs to mesh depot",
        "kubectl-edit owns .spec.hosts",
        "The API server rejects it",
        "not tried: namespace",
        "Not planned: context prod-munich leads to another cluster",
        "Blocked: nothing is applied to this cluster",
        "All clusters are blocked",
    ] {
        page.wait_for_text("review-page", text).await;
    }
    // Options of the command line are of no use here.
    assert_eq!(page.count("#review-page", "give --").await, 0);
    page.picture_of_all("review-blocked", BOTH, &[1280, 390])
        .await;
    page.assert_no_sideways_scrolling().await;

    page.press_enter_at("[data-decide='adopt Service/depot/stock']")
        .await;
    page.wait_for_text("decisions", "Adopt Service/depot/stock")
        .await;
    page.wait_for_focus_in("review-title").await;
    page.wait_for_text("plan-counts", "2 blocked").await;
    let decided = review.last_plan().decisions;
    assert_eq!(
        decided.adopt,
        BTreeSet::from(["Service/depot/stock".to_owned()])
    );

    page.press_enter_at("#decisions button").await;
    page.wait_until_gone("decisions").await;
    assert_eq!(review.last_plan().decisions, Decisions::default());
    page.press_enter("adopt-all").await;
    page.wait_for_text("plan-counts", "2 adopt").await;
    page.press_enter_at("[data-decide='renamed depot']").await;
    page.wait_for_text("decisions", "This mesh was called depot")
        .await;
    page.press_enter_at("[data-decide='replaced munich']").await;
    page.wait_for_text("decisions", "Cluster munich was replaced")
        .await;
    page.press_enter_at("[data-decide='withdraw vienna']").await;
    page.wait_for_text("decisions", "Withdraw the last known addresses of vienna")
        .await;
    page.wait_until_gone("last-known").await;
    page.wait_for_text(
        "review-page",
        "2 objects are skipped, with the objects that depend on them",
    )
    .await;
    page.picture_of_all("review-decided", BOTH, &[1280, 390])
        .await;
    page.assert_no_sideways_scrolling().await;

    // One cluster is left out, on purpose.
    page.wait_for_attribute("apply", "disabled", "true").await;
    page.press_space("partial").await;
    page.wait_for_text("apply", "Apply to 2 clusters").await;
    page.press_enter("apply").await;
    page.wait_for_attribute("result", "data-success", "true")
        .await;
    let mut expected = Decisions::default();
    for decision in [
        Decision::Adopt("Service/depot/stock".to_owned()),
        Decision::Adopt("Service/sales/orders".to_owned()),
        Decision::RenamedFrom("depot".to_owned()),
        Decision::Replaced("munich".to_owned()),
        Decision::ForgetAddresses("vienna".to_owned()),
    ] {
        expected.add(decision);
    }
    let applies = review.applies();
    let [apply] = applies.as_slice() else {
        panic!("{applies:?}")
    };
    assert_eq!(apply.plan.decisions, expected);
    assert!(apply.partial);
    // What is done is not decided again.
    page.press_enter("plan-again").await;
    page.wait_for_text("plan-counts", "3 blocked").await;
    assert_eq!(review.last_plan().decisions, Decisions::default());
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_need_the_name_and_a_run_says_what_it_waits_for_and_skips() {
    let held = "nothing was changed: mesh shop is being changed by another run: apply admin@laptop pid 4711 run \
                5f3a90c1, since 2026-11-29T12:00:00Z (in hamburg)";
    let refusals = [
        refusal(ApplyRefused::Held, held),
        refusal(ApplyRefused::PlanChanged, "the clusters changed"),
    ];
    let review = StubReview::new(deleting, refusals, failing());
    let report = report_of(&three_clusters());
    let agent = StubAgent::serve_with(repository("dist"), report, Some(review.clone())).await;
    let page = connected(&agent).await;
    page.click("review").await;
    page.wait_for_text("mass-deletion", "4 of 5 objects of the mesh")
        .await;
    page.wait_for_text("mass-deletion", "every record of orders.sales")
        .await;
    page.picture("review-deletions", BOTH, WIDE_AND_NARROW)
        .await;
    page.assert_no_sideways_scrolling().await;
    page.wait_for_attribute("apply", "disabled", "true").await;
    page.type_into("confirm-delete", "shop").await;
    page.press_enter("apply").await;

    page.wait_for_text("review-title", "Another run is changing this mesh")
        .await;
    page.wait_for_text("review-page", "admin@laptop").await;
    page.wait_for_focus_in("review-title").await;
    page.picture("review-held", BOTH, WIDE_AND_NARROW).await;
    page.press_enter("try-again").await;

    // The clusters changed meanwhile: nothing is agreed to that was not seen.
    page.wait_for_text(
        "plan-changed",
        "The clusters have changed since the previous plan",
    )
    .await;
    page.picture("review-changed", BOTH, WIDE_AND_NARROW).await;
    page.wait_for_attribute("apply", "disabled", "true").await;
    page.type_into("confirm-delete", "shop").await;
    page.press_enter("apply").await;
    page.wait_for_text("review-page", "Waiting: too many requests; retry in 3 s")
        .await;
    page.picture("applying-waiting", BOTH, WIDE_AND_NARROW)
        .await;
    review.go_on();
    page.wait_for_text("review-page", "1 of 4 objects").await;
    assert_eq!(page.count("#review-page", "Waiting: ").await, 0);
    review.go_on();
    page.wait_for_attribute("result", "data-success", "false")
        .await;
    for text in [
        "2.1 s",
        "1 changed · 1 adopted · 1 failed · 2 skipped",
        "admission webhook denied the request",
        "2 objects skipped, because Namespace sales was not applied",
        "Service sales/invoices",
    ] {
        page.wait_for_text("review-page", text).await;
    }
    page.picture("applied-skipped", BOTH, WIDE_AND_NARROW).await;
    page.assert_no_sideways_scrolling().await;

    let applies = review.applies();
    assert_eq!(applies.len(), 3);
    for apply in applies {
        assert_eq!((apply.allow_delete, apply.partial), (Some(4), false));
    }
    page.close_after("409").await;
}
