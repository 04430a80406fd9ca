//! How fast two clusters with a thousand objects each are planned for and applied to, beside an HTTP
//! client that does nothing else and beside kubectl, in one run on the same API servers.
//!
//! `cargo bench -p fedmesh-agent --features testbed --bench clusters [-- --services N --no-kubectl]`
//! prints a table and, as its last line, the numbers as JSON.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on says so by panicking"
)]

#[expect(dead_code, reason = "the bench of meshes deletes, too")]
mod bare;
mod process;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::operation::{ApplyOptions, Operations, Planned};
use fedmesh_agent::stop::Stop;
use shared::api::Intent;
use shared::bundle::Bundle;
use shared::facts::Facts;
use shared::mesh::Mesh;
use shared::plan::decisions::Decisions;
use testbed::{Options, Testbed};

const CONTEXTS: [&str; 2] = ["cluster1", "cluster2"];
/// Of each, there are about ten objects in a cluster.
const SERVICES: usize = 105;
/// How often something short is done, of which the median counts.
const ROUNDS: usize = 5;

fn main() {
    // As the agent's own main does, here and with the runtime.
    fedmesh_agent::memory::limit_arenas();
    let arguments: Vec<String> = std::env::args().collect();
    let services = arguments
        .iter()
        .position(|argument| argument == "--services")
        .map_or(SERVICES, |index| arguments[index + 1].parse().unwrap());
    let kubectl = !arguments.iter().any(|argument| argument == "--no-kubectl");
    let bed = Testbed::start(Options::with_clusters(2)).unwrap();
    for context in CONTEXTS {
        for namespace in ["bench", "bare", "slow"] {
            bed.kubectl(context, &["create", "namespace", namespace])
                .unwrap();
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut rows = Rows::default();
    runtime.block_on(fedmesh(&bed, services, &mut rows));
    runtime.block_on(bare(&bed, services, &mut rows));
    if kubectl {
        with_kubectl(&bed, services, &mut rows);
    }
    rows.print();
}

/// A mesh with its services in a namespace of its name.
fn mesh(name: &str, services: usize) -> Mesh {
    let mut text = format!(
        "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: {name}}}\nspec:\n  \
         dns: {{suffix: {name}.example.net}}\n  clusters:\n"
    );
    for (index, context) in CONTEXTS.iter().enumerate() {
        writeln!(text, "  - {{name: {context}, region: r1, zone: r1-{index}, gateway: {{addresses: [203.0.113.{index}]}}}}").unwrap();
    }
    text.push_str("  services:\n");
    for index in 0..services {
        writeln!(
            text,
            "  - {{name: s{index}, namespace: {name}, port: 8000}}"
        )
        .unwrap();
    }
    Mesh::read(&text).unwrap()
}

async fn fedmesh(bed: &Testbed, services: usize, rows: &mut Rows) {
    let mesh = mesh("bench", services);
    let operations = Operations::new(Some(bed.kubeconfig().to_owned()));
    println!("at rest: {:.1} MB", process::now());

    process::reset_peak();
    let start = Instant::now();
    let planned = operations.plan(&mesh, Intent::Apply).await.unwrap();
    let objects = planned.plan.steps().count();
    rows.add("fedmesh, plan of a first apply", start.elapsed(), objects);
    let start = Instant::now();
    apply(&operations, &mesh, planned).await;
    rows.add("fedmesh, first apply", start.elapsed(), objects);
    rows.peak("first apply");

    process::reset_peak();
    let (mut plans, mut applies) = (Vec::new(), Vec::new());
    let before = process::busy();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let planned = operations.plan(&mesh, Intent::Apply).await.unwrap();
        plans.push(start.elapsed());
        assert!(!planned.plan.has_changes());
        apply(&operations, &mesh, planned).await;
        applies.push(start.elapsed());
    }
    let busy = process::busy().saturating_sub(before) / u32::try_from(ROUNDS).unwrap();
    let name = "fedmesh, plan of an apply that changes nothing";
    rows.add(name, median(plans), objects);
    rows.add(
        "fedmesh, second apply with its plan",
        median(applies),
        objects,
    );
    rows.add("  of it, processors' time of fedmesh", busy, objects);
    rows.peak("second apply");

    process::reset_peak();
    let mut other = mesh.clone();
    other.spec.dns.ttl = Some(77);
    for service in &mut other.spec.services {
        service.port = Some(8001);
    }
    let start = Instant::now();
    let planned = operations.plan(&other, Intent::Apply).await.unwrap();
    let changes = planned
        .plan
        .steps()
        .filter(|(_, step)| !step.diff.is_empty())
        .count();
    rows.add(
        &format!("fedmesh, plan with {changes} changes"),
        start.elapsed(),
        objects,
    );
    rows.peak("plan with changes");
    drop(planned);

    process::reset_peak();
    let start = Instant::now();
    let planned = operations.plan(&mesh, Intent::Remove).await.unwrap();
    apply(&operations, &mesh, planned).await;
    rows.add("fedmesh, plan and removal", start.elapsed(), objects);
    rows.peak("removal");
    // As the agent does five seconds after a request.
    fedmesh_agent::memory::give_back();
    println!("at rest again: {:.1} MB", process::now());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn apply(operations: &Operations, mesh: &Mesh, planned: Planned) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    let locked = operations
        .lock(mesh, &Decisions::default(), "bench", LockOptions::default())
        .await;
    let plan = planned.approve(ApplyOptions::default()).unwrap();
    let report = locked.unwrap().apply(plan, &Stop::never(), sender).await;
    assert!(report.is_success(), "{report:#?}");
    listening.await.unwrap();
}

fn bundle(name: &str, services: usize) -> Bundle {
    let mesh = mesh(name, services);
    let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
    Bundle::new(&mesh, &resolved)
}

/// The same objects under other names, with nothing but an HTTP client.
async fn bare(bed: &Testbed, services: usize, rows: &mut Rows) {
    for (name, version, at_once) in [
        (
            "bare client, HTTP/1.1, 24 at once",
            bare::Version::Http1,
            24,
        ),
        ("bare client, HTTP/2, 24 at once", bare::Version::Http2, 24),
    ] {
        let bundle = bundle("bare", services);
        let start = Instant::now();
        let sent = futures::future::join_all(bundle.clusters.iter().map(|cluster| {
            let bodies = cluster
                .objects()
                .map(|object| (path(object), object.to_json().to_string()));
            let bodies = bodies.collect();
            let client = bare::Client::new(bed.kubeconfig(), &cluster.context, version);
            tokio::spawn(async move { client.await.apply_all(bodies, at_once).await })
        }))
        .await;
        let sent = sent.into_iter().map(Result::unwrap).sum();
        rows.add(name, start.elapsed(), sent);
        // The next one creates them again.
        for context in CONTEXTS {
            let kinds = "virtualservices,serviceentries,destinationrules,gateways,dnsendpoints";
            bed.kubectl(
                context,
                &[
                    "delete",
                    kinds,
                    "-A",
                    "-l=fedmesh.dev/mesh=bare",
                    "--wait=false",
                ],
            )
            .unwrap();
        }
    }
}

fn with_kubectl(bed: &Testbed, services: usize, rows: &mut Rows) {
    let bundle = bundle("slow", services);
    let folder = tempfile::tempdir().unwrap();
    let objects = bundle
        .clusters
        .iter()
        .map(shared::bundle::ClusterManifests::object_count)
        .sum();
    let dry = "--dry-run=server";
    for (name, command, option) in [
        (
            "kubectl apply --server-side --dry-run=server, first",
            "apply",
            Some(dry),
        ),
        ("kubectl diff --server-side, first", "diff", None),
        ("kubectl apply --server-side, first", "apply", None),
        ("kubectl apply --server-side, second", "apply", None),
        ("kubectl diff --server-side", "diff", None),
    ] {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for cluster in &bundle.clusters {
                let file = folder.path().join(format!("{}.yaml", cluster.name));
                std::fs::write(&file, cluster.to_stream()).unwrap();
                scope.spawn(move || {
                    let file = file.to_str().unwrap();
                    let arguments = [command, "--server-side", "-f", file];
                    let arguments: Vec<&str> = arguments.into_iter().chain(option).collect();
                    let ran = bed.kubectl(&cluster.context, &arguments);
                    // A diff ends with 1 where there is one.
                    if command != "diff" {
                        ran.unwrap();
                    }
                });
            }
        });
        rows.add(name, start.elapsed(), objects);
    }
}

