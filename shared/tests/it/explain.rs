//! The examples of explanations: the wrong one has the finding that it explains, the right one has not and is valid.

use serde_json::Value;
use shared::check::{Finding, Severity};
use shared::explain::{self, BASE, Block, Entry};
use shared::facts::Facts;
use shared::import::{Options, Source, import};
use shared::{Mesh, check, yaml};

/// Findings that need a cluster or thousands of names. Their entries show the command and its output.
const WITHOUT_EXAMPLE: &[&str] = &[
    "FM0209", "FM0214", "FM0216", "FM0218", "FM0321", "FM0334", "FM0801", "FM0802", "FM0803",
    "FM0804", "FM0805", "FM0806", "FM0807", "FM0808", "FM0809", "FM0810", "FM0811",
];

struct Example {
    kind: String,
    is_right: bool,
    text: String,
}

/// The fenced blocks that say whether they are wrong or right.
fn examples(entry: &Entry) -> Vec<Example> {
    let blocks = explain::blocks(entry.text);
    let examples = blocks.filter_map(|block| {
        let Block::Example { info, text } = block else {
            return None;
        };
        let (kind, verdict) = info.rsplit_once(' ')?;
        Some(Example {
            kind: kind.to_owned(),
            is_right: match verdict {
                "right" => true,
                "wrong" => false,
                other => panic!("{}: {other}", entry.code),
            },
            text: text.to_owned(),
        })
    });
    examples.collect()
}

fn findings(entry: &Entry, example: &Example) -> Vec<Finding> {
    match example.kind.as_str() {
        "yaml" => {
            let mut document: Value = yaml::from_str(BASE).unwrap();
            let change: Value = yaml::from_str(&example.text).unwrap();
            json_patch::merge(&mut document, &change);
            let mesh: Mesh = serde_json::from_value(document).unwrap();
            check(&mesh, &Facts::default()).findings
        }
        "yaml manifests" => {
            let source = Source {
                file: "north.yaml".to_owned(),
                cluster: Some("north".to_owned()),
                text: example.text.clone(),
            };
            import(&[source], &Options::default()).unwrap().findings
        }
        kind => panic!("{}: {kind}", entry.code),
    }
}

/// The agent alone has the list of public suffixes; a test of its command line runs the example.
const OF_THE_AGENT: &str = "FM0314";

#[test]
fn every_example_is_what_it_says() {
    for entry in explain::findings().filter(|entry| entry.code != OF_THE_AGENT) {
        let examples = examples(&entry);
        let has_wrong = examples.iter().any(|example| !example.is_right);
        assert_eq!(
            has_wrong,
            !WITHOUT_EXAMPLE.contains(&entry.code),
            "{}",
            entry.code
        );
        for example in &examples {
            let found = findings(&entry, example);
            let has_it = found.iter().any(|finding| finding.code == entry.code);
            assert_eq!(
                has_it, !example.is_right,
                "{}: {}\n{found:#?}",
                entry.code, example.text
            );
            let mut others = found.iter().filter(|finding| finding.code != entry.code);
            let other = others.find(|finding| finding.severity == Severity::Error);
            assert_eq!(other, None, "{}: {}", entry.code, example.text);
        }
    }
}

#[test]
fn the_document_of_the_examples_is_valid() {
    let mesh: Mesh = yaml::from_str(BASE).unwrap();
    let found = check(&mesh, &Facts::default()).findings;
    assert_eq!(found, [], "{found:#?}");
}
