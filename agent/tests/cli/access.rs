//! Tests of `access`.

use serde_json::{Value, json};
use shared::yaml;

use crate::workdir::{MESH, Workdir};

#[test]
fn a_role_is_printed_for_each_kind_of_cluster() {
    let workdir = Workdir::new();
    let run = workdir.run(&["access", "-f", "mesh.yaml"], 0);
    let roles = yaml::documents(&run.out).unwrap();
    assert_eq!(roles.len(), 2, "{}", run.out);
    assert!(
        run.out.starts_with("# for north\napiVersion: "),
        "{}",
        run.out
    );
    assert!(run.out.contains("---\n# for south\n"), "{}", run.out);
    assert!(run.err.contains("use --cluster"), "{}", run.err);
    for role in &roles {
        assert_eq!(role["kind"], "ClusterRole");
        assert_eq!(role["metadata"]["name"], "fedmesh-shop-apply");
    }
    // Only the first cluster has the records, although no gateway address was looked up.
    let has_records = |role: &Value| role.to_string().contains("dnsendpoints");
    assert!(has_records(&roles[0]) && !has_records(&roles[1]));

    let one = ["access", "-f", "mesh.yaml", "--cluster", "south"];
    let run = workdir.run(&one, 0);
    assert_eq!(yaml::documents(&run.out).unwrap(), roles[1..]);
    assert_eq!(run.err, "");
}

#[test]
fn a_role_belongs_to_a_command() {
    let workdir = Workdir::new();
    let json = [
        "access",
        "-f",
        "mesh.yaml",
        "--command",
        "verify",
        "-o",
        "json",
    ];
    let roles: Value = serde_json::from_str(&workdir.run(&json, 0).out).unwrap();
    let south = &roles[1];
    assert_eq!(south["clusters"], json!(["south"]));
    assert_eq!(
        south["clusterRole"]["metadata"]["name"],
        "fedmesh-shop-verify"
    );
    let granted = south["clusterRole"]["rules"].as_array().unwrap();
    let jobs =
        json!({ "apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete"] });
    assert!(granted.contains(&jobs), "{granted:#?}");

    // A cluster whose gateway is not looked up is only identified.
    let by_names = MESH.replace("\nspec:\n", "\nspec:\n  endpoints: names\n");
    workdir.write("mesh.yaml", &by_names);
    let follow = ["access", "-f", "mesh.yaml", "--command", "follow"];
    let run = workdir.run(&follow, 0);
    let roles = yaml::documents(&run.out).unwrap();
    assert_eq!(
        roles[1]["rules"],
        json!([{
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": ["kube-system"],
            "verbs": ["get"],
        }])
    );
}

#[test]
fn an_unknown_cluster_and_a_handed_over_mesh_are_rejected() {
    let workdir = Workdir::new();
    let run = workdir.run(&["access", "-f", "mesh.yaml", "--cluster", "west"], 2);
    assert!(
        run.err
            .contains("unknown cluster \"west\"; known clusters: north, south"),
        "{}",
        run.err
    );
    let text = crate::workdir::MESH.replace(
        "spec:\n",
        "spec:\n  target: gitops\n  gitops: {repoURL: https://git.example.com/mesh.git}\n",
    );
    workdir.write("gitops.yaml", &text);
    let run = workdir.run(&["access", "-f", "gitops.yaml"], 1);
    assert!(run.err.contains("with the engine gitops"), "{}", run.err);
    workdir.run(&["access", "-f", "gitops.yaml", "--command", "verify"], 0);
}
