//! Inputs of `-f`; tests of `check`, `names` and `simulate`.

use std::fs;

use crate::workdir::{MESH, Workdir, files_below};

#[test]
fn check_distinguishes_valid_invalid_and_unreadable_documents() {
    let workdir = Workdir::new();
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    workdir.write(
        "broken.yaml",
        &MESH.replace("zone: europe-north1-a", "zoen: europe-north1-a"),
    );
    workdir.write("no-text.yaml", "");
    fs::write(workdir.path("no-text.yaml"), [0xff, 0xfe, 0x00]).unwrap();

    assert_eq!(workdir.run(&["check", "-f", "mesh.yaml"], 0).err, "");
    let bad = workdir.run(&["check", "-f", "bad.yaml"], 1);
    assert!(
        bad.out.starts_with(
            "bad.yaml:27:5: error[FM0401] spec.services[0].port: port `80000` is out of range (1–65535)\n  hint: "
        ),
        "{}",
        bad.out
    );
    assert!(
        bad.out
            .ends_with("bad.yaml: 1 error, 0 warnings, 0 hints\n"),
        "{}",
        bad.out
    );

    workdir.run(&["check", "-f", "broken.yaml"], 2).refuses(&[
        "broken.yaml:15:5: error: spec.clusters[0].zoen: unknown field",
        "\n  hint: did you mean `zone`?\nerror: broken.yaml is not a Mesh document\n",
    ]);
    workdir
        .run(&["check", "-f", "absent.yaml"], 2)
        .refuses(&["cannot read absent.yaml"]);
    workdir
        .run(&["check", "-f", "no-text.yaml"], 2)
        .refuses(&["no-text.yaml is UTF-16 text", "save it as UTF-8"]);
    fs::write(workdir.path("no-text.yaml"), [0xff, 0x00]).unwrap();
    workdir
        .run(&["check", "-f", "no-text.yaml"], 2)
        .refuses(&["no-text.yaml is neither UTF-8 text nor a zip"]);
    workdir
        .run_with(&["check", "-f", "-"], b"", 2)
        .refuses(&["standard input:1:1: error: "]);
}

#[test]
fn urls_are_rejected_with_a_command() {
    let workdir = Workdir::new();
    for command in ["check", "render", "plan", "apply", "status"] {
        workdir
            .run(&[command, "-f", "https://git.example.com/mesh.yaml"], 2)
            .refuses(&[
                "is a URL",
                "curl -fsSL 'https://git.example.com/mesh.yaml' | fedmesh-agent … -f -",
            ]);
    }
    workdir
        .run(&["import", "HTTPS://git.example.com/a.yaml"], 2)
        .refuses(&["is a URL", "| fedmesh-agent import -"]);
}

#[test]
fn an_empty_document_at_the_end_is_ignored() {
    let workdir = Workdir::new();
    for end in ["---\n", "---\n# the end\n", "---\n...\n"] {
        workdir.write("mesh.yaml", &format!("---\n{MESH}{end}"));
        workdir.run(&["check", "-f", "mesh.yaml"], 0);
    }
    workdir.write("mesh.yaml", &format!("{MESH}---\n{MESH}"));
    workdir
        .run(&["check", "-f", "mesh.yaml"], 2)
        .refuses(&["more than one YAML document", "keep one document"]);
}

#[test]
fn templates_are_recognized() {
    let workdir = Workdir::new();
    for text in [
        "{{ .Values.suffix }}",
        "\"{{ .Values.suffix }}\"",
        "${SUFFIX}",
    ] {
        workdir.write("mesh.yaml", &MESH.replace("mesh.example.org", text));
        let ran = workdir
            .command(&["check", "-f", "mesh.yaml"])
            .output()
            .unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert!(said.contains("hint: render the template first"), "{said}");
    }
}

