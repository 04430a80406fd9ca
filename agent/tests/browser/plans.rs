//! Plans and runs that are played: what blocks, what is decided, what is deleted, and what fails.

use std::collections::BTreeSet;

use shared::api::{
    ApiError, ApplyRefused, ClusterReport, Event, Outcome, PlanRequest, PlanResponse, Report,
    WaitReason,
};
use shared::check::{Finding, Severity};
use shared::kubernetes::object::{Key, Wave};
use shared::plan::decisions::{Decision, Decisions};
use shared::plan::guard::MassDeletion;
use shared::plan::{Action, ClusterPlan, Conflict, Plan, Step};

const DIFF: &str =
    "@@ -1,4 +1,4 @@\n spec:\n   ports:\n-  - port: 80\n+  - port: 8080\n     name: http\n";

fn key(kind: &str, object: &str) -> Key {
    let (namespace, name) = object.split_once('/').unwrap_or(("", object));
    let group = match kind {
        "VirtualService" | "Gateway" | "DestinationRule" => "networking.istio.io",
        "DNSEndpoint" => "externaldns.k8s.io",
        _ => "",
    };
    Key {
        group: group.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn step(action: Action, kind: &str, object: &str) -> Step {
    let has_diff = matches!(
        action,
        Action::Change | Action::Adopt | Action::Conflict | Action::Delete
    );
    Step {
        diff: if has_diff { DIFF } else { "" }.to_owned(),
        ..Step::new(key(kind, object), Wave::Services, action)
    }
}

/// An object that exists and is no one's who says so.
fn foreign(decisions: &Decisions, object: &str) -> Step {
    let reference = format!("Service/{object}");
    if decisions.adopt.contains(&reference) {
        return step(Action::Adopt, "Service", object);
    }
    Step {
        message: Some(format!(
            "it exists; give --adopt {reference} to take it over"
        )),
        decision: Some(Decision::Adopt(reference)),
        ..step(Action::Blocked, "Service", object)
    }
}

fn of_another_mesh(decisions: &Decisions) -> Step {
    if decisions.renamed_from.as_deref() == Some("depot") {
        return step(Action::Change, "DestinationRule", "depot/stock");
    }
    Step {
        message: Some("it belongs to mesh `depot`; give --renamed-from depot".to_owned()),
        decision: Some(Decision::RenamedFrom("depot".to_owned())),
        ..step(Action::Blocked, "DestinationRule", "depot/stock")
    }
}

fn cluster(name: &str, steps: Vec<Step>) -> ClusterPlan {
    ClusterPlan {
        name: name.to_owned(),
        context: format!("prod-{name}"),
        error: None,
        decision: None,
        cause: None,
        steps,
    }
}

fn replaced(decisions: &Decisions) -> ClusterPlan {
    if decisions.replaced.contains("munich") {
        return cluster(
            "munich",
            vec![step(Action::Create, "Service", "sales/orders")],
        );
    }
    ClusterPlan {
        error: Some(
            "context prod-munich leads to another cluster than at the last apply (kube-system has uid \
             9c0f6a6e-55f4-4f0c-9b5f-0b3a8f3ad6aa, previously 1d0f5c1e-7a59-4d53-8f5c-1c1a3d7f6b10); fix the \
             kubeconfig, or apply with --replaced munich if the cluster was replaced"
                .to_owned(),
        ),
        decision: Some(Decision::Replaced("munich".to_owned())),
        cause: Some(
            "context prod-munich leads to another cluster than at the last apply (kube-system has uid \
             9c0f6a6e-55f4-4f0c-9b5f-0b3a8f3ad6aa, previously 1d0f5c1e-7a59-4d53-8f5c-1c1a3d7f6b10)"
                .to_owned(),
        ),
        ..cluster("munich", Vec::new())
    }
}

fn unreachable() -> ClusterPlan {
    ClusterPlan {
        error: Some("context prod-vienna: the cluster cannot be reached".to_owned()),
        ..cluster("vienna", Vec::new())
    }
}

fn last_known(decisions: &Decisions) -> Option<Finding> {
    (!decisions.forget_addresses.contains("vienna")).then(|| Finding {
        code: "FM0807".to_owned(),
        severity: Severity::Warning,
        path: "spec.clusters[2].gateway.addresses".to_owned(),
        message:
            "vienna's gateway cannot be looked up, so 203.0.113.30 stays published (last seen at \
                  2026-11-29T12:00:00Z)"
                .to_owned(),
        hint:
            "restore access to vienna, or withdraw its address with `fedmesh-agent apply --partial \
               --forget-address vienna`"
                .to_owned(),
        fix: None,
    })
}

fn planned(clusters: Vec<ClusterPlan>) -> PlanResponse {
    PlanResponse {
        findings: Vec::new(),
        plan: Plan {
            id: "sha256:1".to_owned(),
            mesh: "shop".to_owned(),
            clusters,
        },
        withdrawable: BTreeSet::new(),
        mass_deletion: None,
    }
}

/// Everything that can block or be skipped, as far as it was not decided.
pub(crate) fn blocked(request: &PlanRequest) -> PlanResponse {
    let decisions = &request.decisions;
    let conflict = Step {
        conflicts: vec![Conflict {
            manager: "kubectl-edit".to_owned(),
            field: ".spec.hosts".to_owned(),
            ..Conflict::default()
        }],
        ..step(Action::Conflict, "VirtualService", "sales/orders")
    };
    let rejected = Step {
        message: Some("admission webhook \"policy.example.com\" denied the request".to_owned()),
        ..step(Action::Rejected, "VirtualService", "depot/stock")
    };
    let not_tried = Step {
        message: Some("not tried: namespace `sales` is created by this plan".to_owned()),
        ..step(Action::Create, "Service", "sales/invoices")
    };
    let disowned = Step {
        message: Some("it was adopted, and its former state is restored".to_owned()),
        ..step(Action::Disown, "Service", "sales/returns")
    };
    let hamburg = vec![
        step(Action::Delete, "VirtualService", "sales/old-orders"),
        foreign(decisions, "depot/stock"),
        foreign(decisions, "sales/orders"),
        of_another_mesh(decisions),
        conflict,
        rejected,
        disowned,
        not_tried,
        step(Action::Unchanged, "Gateway", "istio-system/fedmesh-shop"),
    ];
    let clusters = vec![
        cluster("hamburg", hamburg),
        replaced(decisions),
        unreachable(),
    ];
    PlanResponse {
        findings: last_known(decisions).into_iter().collect(),
        withdrawable: BTreeSet::from(["vienna".to_owned()]),
        ..planned(clusters)
    }
}

pub(crate) fn deleting(_: &PlanRequest) -> PlanResponse {
    let steps = ["orders", "invoices", "returns"]
        .map(|name| step(Action::Delete, "Service", &format!("sales/{name}")));
    let mut steps = steps.to_vec();
    steps.push(step(
        Action::Delete,
        "DNSEndpoint",
        "external-dns/orders.sales",
    ));
    steps.push(step(Action::Change, "VirtualService", "depot/stock"));
    PlanResponse {
        mass_deletion: Some(MassDeletion {
            deletes: 4,
            objects: 5,
            reasons: vec![
                "4 of 5 objects of the mesh".to_owned(),
                "every record of orders.sales".to_owned(),
            ],
        }),
        ..planned(vec![cluster("hamburg", steps)])
    }
}

pub(crate) fn refusal(reason: ApplyRefused, message: &str) -> ApiError {
    ApiError {
        message: message.to_owned(),
        hint: "wait until that run has ended, then try again".to_owned(),
        findings: Vec::new(),
        reason: Some(reason),
    }
}

/// A run that waits, then fails at an object that others need.
pub(crate) fn failing() -> Vec<Vec<Event>> {
    let hamburg = || "hamburg".to_owned();
    let object = |kind: &str, name: &str, outcome: Outcome| Event::Object {
        cluster: hamburg(),
        object: key(kind, name),
        outcome,
    };
    let namespace = key("Namespace", "sales");
    let skipped = || Outcome::Skipped {
        because: namespace.clone(),
    };
    let report = ClusterReport {
        name: hamburg(),
        changed: 1,
        adopted: 1,
        failed: 1,
        skipped: 2,
        ..ClusterReport::default()
    };
    vec![
        vec![
            Event::Started {
                cluster: hamburg(),
                objects: 4,
            },
            Event::Wave {
                cluster: hamburg(),
                wave: Wave::Services,
            },
            Event::Waiting {
                cluster: hamburg(),
                reason: WaitReason::Retry,
                message: "too many requests".to_owned(),
                waited: 1,
                limit: Some(3),
            },
        ],
        vec![object(
            "Service",
            "depot/stock",
            Outcome::Done {
                action: Action::Change,
            },
        )],
        vec![
            object(
                "Namespace",
                "sales",
                Outcome::Failed {
                    message: "admission webhook denied the request".to_owned(),
                },
            ),
            object("Service", "sales/orders", skipped()),
            object("Service", "sales/invoices", skipped()),
            Event::Ended {
                cluster: hamburg(),
                error: None,
            },
            Event::Finished {
                report: Report {
                    clusters: vec![report],
                    duration_ms: 2140,
                },
            },
        ],
    ]
}
