//! Tests of `render`.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use crate::desk::{Desk, MESH, files_below};

#[test]
fn all_forms_of_a_bundle_render_to_the_same_bytes() {
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
            "the document contains the target"
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
        // The bytes are the same on both ways.
        let first = fs::read(desk.path(&zip)).unwrap();
        desk.run(&["render", "-f", &folder, "--to", &zip], 0);
        assert_eq!(fs::read(desk.path(&zip)).unwrap(), first);
    }
}

#[test]
fn gitops_renders_a_folder_only() {
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
    // Files that only kustomize reads are replaced and removed too, although they have no label.
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
fn the_output_format_is_not_a_path() {
    let desk = Desk::new();
    assert_eq!(
        desk.run(&["render", "-f", "mesh.yaml", "-o", "yaml"], 0)
            .out,
        desk.run(&["render", "-f", "mesh.yaml"], 0).out
    );
    for path in ["bundle", "bundle.zip", "yml", "-"] {
        desk.run(&["render", "-f", "mesh.yaml", "--output", path], 2)
            .refuses_usage(&["use yaml or json", &format!("--to {path}")]);
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
fn the_manifests_of_one_cluster_are_not_a_bundle() {
    let desk = Desk::new();
    let south = desk
        .run(&["render", "-f", "mesh.yaml", "--cluster", "south"], 0)
        .out;
    assert!(
        south.starts_with("# cluster: south\n---\n") && !south.contains("north/"),
        "{south}"
    );
    desk.run_with(&["check", "-f", "-"], south.as_bytes(), 2)
        .refuses(&["it has no Mesh document"]);
    desk.run(&["render", "-f", "mesh.yaml", "--cluster", "ctx-two"], 2)
        .refuses(&["\"ctx-two\"", "north, south"]);
}

#[test]
fn a_bundle_is_replaced_but_never_foreign_files() {
    let desk = Desk::new();
    desk.write("photos/cat.jpg", "");
    desk.run(&["render", "-f", "mesh.yaml", "--to", "photos"], 1)
        .refuses(&["photos is not empty"]);
    assert_eq!(files_below(&desk.path("photos")), ["cat.jpg"]);
    desk.run(&["render", "-f", "mesh.yaml", "--to", "photos/cat.jpg"], 1)
        .refuses(&["photos/cat.jpg"]);

    // The document is edited in place.
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

/// All files in a folder with their bytes.
fn contents(desk: &Desk, folder: &str) -> Vec<(String, Vec<u8>)> {
    let files = files_below(&desk.path(folder)).into_iter();
    files
        .map(|file| {
            let bytes = fs::read(desk.path(folder).join(&file)).unwrap();
            (file, bytes)
        })
        .collect()
}

#[test]
fn a_document_outside_a_bundle_is_never_overwritten() {
    const KUMA: &str = "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata:\n  name: default\n";
    let desk = Desk::new();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let rendered = desk.read("bundle/mesh.yaml");
    let other = rendered.replace("name: shop\n", "name: other\n");
    assert_ne!(other, rendered);
    for (what, document) in [
        ("of another product", KUMA.to_owned()),
        ("with comments", format!("# ours\n{other}")),
        ("with nothing beside it", other.clone()),
        ("broken", "kind: Mesh: {".to_owned()),
        ("not text", "\u{0}".to_owned()),
    ] {
        let folder = format!("folder {what}");
        desk.write(&format!("{folder}/mesh.yaml"), &document);
        let before = contents(&desk, &folder);
        desk.run(&["render", "-f", "mesh.yaml", "--to", &folder], 1)
            .refuses(&[
                "mesh.yaml was not written by `render`",
                "nothing was written",
            ]);
        assert_eq!(contents(&desk, &folder), before, "{what}");
    }
    // A bundle whose document has comments now, but is not the input.
    desk.write("bundle/mesh.yaml", &format!("# ours\n{rendered}"));
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1)
        .refuses(&["bundle/mesh.yaml was not written by `render`"]);
    // An earlier bundle of another mesh is still a bundle.
    desk.write("bundle/mesh.yaml", &other);
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    assert_eq!(desk.read("bundle/mesh.yaml"), rendered);
}

#[test]
fn the_input_is_never_overwritten_by_any_path_to_it() {
    let desk = Desk::new();
    let unchanged = |desk: &Desk| assert_eq!(desk.read("mesh.yaml"), MESH);
    for (input, output) in [
        ("mesh.yaml", "."),
        ("./mesh.yaml", "absolute"),
        ("link.yaml", "."),
        ("hard.yaml", "."),
        ("mesh.yaml", "linked"),
        ("mesh.yaml", "alias"),
    ] {
        let desk = Desk::new();
        fs::create_dir(desk.path("linked")).unwrap();
        fs::hard_link(desk.path("mesh.yaml"), desk.path("linked/mesh.yaml")).unwrap();
        fs::hard_link(desk.path("mesh.yaml"), desk.path("hard.yaml")).unwrap();
        std::os::unix::fs::symlink("mesh.yaml", desk.path("link.yaml")).unwrap();
        std::os::unix::fs::symlink(".", desk.path("alias")).unwrap();
        let output = if output == "absolute" {
            desk.folder.path().to_str().unwrap().to_owned()
        } else {
            output.to_owned()
        };
        desk.run(&["render", "-f", input, "--to", &output], 1)
            .refuses(&["mesh.yaml is the document that is rendered", "hint: "]);
        unchanged(&desk);
        assert!(!desk.path("north").exists() && !desk.path("linked/north").exists());
    }
    // By redirection.
    let input = fs::File::open(desk.path("mesh.yaml")).unwrap();
    let mut command = desk.command(&["render", "-f", "-", "--to", "."]);
    let output = command.stdin(input).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("mesh.yaml is the document that is rendered"),
        "{err}"
    );
    unchanged(&desk);
    // A symbolic link instead of a bundle's document.
    fs::create_dir(desk.path("links")).unwrap();
    std::os::unix::fs::symlink("../mesh.yaml", desk.path("links/mesh.yaml")).unwrap();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "links"], 1)
        .refuses(&["links/mesh.yaml is neither a file nor a folder"]);
    unchanged(&desk);
    // An unchanged bundle can be written again, but not with a different document.
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let before = contents(&desk, "bundle");
    desk.run(&["render", "-f", "bundle", "--to", "bundle"], 0);
    desk.run(
        &["render", "-f", "bundle", "-t", "karmada", "--to", "bundle"],
        1,
    )
    .refuses(&["bundle/mesh.yaml is the document that is rendered"]);
    assert_eq!(contents(&desk, "bundle"), before);
}