#[test]
fn findings_have_the_line_and_column_in_the_file() {
    let workdir = Workdir::new();
    let place = |arguments: &[&str]| -> String {
        let ran = workdir.command(arguments).output().unwrap();
        let told = [ran.stdout, ran.stderr].map(|text| String::from_utf8(text).unwrap());
        let line = told.iter().flat_map(|text| text.lines());
        let mut line = line.filter(|line| line.contains("[FM"));
        line.next()
            .unwrap()
            .split(" spec.")
            .next()
            .unwrap()
            .to_owned()
    };
    let without = "    gateway:\n      addresses: [192.0.2.1]\n";
    workdir.write("unknown.yaml", &MESH.replace(without, ""));
    let of_file = place(&["check", "-f", "unknown.yaml"]);
    assert_eq!(of_file, "unknown.yaml:12:5: warning[FM0208]");
    workdir.run(&["render", "-f", "unknown.yaml", "--to", "folder"], 0);
    workdir.run(&["render", "-f", "unknown.yaml", "--to", "archive.zip"], 0);
    let stream = workdir.run(&["render", "-f", "unknown.yaml"], 0).out;
    workdir.write("stream.yaml", &stream);

    let line_of = |text: &str| {
        1 + text
            .lines()
            .position(|line| line.contains("name: north"))
            .unwrap()
    };
    assert_eq!(
        place(&["check", "-f", "folder"]),
        format!(
            "folder/mesh.yaml:{}:5: warning[FM0208]",
            line_of(&workdir.read("folder/mesh.yaml"))
        )
    );
    // The column is after the comment prefix of the document's lines.
    assert_eq!(
        place(&["render", "-f", "stream.yaml"]),
        format!("stream.yaml:{}:8: warning[FM0208]", line_of(&stream))
    );
    // An archive has no lines.
    assert_eq!(
        place(&["check", "-f", "archive.zip"]),
        "archive.zip: warning[FM0208]"
    );
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    for command in ["render", "names", "simulate", "plan", "verify"] {
        let kubeconfig = "apiVersion: v1\nkind: Config\n";
        workdir.write(".kube/config", kubeconfig);
        assert_eq!(
            place(&[command, "-f", "bad.yaml"]),
            "bad.yaml:27:5: error[FM0401]",
            "{command}"
        );
    }

    workdir.write(
        "broken.yaml",
        &MESH
            .replace("region: europe", "regoin: europe")
            .replace("port: 8000", "port: http"),
    );
    let broken = workdir.run(&["plan", "-f", "broken.yaml"], 2).err;
    let places: Vec<&str> = broken
        .lines()
        .filter_map(|line| line.split(": error: ").next())
        .collect();
    assert_eq!(
        places[..6].iter().copied().step_by(2).collect::<Vec<_>>(),
        ["broken.yaml:14:5", "broken.yaml:20:5", "broken.yaml:27:11"],
        "{broken}"
    );
    workdir.write(
        "stream.yaml",
        &stream.replace("region: europe", "regoin: europe"),
    );
    workdir
        .run(&["check", "-f", "stream.yaml"], 2)
        .refuses(&[&format!("stream.yaml:{}:8: error: ", 2 + line_of(&stream))]);
}

#[test]
fn json_output_is_one_document_with_the_same_content() {
    let workdir = Workdir::new();
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    let json = |arguments: &[&str], exit_code| -> serde_json::Value {
        serde_json::from_str(&workdir.run(arguments, exit_code).out).unwrap()
    };
    assert_eq!(
        json(&["check", "-f", "mesh.yaml", "-o", "json"], 0),
        serde_json::json!({"findings": []})
    );
    let bad = json(&["check", "-f", "bad.yaml", "--format", "json"], 1);
    assert_eq!(bad["findings"][0]["code"], "FM0401");
    assert_eq!(bad["findings"][0]["severity"], "error");
    assert_eq!(bad["findings"][0]["line"], 27);
    assert_eq!(bad["findings"][0]["column"], 5);

    let names = json(&["names", "-f", "mesh.yaml", "-o", "json"], 0);
    let hosts: Vec<&str> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["host"].as_str().unwrap())
        .collect();
    assert_eq!(hosts[0], "shop-orders.mesh.example.org");
    assert_eq!(hosts[1], "orders.sales.external.svc.mesh.example.org");
    assert_eq!(hosts.len(), 6);
    assert_eq!(names[0].get("callers"), None, "all clients may call it");
}

