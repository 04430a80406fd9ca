//! The beds of all tests, and what a test does on one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::defaults::{EXTERNAL_DNS_IMAGE, HTTPBIN_IMAGE, SLEEP_IMAGE};
use shared::mesh::BookinfoProgram;
use shared::verify::{Check, Outcome, Report};
use testbed::images::ImageNames;
use testbed::{MeshBed, MeshCluster, MeshOptions, Mtls};

use crate::turns::{MOST_BEDS, Turn};

pub(crate) const ZONE: &str = "my.dns.zone.name";
pub(crate) const GLOBAL: &str = "httpbin.default.external.svc.my.dns.zone.name";
/// Contexts, which are the clusters' names too, with their places.
pub(crate) const CLUSTERS: [(&str, &str, &str); 3] = [
    ("cluster1", "us-west2", "us-west2-a"),
    ("cluster2", "us-west2", "us-west2-b"),
    ("cluster3", "us-east4", "us-east4-a"),
];
/// For what a changed setting takes to be everywhere, and for pods to start.
pub(crate) const SETTLES_WITHIN: Duration = Duration::from_mins(2);

/// A bed, for one test at a time: three clusters with Istio.
pub(crate) struct Bed {
    pub(crate) mesh: Arc<MeshBed>,
    folder: tempfile::TempDir,
    since: Instant,
    turn: Turn,
    /// The pods that calls are made from, by context, once they are known.
    clients: RefCell<BTreeMap<String, String>>,
}

impl Bed {
    /// Empty: with nothing of ours.
    pub(crate) fn take() -> Self {
        let bed = Self::on(Turn::take());
        bed.clear();
        bed
    }

    /// With the usual document, applied and verified, which the test may change: the next one applies it
    /// again. Pods that are there already need not start, which takes a quarter of a minute.
    pub(crate) fn with_usual() -> Self {
        Self::on(Turn::take()).usual()
    }

    /// The same, and nothing else goes on in another bed: for what is measured.
    pub(crate) fn alone() -> Self {
        Self::on(Turn::alone()).usual()
    }

    fn usual(self) -> Self {
        if self.turn.is_spoilt() {
            self.clear();
        }
        let document = self.document();
        self.apply(&document);
        self.verified(&document);
        self
    }

    /// Empty, and the test's own, which ends with it: the first of the usual clusters, each with a DNS domain.
    pub(crate) fn of_domains(domains: &[&str]) -> Self {
        let turn = Turn::elsewhere();
        Self::of(start(domains), turn)
    }

    fn on(turn: Turn) -> Self {
        static BEDS: [OnceLock<Arc<MeshBed>>; MOST_BEDS] = [const { OnceLock::new() }; MOST_BEDS];
        let domains = CLUSTERS.map(|_| MeshCluster::DEFAULT_DOMAIN);
        let mesh = BEDS[turn.number()].get_or_init(|| start(&domains));
        Self::of(Arc::clone(mesh), turn)
    }

    fn of(mesh: Arc<MeshBed>, turn: Turn) -> Self {
        Self {
            mesh,
            folder: tempfile::tempdir().unwrap(),
            since: Instant::now(),
            turn,
            clients: RefCell::default(),
        }
    }

    /// Takes away what tests before this one left.
    fn clear(&self) {
        let document = self.write("clear", &self.document());
        let output = self.agent(&["remove", "--yes", "-f", document.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// All clusters, httpbin in each, its calls may be repeated.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.mesh.example_document()).unwrap()
    }

    pub(crate) fn write(&self, name: &str, document: &Value) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.yaml"));
        std::fs::write(&path, document.to_string()).unwrap();
        path
    }

    /// Runs the agent in the bed's network.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Output {
        self.mesh
            .command(env!("CARGO_BIN_EXE_fedmesh-agent"))
            .args(arguments)
            .env("KUBECONFIG", self.mesh.kubeconfig())
            .output()
            .unwrap()
    }

    pub(crate) fn apply(&self, document: &Value) {
        let path = self.write("mesh", document);
        let output = self.agent(&[
            "apply",
            "--yes",
            "--allow-delete=100000",
            "-f",
            path.to_str().unwrap(),
        ]);
        assert!(output.status.success(), "{}", text(&output));
    }

