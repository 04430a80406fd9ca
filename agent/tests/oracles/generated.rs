//! What the oracles say of generated documents: an API server with strict validation, Istio's own
//! admission behind it, `istioctl validate` and `istioctl analyze`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use shared::bundle::{ClusterManifests, document};
use shared::kubernetes::object::{Kind, Object};
use shared::mesh::{Mesh, Target};
use shared::yaml;
use testbed::{CrdSet, Options, Testbed, tools};

use crate::runs::generated;
use crate::{bundle, contains, say};
use documents::meshes;

/// Documents in a run of all tests, and in a long run.
const DOCUMENTS: (usize, usize) = (50, 500);
/// Requests that an API server is asked at once.
const AT_ONCE: usize = 16;

/// What is said of manifests that are as they should be, and why it may be said.
const REVIEWED: &[(&str, &str)] = &[
    (
        "may not provide Istio metrics and telemetry labels",
        "ExternalDNS has no sidecar, whose telemetry the labels `app` and `version` are for",
    ),
    (
        "not used (route without matches defined before)",
        "the document's own routes, of which `check` says it: FM0415",
    ),
    (
        "not used (only the last rule can have no matches)",
        "the document's own routes, of which `check` says it: FM0415",
    ),
    (
        "not used (all matches used by prior rules)",
        "the document's own routes, of which `check` says it: FM0415",
    ),
    (
        "is not used (duplicate/overlapping match in rule",
        "the document's own routes: two with a match in common",
    ),
    (
        "Referenced mirror+subset in destinationrule not found: \\\"other",
        "a mirror to a service that is not the document's, whose subsets are in a rule of its own",
    ),
];

/// The same of manifests for Istio 1.0, by an Istio that knows better words.
const REVIEWED_OF_OLDEST: &[(&str, &str)] = &[
    (
        "using legacy gatewayName format",
        "1.0 refuses the other format",
    ),
    (
        "outlier detection consecutive errors is deprecated",
        "1.0 counts failures in no other field",
    ),
    (
        "Referenced gateway not found: \\\"fedmesh-m.",
        "its analysis knows no other than its own format, which istiod does (`resolveGatewayName`)",
    ),
    (
        "/fedmesh-m.istio-system.svc.",
        "the same: it looks for the hosts at a Gateway of that name",
    ),
    ("/fedmesh-m.edge.svc.", "the same"),
];

fn is_reviewed(mesh: &Mesh, message: &str) -> bool {
    let is_oldest = mesh.spec.istio.as_deref() == Some("1.0");
    let of_oldest = REVIEWED_OF_OLDEST.iter().filter(|_| is_oldest);
    let mut reviewed = REVIEWED.iter().chain(of_oldest);
    reviewed.any(|(text, _)| message.contains(text))
}

/// A cluster of a document.
struct One {
    mesh: Mesh,
    cluster: ClusterManifests,
}

/// The clusters of all documents.
fn clusters() -> Vec<One> {
    let (few, many) = DOCUMENTS;
    let documents = generated(&meshes(), few, many);
    let clusters = documents.iter().flat_map(|mesh| {
        let clusters = bundle(mesh, Target::Direct).clusters.into_iter();
        clusters.map(|cluster| One {
            mesh: mesh.clone(),
            cluster,
        })
    });
    clusters.collect()
}

/// What was refused, with the document that shows it; as a failure it is all written out.
#[derive(Default)]
struct Refused(Mutex<Vec<(String, String)>>);

impl Refused {
    fn add(&self, one: &One, what: String) {
        let mut refused = self.0.lock().unwrap();
        if !is_reviewed(&one.mesh, &what) && refused.iter().all(|(known, _)| *known != what) {
            refused.push((what, one.mesh.to_yaml()));
        }
    }