#[test]
fn names_in_columns() {
    let workdir = Workdir::new();
    insta::assert_snapshot!(workdir.run(&["names", "-f", "mesh.yaml"], 0).out, @r"
    NAME                                                                      LEVEL   SERVICE       CLUSTERS     FALLS BACK TO                                             ANSWERED BY  CALLERS
    shop-orders.mesh.example.org                                              vanity  orders.sales  north,south  orders.sales.external.svc.mesh.example.org                north,south  *
    orders.sales.external.svc.mesh.example.org                                global  orders.sales  north,south  -                                                         north,south  *
    orders.sales.external.svc.europe-north1.mesh.example.org                  region  orders.sales  north        orders.sales.external.svc.mesh.example.org                north        *
    orders.sales.external.svc.europe-south1.mesh.example.org                  region  orders.sales  south        orders.sales.external.svc.mesh.example.org                south        *
    orders.sales.external.svc.europe-north1-a.europe-north1.mesh.example.org  zone    orders.sales  north        orders.sales.external.svc.europe-north1.mesh.example.org  north        *
    orders.sales.external.svc.europe-south1-b.europe-south1.mesh.example.org  zone    orders.sales  south        orders.sales.external.svc.europe-south1.mesh.example.org  south        *
    ");
}

#[test]
fn names_with_their_callers() {
    let workdir = Workdir::new();
    let callers = "    callers:
    - {namespace: shop, serviceAccounts: [web, api]}
    - {namespace: audit, clusters: [south]}
";
    workdir.write("mesh.yaml", &format!("{MESH}{callers}"));
    let table = workdir.run(&["names", "-f", "mesh.yaml"], 0).out;
    for line in table.lines().skip(1) {
        assert!(line.ends_with("  shop/api,shop/web,audit@south"), "{line}");
    }
    let names: serde_json::Value = serde_json::from_str(
        &workdir
            .run(&["names", "-f", "mesh.yaml", "-o", "json"], 0)
            .out,
    )
    .unwrap();
    for row in names.as_array().unwrap() {
        assert_eq!(
            row["callers"],
            serde_json::json!([
                {"namespace": "shop", "serviceAccounts": ["api", "web"]},
                {"namespace": "audit", "clusters": ["south"]},
            ])
        );
    }
}

#[test]
fn standard_input_is_read_in_every_form() {
    let workdir = Workdir::new();
    let from_file = workdir.run(&["render", "-f", "mesh.yaml"], 0).out;
    assert_eq!(
        workdir
            .run_with(&["render", "-f", "-"], MESH.as_bytes(), 0)
            .out,
        from_file
    );
    assert_eq!(
        workdir
            .run_with(&["render", "-f", "-"], from_file.as_bytes(), 0)
            .out,
        from_file
    );
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle.zip"], 0);
    let zip = fs::read(workdir.path("bundle.zip")).unwrap();
    assert_eq!(
        workdir.run_with(&["render", "-f", "-"], &zip, 0).out,
        from_file
    );
    let with_mark = format!("\u{feff}{MESH}");
    assert_eq!(
        workdir
            .run_with(&["render", "-f", "-"], with_mark.as_bytes(), 0)
            .out,
        from_file
    );
}

#[test]
fn an_edited_bundle_is_rejected_by_every_command() {
    let workdir = Workdir::new();
    let stream = workdir.run(&["render", "-f", "mesh.yaml"], 0).out;
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let file = files_below(&workdir.path("bundle"))
        .into_iter()
        .find(|file| file.contains("orders"))
        .unwrap();
    let gone = files_below(&workdir.path("bundle"))
        .into_iter()
        .find(|file| file.starts_with("south/"))
        .unwrap();
    workdir.write(
        &format!("bundle/{file}"),
        &workdir
            .read(&format!("bundle/{file}"))
            .replace("8000", "8001"),
    );
    fs::remove_file(workdir.path(&format!("bundle/{gone}"))).unwrap();
    workdir.write("bundle/north/99-mine.yaml", "kind: Secret\n");
    workdir.write(
        "edited.yaml",
        &stream.replace("number: 8000", "number: 8001"),
    );

    let (changed, missing) = (format!("changed: {file}"), format!("missing: {gone}"));
    for command in [
        "check", "render", "names", "plan", "status", "apply", "remove",
    ] {
        let mut arguments = vec![command, "-f", "bundle"];
        if matches!(command, "apply" | "remove") {
            arguments.push("--yes");
        }
        workdir.run(&arguments, 1).refuses(&[
            &changed,
            &missing,
            "extra: north/99-mine.yaml",
            "edit mesh.yaml",
        ]);
    }
    workdir
        .run(&["plan", "-f", "edited.yaml"], 1)
        .refuses(&["changed: ", "orders"]);
}

#[test]
fn a_folder_may_be_a_repository_but_has_no_links() {
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    workdir.write("bundle/.git/config", "[core]\n");
    workdir.write("bundle/.gitignore", "");
    workdir.run(&["check", "-f", "bundle"], 0);
    workdir.run(&["render", "-f", "bundle", "--to", "bundle"], 0);
    assert!(workdir.path("bundle/.git/config").exists());

    workdir.write("elsewhere/secret.yaml", "kind: Secret\n");
    std::os::unix::fs::symlink(workdir.path("elsewhere"), workdir.path("bundle/link")).unwrap();
    workdir
        .run(&["check", "-f", "bundle"], 2)
        .refuses(&["bundle/link is neither a file nor a folder"]);
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1)
        .refuses(&["bundle/link"]);
}

