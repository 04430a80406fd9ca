//! Where clusters come from.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use fedmesh_agent::operation::{Operations, PlanError};
use serde_json::{Value, json};
use shared::api::Intent;

use crate::fixture::{EAST, LoneBed, WEST, document, shared_bed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_are_probed_with_locality_and_gateway() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let gateway = [
        "delete",
        "service/istio-ingressgateway",
        "--namespace=istio-system",
    ];
    bed.kubectl(EAST, &[&gateway[..], &["--ignore-not-found"]].concat())
        .unwrap();
    for (name, zone) in [("node-a", "eu-1-a"), ("node-b", "eu-1-b")] {
        let node = format!(
            r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{name}","labels":{{
                "topology.kubernetes.io/region":"eu-1","topology.kubernetes.io/zone":"{zone}"}}}}}}"#
        );
        bed.kubectl_with_input(WEST, &["create", "-f", "-"], &node)
            .unwrap();
    }
    bed.ingress_gateway(WEST, &["203.0.113.7", "lb.example.com"])
        .unwrap();
    let operations = Operations::new(Some(bed.kubeconfig().to_owned()));
    let contexts = operations.clusters().await.contexts;
    let [west, east] = contexts.as_slice() else {
        panic!("{contexts:#?}")
    };
    assert_eq!((west.name.as_str(), east.name.as_str()), (WEST, EAST));
    assert!(
        west.version.as_deref().unwrap().starts_with("v1."),
        "{west:#?}"
    );
    assert_eq!(west.region.as_deref(), Some("eu-1"));
    assert_eq!(west.zones, ["eu-1-a", "eu-1-b"]);
    assert_eq!(
        west.gateway.as_deref().unwrap(),
        ["203.0.113.7", "lb.example.com"]
    );
    assert_eq!(
        (&east.region, &east.gateway, &east.error),
        (&None, &None, &None)
    );

    // A server that hangs takes no longer than its deadline, and the other one is there.
    bed.pause_api_server(EAST).unwrap();
    let start = std::time::Instant::now();
    let contexts = operations.clusters().await.contexts;
    assert!(start.elapsed().as_secs() < 9, "{:?}", start.elapsed());
    assert!(contexts[0].error.is_none());
    let error = contexts[1].error.as_deref().unwrap();
    assert!(
        error.contains("in time") || error.contains("no answer within"),
        "{error}"
    );
    bed.resume_api_server(EAST).unwrap();
    bed.kubectl(WEST, &["delete", "nodes", "--all"]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kubeconfig_and_a_broken_one_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("absent");
    let operations = Operations::new(Some(file.clone()));
    let error = operations.clusters().await.error.unwrap();
    assert!(error.contains("there is no kubeconfig at"), "{error}");
    let planned = operations
        .plan(&document("none", &["orders"]), Intent::Apply)
        .await;
    assert!(
        matches!(planned, Err(PlanError::Kubeconfig(_))),
        "{planned:?}"
    );

    std::fs::write(&file, "contexts: 7").unwrap();
    let error = operations.clusters().await.error.unwrap();
    assert!(error.contains("is not a valid kubeconfig"), "{error}");
    std::fs::write(&file, "").unwrap();
    let clusters = operations.clusters().await;
    assert_eq!((clusters.error, clusters.contexts), (None, Vec::new()));
}

/// A kubeconfig in `folder` with the named entries of the bed's, changed by `change`.
fn part(
    bed: &testbed::Testbed,
    file: &Path,
    keep: impl Fn(&str, &str) -> bool,
    change: impl Fn(&mut Value),
) {
    let config = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    for list in ["clusters", "users", "contexts"] {
        let entries = config[list].as_array_mut().unwrap();
        entries.retain(|entry| keep(list, entry["name"].as_str().unwrap()));
    }
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    change(&mut config);
    std::fs::write(file, config.to_string()).unwrap();
}

/// Why each cluster cannot be asked, if it cannot, with these files in `KUBECONFIG`.
fn asked_with(folder: &Path, files: &[&Path]) -> [Option<String>; 2] {
    let mesh = folder.join("mesh.yaml");
    std::fs::write(&mesh, document("files", &["orders"]).to_yaml()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"))
        .args(["status", "-o", "json", "-f"])
        .arg(&mesh)
        .env("KUBECONFIG", std::env::join_paths(files).unwrap())
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    });
    [0, 1].map(|index| {
        status["clusters"][index]["error"]
            .as_str()
            .map(str::to_owned)
    })
}

