//! Plans in files, for clusters that cannot be reached.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::workdir::Workdir;

const KUBECONFIG: &str = "{apiVersion: v1, kind: Config, \
     clusters: [{name: dead, cluster: {server: 'https://127.0.0.1:1'}}], users: [], \
     contexts: [{name: ctx-one, context: {cluster: dead, user: ''}}, \
     {name: ctx-two, context: {cluster: dead, user: ''}}]}";

/// A folder with a saved plan, `saved.plan`.
fn saved() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("kubeconfig", KUBECONFIG);
    let plan = ["plan", "-f", "mesh.yaml", "--kubeconfig", "kubeconfig"];
    let ran = workdir.run(&[&plan[..], &["--out", "saved.plan"]].concat(), 1);
    assert!(
        ran.err
            .contains("apply it with: fedmesh-agent apply saved.plan"),
        "{}",
        ran.err
    );
    workdir
}

fn apply(workdir: &Workdir, exit_code: i32) -> (String, String) {
    let apply = ["apply", "saved.plan", "--kubeconfig", "kubeconfig"];
    let ran = workdir.run(&apply, exit_code);
    (ran.out, ran.err)
}

/// Asserts the error of an apply after a change of the file.
#[track_caller]
fn refused(change: impl FnOnce(&mut Value), parts: &[&str]) {
    let workdir = saved();
    let mut plan: Value = serde_json::from_str(&workdir.read("saved.plan")).unwrap();
    change(&mut plan);
    workdir.write("saved.plan", &plan.to_string());
    workdir
        .run(&["apply", "saved.plan", "--kubeconfig", "kubeconfig"], 2)
        .refuses(parts);
}

#[test]
fn a_saved_plan_is_readable_by_its_owner_only() {
    let workdir = saved();
    let metadata = std::fs::metadata(workdir.path("saved.plan")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let plan: Value = serde_json::from_str(&workdir.read("saved.plan")).unwrap();
    assert_eq!(plan["apiVersion"], "fedmesh.dev/v1alpha1");
    assert_eq!(plan["kind"], "Plan");
    assert_eq!(plan["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(plan["intent"], "apply");
    assert_eq!(plan["mesh"]["metadata"]["name"], "shop");
    assert!(plan["plan"]["id"].as_str().unwrap().starts_with("sha256:"));

    // It is applied without a question, up to the blocked clusters.
    let (out, err) = apply(&workdir, 1);
    assert_eq!(out, "");
    assert!(err.contains(", saved by fedmesh "), "{err}");
    assert!(
        err.contains("nothing was changed: 2 of 2 clusters are blocked"),
        "{err}"
    );
}

#[test]
fn a_removal_is_saved_with_its_intent() {
    let workdir = saved();
    let plan = [
        "remove",
        "-f",
        "mesh.yaml",
        "--kubeconfig",
        "kubeconfig",
        "--plan",
        "--out",
        "saved.plan",
    ];
    workdir.run(&plan, 1);
    let plan: Value = serde_json::from_str(&workdir.read("saved.plan")).unwrap();
    assert_eq!(plan["intent"], "remove");
}

#[test]
fn changed_clusters_are_a_difference() {
    let workdir = saved();
    workdir.write(
        "kubeconfig",
        &KUBECONFIG.replace("ctx-two", "ctx-elsewhere"),
    );
    let (out, err) = apply(&workdir, 1);
    assert!(
        err.contains("nothing was changed: the clusters changed since the plan was saved"),
        "{err}"
    );
    assert!(err.contains("in south: "), "{err}");
    assert!(err.contains("has no context ctx-two"), "{err}");
    assert!(out.contains("mesh shop, plan "), "{out}");
}

#[test]
fn an_edited_plan_is_rejected() {
    let edited = "the id of the plan is not the digest of its content";
    refused(|plan| plan["plan"]["id"] = "sha256:00".into(), &[edited]);
    refused(
        |plan| plan["plan"]["clusters"][0]["context"] = "other".into(),
        &[edited],
    );
    refused(
        |plan| plan["mesh"]["metadata"]["name"] = "other".into(),
        &[edited],
    );
    refused(|plan| plan["extra"] = 1.into(), &["unknown field `extra`"]);
    refused(
        |plan| plan["mesh"]["spec"]["extra"] = 1.into(),
        &["unknown field `extra`"],
    );
    refused(|plan| plan["intent"] = "destroy".into(), &["destroy"]);
    refused(
        |plan| plan["time"] = "yesterday".into(),
        &["not a saved plan"],
    );
    refused(
        |plan| plan["apiVersion"] = "fedmesh.dev/v9".into(),
        &["unsupported version", "fedmesh.dev/v9"],
    );
    refused(
        |plan| *plan = json!({ "apiVersion": "v1", "kind": "Mesh", "metadata": {} }),
        &["its kind is \"Mesh\"", "-f with a Mesh document"],
    );
}

#[test]
fn other_files_are_rejected() {
    let workdir = saved();
    let nested = "[".repeat(1_000_000);
    for text in ["", "kind: Plan", "\u{0}", "{}", &nested] {
        workdir.write("saved.plan", text);
        let apply = ["apply", "saved.plan", "--kubeconfig", "kubeconfig"];
        workdir.run(&apply, 2).refuses(&["is not a saved plan"]);
    }
    // The file is sparse, and is not read.
    let file = std::fs::File::create(workdir.path("saved.plan")).unwrap();
    file.set_len(1 << 40).unwrap();
    workdir
        .run(&["apply", "saved.plan"], 2)
        .refuses(&["is too large"]);
    workdir
        .run(&["apply", "absent.plan"], 2)
        .refuses(&["cannot read absent.plan"]);
    workdir.run(&["apply", "."], 2).refuses(&["cannot read"]);
}

#[test]
fn a_plan_that_cannot_be_saved_is_an_error() {
    let workdir = saved();
    let plan = ["plan", "-f", "mesh.yaml", "--kubeconfig", "kubeconfig"];
    let ran = workdir.run(&[&plan[..], &["--out", "absent/saved.plan"]].concat(), 1);
    assert!(ran.err.contains("absent/saved.plan: "), "{}", ran.err);
}

#[test]
fn conflicting_options_are_rejected() {
    let workdir = saved();
    for arguments in [
        &["apply"][..],
        &["apply", "saved.plan", "-f", "mesh.yaml"],
        &["remove", "-f", "mesh.yaml", "--out", "saved.plan"],
        &["remove", "-f", "mesh.yaml", "--plan", "--yes"],
    ] {
        assert_eq!(workdir.run(arguments, 2).out, "", "{arguments:?}");
    }
}
