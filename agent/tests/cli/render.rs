//! What `render` writes, and where.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use crate::desk::{Desk, MESH, files_below};

#[test]
fn all_forms_of_a_bundle_give_the_same_again() {
    let desk = Desk::new();
    for target in [
        "direct",
        "kubefed-v1alpha1",
        "kubefed-v1beta1",
        "karmada",
        "ocm",
    ] {
        let stream = desk
            .run(&["render", "-f", "mesh.yaml", "--target", target], 0)
            .out;
        assert!(stream.contains("# cluster: north\n"));
        assert!(
            stream.contains(&format!("#|   target: {target}\n")),
            "the document carries the target"
        );
        let folder = format!("{target}/bundle");
        let zip = format!("{target}.zip");
        desk.write("stream.yaml", &stream);
        desk.run(
            &[
                "render",
                "-f",
                "mesh.yaml",
                "--target",
                target,
                "--to",
                &folder,
            ],
            0,
        );
        desk.run(
            &[
                "render",
                "-f",
                "mesh.yaml",
                "--target",
                target,
                "--to",
                &zip,
            ],
            0,
        );
        for form in ["stream.yaml", &folder, &zip, &format!("{folder}/mesh.yaml")] {
            assert_eq!(
                desk.run(&["render", "-f", form], 0).out,
                stream,
                "{target} {form}"
            );
        }
        // The same bytes whichever way they went.
        let first = fs::read(desk.path(&zip)).unwrap();
        desk.run(&["render", "-f", &folder, "--to", &zip], 0);
        assert_eq!(fs::read(desk.path(&zip)).unwrap(), first);
    }
}

#[test]
fn gitops_is_a_folder_that_others_apply() {
    let desk = Desk::new();
    let repository =
        "spec:\n  target: gitops\n  gitops:\n    repoURL: https://git.example.com/mesh\n";
    desk.write("gitops.yaml", &MESH.replace("spec:\n", repository));
    for arguments in [
        &["render", "-f", "gitops.yaml"][..],
        &["render", "-f", "gitops.yaml", "--cluster", "north"],
    ] {
        desk.run(arguments, 2)
            .refuses(&["gitops", "--to DIR", "kubectl kustomize"]);
    }
    for arguments in [
        &["plan", "-f", "gitops.yaml"][..],
        &["apply", "-f", "gitops.yaml", "--yes"],
        &["status", "-f", "gitops.yaml"],
        &["follow", "-f", "gitops.yaml"],
    ] {
        desk.run(arguments, 1)
            .refuses(&["Argo CD or Flux", "fedmesh-agent render --to DIR"]);
    }
    desk.run(&["render", "-f", "gitops.yaml", "--to", "bundle"], 0);
    desk.run(&["render", "-f", "bundle", "--to", "bundle.zip"], 0);
    desk.run(&["check", "-f", "bundle.zip"], 0);
    let files = files_below(&desk.path("bundle"));
    for file in [
        "argocd/applicationset.yaml",
        "base/kustomization.yaml",
        "clusters/south/kustomization.yaml",
        "flux/north.yaml",
    ] {
        assert!(files.iter().any(|known| known == file), "{file}: {files:?}");
    }
    // What only kustomize reads is replaced and taken away as well, though it carries no label.
    let edited = desk
        .read("bundle/mesh.yaml")
        .replace("name: orders", "name: billing");
    desk.write("bundle/mesh.yaml", &edited);
    desk.run(&["render", "-f", "bundle/mesh.yaml", "--to", "bundle"], 0);
    let after = files_below(&desk.path("bundle"));
    assert_eq!(after.len(), files.len(), "{after:?}");
    assert!(
        after.iter().all(|file| !file.contains("orders")),
        "{after:?}"
    );
    assert!(
        after.iter().any(|file| file.contains("/patch-")),
        "{after:?}"
    );
}

#[test]
fn the_format_is_a_format() {
    let desk = Desk::new();
    assert_eq!(
        desk.run(&["render", "-f", "mesh.yaml", "-o", "yaml"], 0)
            .out,
        desk.run(&["render", "-f", "mesh.yaml"], 0).out
    );
    for path in ["bundle", "bundle.zip", "yml", "-"] {
        desk.run(&["render", "-f", "mesh.yaml", "--output", path], 2)
            .refuses_usage(&["the formats are yaml and json", &format!("--to {path}")]);
    }
    desk.run(
        &["render", "-f", "mesh.yaml", "-o", "json", "--to", "bundle"],
        2,
    );
    assert_eq!(files_below(desk.folder.path()), ["mesh.yaml"]);

    let json = |arguments: &[&str]| -> serde_json::Value {
        let arguments = [&["render", "-f", "mesh.yaml", "-o", "json"][..], arguments].concat();
        serde_json::from_str(&desk.run(&arguments, 0).out).unwrap()
    };
    let all = json(&[]);
    let south = json(&["--cluster", "south"]);
    assert_eq!(south["kind"], "List");
    assert_eq!(all[1]["cluster"], "south");
    assert_eq!(all[1]["objects"], south["items"]);
    let stream = desk
        .run(&["render", "-f", "mesh.yaml", "--cluster", "south"], 0)
        .out;
    let stream = serde_json::Value::from(shared::yaml::documents(&stream).unwrap());
    assert_eq!(south["items"], stream, "the same objects in the same order");
    desk.run(
        &[
            "render",
            "-f",
            "mesh.yaml",
            "-o",
            "json",
            "--cluster",
            "ctx-two",
        ],
        2,
    );
}

