//! Login tools of a kubeconfig (`users[].user.exec`) that give no credentials.

use std::os::unix::fs::PermissionsExt as _;

use crate::desk::Desk;

/// Plans with a login tool of both contexts, relative to the kubeconfig's folder.
fn plan_with(script: Option<&str>) -> String {
    let desk = Desk::new();
    desk.write(
        "config/kubeconfig",
        "{apiVersion: v1, kind: Config, \
         clusters: [{name: dead, cluster: {server: 'https://127.0.0.1:1'}}], \
         users: [{name: tool, user: {exec: {apiVersion: client.authentication.k8s.io/v1, \
           command: ./login.sh, interactiveMode: Never, \
           env: [{name: TOOL_PASSWORD, value: topsecret-environment}]}}}], \
         contexts: [{name: ctx-one, context: {cluster: dead, user: tool}}, \
         {name: ctx-two, context: {cluster: dead, user: tool}}]}",
    );
    if let Some(script) = script {
        desk.write("config/login.sh", &format!("#!/bin/sh\n{script}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(desk.path("config/login.sh"), mode).unwrap();
    }
    let arguments = [
        "plan",
        "-f",
        "mesh.yaml",
        "--kubeconfig",
        "config/kubeconfig",
    ];
    let ran = desk.run(&arguments, 1);
    let said = ran.out + &ran.err;
    assert!(!said.contains("topsecret"), "{said}");
    assert!(
        said.contains("see whether `kubectl --context ctx-one version` answers"),
        "{said}"
    );
    said
}

#[test]
fn what_it_says_is_told_and_what_it_prints_is_not() {
    let said = plan_with(Some(
        "echo topsecret-token; echo 'your session has ended: log in again' >&2; exit 3",
    ));
    assert!(
        said.contains(
            "its login tool failed (exit status: 3): your session has ended: log in again"
        ),
        "{said}"
    );
    let said = plan_with(Some("echo 'token: [topsecret-token'"));
    assert!(
        said.contains("its login tool printed something else than an ExecCredential"),
        "{said}"
    );
    assert!(!said.contains("waiting for the login tool"), "{said}");
    let said = plan_with(None);
    assert!(
        said.contains("its login tool does not start: No such file"),
        "{said}"
    );
}

#[test]
fn one_that_takes_long_is_named() {
    let said = plan_with(Some("sleep 3; exit 3"));
    for context in ["ctx-one", "ctx-two"] {
        let line = format!("waiting for the login tool of context {context}");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
}