#[test]
fn simulate_shows_the_serving_clusters_and_rejects_unknown_ones() {
    let workdir = Workdir::new();
    let all = workdir.run(&["simulate", "-f", "mesh.yaml"], 0).out;
    // Six names, for two client clusters and by DNS alone.
    assert!(
        all.ends_with("\n0 of 18 answers change, 0 unanswered\n"),
        "{all}"
    );
    let down = "service:orders.sales@north";
    let text = workdir
        .run(
            &[
                "simulate",
                "-f",
                "mesh.yaml",
                "--down",
                down,
                "--client",
                "north",
            ],
            0,
        )
        .out;
    assert!(
        text.contains("FROM north") && !text.contains("FROM south"),
        "{text}"
    );
    assert!(text.contains("  north → south  "), "{text}");
    let rows: serde_json::Value = serde_json::from_str(
        &workdir
            .run(
                &["simulate", "-f", "mesh.yaml", "--down", down, "-o", "json"],
                0,
            )
            .out,
    )
    .unwrap();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["level"] == "vanity" && row["client"] == "north")
        .unwrap();
    assert_eq!(
        *row,
        serde_json::json!({
            "client": "north", "service": "orders.sales", "host": "shop-orders.mesh.example.org",
            "level": "vanity", "answeredBy": ["south"], "before": ["north"],
        })
    );
    workdir
        .run(&["simulate", "-f", "mesh.yaml", "--down", "ctx-one"], 2)
        .refuses(&["--down ctx-one: unknown cluster \"ctx-one\"; known: north, south"]);
    workdir
        .run(&["simulate", "-f", "mesh.yaml", "--client", "ctx-one"], 2)
        .refuses(&["--client ctx-one: unknown cluster; known clusters: north, south"]);
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    workdir
        .run(&["simulate", "-f", "bad.yaml"], 1)
        .refuses(&["FM0401"]);
}