#[test]
fn a_foreign_zip_and_the_input_are_not_overwritten() {
    let desk = Desk::new();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle.zip"], 0);
    fs::hard_link(desk.path("bundle.zip"), desk.path("same.zip")).unwrap();
    std::os::unix::fs::symlink("bundle.zip", desk.path("link.zip")).unwrap();
    let bundle = fs::read(desk.path("bundle.zip")).unwrap();
    for output in ["bundle.zip", "./bundle.zip", "same.zip", "link.zip"] {
        desk.run(
            &[
                "render",
                "-f",
                "bundle.zip",
                "-t",
                "karmada",
                "--to",
                output,
            ],
            1,
        )
        .refuses(&["is the input", "nothing was written"]);
    }
    let mesh = shared::bundle::read_zip(&bundle).unwrap().swap_remove(0);
    let zip = |files: &[(&str, &str)]| shared::bundle::write_zip(files.iter().copied()).unwrap();
    let secret = ("north/99-x.yaml", "kind: Secret\n");
    for bytes in [
        b"mine".to_vec(),
        Vec::new(),
        zip(&[("cat.txt", "")]),
        zip(&[("mesh.yaml", &mesh.1)]),
        zip(&[("mesh.yaml", &mesh.1), secret]),
        [&bundle[..], b"mine"].concat(),
    ] {
        fs::write(desk.path("mine.zip"), &bytes).unwrap();
        desk.run(&["render", "-f", "mesh.yaml", "--to", "mine.zip"], 1)
            .refuses(&["mine.zip already exists", "nothing was written"]);
        assert_eq!(fs::read(desk.path("mine.zip")).unwrap(), bytes);
    }
    desk.run(
        &[
            "render",
            "-f",
            "mesh.yaml",
            "-t",
            "karmada",
            "--to",
            "bundle.zip",
        ],
        0,
    );
    assert_ne!(fs::read(desk.path("bundle.zip")).unwrap(), bundle);
}