#[test]
fn one_cluster_is_printed_alone_and_is_no_bundle() {
    let desk = Desk::new();
    let south = desk
        .run(&["render", "-f", "mesh.yaml", "--cluster", "south"], 0)
        .out;
    assert!(
        south.starts_with("# cluster: south\n---\n") && !south.contains("north/"),
        "{south}"
    );
    desk.run_with(&["check", "-f", "-"], south.as_bytes(), 2)
        .refuses(&["there is no Mesh document in it"]);
    desk.run(&["render", "-f", "mesh.yaml", "--cluster", "ctx-two"], 2)
        .refuses(&["\"ctx-two\"", "north, south"]);
}

#[test]
fn a_folder_is_replaced_but_never_somebody_elses_files() {
    let desk = Desk::new();
    desk.write("photos/cat.jpg", "");
    desk.run(&["render", "-f", "mesh.yaml", "--to", "photos"], 1)
        .refuses(&["photos is not empty"]);
    assert_eq!(files_below(&desk.path("photos")), ["cat.jpg"]);
    desk.run(&["render", "-f", "mesh.yaml", "--to", "photos/cat.jpg"], 1)
        .refuses(&["photos/cat.jpg"]);

    // The document is edited where it lies, as anybody would.
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let before = files_below(&desk.path("bundle"));
    let edited = desk
        .read("bundle/mesh.yaml")
        .replace("name: orders", "name: billing");
    desk.write("bundle/mesh.yaml", &edited);
    desk.run(&["plan", "-f", "bundle"], 1)
        .refuses(&["missing: ", "billing", "extra: ", "orders"]);
    desk.run(&["render", "-f", "bundle/mesh.yaml", "--to", "bundle"], 0);
    let after = files_below(&desk.path("bundle"));
    assert_eq!(after.len(), before.len(), "{after:?}");
    assert!(
        after
            .iter()
            .all(|file| !file.contains("orders") && !file.contains(".tmp")),
        "{after:?}"
    );
    desk.run(&["check", "-f", "bundle"], 0);

    desk.write("bundle/north/notes.txt", "mine");
    let refused = desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1);
    refused.refuses(&["north/notes.txt", "nothing was written"]);
    assert!(
        files_below(&desk.path("bundle"))
            .iter()
            .any(|file| file.contains("billing"))
    );
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    for output in ["no/such/bundle.zip", "mesh.yaml"] {
        desk.run(&["render", "-f", "mesh.yaml", "--to", output], 1)
            .refuses(&[output]);
    }
    assert_eq!(desk.read("mesh.yaml"), MESH);
}

#[test]
fn files_and_folders_can_be_read_as_usual() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("bundle/mesh.yaml"), mode("mesh.yaml"));
}

#[test]
fn a_document_with_errors_is_not_rendered() {
    let desk = Desk::new();
    desk.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    for output in ["-", "bundle", "bundle.zip"] {
        let refused = desk.run(&["render", "-f", "bad.yaml", "--to", output], 1);
        refused.refuses(&["error[FM0401] spec.services[0].port", "nothing is rendered"]);
    }
    assert!(!desk.path("bundle").exists() && !desk.path("bundle.zip").exists());
    desk.run(&["names", "-f", "bad.yaml"], 1)
        .refuses(&["FM0401"]);
}

#[test]
fn unknown_addresses_are_a_warning_beside_the_manifests() {
    let desk = Desk::new();
    desk.write(
        "unknown.yaml",
        &MESH.replace("    gateway:\n      addresses: [192.0.2.1]\n", ""),
    );
    let rendered = desk.run(&["render", "-f", "unknown.yaml"], 0);
    assert!(
        rendered
            .err
            .starts_with("unknown.yaml:12:5: warning[FM0208] spec.clusters[0]"),
        "{}",
        rendered.err
    );
    assert!(rendered.out.starts_with("# fedmesh bundle\n"));
    assert_eq!(desk.run(&["render", "-f", "mesh.yaml"], 0).err, "");
}

#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let desk = Desk::new();
    // More than a pipe holds, so that the program is still writing.
    let services: Vec<String> = (0..400)
        .map(|n| format!("  - name: service-{n}\n    namespace: sales\n    port: 80\n"))
        .collect();
    let services = services.concat();
    desk.write("large.yaml", &format!("{MESH}{services}"));
    for arguments in [
        &["render", "-f", "large.yaml"][..],
        &["names", "-f", "large.yaml"],
    ] {
        let mut child = desk
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).as_ref()
            ),
            (Some(0), "")
        );
    }
}
