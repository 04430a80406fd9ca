//! The commands that apply a bundle: their files exist, and a shell reads them as they are meant.

use serde_json::{Value, json};
use shared::bundle::{Rendered, Texts};
use shared::engine::Commands;
use shared::mesh::{Mesh, Target};

use crate::support::{document, mesh, resolved};

fn two_clusters(target: Target) -> Value {
    let cluster = |name: &str, zone: &str| json!({ "name": name, "context": format!("{name}'s"), "region": "r", "zone": zone });
    document(&json!({
        "target": target.as_str(),
        "gitops": { "repoURL": "https://git.example.com/mesh.git", "path": "mesh" },
        "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "google" } },
        "clusters": [cluster("one", "a"), cluster("two", "b")],
        "services": [{ "name": "orders", "port": 80 }],
    }))
}

fn commands(document: &Value) -> (Commands, Texts) {
    let mesh: Mesh = mesh(document);
    let resolved = resolved(document);
    let rendered = Rendered::new(&mesh, &resolved);
    let texts = rendered.texts(
        rendered
            .parts()
            .into_iter()
            .map(|part| rendered.files(part)),
    );
    (rendered.commands(&texts, "m.zip"), texts)
}

#[test]
fn every_engine_has_commands_for_files_of_the_bundle() {
    for target in Target::all() {
        let (commands, texts) = commands(&two_clusters(target));
        assert!(commands.steps.len() > 2, "{target:?}");
        let paths: Vec<&str> = texts.files().map(|(path, _)| path).collect();
        for line in commands.steps.iter().flat_map(|step| &step.commands) {
            let words = shlex::split(line).unwrap_or_else(|| panic!("{line}"));
            let after = words.windows(2).filter(|pair| pair[0] == "-f");
            for file in after.map(|pair| &pair[1]).filter(|file| *file != "m.zip") {
                let file = file.trim_start_matches("mesh/");
                let inside = file
                    .split_once('/')
                    .filter(|(folder, _)| folder.starts_with("m-"));
                let path = inside.map_or(file, |(_, path)| path);
                let is_known = paths
                    .iter()
                    .any(|known| *known == path || path.ends_with('/') && known.starts_with(path));
                assert!(is_known, "{target:?}: {file} in {line}");
            }
        }
    }
}

#[test]
fn kubectl_applies_definitions_first() {
    let (commands, texts) = commands(&two_clusters(Target::Direct));
    let digest = texts.digest();
    let folder = format!("m-{}", &digest["sha256:".len()..][..8]);
    let steps: Vec<(&str, Vec<&str>)> = commands
        .steps
        .iter()
        .map(|step| {
            let lines = step.commands.iter().map(String::as_str);
            (step.title.as_str(), lines.collect())
        })
        .collect();
    let kubectl = |rest: &str| rest.replace("FOLDER", &folder);
    let first = [
        kubectl(
            r#"kubectl --context "one's" apply --server-side -f FOLDER/one/20-external-dns.yaml"#,
        ),
        kubectl(
            r#"kubectl --context "one's" wait --for=condition=Established -f FOLDER/one/20-external-dns.yaml"#,
        ),
        kubectl(r#"kubectl --context "one's" apply --server-side -f FOLDER/one/"#),
    ];
    let second = kubectl(r#"kubectl --context "two's" apply --server-side -f FOLDER/two/"#);
    let unzip = kubectl("unzip m.zip -d FOLDER");
    assert_eq!(
        steps,
        [
            (
                "With fedmesh-agent",
                vec![
                    "fedmesh-agent apply -f m.zip",
                    "fedmesh-agent verify -f m.zip"
                ]
            ),
            ("Or with kubectl: unpack the archive", vec![unzip.as_str()]),
            ("one", first.iter().map(String::as_str).collect()),
            ("two", vec![second.as_str()]),
        ]
    );
    assert!(commands.note.contains("kubectl removes nothing"));
}

/// A federation's host has all files.
#[test]
fn an_engine_with_a_hub_has_commands_for_the_hub_alone() {
    let (commands, _) = commands(&two_clusters(Target::Karmada));
    let titles = commands.steps.iter().map(|step| step.title.as_str());
    assert_eq!(titles.skip(2).collect::<Vec<_>>(), ["one"]);
}

#[test]
fn a_repository_gets_the_files_and_loses_those_of_before() {
    let (commands, _) = commands(&two_clusters(Target::Gitops));
    let first = &commands.steps[0];
    assert_eq!(
        first.title,
        "In a clone of https://git.example.com/mesh.git, branch main"
    );
    let words = shlex::split(&first.commands[0]).unwrap();
    assert_eq!(
        words[..5],
        ["git", "rm", "-r", "--quiet", "--ignore-unmatch"]
    );
    assert!(
        words.iter().any(|word| word == "mesh/clusters"),
        "{words:?}"
    );
    let flux = &commands.steps[2].commands;
    assert_eq!(flux.len(), 2);
}
