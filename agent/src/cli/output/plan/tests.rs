//! Snapshots of small and large plans.

use shared::kubernetes::object::{Key, Wave};
use shared::plan::drift::Drift;
use shared::plan::{Action, ClusterPlan, Conflict, Plan, Step};

use super::{Detail, write, write_difference};

const DIFF: &str = "@@ -1,3 +1,3 @@\n kind: VirtualService\n-  timeout: 5s\n+  timeout: 10s\n";

fn step(action: Action, kind: &str, object: &str) -> Step {
    let (namespace, name) = object.split_once('/').unwrap_or(("", object));
    Step {
        object: Key {
            group: "networking.istio.io".into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        },
        wave: Wave::Istio,
        action,
        diff: String::new(),
        conflicts: Vec::new(),
        message: None,
        decision: None,
        drift: Vec::new(),
    }
}

fn with_diff(mut step: Step, diff: &str) -> Step {
    step.diff = diff.to_owned();
    step
}

fn cluster(name: &str, steps: Vec<Step>) -> ClusterPlan {
    ClusterPlan {
        name: name.into(),
        context: format!("{name}-context"),
        error: None,
        decision: None,
        cause: None,
        steps,
    }
}

fn plan(clusters: Vec<ClusterPlan>) -> Plan {
    Plan {
        id: "sha256:3f2a9c1d7b405566".into(),
        mesh: "demo".into(),
        clusters,
    }
}

fn written(plan: &Plan, detail: Detail) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes, plan, detail).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
}

/// A plan with every action once, for two clusters, the second of which has an additional change.
fn mixed() -> Plan {
    let conflict = Step {
        conflicts: vec![Conflict {
            manager: "kubectl-edit".into(),
            field: ".spec.hosts".into(),
            time: Some("2026-01-01T00:00:00Z".into()),
            ..Conflict::default()
        }],
        ..with_diff(step(Action::Conflict, "VirtualService", "shop/carts"), DIFF)
    };
    let rejected = Step {
        message: Some("admission webhook \"policy\" denied the request".into()),
        ..step(Action::Rejected, "ServiceEntry", "shop/users")
    };
    let drifted = Step {
        drift: vec![Drift {
            field: ".spec.exportTo".into(),
            manager: "kubectl-edit".into(),
            time: Some("2026-01-01T00:00:00Z".into()),
        }],
        ..step(Action::Unchanged, "Gateway", "istio-system/fedmesh")
    };
    let mut all = vec![
        with_diff(step(Action::Change, "VirtualService", "shop/orders"), DIFF),
        drifted,
        step(Action::Unchanged, "ServiceEntry", "shop/orders"),
        step(Action::Disown, "Namespace", "old"),
    ];
    for name in ["a", "b", "c", "d", "e"] {
        let object = format!("shop/{name}");
        let diff = "+kind: DestinationRule\n";
        all.push(with_diff(
            step(Action::Create, "DestinationRule", &object),
            diff,
        ));
    }
    let mut west = all.clone();
    west.extend([conflict, rejected]);
    west.push(with_diff(
        step(Action::Delete, "VirtualService", "shop/gone"),
        "-kind: VirtualService\n",
    ));
    plan(vec![cluster("sunset", west), cluster("sunrise", all)])
}

/// A plan that creates `services` in each of `clusters`.
fn large(clusters: usize, services: usize, namespaces: usize) -> Plan {
    let clusters = (1..=clusters).map(|index| {
        let mut steps: Vec<Step> = (0..services)
            .flat_map(|service| {
                let object = format!("team-{}/service-{service}", service % namespaces);
                ["VirtualService", "ServiceEntry", "DestinationRule"]
                    .map(|kind| step(Action::Create, kind, &object))
            })
            .collect();
        for changed in 0..40 {
            let object = format!("team-0/changed-{changed}");
            let diff = DIFF.repeat(5);
            steps.push(with_diff(
                step(Action::Change, "VirtualService", &object),
                &diff,
            ));
        }
        if index == 100 {
            steps.push(step(Action::Delete, "VirtualService", "team-0/gone"));
        }
        cluster(&format!("c{index}"), steps)
    });
    plan(clusters.collect())
}

#[test]
fn every_action_in_two_clusters() {
    insta::assert_snapshot!(written(&mixed(), Detail::Folded));
}

#[test]
fn a_summary_has_no_diffs() {
    insta::assert_snapshot!(written(&mixed(), Detail::Summary));
}

