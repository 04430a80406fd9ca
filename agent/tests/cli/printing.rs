//! Text from outside cannot control the terminal or forge lines.

use std::ffi::OsStr;
use std::process::Command;

use crate::workdir::{MESH, Workdir};

/// Moves the cursor, sets a colour, breaks the line, changes the direction of text and hides a character.
const HARMFUL: &str = "x\u{1b}[2J\u{1b}[31m\r\nerror: forged\u{9b}\u{7}\u{202e}\u{200b}\u{7f}";

fn is_harmful(c: char) -> bool {
    c != '\n' && (c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))
}

/// The output of a program, which must not end by a signal.
#[track_caller]
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let said = text.concat();
    assert!(
        output.status.code().is_some() && !said.contains("panicked"),
        "{said}"
    );
    assert!(!said.contains(is_harmful), "{command:?}\n{said:?}");
    assert!(!said.contains("\nerror: forged"), "{command:?}\n{said}");
    said
}

#[test]
fn values_of_documents_are_escaped() {
    let workdir = Workdir::new();
    let harmful = serde_json::to_string(HARMFUL).unwrap();
    for (value, field) in [
        ("ctx-one", "context"),
        ("orders", "service"),
        ("north", "cluster"),
        ("mesh.example.org", "suffix"),
        ("shop-orders", "hostname"),
        ("sales", "namespace"),
        ("google", "provider"),
        ("192.0.2.1", "address"),
        ("8000", "port"),
        ("ownerId", "key"),
    ] {
        workdir.write("mesh.yaml", &MESH.replacen(value, &harmful, 1));
        workdir.write("config", "{apiVersion: v1, kind: Config}");
        for command in [
            &["check"][..],
            &["render"],
            &["names"],
            &["simulate"],
            &["access"],
            &["plan"],
            &["status"],
            &["apply", "--yes"],
            &["remove", "--plan"],
            &["follow", "--once"],
            &["verify"],
            &["verify", "-o", "junit"],
            &["verify", "-o", "markdown"],
            &["check", "-o", "json"],
            &["plan", "-o", "json"],
            &["names", "-o", "json"],
        ] {
            let mut command = workdir.command(command);
            command.args(["-f", "mesh.yaml"]);
            let mut arguments = command.get_args();
            if arguments.any(|one| {
                ["plan", "status", "apply", "remove", "follow", "verify"]
                    .iter()
                    .any(|name| one == *name)
            }) {
                command.args(["--kubeconfig", "config"]);
            }
            let said = said(&mut command);
            assert!(!said.is_empty(), "{field}");
        }
    }
}

#[test]
fn contexts_of_a_kubeconfig_cannot_forge_lines_of_a_plan() {
    let workdir = Workdir::new();
    let harmful = serde_json::to_string(HARMFUL).unwrap();
    workdir.write("mesh.yaml", &MESH.replace("ctx-one", &harmful));
    let kubeconfig = format!(
        "{{apiVersion: v1, kind: Config, clusters: [{{name: dead, cluster: {{server: 'https://127.0.0.1:1'}}}}], \
         users: [], contexts: [{{name: {harmful}, context: {{cluster: dead, user: ''}}}}, \
         {{name: ctx-two, context: {{cluster: dead, user: ''}}}}]}}"
    );
    workdir.write("config", &kubeconfig);
    for command in [
        &["plan"][..],
        &["plan", "--full"],
        &["plan", "-o", "json"],
        &["plan", "--out", "saved.plan"],
        &["plan", "-v"],
        &["status"],
        &["apply", "--yes"],
        &["verify", "--timeout", "1s"],
    ] {
        let mut command = workdir.command(command);
        said(command.args(["-f", "mesh.yaml", "--kubeconfig", "config"]));
    }
}

#[test]
fn file_names_and_arguments_are_escaped() {
    let workdir = Workdir::new();
    std::fs::create_dir(workdir.path(HARMFUL)).unwrap();
    let inside = workdir.path(HARMFUL).join("mesh.yaml");
    std::fs::write(&inside, MESH.replace("port: 8000", "port: 80000")).unwrap();
    let folder = workdir.path(HARMFUL);
    let absent = workdir.path(&format!("{HARMFUL}absent"));
    for command in [
        "check", "render", "names", "simulate", "access", "plan", "status", "verify", "follow",
    ] {
        for path in [&inside, &folder, &absent] {
            let said = said(workdir.command(&[command, "-f"]).arg(path));
            let needs_clusters = matches!(command, "plan" | "status" | "verify" | "follow");
            assert!(needs_clusters || said.contains(r"x\u{1b}[2J"), "{said}");
        }
    }
    for arguments in [
        &["import"][..],
        &["apply"],
        &["render", "-f", "mesh.yaml", "--to"],
        &["plan", "-f", "mesh.yaml", "--kubeconfig"],
    ] {
        said(workdir.command(arguments).arg(&folder));
        said(workdir.command(arguments).arg(&absent));
    }
    let harmful = OsStr::new(HARMFUL);
    for arguments in [
        &[][..],
        &["check", "-f", "mesh.yaml", "-o"],
        &["render", "-f", "mesh.yaml", "-o"],
        &["render", "-f", "mesh.yaml", "--cluster"],
        &["render", "-f", "mesh.yaml", "--target"],
        &["access", "-f", "mesh.yaml", "--cluster"],
        &["access", "-f", "mesh.yaml", "--command"],
        &["simulate", "-f", "mesh.yaml", "--down"],
        &["simulate", "-f", "mesh.yaml", "--client"],
        &["check", "-f", "mesh.yaml", "--log-level"],
        &["plan", "-f", "mesh.yaml", "--replaced"],
        &["plan", "-f", "mesh.yaml", "--renamed-from"],
        &["plan", "-f", "mesh.yaml", "--take-over"],
        &["verify", "-f", "mesh.yaml", "--timeout"],
        &["verify", "-f", "mesh.yaml", "--client"],
        &["verify", "-f", "mesh.yaml", "--drill"],
        &["verify", "-f", "mesh.yaml", "--name-server"],
        &["serve", "--listen"],
        &["serve", "--allow-origin"],
        &["import", "mesh.yaml", "--cluster"],
    ] {
        let said = said(workdir.command(arguments).arg(harmful));
        assert!(said.contains("error: "), "{arguments:?}\n{said}");
    }
    said(
        workdir
            .command(&["check", "-f", "mesh.yaml"])
            .arg(format!("--{HARMFUL}")),
    );
    said(
        workdir
            .command(&["check", "-f", "mesh.yaml"])
            .env("FEDMESH_LOG", harmful),
    );
}

#[test]
fn long_values_are_cut() {
    let workdir = Workdir::new();
    let long = "x".repeat(1_000_000);
    for value in [
        "north",
        "orders",
        "mesh.example.org",
        "google",
        "ownerId",
        "8000",
        "fedmesh.dev/v1alpha1",
    ] {
        workdir.write("mesh.yaml", &MESH.replacen(value, &long, 1));
        for format in ["text", "json"] {
            let said = said(&mut workdir.command(&["check", "-f", "mesh.yaml", "-o", format]));
            assert!(said.len() < 10_000, "{value}: {} bytes", said.len());
        }
    }
    let long = "x".repeat(50_000);
    workdir.write("mesh.yaml", MESH);
    let said = said(&mut workdir.command(&["check", "-f", "mesh.yaml", "-o", &long]));
    assert!(
        said.len() < 2_000 && said.contains("(50000 characters)"),
        "{said}"
    );
}