    pub(crate) fn remove(&self, document: &Value) {
        let path = self.write("mesh", document);
        let output = self.agent(&["remove", "--yes", "-f", path.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// One verification; `more` are more arguments.
    pub(crate) fn verify(&self, document: &Value, more: &[&str]) -> Report {
        let path = self.write("mesh", document);
        let mut arguments = vec!["verify", "-o", "json", "-f", path.to_str().unwrap()];
        arguments.extend(more);
        let output = self.agent(&arguments);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
    }

    /// Waits until everything is as the document says, and gives the proof. `--wait` lets more and more
    /// time pass between its rounds; tests have none to lose.
    pub(crate) fn verified(&self, document: &Value) -> Report {
        eventually("verified", || {
            let report = self.verify(document, &["--timeout", "3s"]);
            let bad = failed(&report);
            bad.is_empty()
                .then_some(report)
                .ok_or_else(|| bad.join("\n"))
        })
    }

    pub(crate) fn kubectl(&self, context: &str, arguments: &[&str]) -> String {
        self.mesh
            .kubectl()
            .run(context, arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn kubectl_apply(&self, context: &str, manifest: &Value) {
        self.mesh
            .kubectl()
            .run_with_input(context, &["apply", "-f", "-"], &manifest.to_string())
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Scales a Deployment, and waits until it is so when it goes up.
    pub(crate) fn scale(&self, context: &str, (namespace, name): (&str, &str), replicas: u8) {
        let deployment = format!("deployment/{name}");
        let replicas_flag = format!("--replicas={replicas}");
        self.kubectl(
            context,
            &["-n", namespace, "scale", &deployment, &replicas_flag],
        );
        if replicas > 0 {
            self.mesh.wait_for_pods(context, (namespace, name)).unwrap();
        }
    }

    /// Opens a port of a cluster's ingress gateway.
    pub(crate) fn open_gateway(&self, context: &str, port: u16) {
        let patch = json!({"spec": {"ports": [{"name": format!("p{port}"), "port": port, "targetPort": port}]}});
        self.patch_gateway(context, &patch);
    }

    pub(crate) fn close_gateway(&self, context: &str, port: u16) {
        let patch = json!({"spec": {"ports": [{"port": port, "$patch": "delete"}]}});
        self.patch_gateway(context, &patch);
    }

    fn patch_gateway(&self, context: &str, patch: &Value) {
        let object = ["patch", "service/istio-ingressgateway", "-n=istio-system"];
        let patch = patch.to_string();
        self.kubectl(context, &[&object[..], &["--patch", &patch]].concat());
    }

    /// Runs a command in the client of a cluster, which stays the same all through a test; `input` is what
    /// it reads.
    pub(crate) fn run_in_client(&self, client: &str, command: &[&str], input: &str) -> Output {
        let mut clients = self.clients.borrow_mut();
        let pod = clients.entry(client.to_owned()).or_insert_with(|| {
            let pod = self.mesh.pod_name(client, ("default", "app=sleep"));
            pod.unwrap_or_else(|error| panic!("{error}"))
        });
        let exec = ["exec", "-i", pod.as_str(), "-c", "sleep", "--"];
        let command = [&exec[..], command].concat();
        let kubectl = self.mesh.kubectl();
        kubectl.attempt(client, &command, input).unwrap()
    }

    /// Restarts the client of a cluster.
    pub(crate) fn start_client_anew(&self, client: &str) {
        let deployment = ("default", "sleep");
        self.mesh.start_anew(client, deployment).unwrap();
        self.clients.borrow_mut().remove(client);
    }

    /// What it prints, whether it succeeds or not.
    pub(crate) fn client(&self, client: &str, command: &[&str], input: &str) -> String {
        let output = self.run_in_client(client, command, input);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What curl in the client of a cluster gets for each, some at a time: status and answering cluster.
    pub(crate) fn calls(&self, client: &str, urls: &[String]) -> Vec<(String, String)> {
        let mut command = ["curl", "-s", "-m", "3", "--parallel", "--parallel-max", "8"].to_vec();
        let format = "%{urlnum} %{http_code} %header{x-fedmesh-cluster}\n";
        command.extend(["-w", format]);
        for url in urls {
            command.extend(["-o", "/dev/null", url]);
        }
        let output = self.run_in_client(client, &command, "");
        let lines = String::from_utf8_lossy(&output.stdout);
        // They end in any order.
        let seen: BTreeMap<usize, (String, String)> = lines
            .lines()
            .filter_map(|line| {
                let (number, rest) = line.split_once(' ')?;
                let (status, by) = rest.split_once(' ')?;
                Some((number.parse().ok()?, (status.to_owned(), by.to_owned())))
            })
            .collect();
        assert!(seen.keys().copied().eq(0..urls.len()), "{}", text(&output));
        seen.into_values().collect()
    }

    /// The same for one.
    pub(crate) fn call(&self, client: &str, url: &str) -> (String, String) {
        self.calls(client, &[url.to_owned()]).remove(0)
    }
}

fn start(domains: &[&str]) -> Arc<MeshBed> {
    let clusters = CLUSTERS.iter().zip(domains);
    let options = MeshOptions {
        clusters: clusters
            .map(|((context, region, zone), domain)| MeshCluster {
                context: (*context).to_owned(),
                region: (*region).to_owned(),
                zone: (*zone).to_owned(),
                domain: (*domain).to_owned(),
            })
            .collect(),
        zone: ZONE.to_owned(),
        mtls: Mtls::Strict,
        images: ImageNames {
            httpbin: HTTPBIN_IMAGE.to_owned(),
            sleep: SLEEP_IMAGE.to_owned(),
            bookinfo: BookinfoProgram::ALL
                .map(|program| (program.image(), program.as_str().to_owned()))
                .into(),
            external_dns: EXTERNAL_DNS_IMAGE.to_owned(),
        },
    };
    Arc::new(MeshBed::start(&options).unwrap_or_else(|error| panic!("{error}")))
}

impl Drop for Bed {
    fn drop(&mut self) {
        let test = std::thread::current();
        let name = test.name().unwrap_or_default();
        println!(
            "{name}: {:.0} s on the bed",
            self.since.elapsed().as_secs_f32()
        );
    }
}

/// Whether everything is to be tried. Otherwise the tests keep to what fits into a run of all tests,
/// and say what they leave out.
pub(crate) fn is_long_run() -> bool {
    std::env::var_os("FEDMESH_LONG_RUN").is_some()
}

/// Tries until `found` gives something.
pub(crate) fn eventually<T>(what: &str, mut found: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match found() {
            Ok(value) => return value,
            Err(why) => assert!(start.elapsed() < SETTLES_WITHIN, "{what}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What is not as it has to be, a check a line.
pub(crate) fn failed(report: &Report) -> Vec<String> {
    let checks = report.checks.iter();
    checks
        .filter(|check| check.outcome != Outcome::Passed && !check.advisory)
        .map(line)
        .collect()
}

/// A check in one line.
pub(crate) fn line(check: &Check) -> String {
    let cause = check.cause.as_ref().map_or("", |cause| &cause.code);
    format!(
        "{:?} {} {} {} [{cause}] expected {}; saw {:?}",
        check.outcome,
        check.family.as_str(),
        check.cluster,
        check.host,
        check.expected,
        check.seen
    )
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A server beside httpbin, with a Service of its name.
pub(crate) fn server(name: &str) -> Value {
    let labels = json!({"app": name});
    let pod_labels = json!({"app": name, "sidecar.istio.io/inject": "true"});
    json!({
        "apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
                "spec": {"selector": labels, "ports": [{"name": "http", "port": 9000, "targetPort": 8080}]},
            },
            {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": pod_labels},
                        "spec": {"containers": [{
                            "name": "server", "image": HTTPBIN_IMAGE, "imagePullPolicy": "IfNotPresent",
                            "readinessProbe": {"httpGet": {"path": "/status/200", "port": 8080}, "periodSeconds": 1},
                        }]},
                    },
                },
            },
        ],
    })
}
