//! Tests of `render`.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use crate::workdir::{MESH, Workdir, files_below};

#[test]
fn all_forms_of_a_bundle_render_to_the_same_bytes() {
    let workdir = Workdir::new();
    for target in [
        "direct",
        "kubefed-v1alpha1",
        "kubefed-v1beta1",
        "karmada",
        "ocm",
    ] {
        let stream = workdir
            .run(&["render", "-f", "mesh.yaml", "--target", target], 0)
            .out;
        assert!(stream.contains("# cluster: north\n"));
        assert!(
            stream.contains(&format!("#|   target: {target}\n")),
            "the document contains the target"
        );
        let folder = format!("{target}/bundle");
        let zip = format!("{target}.zip");
        workdir.write("stream.yaml", &stream);
        workdir.run(
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
        workdir.run(
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
                workdir.run(&["render", "-f", form], 0).out,
                stream,
                "{target} {form}"
            );
        }
        // The bytes are the same on both ways.
        let first = fs::read(workdir.path(&zip)).unwrap();
        workdir.run(&["render", "-f", &folder, "--to", &zip], 0);
        assert_eq!(fs::read(workdir.path(&zip)).unwrap(), first);
    }
}

#[test]
fn gitops_renders_a_folder_only() {
    let workdir = Workdir::new();
    let repository =
        "spec:\n  target: gitops\n  gitops:\n    repoURL: https://git.example.com/mesh\n";
    workdir.write("gitops.yaml", &MESH.replace("spec:\n", repository));
    for arguments in [
        &["render", "-f", "gitops.yaml"][..],
        &["render", "-f", "gitops.yaml", "--cluster", "north"],
    ] {
        workdir
            .run(arguments, 2)
            .refuses(&["gitops", "--to DIR", "kubectl kustomize"]);
    }
    for arguments in [
        &["plan", "-f", "gitops.yaml"][..],
        &["apply", "-f", "gitops.yaml", "--yes"],
        &["status", "-f", "gitops.yaml"],
        &["follow", "-f", "gitops.yaml"],
    ] {
        workdir
            .run(arguments, 1)
            .refuses(&["Argo CD or Flux", "fedmesh-agent render --to DIR"]);
    }
    workdir.run(&["render", "-f", "gitops.yaml", "--to", "bundle"], 0);
    workdir.run(&["render", "-f", "bundle", "--to", "bundle.zip"], 0);
    workdir.run(&["check", "-f", "bundle.zip"], 0);
    let files = files_below(&workdir.path("bundle"));
    for file in [
        "argocd/applicationset.yaml",
        "base/kustomization.yaml",
        "clusters/south/kustomization.yaml",
        "flux/north.yaml",
    ] {
        assert!(files.iter().any(|known| known == file), "{file}: {files:?}");
    }
    // Files that only kustomize reads are replaced and removed too, although they have no label.
    let edited = workdir
        .read("bundle/mesh.yaml")
        .replace("name: orders", "name: billing");
    workdir.write("bundle/mesh.yaml", &edited);
    workdir.run(&["render", "-f", "bundle/mesh.yaml", "--to", "bundle"], 0);
    let after = files_below(&workdir.path("bundle"));
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
    let workdir = Workdir::new();
    assert_eq!(
        workdir
            .run(&["render", "-f", "mesh.yaml", "-o", "yaml"], 0)
            .out,
        workdir.run(&["render", "-f", "mesh.yaml"], 0).out
    );
    for path in ["bundle", "bundle.zip", "yml", "-"] {
        workdir
            .run(&["render", "-f", "mesh.yaml", "--output", path], 2)
            .refuses_usage(&["use yaml or json", &format!("--to {path}")]);
    }
    workdir.run(
        &["render", "-f", "mesh.yaml", "-o", "json", "--to", "bundle"],
        2,
    );
    assert_eq!(files_below(workdir.folder.path()), ["mesh.yaml"]);

    let json = |arguments: &[&str]| -> serde_json::Value {
        let arguments = [&["render", "-f", "mesh.yaml", "-o", "json"][..], arguments].concat();
        serde_json::from_str(&workdir.run(&arguments, 0).out).unwrap()
    };
    let all = json(&[]);
    let south = json(&["--cluster", "south"]);
    assert_eq!(south["kind"], "List");
    assert_eq!(all[1]["cluster"], "south");
    assert_eq!(all[1]["objects"], south["items"]);
    let stream = workdir
        .run(&["render", "-f", "mesh.yaml", "--cluster", "south"], 0)
        .out;
    let stream = serde_json::Value::from(shared::yaml::documents(&stream).unwrap());
    assert_eq!(south["items"], stream, "the same objects in the same order");
    workdir.run(
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
    let workdir = Workdir::new();
    let south = workdir
        .run(&["render", "-f", "mesh.yaml", "--cluster", "south"], 0)
        .out;
    assert!(
        south.starts_with("# cluster: south\n---\n") && !south.contains("north/"),
        "{south}"
    );
    workdir
        .run_with(&["check", "-f", "-"], south.as_bytes(), 2)
        .refuses(&["it has no Mesh document"]);
    workdir
        .run(&["render", "-f", "mesh.yaml", "--cluster", "ctx-two"], 2)
        .refuses(&["\"ctx-two\"", "north, south"]);
}

#[test]
fn a_bundle_is_replaced_but_never_foreign_files() {
    let workdir = Workdir::new();
    workdir.write("photos/cat.jpg", "");
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "photos"], 1)
        .refuses(&["photos is not empty"]);
    assert_eq!(files_below(&workdir.path("photos")), ["cat.jpg"]);
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "photos/cat.jpg"], 1)
        .refuses(&["photos/cat.jpg"]);

    // The document is edited in place.
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let before = files_below(&workdir.path("bundle"));
    let edited = workdir
        .read("bundle/mesh.yaml")
        .replace("name: orders", "name: billing");
    workdir.write("bundle/mesh.yaml", &edited);
    workdir.run(&["plan", "-f", "bundle"], 1).refuses(&[
        "missing: ",
        "billing",
        "extra: ",
        "orders",
    ]);
    workdir.run(&["render", "-f", "bundle/mesh.yaml", "--to", "bundle"], 0);
    let after = files_below(&workdir.path("bundle"));
    assert_eq!(after.len(), before.len(), "{after:?}");
    assert!(
        after
            .iter()
            .all(|file| !file.contains("orders") && !file.contains(".tmp")),
        "{after:?}"
    );
    workdir.run(&["check", "-f", "bundle"], 0);

    workdir.write("bundle/north/notes.txt", "mine");
    let refused = workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1);
    refused.refuses(&["north/notes.txt", "nothing was written"]);
    assert!(
        files_below(&workdir.path("bundle"))
            .iter()
            .any(|file| file.contains("billing"))
    );
}