#[derive(Default)]
struct Rows(Vec<(String, f64, f64)>, Vec<(String, f64)>);

impl Rows {
    fn add(&mut self, name: &str, took: Duration, objects: usize) {
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let rate = objects as f64 / took.as_secs_f64();
        println!(
            "{name:<50} {:8.3} s {rate:8.0} objects/s ({objects})",
            took.as_secs_f64()
        );
        self.0
            .push((name.trim().to_owned(), took.as_secs_f64(), rate));
    }

    fn peak(&mut self, name: &str) {
        println!(
            "{:<50} {:8.1} MB",
            format!("  peak memory, {name}"),
            process::peak()
        );
        self.1.push((name.to_owned(), process::peak()));
    }

    fn print(&self) {
        let times: Vec<_> = self
            .0
            .iter()
            .map(|(name, seconds, rate)| serde_json::json!({ "name": name, "seconds": seconds, "perSecond": rate }))
            .collect();
        let memory: Vec<_> = self
            .1
            .iter()
            .map(|(name, peak)| serde_json::json!({ "name": name, "megabytes": peak }))
            .collect();
        println!(
            "{}",
            serde_json::json!({ "times": times, "peakMemory": memory })
        );
    }
}

fn path(object: &shared::kubernetes::object::Object) -> String {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    let kind = &object.kind;
    format!(
        "/apis/{}/namespaces/{namespace}/{}/{}",
        kind.api_version(),
        kind.plural,
        object.name
    )
}
