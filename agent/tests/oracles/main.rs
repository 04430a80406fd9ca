//! What other programs say of everything that is rendered: a real kube-apiserver with strict field
//! validation, which is asked through kubectl and really stores each file, `istioctl validate`, and
//! `kubectl kustomize`. `generated` asks the same, and Istio's own admission, of generated documents;
//! `texts` asks kubectl how it reads what is written as YAML, and `samples` imports Istio's own samples.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod generated;
mod runs;
mod samples;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use documents::{addresses, contains, examples, for_all_engines, with_target};
use serde_json::{Value, json};
use shared::bundle::{Bundle, ClusterManifests, File};
use shared::kubernetes::object::{Object, Wave};
use shared::mesh::{Mesh, Target};
use shared::yaml;
use testbed::{CrdSet, Options, Testbed, tools};

fn write(bundle: &Bundle, folder: &Path) {
    for (path, text) in bundle.files() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Each example with each engine whose files other programs read as they are.
fn bundles(examples: &BTreeMap<String, Mesh>) -> Vec<(&str, Target, Bundle)> {
    let bundles = examples.iter().flat_map(|(example, mesh)| {
        let targets = [
            Target::Direct,
            Target::KubefedV1alpha1,
            Target::KubefedV1beta1,
        ];
        targets.map(|target| (example.as_str(), target, bundle(mesh, target)))
    });
    bundles.collect()
}

#[test]
fn every_file_is_accepted_by_a_real_api_server() {
    let examples = examples_on_few_contexts();
    let contexts: BTreeSet<String> = examples
        .values()
        .flat_map(|mesh| &mesh.spec.clusters)
        .filter_map(|cluster| cluster.context.clone())
        .collect();
    let mut options = Options::with_contexts(contexts);
    options
        .crds
        .extend([CrdSet::KubeFed, CrdSet::GatewayApi, CrdSet::Mcs]);
    let bed = Testbed::start(options).unwrap();
    let bundles = bundles(&examples);
    make_namespaces(&bed, bundles.iter().map(|(.., bundle)| bundle));
    let mut seen = (0, 0);
    for (example, target, bundle) in &bundles {
        let folder = tempfile::tempdir().unwrap();
        write(bundle, folder.path());
        std::thread::scope(|scope| {
            for cluster in &bundle.clusters {
                scope.spawn(|| accepted_by_api_server(&bed, cluster, folder.path()));
            }
        });
        for file in bundle.clusters.iter().flat_map(|cluster| &cluster.files) {
            say(&format!(
                "{example} {}: {}: {} objects",
                target.as_str(),
                file.path,
                file.objects.len()
            ));
            seen.0 += 1;
            seen.1 += file.objects.len();
        }
    }
    say(&format!(
        "{} files with {} objects accepted by kube-apiserver",
        seen.0, seen.1
    ));
    assert!(seen.0 > 50 && seen.1 > 150, "{seen:?}");
}

#[test]
fn every_file_is_accepted_by_istioctl() {
    let istioctl = tools::ISTIOCTL.ensure().unwrap();
    let examples = examples();
    let bundles = bundles(&examples);
    for (_, target, bundle) in &bundles {
        let folder = tempfile::tempdir().unwrap();
        write(bundle, folder.path());
        accepted_by_istioctl(&istioctl, *target, bundle, folder.path());
    }
    say(&format!("{} bundles accepted by istioctl", bundles.len()));
}

/// The examples, each with its first cluster behind the first context, and so on: an API server for each
/// cluster of each example would take longer to start than all that is asked of them.
fn examples_on_few_contexts() -> BTreeMap<String, Mesh> {
    let mut examples = examples();
    for mesh in examples.values_mut() {
        for (number, cluster) in (1..).zip(&mut mesh.spec.clusters) {
            cluster.context = Some(format!("context{number}"));
        }
    }
    examples
}

/// Karmada's and Open Cluster Management's own kinds have no definition that can be fetched here; the
/// core's tests read what is written in them strictly, and what they carry is what `direct` gives.
#[test]
fn kubectl_builds_from_each_overlay_what_direct_gives() {
    let kubectl = tools::KUBECTL.ensure().unwrap();
    for (example, mesh) in examples() {
        let mesh = for_all_engines(&mesh);
        let direct = bundle(&mesh, Target::Direct);
        let folder = tempfile::tempdir().unwrap();
        write(&bundle(&mesh, Target::Gitops), folder.path());
        for cluster in &direct.clusters {
            let overlay = folder.path().join("clusters").join(&cluster.name);
            let output = Command::new(&kubectl)
                .arg("kustomize")
                .arg(&overlay)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{example}: {said}");
            assert_eq!(said, "", "{example}: kustomize warns");
            let built = String::from_utf8(output.stdout).unwrap();
            let mut built: Vec<Value> = built
                .split("---\n")
                .map(|document| yaml::from_str(document).unwrap())
                .collect();
            let mut expected: Vec<Value> = cluster.objects().map(marked).collect();
            for objects in [&mut built, &mut expected] {
                objects.sort_by_key(|one| {
                    let metadata = &one["metadata"];
                    [
                        &one["apiVersion"],
                        &one["kind"],
                        &metadata["namespace"],
                        &metadata["name"],
                    ]
                    .map(Value::to_string)
                });
            }
            assert_eq!(built.len(), expected.len());
            for (built, expected) in built.iter().zip(&expected) {
                assert_eq!(built, expected, "{example}: {}", cluster.name);
            }
            say(&format!(
                "{example} gitops: {}: {} objects built",
                cluster.name,
                built.len()
            ));
        }
    }
}

/// An object of `direct` with the annotations that keep it from being pruned, where it has to be.
fn marked(object: &Object) -> Value {
    let mut value = object.to_json();
    if object.kind.is_never_deleted() {
        value["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] =
            "Prune=false,Delete=false".into();
        value["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] = "disabled".into();
    }
    value
}

fn bundle(mesh: &Mesh, target: Target) -> Bundle {
    documents::bundle(&with_target(mesh, target), &addresses(mesh))
}

/// Past the test runner, which keeps what a passing test prints: what was seen is part of the result.
#[expect(
    clippy::explicit_write,
    reason = "the macros are what the test runner keeps"
)]
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

/// Those that the bundles' objects are in, in every cluster.
fn make_namespaces<'a>(bed: &Testbed, bundles: impl Iterator<Item = &'a Bundle>) {
    let objects = bundles
        .flat_map(|bundle| &bundle.clusters)
        .flat_map(ClusterManifests::objects);
    let names: BTreeSet<&String> = objects
        .filter_map(|object| object.namespace.as_ref())
        .collect();
    let documents = names.iter().map(|name| {
        yaml::to_string(
            &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }),
        )
    });
    let documents = documents
        .collect::<Result<Vec<_>, _>>()
        .unwrap()
        .join("---\n");
    for context in bed.contexts() {
        // Under another manager, as somebody else would have made them.
        bed.kubectl_with_input(context, &["apply", "--server-side", "-f", "-"], &documents)
            .unwrap();
    }
}

