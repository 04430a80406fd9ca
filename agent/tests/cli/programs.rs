//! JSON errors of failed commands, and the log of `-v`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::workdir::{MESH, Workdir};

#[test]
fn a_failure_is_json_with_output_json() {
    let workdir = Workdir::new();
    workdir.write(
        "broken.yaml",
        &MESH.replace("zone: europe-north1-a", "zoen: europe-north1-a"),
    );
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    workdir.write("config", "{apiVersion: v1, kind: Config}");
    for command in [
        "check", "render", "names", "simulate", "access", "plan", "status", "apply", "remove",
        "verify", "follow",
    ] {
        let run = |file: &str, exit_code: i32| -> Value {
            let mut arguments = vec![command, "-f", file, "-o", "json"];
            match command {
                "apply" | "remove" => arguments.extend(["--yes", "--kubeconfig", "config"]),
                "plan" | "status" | "verify" | "follow" => {
                    arguments.extend(["--kubeconfig", "config"]);
                }
                _ => {}
            }
            let ran = workdir.run(&arguments, exit_code);
            let said = serde_json::from_str(&ran.out);
            assert!(
                command == "check" || ran.err.contains("error: "),
                "{}",
                ran.err
            );
            said.unwrap_or_else(|error| panic!("{command}: {error}\n{}", ran.out))
        };
        let broken = run("broken.yaml", 2);
        assert_eq!(
            broken["findings"][0]["path"], "spec.clusters[0].zoen",
            "{command}"
        );
        assert_eq!(broken["findings"][0]["line"], 15);
        assert_eq!(broken["findings"][0]["severity"], "error");
        assert_eq!(broken["findings"][0]["hint"], "did you mean `zone`?");
        assert_eq!(
            broken["error"]["message"],
            "broken.yaml is not a Mesh document"
        );

        let absent = run("absent.yaml", 2);
        assert_eq!(absent["findings"], serde_json::json!([]));
        assert!(absent["error"]["hint"].as_str().unwrap().contains("-f"));

        // `remove` finds objects by their labels, so errors in the document do not matter.
        if command == "remove" {
            continue;
        }
        let bad = run("bad.yaml", if command == "verify" { 2 } else { 1 });
        let findings = bad["findings"].as_array().unwrap();
        let is_placed = |one: &Value| one["code"] == "FM0401" && one["line"] == 27;
        assert!(findings.iter().any(is_placed), "{command}: {bad}");
    }
    let import = workdir.run(&["import", "absent", "-o", "json"], 2);
    let import: Value = serde_json::from_str(&import.out).unwrap();
    assert!(
        import["error"]["message"]
            .as_str()
            .unwrap()
            .contains("absent")
    );
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let workdir = Workdir::new();
    for variable in ["FEDMESH_LOG", "FEDMESH_LEASE_DURATION"] {
        let mut command = workdir.command(&[
            "apply",
            "-f",
            "mesh.yaml",
            "--yes",
            "--kubeconfig",
            "absent",
        ]);
        let output = command.env(variable, "").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{variable}: {said}");
        assert!(said.contains("absent"), "{variable}: {said}");
    }
}

/// A server that responds to every request with 403.
fn refusing_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 8192];
            _ = stream.read(&mut request);
            _ = stream.write_all(
                b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
            );
        }
    });
    address
}

#[test]
fn requests_are_logged_without_credentials() {
    let workdir = Workdir::new();
    let server = refusing_server();
    workdir.write(
        "config",
        &format!(
            "{{apiVersion: v1, kind: Config, clusters: [{{name: a, cluster: {{server: 'http://{server}'}}}}], \
             users: [{{name: u, user: {{token: topsecret}}}}], \
             contexts: [{{name: ctx-one, context: {{cluster: a, user: u}}}}, \
             {{name: ctx-two, context: {{cluster: a, user: u}}}}]}}"
        ),
    );
    for command in ["plan", "status", "apply", "remove", "verify"] {
        let run = |more: &[&str]| {
            let mut command =
                workdir.command(&[command, "-f", "mesh.yaml", "--kubeconfig", "config"]);
            if matches!(
                command.get_args().next().and_then(|one| one.to_str()),
                Some("apply" | "remove")
            ) {
                command.arg("--yes");
            }
            let output = command.args(more).output().unwrap();
            String::from_utf8(output.stderr).unwrap()
        };
        for verbose in ["-v", "-vvv"] {
            let said = run(&[verbose]);
            let logged = said.lines().any(|line| {
                line.contains("GET /") && line.contains(" 403 in ") && line.contains("ctx-one")
            });
            assert!(logged, "{command}: {said}");
            assert!(
                !said.contains("topsecret") && !said.to_lowercase().contains("bearer"),
                "{said}"
            );
        }
        assert!(!run(&[]).contains(" 403 in "), "{command}");
    }
}