/// All files in a folder with their bytes.
fn contents(workdir: &Workdir, folder: &str) -> Vec<(String, Vec<u8>)> {
    let files = files_below(&workdir.path(folder)).into_iter();
    files
        .map(|file| {
            let bytes = fs::read(workdir.path(folder).join(&file)).unwrap();
            (file, bytes)
        })
        .collect()
}

#[test]
fn a_document_outside_a_bundle_is_never_overwritten() {
    const KUMA: &str = "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata:\n  name: default\n";
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let rendered = workdir.read("bundle/mesh.yaml");
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
        workdir.write(&format!("{folder}/mesh.yaml"), &document);
        let before = contents(&workdir, &folder);
        workdir
            .run(&["render", "-f", "mesh.yaml", "--to", &folder], 1)
            .refuses(&[
                "mesh.yaml was not written by `render`",
                "nothing was written",
            ]);
        assert_eq!(contents(&workdir, &folder), before, "{what}");
    }
    // A bundle whose document has comments now, but is not the input.
    workdir.write("bundle/mesh.yaml", &format!("# ours\n{rendered}"));
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1)
        .refuses(&["bundle/mesh.yaml was not written by `render`"]);
    // An earlier bundle of another mesh is still a bundle.
    workdir.write("bundle/mesh.yaml", &other);
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    assert_eq!(workdir.read("bundle/mesh.yaml"), rendered);
}

