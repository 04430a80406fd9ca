//! Tests of the question before a roll-out.

use shared::api::Intent;
use shared::kubernetes::object::{Key, Wave};
use shared::plan::{Action, ClusterPlan, Plan, Step};

use super::question;

fn plan(clusters: usize) -> Plan {
    let step = |action: &Action| Step {
        object: Key {
            group: String::new(),
            kind: "Service".into(),
            namespace: "shop".into(),
            name: "orders".into(),
        },
        wave: Wave::Services,
        action: *action,
        diff: String::new(),
        conflicts: Vec::new(),
        message: None,
        decision: None,
        drift: Vec::new(),
    };
    let clusters = (0..clusters).map(|index| ClusterPlan {
        name: format!("c{index}"),
        context: if index == 0 { "c0" } else { "elsewhere" }.into(),
        error: (index == 1).then(|| "down".into()),
        decision: None,
        cause: None,
        steps: [Action::Create, Action::Delete, Action::Unchanged]
            .iter()
            .map(step)
            .collect(),
    });
    Plan {
        id: String::new(),
        mesh: "demo".into(),
        clusters: clusters.collect(),
    }
}

#[test]
fn the_question_names_the_clusters_and_counts_the_changes() {
    let plain = |intent, clusters| {
        let text = question(intent, &plan(clusters));
        anstream::adapter::strip_str(&text).to_string()
    };
    assert_eq!(
        plain(Intent::Apply, 3),
        "Apply mesh demo to 2 clusters (c0, c2: context elsewhere): 2 to delete, 2 to create?"
    );
    assert_eq!(
        plain(Intent::Remove, 100),
        "Remove mesh demo from 99 clusters (c0, c2: context elsewhere, c3: context elsewhere and 96 more): \
         99 to delete, 99 to create?"
    );
}
