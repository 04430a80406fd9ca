//! A bundle is applied by the commands that the page shows for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use shared::bundle::Rendered;
use shared::check;
use shared::facts::Facts;
use shared::mesh::Mesh;
use shared::plan::Action;

use crate::fixture::{Fixture, LoneBed, counts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_applies_a_bundle_by_the_commands_for_it() {
    // ExternalDNS's definition belongs to all meshes.
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "commanded");
    let mut document = serde_json::to_value(&fixture.mesh).unwrap();
    document["spec"]["dns"]["externalDns"] =
        serde_json::json!({ "provider": "google", "namespace": "commanded-dns" });
    fixture.mesh = serde_json::from_value::<Mesh>(document).unwrap();

    let resolved = check(&fixture.mesh, &Facts::default()).resolved.unwrap();
    let rendered = Rendered::new(&fixture.mesh, &resolved);
    let parts = rendered.parts().into_iter();
    let texts = rendered.texts(parts.map(|part| rendered.files(part)));
    let commands = rendered.commands(&texts, "commanded.zip");
    let [_, unpack, steps @ ..] = commands.steps.as_slice() else {
        panic!("{commands:?}");
    };
    let folder = unpack.commands[0].rsplit(' ').next().unwrap();
    let here = tempfile::tempdir().unwrap();
    for (path, text) in texts.files() {
        let file = here.path().join(folder).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let kubectl = bed.kubectl_path().parent().unwrap();
    // kubectl refuses to change what somebody else has installed; the commands install it here.
    let delete = "kubectl --context west-context delete crd dnsendpoints.externaldns.k8s.io --ignore-not-found";
    run(delete, here.path(), kubectl, bed.kubeconfig());
    for line in steps.iter().flat_map(|step| &step.commands) {
        run(line, here.path(), kubectl, bed.kubeconfig());
    }

    // All objects are there, and are the mesh's.
    let planned = fixture.plan().await;
    let counts = counts(&planned.plan);
    assert_eq!(counts.get(&Action::Create), None, "{:#?}", planned.plan);
    let report = fixture.remove().await;
    assert!(report.is_success(), "{report:#?}");
}

/// As a person runs it in a terminal.
fn run(line: &str, folder: &Path, kubectl: &Path, kubeconfig: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-ec", line])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", kubectl.display()))
        .env("KUBECONFIG", kubeconfig)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
