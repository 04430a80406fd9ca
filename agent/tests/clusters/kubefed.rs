//! The engine `kubefed-v1beta1` with KubeFed's own controller: what it spreads is what `direct` gives.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use documents::{addresses, bundle, contains, examples, for_all_engines, with_target};
use fedmesh_agent::operation::Operations;
use serde_json::Value;
use shared::api::Intent;
use shared::bundle::{Bundle, ClusterManifests};
use shared::kubernetes::object::{Kind, Object};
use shared::mesh::Target;
use shared::plan::Action;
use shared::plan::decisions::Decisions;
use shared::yaml;
use testbed::{CrdSet, KubeFed, Options, Testbed};

use crate::fixture::{Fixture, make_namespace};

/// It writes one object of a kind after the other, and tries again when it meets its own writing.
const TIMEOUT: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walk_through_arrives() {
    arrives("walkthrough.yaml", "demo").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "in the long run"]
async fn what_differs_between_clusters_arrives() {
    arrives("clusters-that-differ.yaml", "shop").await;
}

/// Applies an example to its host, compares what comes to every cluster, and takes it back.
async fn arrives(example: &str, name: &'static str) {
    let mesh = examples().remove(example).unwrap();
    assert_eq!(mesh.metadata.name, name);
    let facts = addresses(&mesh);
    let mesh = for_all_engines(&with_target(&mesh, Target::KubefedV1beta1));
    let direct = bundle(&with_target(&mesh, Target::Direct), &facts);
    let hosted = bundle(&mesh, &facts);
    let host = hosted.clusters[0].name.as_str();

    let clusters: Vec<&str> = mesh
        .spec
        .clusters
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let mut options = Options::with_contexts(clusters.clone());
    // The bundle brings the definition of DNSEndpoint.
    options.crds = vec![CrdSet::Istio];
    let bed = Testbed::start(options).unwrap();
    for (cluster, addresses) in &facts.gateways {
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        bed.ingress_gateway(cluster, &addresses).unwrap();
    }
    let members: Vec<(&str, &str)> = clusters.iter().map(|&name| (name, name)).collect();
    let kubefed = bed.start_kubefed(host, &members).unwrap();
    make_namespaces(&bed, host, &hosted);
    let fixture = Fixture {
        bed: &bed,
        name,
        operations: Operations::new(Some(bed.kubeconfig().to_owned())),
        mesh: mesh.clone(),
        decisions: Decisions::default(),
    };
    fixture.apply().await;

    for cluster in &direct.clusters {
        eventually(&kubefed, || has_arrived(&bed, cluster, &hosted));
        let mut expected: BTreeSet<String> = cluster.objects().map(name_of).collect();
        if cluster.name == host {
            expected.extend(hosted.clusters[0].objects().map(name_of));
            expected.insert(fixture.parent());
        }
        let there: BTreeSet<String> = fixture.ours(&cluster.context).into_keys().collect();
        assert_eq!(there, expected, "{}", cluster.name);
    }
    // What KubeFed writes into the objects on the host is not taken for a change of ours.
    let again = fixture.plan().await;
    assert!(!again.plan.has_changes(), "{:#?}", again.plan);

    // With another engine, KubeFed would take out of the members what that wants there.
    let direct_mesh = with_target(&mesh, Target::Direct);
    let other = fixture.operations.plan(&direct_mesh, Intent::Apply).await;
    let other = other.unwrap().plan;
    let host_plan = other.clusters.iter().find(|one| one.name == host).unwrap();
    assert!(
        host_plan.steps.iter().any(|step| {
            step.action == Action::Blocked && step.object.group == "types.kubefed.io"
        })
    );
    assert!(!other.can_be_applied());

    // It waits a minute for KubeFed, and goes on where it stopped.
    let start = Instant::now();
    loop {
        let removal = fixture.plan_removal().await;
        let (report, _) = fixture.carry_out(removal, false).await;
        if report.is_success() {
            break;
        }
        let log = || kubefed.log().unwrap_or_default();
        assert!(start.elapsed() < 2 * TIMEOUT, "{report:#?}\n{}", log());
    }
    for cluster in &direct.clusters {
        eventually(&kubefed, || {
            let left = fixture.ours(&cluster.context);
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("{} still has {left:#?}", cluster.name))
            }
        });
    }
}

/// The namespaces that have to be on the host; KubeFed makes them in the other clusters.
fn make_namespaces(bed: &Testbed, host: &str, hosted: &Bundle) {
    let objects = || hosted.clusters.iter().flat_map(ClusterManifests::objects);
    let rendered: BTreeSet<&str> = objects()
        .filter(|one| one.kind == Kind::NAMESPACE)
        .map(|one| one.name.as_str())
        .collect();
    let needed: BTreeSet<&str> = objects()
        .filter_map(|one| one.namespace.as_deref())
        .collect();
    for name in needed.difference(&rendered) {
        make_namespace(bed, host, name);
    }
}

/// Whether a cluster has all that `direct` gives it, with every field, and of KubeFed only its label.
fn has_arrived(bed: &Testbed, cluster: &ClusterManifests, hosted: &Bundle) -> Result<(), String> {
    let objects: Vec<&Object> = cluster.objects().collect();
    let documents: Vec<String> = objects
        .iter()
        .map(|object| yaml::to_string(&object.to_json()).unwrap())
        .collect();
    let get = ["get", "-o", "json", "-f", "-"];
    let output = bed
        .try_kubectl(&cluster.context, &get, &documents.join("---\n"))
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let live = list["items"].as_array().unwrap();
    assert_eq!(live.len(), objects.len());
    for (object, live) in objects.into_iter().zip(live) {
        let mut desired = object.to_json();
        if !contains(live, &desired) {
            return Err(format!("{live:#} is not {desired:#}"));
        }
        let is_spread = hosted
            .cluster(&cluster.name)
            .is_none_or(|on_host| !on_host.objects().any(|one| one.key() == object.key()));
        if is_spread {
            desired["metadata"]["labels"]["kubefed.io/managed"] = "true".into();
            let (live, desired) = (&live["metadata"], &desired["metadata"]);
            assert_eq!(live["labels"], desired["labels"], "{}", object.key());
            assert_eq!(
                live["annotations"],
                desired["annotations"],
                "{}",
                object.key()
            );
        }
    }
    Ok(())
}

fn name_of(object: &Object) -> String {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    format!("{} {namespace}/{}", object.kind.kind, object.name)
}

fn eventually(kubefed: &KubeFed, holds: impl Fn() -> Result<(), String>) {
    let start = Instant::now();
    while let Err(why) = holds() {
        assert!(
            start.elapsed() < TIMEOUT,
            "{why}\n{}",
            kubefed.log().unwrap()
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}
