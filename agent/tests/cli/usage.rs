//! Help, wrong usage, and errors without clusters.

use crate::workdir::{MESH, Workdir};

#[test]
fn help_of_every_command_has_examples() {
    let workdir = Workdir::new();
    let help = workdir.run(&["--help"], 0).out;
    assert!(help.contains("Examples:"));
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap().lines();
    let commands: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(
        commands.contains(&"check") && commands.contains(&"explain"),
        "{commands:?}"
    );
    for command in commands {
        let help = workdir.run(&[command, "--help"], 0);
        assert!(
            help.out.contains("Examples:\n  fedmesh-agent "),
            "{command}: {}",
            help.out
        );
        assert_eq!(help.err, "");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let workdir = Workdir::new();
    for arguments in [
        &[][..],
        &["no-such-command"],
        &["render"],
        &["check", "-f", "mesh.yaml", "--format", "xml"],
        &["render", "-f", "mesh.yaml", "--target", "nomad"],
        &[
            "render",
            "-f",
            "mesh.yaml",
            "--cluster",
            "north",
            "--to",
            "bundle",
        ],
        &["render", "-f", "mesh.yaml", "--cluster", "ctx-one"],
        &["serve", "--listen", "0.0.0.0:8642"],
        &["serve", "--listen", "192.0.2.1:8642"],
        &["serve", "--listen", "8642"],
        &["serve", "--allow-origin", "https://mesh.example.org/page"],
        &["serve", "--allow-origin", "*"],
        &["plan", "-f", "mesh.yaml", "--forget-address", "ctx-one"],
        &[
            "apply",
            "-f",
            "mesh.yaml",
            "--yes",
            "--forget-address",
            "nowhere",
        ],
        &["verify", "-f", "mesh.yaml", "--timeout", "soon"],
        &["verify", "-f", "mesh.yaml", "--wait", "0s"],
        &["verify", "-f", "mesh.yaml", "--client", "sales"],
        &["verify", "-f", "mesh.yaml", "--client", "../x/app=y"],
        &["verify", "-f", "mesh.yaml", "--drill", "@north"],
        &["verify", "-f", "mesh.yaml", "--yes"],
        &[
            "verify",
            "-f",
            "mesh.yaml",
            "--drill",
            "orders",
            "--restore",
        ],
        &["verify", "-f", "mesh.yaml", "-o", "xml"],
        &["import"],
        &["import", "mesh.yaml", "--cluster", "north"],
        &["import", "mesh.yaml", "-o", "text"],
    ] {
        assert_eq!(workdir.run(arguments, 2).out, "", "{arguments:?}");
    }
    // With --exit-code, 2 means changes and nothing else.
    workdir.run(
        &["plan", "-f", "mesh.yaml", "--exit-code", "--no-such-flag"],
        1,
    );
    workdir.run(&["plan", "-f", "absent.yaml", "--exit-code"], 1);
}

#[test]
fn without_terminal_and_yes_nothing_is_changed() {
    let workdir = Workdir::new();
    for command in ["apply", "remove"] {
        workdir
            .run(&[command, "-f", "mesh.yaml"], 2)
            .refuses(&["cannot ask for confirmation without a terminal", "--yes"]);
        workdir
            .run_with(&[command, "-f", "-"], MESH.as_bytes(), 2)
            .refuses(&["cannot ask for confirmation without a terminal"]);
    }
}

#[test]
fn commands_that_need_clusters_report_what_is_missing() {
    let workdir = Workdir::new();
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    for command in [
        &["plan"][..],
        &["status"],
        &["apply", "--yes"],
        &["remove", "--yes"],
    ] {
        let with =
            |file: &'static str| [command, &["-f", file, "--kubeconfig", "no-such-file"]].concat();
        workdir
            .run(&with("mesh.yaml"), 1)
            .refuses(&["no-such-file"]);
        workdir
            .run(&with("absent.yaml"), 2)
            .refuses(&["cannot read absent.yaml"]);
    }
    workdir
        .run(&["plan", "-f", "mesh.yaml"], 1)
        .refuses(&["kubeconfig"]);
}

#[test]
fn a_verification_that_cannot_start_exits_with_2() {
    let workdir = Workdir::new();
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    workdir.write("kubeconfig", "{apiVersion: v1, kind: Config}");
    workdir
        .run(
            &["verify", "-f", "mesh.yaml", "--kubeconfig", "no-such-file"],
            2,
        )
        .refuses(&["nothing could be checked", "no-such-file"]);
    workdir
        .run(&["verify", "-f", "absent.yaml"], 2)
        .refuses(&["cannot read absent.yaml"]);
    workdir
        .run(
            &["verify", "-f", "bad.yaml", "--kubeconfig", "kubeconfig"],
            2,
        )
        .refuses(&["the document has errors", "FM0401"]);
    workdir
        .run(&["verify", "-f", "mesh.yaml", "--drill", "orders"], 2)
        .refuses(&["cannot ask for confirmation without a terminal", "--yes"]);
}