/// The way that the README shows for kubectl; each object has to be named as stored, and to be read
/// back with every field that was rendered.
fn accepted_by_api_server(bed: &Testbed, cluster: &ClusterManifests, folder: &Path) {
    let apply = |files: &[&str]| -> Value {
        let mut arguments = vec![
            "apply",
            "--server-side",
            "--validate=strict",
            "--field-manager=fedmesh",
            "--output=json",
        ];
        arguments.extend(files.iter().flat_map(|file| ["-f", file]));
        let stored = bed.kubectl(&cluster.context, &arguments);
        let stored = stored.unwrap_or_else(|error| panic!("{}: {error}", cluster.name));
        serde_json::from_str(&stored).unwrap()
    };
    let definitions = paths(cluster, folder, |file| file.wave == Wave::Definitions);
    let definitions: Vec<&str> = definitions.iter().map(String::as_str).collect();
    if !definitions.is_empty() {
        // The bed has ExternalDNS's own, and this bundle may bring ours.
        let theirs = "dnsendpoints.externaldns.k8s.io";
        if cluster.objects().any(|object| object.name == theirs) {
            let named = format!("--field-selector=metadata.name={theirs}");
            let not_ours = "--selector=app.kubernetes.io/managed-by!=fedmesh";
            bed.kubectl(
                &cluster.context,
                &["delete", "crd", &named, not_ours, "--timeout=2m"],
            )
            .unwrap();
        }
        apply(&definitions);
        let mut wait = vec!["wait", "--for=condition=Established", "--timeout=30s"];
        wait.extend(definitions.iter().flat_map(|file| ["-f", file]));
        bed.kubectl(&cluster.context, &wait).unwrap();
    }
    let all = folder.join(&cluster.name);
    let all = all.to_str().unwrap();
    let list = apply(&[all]);
    let live = list["items"].as_array().unwrap();
    assert_eq!(live.len(), cluster.object_count());
    for (object, live) in cluster.objects().zip(live) {
        assert_eq!(
            (&live["kind"], &live["metadata"]["name"]),
            (&json!(object.kind.kind), &json!(object.name))
        );
        for (field, value) in &object.body {
            assert!(
                contains(&live[field], value),
                "{}: {field}: {} is not {value}",
                object.key(),
                live[field]
            );
        }
    }
}