/// A file with the path of a manifest that fedmesh did not write is kept.
#[test]
fn a_foreign_manifest_is_not_overwritten() {
    let desk = Desk::new();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    desk.write(
        "bundle/north/60-orders.sales.yaml",
        "kind: VirtualService\n",
    );
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1)
        .refuses(&["north/60-orders.sales.yaml", "nothing was written"]);
    assert_eq!(
        desk.read("bundle/north/60-orders.sales.yaml"),
        "kind: VirtualService\n"
    );
}

/// A folder may be named by mistake, so one without a bundle is neither walked nor counted.
#[test]
fn a_folder_without_a_bundle_is_not_walked() {
    let desk = Desk::new();
    for n in 0..50 {
        desk.write(&format!("home/many/{n}.txt"), "");
    }
    // Walking the folder would fail here.
    desk.write("home/a/b/c/d/e/f/g.txt", "");
    std::os::unix::fs::symlink("/", desk.path("home/root")).unwrap();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "home"], 1)
        .refuses(&["home is not empty and has no mesh.yaml"]);
    desk.run(&["check", "-f", "home"], 2)
        .refuses(&["it has no Mesh document"]);
    desk.write("home/mesh.yaml", "# mine\n");
    desk.run(&["render", "-f", "mesh.yaml", "--to", "home"], 1)
        .refuses(&["home/mesh.yaml was not written by `render`"]);
    let mesh = desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    assert_eq!(mesh.out, "");
    fs::remove_dir_all(desk.path("home/a")).unwrap();
    fs::remove_file(desk.path("home/root")).unwrap();
    desk.write("home/mesh.yaml", &desk.read("bundle/mesh.yaml"));
    let refused = desk.run(&["render", "-f", "mesh.yaml", "--to", "home"], 1);
    refused.refuses(&["files that are not part of a bundle"]);
    assert_eq!(refused.err.matches(".txt").count(), 4, "{}", refused.err);
}

#[test]
fn hidden_manifests_are_not_part_of_a_bundle() {
    let desk = Desk::new();
    desk.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    desk.write("bundle/.gitlab-ci.yml", "test:\n  script: [true]\n");
    desk.write(
        "bundle/.fedmesh-0.tmp/north/10-namespaces.yaml",
        "kind: Namespace\n",
    );
    desk.run(&["check", "-f", "bundle"], 0);
    desk.write(
        "bundle/.x.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
    );
    desk.run(&["check", "-f", "bundle"], 1)
        .refuses(&["extra: .x.yaml"]);
}

#[test]
fn an_unwritable_output_is_named() {
    let desk = Desk::new();
    for output in ["no/such/bundle.zip", "mesh.yaml"] {
        desk.run(&["render", "-f", "mesh.yaml", "--to", output], 1)
            .refuses(&[output]);
    }
    assert_eq!(desk.read("mesh.yaml"), MESH);
}

#[test]
fn files_and_folders_have_the_usual_permissions() {
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
fn unknown_addresses_are_a_warning() {
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
fn a_closed_pipe_is_not_an_error() {
    let desk = Desk::new();
    // More than the buffer of a pipe, so that the program is still writing.
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