    fn assert_none(self) {
        let refused = self.0.into_inner().unwrap();
        let Some((_, document)) = refused.first() else {
            return;
        };
        let mut text = String::new();
        for (what, _) in refused.iter().take(30) {
            writeln!(text, "{what}").unwrap();
        }
        panic!(
            "{} are refused:\n{text}\nthe first of this document:\n{document}",
            refused.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_and_istios_admission_take_them() {
    const CONTEXT: &str = "oracle";
    let (bed, _admission) = tokio::task::spawn_blocking(|| {
        let mut options = Options::with_contexts([CONTEXT]);
        options.crds = vec![
            CrdSet::Istio,
            CrdSet::ExternalDns,
            CrdSet::GatewayApi,
            CrdSet::Mcs,
        ];
        let bed = Testbed::start(options).unwrap();
        let admission = bed.ask_istio(CONTEXT).unwrap();
        (bed, admission)
    })
    .await
    .unwrap();
    let clusters = clusters();
    let client = client(&bed, CONTEXT).await;
    let namespaces: BTreeSet<&String> = objects(&clusters)
        .filter_map(|(_, object)| object.namespace.as_ref())
        .collect();
    for namespace in namespaces {
        let object = Object::new(Kind::NAMESPACE, None, namespace, serde_json::json!({}));
        let answer = apply(&client, &object, "", |_| false).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    // Objects that are the same in several clusters are asked about once.
    let mut asked = BTreeMap::new();
    for (one, object) in objects(&clusters) {
        asked.entry(document(object)).or_insert((one, object));
    }
    let refused = Refused::default();
    let kinds = Mutex::new(BTreeMap::<&str, usize>::new());
    futures::stream::iter(asked.values())
        .for_each_concurrent(AT_ONCE, |(one, object)| {
            let (client, refused, kinds) = (&client, &refused, &kinds);
            async move {
                *kinds.lock().unwrap().entry(&object.kind.kind).or_default() += 1;
                let is_reviewed = |warning: &str| is_reviewed(&one.mesh, warning);
                let answer = apply(client, object, "&dryRun=All&force=true", is_reviewed).await;
                if let Err(what) = answer {
                    refused.add(one, format!("{}: {what}", object.key()));
                }
            }
        })
        .await;
    let kinds = kinds.into_inner().unwrap();
    say(&format!(
        "{} clusters of generated documents: {kinds:?}",
        clusters.len()
    ));
    refused.assert_none();
    for kind in [
        "Gateway",
        "VirtualService",
        "DestinationRule",
        "ServiceEntry",
        "DNSEndpoint",
        "Deployment",
    ] {
        assert!(
            kinds.get(kind).is_some_and(|&count| count > 5),
            "{kind}: {kinds:?}"
        );
    }
    // That it is asked at all shows when it refuses something.
    let bad = Object::new(
        Kind::istio("v1", "VirtualService", "virtualservices"),
        Some("istio-system"),
        "bad",
        serde_json::json!({ "spec": { "hosts": ["*"], "http": [] } }),
    );
    let answer = apply(&client, &bad, "&dryRun=All", |_| false)
        .await
        .unwrap_err();
    assert!(answer.contains("validation.istio.io"), "{answer}");
}

fn objects(clusters: &[One]) -> impl Iterator<Item = (&One, &Object)> {
    clusters
        .iter()
        .flat_map(|one| one.cluster.objects().map(move |object| (one, object)))
}

async fn client(bed: &Testbed, context: &str) -> Client {
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let kubeconfig = Kubeconfig::read_from(bed.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

/// Applies what is written of an object, strictly; what comes back has to hold all of it, and there must be
/// no warning but reviewed ones.
async fn apply(
    client: &Client,
    object: &Object,
    more: &str,
    is_reviewed: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let kind = &object.kind;
    let group = if kind.group.is_empty() {
        "api".to_owned()
    } else {
        format!("apis/{}", kind.group)
    };
    let namespace = object.namespace.as_ref();
    let namespace = namespace
        .map(|name| format!("namespaces/{name}/"))
        .unwrap_or_default();
    let uri = format!(
        "/{group}/{}/{namespace}{}/{}?fieldManager=fedmesh&fieldValidation=Strict{more}",
        kind.version, kind.plural, object.name
    );
    let request = Request::patch(uri).header("content-type", "application/apply-patch+yaml");
    let answer = client
        .send(
            request
                .body(Body::from(document(object).into_bytes()))
                .unwrap(),
        )
        .await;
    let answer = answer.map_err(|error| error.to_string())?;
    let (head, body) = answer.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    if !head.status.is_success() {
        return Err(format!(
            "{}: {}",
            head.status,
            String::from_utf8_lossy(&body)
        ));
    }
    let mut warnings = head.headers.get_all("warning").iter();
    let warning = warnings.find(|text| !is_reviewed(&format!("{text:?}")));
    if let Some(warning) = warning {
        return Err(format!("{warning:?}"));
    }
    let live: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let lost = object
        .body
        .iter()
        .find(|(field, value)| !contains(&live[field], value));
    match lost {
        Some((field, value)) => Err(format!("{field}: {} is not {value}", live[field])),
        None => Ok(()),
    }
}

/// Otherwise nothing is said of a field that a document may have.
#[test]
fn every_field_of_the_reference_is_generated() {
    fn collect(value: &Value, path: &str, all: &mut BTreeSet<String>) {
        all.insert(path.to_owned());
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    collect(value, &path, all);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect(item, &format!("{path}[]"), all);
                }
            }
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    for mesh in generated(&meshes(), 300, 500) {
        collect(&serde_json::to_value(mesh).unwrap(), "", &mut all);
    }
    let missing: Vec<String> = shared::mesh::schema::fields()
        .into_iter()
        .map(|field| field.path)
        .filter(|path| !all.contains(path))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn istioctl_takes_them() {
    let istioctl = tools::ISTIOCTL.ensure().unwrap();
    let clusters = clusters();
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (index, one) in clusters.iter().enumerate() {
        let known = one
            .cluster
            .objects()
            .filter(|object| object.kind.group != "externaldns.k8s.io");
        let documents: Vec<String> = known.map(document).collect();
        let path = folder.path().join(format!("{index}.yaml"));
        fs::write(&path, documents.join("---\n")).unwrap();
        files.push(path);
    }
    let validated = Command::new(&istioctl)
        .arg("validate")
        .args(
            files
                .iter()
                .flat_map(|path| ["-f".as_ref(), path.as_os_str()]),
        )
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&validated.stdout),
        String::from_utf8_lossy(&validated.stderr)
    );
    let refused = Refused::default();
    let mut about = 0;
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        let named = |path: &PathBuf| line.contains(path.to_str().unwrap());
        // What is said of a file stands below its name.
        about = files.iter().position(named).unwrap_or(about);
        if !line.ends_with(" is valid") && !line.ends_with(" has warnings: ") {
            refused.add(&clusters[about], format!("validate: {line}"));
        }
    }
    // One cluster of each document: they are much alike, and each takes a process.
    let mut seen = BTreeSet::new();
    let chosen: Vec<usize> = (0..clusters.len())
        .rev()
        .filter(|&index| seen.insert(clusters[index].mesh.to_yaml()))
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(&index) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for message in analyzed(&istioctl, &files[index]) {
                        refused.add(&clusters[index], format!("analyze: {message}"));
                    }
                }
            });
        }
    });
    say(&format!(
        "{} clusters validated, {} analyzed",
        clusters.len(),
        chosen.len()
    ));
    refused.assert_none();
}

/// What `istioctl analyze` says.
fn analyzed(istioctl: &Path, file: &Path) -> Vec<String> {
    let output = Command::new(istioctl)
        .args(["analyze", "--use-kube=false", "--output=json"])
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let Ok(Value::Array(messages)) = yaml::from_str(&said) else {
        return vec![format!("{said}{}", String::from_utf8_lossy(&output.stderr))];
    };
    let text = |message: Value| {
        format!(
            "{} {} {}",
            message["code"], message["origin"], message["message"]
        )
    };
    messages.into_iter().map(text).collect()
}