#[test]
fn the_input_is_never_overwritten_by_any_path_to_it() {
    let workdir = Workdir::new();
    let unchanged = |workdir: &Workdir| assert_eq!(workdir.read("mesh.yaml"), MESH);
    for (input, output) in [
        ("mesh.yaml", "."),
        ("./mesh.yaml", "absolute"),
        ("link.yaml", "."),
        ("hard.yaml", "."),
        ("mesh.yaml", "linked"),
        ("mesh.yaml", "alias"),
    ] {
        let workdir = Workdir::new();
        fs::create_dir(workdir.path("linked")).unwrap();
        fs::hard_link(workdir.path("mesh.yaml"), workdir.path("linked/mesh.yaml")).unwrap();
        fs::hard_link(workdir.path("mesh.yaml"), workdir.path("hard.yaml")).unwrap();
        std::os::unix::fs::symlink("mesh.yaml", workdir.path("link.yaml")).unwrap();
        std::os::unix::fs::symlink(".", workdir.path("alias")).unwrap();
        let output = if output == "absolute" {
            workdir.folder.path().to_str().unwrap().to_owned()
        } else {
            output.to_owned()
        };
        workdir
            .run(&["render", "-f", input, "--to", &output], 1)
            .refuses(&["mesh.yaml is the document that is rendered", "hint: "]);
        unchanged(&workdir);
        assert!(!workdir.path("north").exists() && !workdir.path("linked/north").exists());
    }
    // By redirection.
    let input = fs::File::open(workdir.path("mesh.yaml")).unwrap();
    let mut command = workdir.command(&["render", "-f", "-", "--to", "."]);
    let output = command.stdin(input).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("mesh.yaml is the document that is rendered"),
        "{err}"
    );
    unchanged(&workdir);
    // A symbolic link instead of a bundle's document.
    fs::create_dir(workdir.path("links")).unwrap();
    std::os::unix::fs::symlink("../mesh.yaml", workdir.path("links/mesh.yaml")).unwrap();
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "links"], 1)
        .refuses(&["links/mesh.yaml is neither a file nor a folder"]);
    unchanged(&workdir);
    // An unchanged bundle can be written again, but not with a different document.
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let before = contents(&workdir, "bundle");
    workdir.run(&["render", "-f", "bundle", "--to", "bundle"], 0);
    workdir
        .run(
            &["render", "-f", "bundle", "-t", "karmada", "--to", "bundle"],
            1,
        )
        .refuses(&["bundle/mesh.yaml is the document that is rendered"]);
    assert_eq!(contents(&workdir, "bundle"), before);
}

#[test]
fn a_foreign_zip_and_the_input_are_not_overwritten() {
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle.zip"], 0);
    fs::hard_link(workdir.path("bundle.zip"), workdir.path("same.zip")).unwrap();
    std::os::unix::fs::symlink("bundle.zip", workdir.path("link.zip")).unwrap();
    let bundle = fs::read(workdir.path("bundle.zip")).unwrap();
    for output in ["bundle.zip", "./bundle.zip", "same.zip", "link.zip"] {
        workdir
            .run(
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
        fs::write(workdir.path("mine.zip"), &bytes).unwrap();
        workdir
            .run(&["render", "-f", "mesh.yaml", "--to", "mine.zip"], 1)
            .refuses(&["mine.zip already exists", "nothing was written"]);
        assert_eq!(fs::read(workdir.path("mine.zip")).unwrap(), bytes);
    }
    workdir.run(
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
    assert_ne!(fs::read(workdir.path("bundle.zip")).unwrap(), bundle);
}

/// A file with the path of a manifest that fedmesh did not write is kept.
#[test]
fn a_foreign_manifest_is_not_overwritten() {
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    workdir.write(
        "bundle/north/60-orders.sales.yaml",
        "kind: VirtualService\n",
    );
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 1)
        .refuses(&["north/60-orders.sales.yaml", "nothing was written"]);
    assert_eq!(
        workdir.read("bundle/north/60-orders.sales.yaml"),
        "kind: VirtualService\n"
    );
}

/// A folder may be named by mistake, so one without a bundle is neither walked nor counted.
#[test]
fn a_folder_without_a_bundle_is_not_walked() {
    let workdir = Workdir::new();
    for n in 0..50 {
        workdir.write(&format!("home/many/{n}.txt"), "");
    }
    // Walking the folder would fail here.
    workdir.write("home/a/b/c/d/e/f/g.txt", "");
    std::os::unix::fs::symlink("/", workdir.path("home/root")).unwrap();
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "home"], 1)
        .refuses(&["home is not empty and has no mesh.yaml"]);
    workdir
        .run(&["check", "-f", "home"], 2)
        .refuses(&["it has no Mesh document"]);
    workdir.write("home/mesh.yaml", "# mine\n");
    workdir
        .run(&["render", "-f", "mesh.yaml", "--to", "home"], 1)
        .refuses(&["home/mesh.yaml was not written by `render`"]);
    let mesh = workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    assert_eq!(mesh.out, "");
    fs::remove_dir_all(workdir.path("home/a")).unwrap();
    fs::remove_file(workdir.path("home/root")).unwrap();
    workdir.write("home/mesh.yaml", &workdir.read("bundle/mesh.yaml"));
    let refused = workdir.run(&["render", "-f", "mesh.yaml", "--to", "home"], 1);
    refused.refuses(&["files that are not part of a bundle"]);
    assert_eq!(refused.err.matches(".txt").count(), 4, "{}", refused.err);
}

