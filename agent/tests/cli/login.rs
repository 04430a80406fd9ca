//! Login tools of a kubeconfig (`users[].user.exec`) that return no credentials.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::workdir::Workdir;

/// A login tool for both contexts, relative to the kubeconfig's folder; each context has its own argument.
fn desk_with(script: Option<&str>) -> Workdir {
    let workdir = Workdir::new();
    let user = |name: &str| {
        format!(
            "{{name: {name}, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, \
             command: ./login.sh, args: [{name}], interactiveMode: Never, installHint: get it, \
             env: [{{name: TOOL_PASSWORD, value: topsecret-environment}}]}}}}}}"
        )
    };
    let kubeconfig = format!(
        "{{apiVersion: v1, kind: Config, \
         clusters: [{{name: dead, cluster: {{server: 'https://127.0.0.1:1'}}}}], \
         users: [{}, {}], \
         contexts: [{{name: ctx-one, context: {{cluster: dead, user: one}}}}, \
         {{name: ctx-two, context: {{cluster: dead, user: two}}}}]}}",
        user("one"),
        user("two")
    );
    workdir.write("config/kubeconfig", &kubeconfig);
    if let Some(script) = script {
        workdir.write("config/login.sh", &format!("#!/bin/sh\n{script}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(workdir.path("config/login.sh"), mode).unwrap();
    }
    workdir
}

const PLAN: [&str; 5] = [
    "plan",
    "-f",
    "mesh.yaml",
    "--kubeconfig",
    "config/kubeconfig",
];

fn plan_with(script: Option<&str>) -> String {
    let ran = desk_with(script).run(&PLAN, 1);
    let said = ran.out + &ran.err;
    assert!(!said.contains("topsecret"), "{said}");
    assert!(
        said.contains("check whether `kubectl --context ctx-one version` works"),
        "{said}"
    );
    said
}

#[test]
fn the_tools_error_is_reported_but_not_its_output() {
    let said = plan_with(Some(
        "echo topsecret-token; echo 'your session has ended: log in again' >&2; exit 3",
    ));
    assert!(
        said.contains(
            "its login tool `login.sh` failed (exit status: 3): your session has ended: log in again"
        ),
        "{said}"
    );
    let said = plan_with(Some("echo 'token: [topsecret-token'"));
    assert!(
        said.contains("its login tool `login.sh` printed no valid ExecCredential"),
        "{said}"
    );
    assert!(!said.contains("waiting for the login tool"), "{said}");
    let said = plan_with(None);
    assert!(
        said.contains("its login tool `login.sh` is not installed: No such file"),
        "{said}"
    );
    assert!(said.contains("; get it"), "{said}");
}

#[test]
fn a_slow_tool_is_named_with_its_message() {
    let said = plan_with(Some("echo 'open a browser' >&2; sleep 3; exit 3"));
    for context in ["ctx-one", "ctx-two"] {
        let line =
            format!("waiting for the login tool `login.sh` of context {context}: open a browser");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
}

#[test]
fn a_tool_runs_once_per_user() {
    // The server refuses connections, also in the retries.
    plan_that_cannot_connect(
        "echo run >> runs; echo '{apiVersion: client.authentication.k8s.io/v1, kind: ExecCredential, \
         status: {token: topsecret}}'",
    );
}

fn plan_that_cannot_connect(script: &str) {
    let workdir = desk_with(Some(script));
    let ran = workdir.run(&PLAN, 1);
    let said = ran.out + &ran.err;
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(!said.contains("topsecret"), "{said}");
    assert_eq!(workdir.read("runs").lines().count(), 2, "one run per user");
}

/// The running processes of the tools. Zombies do not count, since no process waits for them here.
fn alive(workdir: &Workdir) -> Vec<String> {
    let pids = std::fs::read_to_string(workdir.path("pids")).unwrap_or_default();
    let is_alive = |pid: &&str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    pids.lines().filter(is_alive).map(str::to_owned).collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hanging_tool_ends_with_the_program() {
    let hangs = "sleep 600 & echo $$ $! | tr ' ' '\\n' >> pids; wait";
    for (command, signal) in [("plan", "INT"), ("plan", "TERM"), ("apply", "INT")] {
        let workdir = desk_with(Some(hangs));
        let mut arguments = PLAN.to_vec();
        arguments[0] = command;
        if command == "apply" {
            arguments.push("--yes");
        }
        let mut program = workdir
            .command(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("four processes", || alive(&workdir).len() == 4);
        let pid = program.id().to_string();
        let killed = std::process::Command::new("kill")
            .args([format!("-{signal}"), pid])
            .status();
        assert!(killed.unwrap().success());
        let status = program.wait().unwrap();
        assert!(!status.success(), "{command} {signal}: {status}");
        wait_until(&format!("{command} {signal}"), || {
            alive(&workdir).is_empty()
        });
    }
}
