//! Plans that are saved and carried out later, and the events for programs.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::fixture::{EAST, Fixture, WEST, document, shared_bed};

/// The program with a document of a fixture in a folder of its own.
struct Program<'a> {
    fixture: &'a Fixture<'a>,
    folder: tempfile::TempDir,
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl<'a> Program<'a> {
    fn new(fixture: &'a Fixture<'a>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mesh.yaml"), fixture.mesh.to_yaml()).unwrap();
        Self { fixture, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"))
            .args(arguments)
            .arg("--kubeconfig")
            .arg(self.fixture.bed.kubeconfig())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn runs_well(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_plan_is_carried_out_or_refused() {
    let mut fixture = Fixture::new(shared_bed(), "saved");
    let program = Program::new(&fixture);
    let ran = program.runs_well(&["plan", "-f", "mesh.yaml", "--out", "first.plan"]);
    assert!(ran.out.contains("Create "), "{}", ran.out);
    let ran = program.runs_well(&["apply", "first.plan"]);
    assert!(ran.out.contains("sunset  created   "), "{}", ran.out);
    assert!(ran.out.contains("Finished after "), "{}", ran.out);
    assert!(!fixture.plan().await.plan.has_changes());

    // What it would do is done already.
    let ran = program.run(&["apply", "first.plan"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(
        ran.err.contains("was to create, now to stay unchanged"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("Nothing to change."), "{}", ran.out);

    // A cluster that is changed after the plan.
    fixture.mesh = document("saved", &["orders", "carts"]);
    let program = Program::new(&fixture);
    program.runs_well(&["plan", "-f", "mesh.yaml", "--out", "second.plan"]);
    fixture.kubectl(EAST, &["delete", "virtualservice/orders", "-n=saved"]);
    let before = [fixture.ours(WEST), fixture.ours(EAST)];
    let ran = program.run(&["apply", "second.plan"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(
        ran.err.contains(
            "VirtualService saved/orders in sunrise: was to stay unchanged, now to create"
        ),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("nothing was changed: the clusters changed since the plan was saved"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("orders"), "the new plan: {}", ran.out);
    let after = [fixture.ours(WEST), fixture.ours(EAST)];
    assert_eq!(before, after, "nothing was written");

    program.runs_well(&["plan", "-f", "mesh.yaml", "--out", "second.plan"]);
    program.runs_well(&["apply", "second.plan"]);
    assert!(!fixture.plan().await.plan.has_changes());

    // A removal, which changes nothing until it is carried out.
    let before = fixture.ours(WEST);
    let remove = ["remove", "-f", "mesh.yaml", "--plan", "--out", "gone.plan"];
    let ran = program.runs_well(&remove);
    assert!(ran.out.contains("DELETE "), "{}", ran.out);
    assert_eq!(before, fixture.ours(WEST));
    let ran = program.runs_well(&["apply", "gone.plan"]);
    assert!(ran.out.contains("sunset  deleted   "), "{}", ran.out);
    assert_eq!(fixture.ours(WEST), [].into());
    assert_eq!(fixture.ours(EAST), [].into());
    assert!(program.path("gone.plan").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_stands_for_the_objects_as_they_were_shown() {
    let fixture = Fixture::new(shared_bed(), "shown-so");
    fixture.apply().await;
    let program = Program::new(&fixture);
    program.runs_well(&["remove", "-f", "mesh.yaml", "--plan", "--out", "gone.plan"]);
    // What is deleted is the same, and not as it was shown.
    fixture.kubectl(
        EAST,
        &[
            "annotate",
            "virtualservice/orders",
            "-n=shown-so",
            "note=theirs",
        ],
    );
    let before = [fixture.ours(WEST), fixture.ours(EAST)];
    let ran = program.run(&["apply", "gone.plan"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(
        ran.err
            .contains("the clusters changed since the plan was saved"),
        "{}",
        ran.err
    );
    assert_eq!(before, [fixture.ours(WEST), fixture.ours(EAST)]);
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_read_an_event_on_each_line() {
    let fixture = Fixture::new(shared_bed(), "streamed");
    let program = Program::new(&fixture);
    let planned = program.runs_well(&["plan", "-f", "mesh.yaml", "-o", "json"]);
    let planned: Value = serde_json::from_str(&planned.out).unwrap();
    let steps = |index: usize| {
        let steps = &planned["plan"]["clusters"][index]["steps"];
        steps.as_array().unwrap().len()
    };
    for (command, action, count) in [
        ("apply", "create", "created"),
        ("remove", "delete", "deleted"),
    ] {
        let ran = program.runs_well(&[command, "-f", "mesh.yaml", "--yes", "-o", "json"]);
        let events: Vec<Value> = ran
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let of = |name: &str| -> Vec<&Value> {
            let events = events.iter();
            events.filter(|event| event["event"] == name).collect()
        };
        assert_eq!(of("started").len(), 2);
        assert_eq!(of("ended").len(), 2);
        assert!(of("wave").len() > 2);
        let done = of("object");
        assert!(
            done.iter()
                .all(|event| event["outcome"]["action"] == action),
            "{done:#?}"
        );
        let [finished] = of("finished")[..] else {
            panic!("{events:#?}")
        };
        assert_eq!(events.last(), Some(finished));
        let report = &finished["report"];
        assert!(report["durationMs"].as_u64().unwrap() > 0, "{report}");
        let counts = [0, 1].map(|index| report["clusters"][index][count].as_u64().unwrap());
        assert_eq!(counts.iter().sum::<u64>(), done.len() as u64);
        if command == "apply" {
            assert_eq!(counts, [steps(0) as u64, steps(1) as u64]);
        }
    }
}
