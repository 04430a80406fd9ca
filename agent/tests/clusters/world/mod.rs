//! Two meshes in the same clusters, several runs of the program, and others who change things: random sequences of
//! all that, and what has to hold after each step.
//!
//! A failed sequence prints its seed and its steps; `FEDMESH_WORLD_SEED=SEED` repeats it alone. With
//! `FEDMESH_LONG_RUN` there are more of them, and longer ones.

mod observed;
mod others;
mod rules;
mod run;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use fastrand::Rng;
use fedmesh_agent::operation::Operations;
use serde_json::Value;
use shared::Mesh;
use shared::check::check;
use shared::facts::Facts;
use shared::kubernetes::object::{Kind, Object};
use shared::plan::desired::Desired;
use testbed::Testbed;

use crate::fixture::{CLUSTERS, LoneBed, WEST, document, make_namespace};
use observed::{Clusters, Id, is_applied_by, uid};

const MESHES: [&str; 2] = ["world-a", "world-b"];
/// The namespace of the service that both meshes may have.
const COMMON: &str = "world-common";
/// Of the short run; a random one follows.
const SEEDS: [u64; 2] = [1, 2];
/// Steps of a sequence.
const STEPS: usize = 4;

/// The clusters, and what is known of them without the program.
struct World {
    bed: &'static Testbed,
    operations: Operations,
    clusters: Clusters,
    rng: Rng,
    seed: u64,
    /// What was done, for whoever reads a failure.
    log: Vec<String>,
    /// By mesh.
    documents: [Vec<Document>; 2],
    /// Objects of others, as they left them.
    theirs: BTreeMap<Id, Value>,
    /// Objects of ours (with their uid) of which others own a field.
    edited: BTreeSet<(Id, String)>,
    /// Objects of ours (with their uid) that have an annotation of others.
    annotated: BTreeSet<(Id, String)>,
}

/// A document with what it desires.
struct Document {
    mesh: Mesh,
    objects: BTreeMap<Id, Object>,
}

impl Document {
    fn new(mesh: Mesh) -> Self {
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        let desired = Desired::new(resolved);
        let objects = CLUSTERS.iter().flat_map(|(cluster, context)| {
            let objects = desired.of(cluster).into_iter();
            objects.map(move |object| ((*context, object.key()), object))
        });
        Self {
            objects: objects.collect(),
            mesh,
        }
    }

    /// Documents of a mesh that differ in services, fields and names; the last one has the contested service.
    fn all(name: &str) -> Vec<Self> {
        let mut changed = document(name, &["orders", "carts"]);
        changed.spec.dns.ttl = Some(77);
        changed.spec.services[0].port = Some(8001);
        let mut contested = document(name, &["orders", "contested"]);
        contested.spec.services[1].namespace = Some(COMMON.to_owned());
        let all = [
            document(name, &["orders"]),
            document(name, &["orders", "carts"]),
            changed,
            document(name, &["carts", "users", "billing"]),
            contested,
        ];
        all.map(Self::new).into()
    }
}

impl World {
    async fn new(bed: &'static Testbed, seed: u64) -> Self {
        let documents = MESHES.map(Document::all);
        let objects = documents
            .iter()
            .flatten()
            .flat_map(|one| one.objects.values());
        let kinds: BTreeSet<Kind> = objects.map(|object| object.kind.clone()).collect();
        Self {
            bed,
            operations: Operations::new(Some(bed.kubeconfig().to_owned())),
            clusters: Clusters::of(bed, kinds).await,
            rng: Rng::with_seed(seed),
            seed,
            log: Vec::new(),
            documents,
            theirs: BTreeMap::new(),
            edited: BTreeSet::new(),
            annotated: BTreeSet::new(),
        }
    }

    fn note(&mut self, what: String) {
        self.log.push(what);
    }

    /// The mesh that has applied an object, unless it is theirs.
    fn owner(&self, id: &Id, live: &Value) -> Option<&'static str> {
        let is_theirs = self.theirs.get(id).is_some_and(|one| uid(one) == uid(live));
        let mut meshes = MESHES.into_iter();
        meshes.find(|mesh| !is_theirs && is_applied_by(live, mesh))
    }

    fn desired_by_any(&self) -> BTreeSet<Id> {
        let documents = self.documents.iter().flatten();
        documents
            .flat_map(|one| one.objects.keys().cloned())
            .collect()
    }

    /// An object of a document, without its labels and annotations.
    fn desired_body(&self, id: &Id) -> Value {
        let mut documents = self.documents.iter().flatten();
        let object = documents.find_map(|one| one.objects.get(id)).unwrap();
        let mut object = object.to_json();
        object["metadata"] = Value::Null;
        object
    }

    /// A sequence from empty clusters to clusters in which only what others made is left, which goes too.
    async fn run(&mut self, steps: usize) {
        let contested = self.desired_by_any().into_iter().find(|(context, key)| {
            *context == WEST && key.kind == "VirtualService" && key.namespace == COMMON
        });
        if self.rng.bool() {
            self.create(contested.unwrap()).await;
        }
        let begun = Instant::now();
        for _ in 0..steps {
            self.step().await;
        }
        self.settle().await;
        println!("seed {}: {} ms", self.seed, begun.elapsed().as_millis());
        let theirs = std::mem::take(&mut self.theirs);
        for id in theirs.keys() {
            self.delete(id).await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let steps = self.log.join("\n");
            let count = if is_long_run() {
                "FEDMESH_LONG_RUN=1 "
            } else {
                ""
            };
            eprintln!(
                "{count}FEDMESH_WORLD_SEED={} repeats these steps:\n{steps}",
                self.seed
            );
        }
    }
}

fn is_long_run() -> bool {
    std::env::var_os("FEDMESH_LONG_RUN").is_some()
}

/// The seeds of the sequences, and the steps of each.
fn sequences() -> (Vec<u64>, usize) {
    let steps = if is_long_run() { 3 * STEPS } else { STEPS };
    if let Ok(seed) = std::env::var("FEDMESH_WORLD_SEED") {
        return (vec![seed.parse().unwrap()], steps);
    }
    let random = if is_long_run() { 20 } else { 1 };
    let seeds = SEEDS.into_iter();
    (
        seeds
            .chain((0..random).map(|_| fastrand::u64(..)))
            .collect(),
        steps,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_nothing_is_lost_and_nothing_of_others_is_touched() {
    let bed = LoneBed::take().await;
    for (_, context) in CLUSTERS {
        for namespace in MESHES.into_iter().chain([COMMON]) {
            make_namespace(bed.bed(), context, namespace);
        }
    }
    let (seeds, steps) = sequences();
    for seed in seeds {
        World::new(bed.bed(), seed).await.run(steps).await;
    }
}
