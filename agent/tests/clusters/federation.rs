//! The engine with a hub: definitions first, objects of their kinds after.

use shared::mesh::Target;
use shared::plan::Action;

use crate::fixture::{EAST, Fixture, LoneBed, WEST, make_namespace, steps};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_are_established_before_they_are_used_and_outlive_a_removal() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "federated");
    forget_definitions(&fixture);
    make_namespace(bed, WEST, "federation-system");
    // What was applied directly goes when the engine changes, in the members too.
    fixture.apply().await;
    fixture.mesh.spec.target = Some(Target::KubefedV1alpha1);
    let planned = fixture.plan().await;
    let member = steps(&planned.plan, "sunrise");
    assert!(
        member.contains(&"delete VirtualService federated/orders".to_owned()),
        "{member:?}"
    );
    assert!(
        member.iter().all(|step| step.starts_with("delete ")),
        "{member:?}"
    );
    assert_eq!(
        member.last().unwrap(),
        "delete Secret istio-system/fedmesh-federated"
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(fixture.ours(EAST), [].into());

    let names = fixture.kubectl(
        WEST,
        &[
            "get",
            "federatedvirtualservices.primitives.federation.k8s.io",
            "-A",
            "-o=name",
        ],
    );
    assert!(
        names
            .lines()
            .any(|name| name == "federatedvirtualservice.primitives.federation.k8s.io/orders"),
        "{names}"
    );
    let before = fixture.ours(WEST);
    let again = fixture.plan().await;
    assert!(!again.plan.has_changes(), "{:#?}", again.plan);
    assert_eq!(
        again.plan.clusters.len(),
        1,
        "the member has nothing and gets nothing"
    );
    fixture.carry_out(again, false).await;
    assert_eq!(before, fixture.ours(WEST), "nothing was written");

    let report = fixture.remove().await;
    assert!(report.clusters[0].disowned > 0, "{report:#?}");
    assert_eq!(fixture.ours(WEST), [].into());
    let definition = fixture.get(
        WEST,
        &[
            "crd",
            "federatedvirtualservices.primitives.federation.k8s.io",
        ],
    );
    assert!(
        definition["spec"]["versions"][0]["schema"].is_object(),
        "{definition:#}"
    );
    fixture.kubectl(
        WEST,
        &[
            "get",
            "federatedvirtualservices.primitives.federation.k8s.io",
            "-A",
        ],
    );

    // A member that cannot be asked does not stand in the way of the hub.
    bed.stop_api_server(EAST).unwrap();
    let planned = fixture.plan().await;
    assert!(planned.plan.can_be_applied());
    assert!(
        planned
            .findings
            .iter()
            .any(|finding| finding.code == "FM0801"),
        "{:?}",
        planned.findings
    );
    let disowned = planned
        .plan
        .steps()
        .find(|(_, step)| step.object.kind == "CustomResourceDefinition");
    assert_eq!(
        disowned.unwrap().1.action,
        Action::Unchanged,
        "it serves as it is, whoever created it"
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    bed.start_api_server(EAST).unwrap();
    fixture.remove().await;
}

/// Takes away the definitions that another mesh's federation has left, as it must.
fn forget_definitions(fixture: &Fixture<'_>) {
    let all = fixture.kubectl(WEST, &["get", "crds", "-o=name"]);
    for definition in all.lines().filter(|name| name.contains(".primitives.")) {
        fixture.kubectl(WEST, &["delete", definition]);
    }
}