#[test]
fn simulate_shows_the_share_of_calls_of_each_cluster() {
    let workdir = Workdir::new();
    let locality = "spec:\n  locality:\n    distribute:\n    - from: europe-north1\n      \
                    to: {europe-north1: 80, europe-south1: 20}\n";
    workdir.write("mesh.yaml", &MESH.replacen("spec:\n", locality, 1));
    let down = ["--down", "service:orders.sales@north"];
    let simulate = ["simulate", "-f", "mesh.yaml"];
    let text = workdir.run(&simulate, 0).out;
    assert!(text.contains("  north 80%,south 20%  south  "), "{text}");
    let text = workdir.run(&[&simulate[..], &down].concat(), 0).out;
    assert!(
        text.contains("  north 80%,south 20% → south 100%  "),
        "{text}"
    );
    let json = [&simulate[..], &down, &["-o", "json"]].concat();
    let rows: serde_json::Value = serde_json::from_str(&workdir.run(&json, 0).out).unwrap();
    let of = |client: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        let row = rows.find(|row| row["level"] == "global" && row["client"] == client);
        (
            row.unwrap()["shares"].clone(),
            row.unwrap()["sharesBefore"].clone(),
        )
    };
    let share =
        |cluster: &str, percent: u8| serde_json::json!({ "cluster": cluster, "percent": percent });
    assert_eq!(
        of("north"),
        (
            serde_json::json!([share("south", 100)]),
            serde_json::json!([share("north", 80), share("south", 20)]),
        )
    );
    // If the nearest cluster gets all calls, there are no shares.
    assert_eq!(
        of("south"),
        (serde_json::Value::Null, serde_json::Value::Null)
    );
}

/// kubectl would apply both sections, and the first one is not part of the rendered manifests.
#[test]
fn a_stream_with_a_duplicate_section_is_rejected() {
    let workdir = Workdir::new();
    let stream = workdir.run(&["render", "-f", "mesh.yaml"], 0).out;
    let section = "---\n# file: north/60-orders.sales.yaml\n";
    let foreign =
        format!("{section}apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\n{section}");
    let twice = stream.replacen(section, &foreign, 1);
    assert_ne!(twice, stream);
    for command in ["check", "render", "names"] {
        workdir
            .run_with(&[command, "-f", "-"], twice.as_bytes(), 2)
            .refuses(&["`north/60-orders.sales.yaml` occurs more than once"]);
    }
    // With other text before it, a stream is neither a bundle nor a document.
    for before in ["\n", "# a comment\n", "---\n"] {
        let text = format!("{before}{stream}");
        workdir
            .run_with(&["check", "-f", "-"], text.as_bytes(), 2)
            .refuses(&[]);
    }
    let two = format!("{MESH}---\nkind: Secret\n");
    workdir
        .run_with(&["check", "-f", "-"], two.as_bytes(), 2)
        .refuses(&[]);
}

#[test]
fn a_public_suffix_is_a_warning() {
    let workdir = Workdir::new();
    for suffix in ["co.uk", "github.io"] {
        workdir.write("public.yaml", &MESH.replace("mesh.example.org", suffix));
        let checked = workdir.run(&["check", "-f", "public.yaml"], 0);
        let expected = format!("warning[FM0314] spec.dns.suffix: `{suffix}` is a public suffix");
        assert!(checked.out.contains(&expected), "{}", checked.out);
        let rendered = workdir.run(&["render", "-f", "public.yaml"], 0);
        assert!(rendered.err.contains(&expected), "{}", rendered.err);
    }
    for suffix in ["mesh.internal", "my.zone", "corp.example", "me.github.io"] {
        workdir.write("own.yaml", &MESH.replace("mesh.example.org", suffix));
        let checked = workdir.run(&["check", "-f", "own.yaml"], 0);
        assert!(!checked.out.contains("FM0314"), "{}", checked.out);
    }
}