#[test]
fn hidden_manifests_are_not_part_of_a_bundle() {
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    workdir.write("bundle/.gitlab-ci.yml", "test:\n  script: [true]\n");
    workdir.write(
        "bundle/.fedmesh-0.tmp/north/10-namespaces.yaml",
        "kind: Namespace\n",
    );
    workdir.run(&["check", "-f", "bundle"], 0);
    workdir.write(
        "bundle/.x.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
    );
    workdir
        .run(&["check", "-f", "bundle"], 1)
        .refuses(&["extra: .x.yaml"]);
}

#[test]
fn an_unwritable_output_is_named() {
    let workdir = Workdir::new();
    for output in ["no/such/bundle.zip", "mesh.yaml"] {
        workdir
            .run(&["render", "-f", "mesh.yaml", "--to", output], 1)
            .refuses(&[output]);
    }
    assert_eq!(workdir.read("mesh.yaml"), MESH);
}

#[test]
fn files_and_folders_have_the_usual_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let workdir = Workdir::new();
    workdir.run(&["render", "-f", "mesh.yaml", "--to", "bundle"], 0);
    let mode = |name: &str| {
        fs::metadata(workdir.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("bundle/mesh.yaml"), mode("mesh.yaml"));
}

#[test]
fn a_document_with_errors_is_not_rendered() {
    let workdir = Workdir::new();
    workdir.write("bad.yaml", &MESH.replace("port: 8000", "port: 80000"));
    for output in ["-", "bundle", "bundle.zip"] {
        let refused = workdir.run(&["render", "-f", "bad.yaml", "--to", output], 1);
        refused.refuses(&["error[FM0401] spec.services[0].port", "nothing is rendered"]);
    }
    assert!(!workdir.path("bundle").exists() && !workdir.path("bundle.zip").exists());
    workdir
        .run(&["names", "-f", "bad.yaml"], 1)
        .refuses(&["FM0401"]);
}

#[test]
fn unknown_addresses_are_a_warning() {
    let workdir = Workdir::new();
    workdir.write(
        "unknown.yaml",
        &MESH.replace("    gateway:\n      addresses: [192.0.2.1]\n", ""),
    );
    let rendered = workdir.run(&["render", "-f", "unknown.yaml"], 0);
    assert!(
        rendered
            .err
            .starts_with("unknown.yaml:12:5: warning[FM0208] spec.clusters[0]"),
        "{}",
        rendered.err
    );
    assert!(rendered.out.starts_with("# fedmesh bundle\n"));
    assert_eq!(workdir.run(&["render", "-f", "mesh.yaml"], 0).err, "");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let workdir = Workdir::new();
    // More than the buffer of a pipe, so that the program is still writing.
    let services: Vec<String> = (0..400)
        .map(|n| format!("  - name: service-{n}\n    namespace: sales\n    port: 80\n"))
        .collect();
    let services = services.concat();
    workdir.write("large.yaml", &format!("{MESH}{services}"));
    for arguments in [
        &["render", "-f", "large.yaml"][..],
        &["names", "-f", "large.yaml"],
    ] {
        let mut child = workdir
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