/// Whether kubectl is answered in both clusters.
fn kubectl_is_answered(bed: &testbed::Testbed, files: &[&Path]) -> [bool; 2] {
    [WEST, EAST].map(|context| {
        Command::new(bed.kubectl_path())
            .args(["get", "namespaces", "--context", context])
            .env("KUBECONFIG", std::env::join_paths(files).unwrap())
            .output()
            .unwrap()
            .status
            .success()
    })
}

/// The first file that has an entry of a name counts, a file that is missing is passed over, and
/// paths are those of the file that they stand in: as kubectl has it.
#[test]
fn several_files_are_one_kubeconfig() {
    let bed = shared_bed();
    let folder = tempfile::tempdir().unwrap();
    let [first, second, absent] =
        ["one/config", "two/config", "absent"].map(|name| folder.path().join(name));
    // West's context and user are in the first, its cluster and all of east in the second; both have
    // west's user, the second a wrong one.
    part(
        bed,
        &first,
        |list, name| name.starts_with(WEST) && list != "clusters",
        |_| {},
    );
    part(
        bed,
        &second,
        |list, name| list != "contexts" || name == EAST,
        |config| {
            config["users"][0]["user"]["token"] = "wrong".into();
            let cluster = &mut config["clusters"][1]["cluster"];
            let authority = cluster["certificate-authority"].as_str().unwrap();
            std::fs::copy(authority, folder.path().join("two/authority")).unwrap();
            cluster["certificate-authority"] = "authority".into();
        },
    );
    let files = [&*first, &absent, &second];
    assert_eq!(asked_with(folder.path(), &files), [None, None]);
    assert_eq!(kubectl_is_answered(bed, &files), [true, true]);

    let files = [&*second, &first];
    let [west, east] = asked_with(folder.path(), &files);
    let west = west.unwrap();
    assert!(west.contains("does not accept the credentials"), "{west}");
    assert_eq!(east, None);
    assert_eq!(kubectl_is_answered(bed, &files), [false, true]);

    let [west, east] = asked_with(folder.path(), &[&second]);
    let west = west.unwrap();
    assert!(west.contains("has no context west-context"), "{west}");
    assert_eq!(east, None);
}

/// A token from a program beside the kubeconfig, and a new one once it is over.
#[test]
fn login_tools_are_run() {
    let bed = shared_bed();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    part(
        bed,
        &file,
        |_, _| true,
        |config| {
            let token = config["users"][0]["user"]["token"].clone();
            std::fs::write(folder.path().join("token"), token.as_str().unwrap()).unwrap();
            config["users"][0]["user"] = json!({ "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "./login.sh",
                "args": ["--for", "west"],
                "env": [{ "name": "TOKEN_FILE", "value": folder.path().join("token") }],
                "interactiveMode": "Never",
            } });
        },
    );
    let script = folder.path().join("login.sh");
    std::fs::write(
        &script,
        "#!/bin/sh\n\
         echo \"$* $KUBERNETES_EXEC_INFO\" >> \"$(dirname \"$0\")/calls\"\n\
         printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{\"token\":\"%s\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}' \"$(cat \"$TOKEN_FILE\")\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(asked_with(folder.path(), &[&file]), [None, None]);
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    let ours: Vec<&str> = calls.lines().collect();
    assert!(ours.len() > 2, "its credentials never last: {calls}");
    for call in ours {
        let info = call.strip_prefix("--for west ").unwrap();
        let info: Value = serde_json::from_str(info).unwrap();
        assert_eq!(info["kind"], "ExecCredential", "{call}");
    }

    assert_eq!(kubectl_is_answered(bed, &[&file]), [true, true]);
    std::fs::write(folder.path().join("token"), "wrong").unwrap();
    let [west, east] = asked_with(folder.path(), &[&file]);
    let west = west.unwrap();
    assert!(west.contains("does not accept the credentials"), "{west}");
    assert_eq!(east, None);
}