/// istioctl knows Istio's kinds and Kubernetes' own, and refuses what it does not know.
fn accepted_by_istioctl(istioctl: &Path, target: Target, bundle: &Bundle, folder: &Path) {
    let is_known = |file: &File| {
        file.objects.iter().all(|object| {
            let group = object.kind.group.as_ref();
            !group.ends_with("federation.k8s.io")
                && !group.ends_with("kubefed.io")
                && !["externaldns.k8s.io", "multicluster.x-k8s.io"].contains(&group)
        })
    };
    let mut files = Vec::new();
    for cluster in &bundle.clusters {
        let known = paths(cluster, folder, is_known);
        assert!(!known.is_empty(), "{}", cluster.name);
        files.extend(known);
    }
    let templates = templates(bundle);
    assert_eq!(templates.is_empty(), target == Target::Direct);
    if !templates.is_empty() {
        assert!(templates.len() > 5, "{templates:?}");
        let path = folder.join("templates.yaml");
        fs::write(&path, templates.join("---\n")).unwrap();
        files.push(path.display().to_string());
    }
    let mut command = Command::new(istioctl);
    command
        .arg("validate")
        .args(files.iter().flat_map(|path| ["-f", path]));
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && said.contains("valid"),
        "{files:?}: {said}"
    );
}

fn paths(cluster: &ClusterManifests, folder: &Path, which: impl Fn(&File) -> bool) -> Vec<String> {
    cluster
        .files
        .iter()
        .filter(|file| which(file))
        .map(|file| folder.join(&file.path).display().to_string())
        .collect()
}

/// Federated templates hide what they hold from the API server, so what the federation would make
/// of them is given to istioctl by itself.
fn templates(bundle: &Bundle) -> Vec<String> {
    let mut templates = Vec::new();
    for object in bundle.clusters.iter().flat_map(ClusterManifests::objects) {
        let Some(template) = object
            .body
            .get("spec")
            .and_then(|spec| spec.get("template"))
        else {
            continue;
        };
        let Some(kind) = object.kind.kind.strip_prefix("Federated") else {
            continue;
        };
        let api = match kind {
            // No kind that istioctl knows.
            "ServiceExport" => continue,
            "GRPCRoute" | "HTTPRoute" | "TCPRoute" | "TLSRoute" => "gateway.networking.k8s.io/v1",
            "Gateway" if template["spec"]["gatewayClassName"].is_string() => {
                "gateway.networking.k8s.io/v1"
            }
            "Gateway" | "VirtualService" | "ServiceEntry" | "DestinationRule" | "Sidecar"
            | "WorkloadEntry" => "networking.istio.io/v1",
            "AuthorizationPolicy" => "security.istio.io/v1",
            "Deployment" => "apps/v1",
            _ => "v1",
        };
        let mut whole = json!({ "apiVersion": api, "kind": kind });
        whole
            .as_object_mut()
            .unwrap()
            .extend(template.as_object().unwrap().clone());
        whole["metadata"]["name"] = object.name.clone().into();
        whole["metadata"]["namespace"] = object.namespace.clone().into();
        templates.push(yaml::to_string(&whole).unwrap());
    }
    templates
}
