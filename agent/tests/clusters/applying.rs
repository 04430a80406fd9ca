//! Applying, applying again, removing.

use shared::api::{Event, Intent, Outcome};
use shared::mesh::Mesh;
use shared::plan::Action;
use shared::resolved::Address;

use crate::fixture::{CLUSTERS, EAST, Fixture, LoneBed, WEST, counts, errors, shared_bed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_there_nothing_changes_twice_and_nothing_stays() {
    let fixture = Fixture::new(shared_bed(), "whole");
    let planned = fixture.plan().await;
    assert_eq!(
        counts(&planned.plan).into_keys().collect::<Vec<_>>(),
        [Action::Create]
    );
    let steps = planned.plan.steps().count();
    let (report, events) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(
        report
            .clusters
            .iter()
            .map(|cluster| cluster.created)
            .sum::<usize>(),
        steps
    );

    // Every object is told of once, between the start and the end of its cluster.
    let told = events.iter().filter(|event| {
        let done = Outcome::Done {
            action: Action::Create,
        };
        matches!(event, Event::Object { outcome, .. } if *outcome == done)
    });
    assert_eq!(told.count(), steps);
    assert!(matches!(events.last(), Some(Event::Finished { report: last }) if *last == report));

    for (_, context) in CLUSTERS {
        is_marked_and_recorded(&fixture, context);
    }
    let before = [fixture.ours(WEST), fixture.ours(EAST)];
    assert!(
        before
            .iter()
            .all(|ours| ours.contains_key(&fixture.parent()))
    );
    assert_eq!(
        before.iter().map(|ours| ours.len() - 1).sum::<usize>(),
        steps
    );
    let planned = fixture.plan().await;
    assert!(!planned.plan.has_changes(), "{:#?}", planned.plan);
    let (report, events) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(
        report
            .clusters
            .iter()
            .map(|cluster| cluster.unchanged)
            .sum::<usize>(),
        steps
    );
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::Object { .. })),
        "{events:?}"
    );
    assert_eq!(
        before,
        [fixture.ours(WEST), fixture.ours(EAST)],
        "nothing was written"
    );

    // A removal needs the name and the contexts only.
    let mut broken = Fixture {
        mesh: fixture.mesh.clone(),
        ..fixture
    };
    broken.mesh.spec.dns.suffix = "not a suffix".into();
    assert!(!errors(broken.operations.plan(&broken.mesh, Intent::Apply).await).is_empty());
    broken.remove().await;
    for (_, context) in CLUSTERS {
        assert_eq!(broken.ours(context), [].into());
    }
    assert!(
        !broken.plan_removal().await.plan.has_changes(),
        "nothing is left to remove"
    );
    broken.remove().await;
}

/// A cluster has its own objects, under our manager, and the record of them.
fn is_marked_and_recorded(fixture: &Fixture<'_>, context: &str) {
    let object = fixture.get(context, &["virtualservice", "orders", "--namespace=whole"]);
    let metadata = &object["metadata"];
    assert_eq!(
        metadata["labels"]["app.kubernetes.io/managed-by"],
        "fedmesh"
    );
    assert_eq!(metadata["labels"]["fedmesh.dev/mesh"], "whole");
    assert_eq!(metadata["managedFields"][0]["manager"], "fedmesh-whole");
    assert_eq!(metadata["managedFields"][0]["operation"], "Apply");
    let parent = fixture.get(
        context,
        &["secret", "fedmesh-whole", "--namespace=istio-system"],
    );
    let annotations = &parent["metadata"]["annotations"];
    let kinds = annotations["applyset.kubernetes.io/contains-group-kinds"]
        .as_str()
        .unwrap();
    assert!(
        kinds.contains("VirtualService.networking.istio.io"),
        "{kinds}"
    );
    // The records are where the DNS cluster is, the first.
    assert_eq!(
        kinds.contains("DNSEndpoint.externaldns.k8s.io"),
        context == WEST,
        "{kinds}"
    );
    assert_eq!(
        annotations["applyset.kubernetes.io/additional-namespaces"],
        "whole"
    );
    assert!(
        annotations["applyset.kubernetes.io/tooling"]
            .as_str()
            .unwrap()
            .starts_with("fedmesh/")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walkthrough_with_samples_and_external_dns() {
    // Its namespaces and services are fixed.
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "unused");
    let text = include_str!("../../../examples/walkthrough.yaml");
    fixture.mesh = Mesh::read(text).unwrap();
    fixture.name = "demo";
    for (cluster, context) in fixture.mesh.spec.clusters.iter_mut().zip([WEST, EAST]) {
        cluster.context = Some(context.into());
    }
    bed.ingress_gateway(WEST, &["203.0.113.7"]).unwrap();
    bed.ingress_gateway(EAST, &["203.0.113.8"]).unwrap();
    let planned = fixture.plan().await;
    let clusters = &planned.resolved.as_ref().unwrap().clusters;
    let addresses = ["203.0.113.7", "203.0.113.8"].map(|one| Address::Ip(one.parse().unwrap()));
    for (cluster, address) in clusters.iter().zip(addresses) {
        assert_eq!(cluster.gateway.addresses, Some(vec![address]));
    }
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");

    let records = fixture.get(WEST, &["dnsendpoints", "--all-namespaces"]);
    assert!(records.to_string().contains("203.0.113.8"), "{records:#}");
    fixture.get(
        WEST,
        &["deployment", "external-dns", "--namespace=external-dns"],
    );
    fixture.get(EAST, &["deployment", "httpbin", "--namespace=default"]);
    let before = [fixture.ours(WEST), fixture.ours(EAST)];
    let again = fixture.plan().await;
    assert!(!again.plan.has_changes(), "{:#?}", again.plan);
    fixture.carry_out(again, false).await;
    assert_eq!(
        before,
        [fixture.ours(WEST), fixture.ours(EAST)],
        "nothing was written"
    );

    let report = fixture.remove().await;
    for (_, context) in CLUSTERS {
        assert_eq!(fixture.ours(context), [].into());
    }
    // Others may have put something into a namespace that we made.
    assert_eq!(report.clusters[0].disowned, 1, "{report:#?}");
    fixture.kubectl(WEST, &["get", "namespace", "external-dns"]);
}