#[test]
fn all_of_it_where_that_is_asked_for() {
    insta::assert_snapshot!(written(&mixed(), Detail::Full));
}

#[test]
fn a_hundred_clusters_fit_on_a_screen_or_two() {
    let plan = large(100, 300, 3);
    let text = written(&plan, Detail::Folded);
    assert!(text.lines().count() < 110, "{text}");
    insta::assert_snapshot!(text);
    // Every object has a line, but not for every cluster.
    let full = written(&plan, Detail::Full);
    for object in ["team-2/service-299", "team-0/changed-39", "team-0/gone"] {
        assert!(full.contains(object), "{object}");
    }
    assert!(full.lines().count() < 3000, "{}", full.lines().count());
}

#[test]
fn many_namespaces_share_lines() {
    let text = written(&large(100, 300, 300), Detail::Summary);
    assert!(text.lines().count() < 20, "{text}");
    let text = written(&large(100, 300, 300), Detail::Folded);
    assert!(text.lines().count() < 110, "{text}");
    assert!(
        text.contains("300 VirtualService in 300 namespaces: team-0/service-0"),
        "{text}"
    );
}

#[test]
fn clusters_that_all_differ_share_lines() {
    let clusters = (0..100).map(|index| {
        let steps = (0..=index).map(|at| step(Action::Create, "Service", &format!("shop/s{at}")));
        cluster(&format!("c{index}"), steps.collect())
    });
    let text = written(&plan(clusters.collect()), Detail::Folded);
    assert!(text.lines().count() < 60, "{text}");
}

#[test]
fn what_cannot_be_planned_comes_first() {
    let mut clusters: Vec<ClusterPlan> = (0..30)
        .map(|index| ClusterPlan {
            error: Some(format!(
                "context c{index}-context: the cluster cannot be reached"
            )),
            ..cluster(&format!("c{index}"), Vec::new())
        })
        .collect();
    let rejected = (0..300).map(|index| Step {
        message: Some("the cluster does not know VirtualService.networking.istio.io".into()),
        ..step(
            Action::Rejected,
            "VirtualService",
            &format!("shop/service-{index}"),
        )
    });
    clusters.push(cluster("c30", rejected.collect()));
    insta::assert_snapshot!(written(&plan(clusters), Detail::Folded));
}

#[test]
fn nothing_to_change() {
    let steps = vec![step(Action::Unchanged, "VirtualService", "shop/orders")];
    let clusters = vec![cluster("sunset", steps), cluster("sunrise", Vec::new())];
    insta::assert_snapshot!(written(&plan(clusters), Detail::Folded));
}

#[test]
fn control_characters_of_a_cluster_do_not_reach_the_terminal() {
    let diff = "+name: \u{1b}]0;title\u{7}\n";
    let steps = vec![with_diff(
        step(Action::Change, "VirtualService", "shop/orders"),
        diff,
    )];
    let text = written(&plan(vec![cluster("sunset", steps)]), Detail::Folded);
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{7}'),
        "{text}"
    );
}

#[test]
fn a_difference_names_objects_and_clusters() {
    let before = large(100, 2, 1);
    let mut now = before.clone();
    now.id = "sha256:0123456789abcdef".into();
    for cluster in &mut now.clusters {
        cluster.steps[0].action = Action::Unchanged;
        cluster.steps.remove(1);
    }
    now.clusters[3].steps[2].diff = "+other\n".into();
    now.clusters[3].context = "elsewhere".into();
    now.clusters[4].error = Some("context c5-context: the cluster cannot be reached".into());
    let step = step(Action::Conflict, "Gateway", "istio-system/fedmesh");
    now.clusters[4].steps = vec![step];
    now.clusters.remove(7);
    let mut bytes = Vec::new();
    write_difference(&mut bytes, &before, &now).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
}

#[test]
fn kinds_of_the_same_name_show_their_groups() {
    let old = step(Action::Delete, "Gateway", "istio-system/fedmesh-demo");
    let mut new = step(Action::Create, "Gateway", "istio-system/fedmesh-demo");
    new.object.group = "gateway.networking.k8s.io".into();
    let text = written(
        &plan(vec![cluster("sunset", vec![new, old])]),
        Detail::Folded,
    );
    for line in [
        "- 1 Gateway.networking.istio.io in namespace istio-system: fedmesh-demo, in sunset",
        "+ 1 Gateway.gateway.networking.k8s.io in namespace istio-system: fedmesh-demo, in sunset",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("Gateway  "), "{text}");
}
