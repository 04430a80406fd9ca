//! The agent under load: how long an honest client waits, and how much memory the agent takes.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use shared::Mesh;
use shared::bundle::Rendered;
use shared::facts::Facts;

const CLUSTERS: usize = 10;
const SERVICES: usize = 100;

fn main() {
    rlimit::increase_nofile_limit(16_384).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    fs::write(&kubeconfig, dead_kubeconfig().to_string()).unwrap();
    let agent = Agent::start(folder.path(), &kubeconfig);
    let plan = plan_request();
    println!(
        "the agent under load; plans are of {CLUSTERS} clusters with {SERVICES} services, of which none answers\n\n\
         | load | an honest client waits (median, longest) | memory at the peak |\n|---|---|---|"
    );
    agent.measure("none", || thread::sleep(Duration::from_secs(2)));
    agent.measure("5,000 idle connections", || {
        let all: Vec<_> = (0..5_000).map(|_| agent.connect()).collect();
        thread::sleep(Duration::from_secs(2));
        drop(all);
    });
    agent.measure("200 slow requests", || {
        let mut all: Vec<_> = (0..200).map(|_| agent.connect()).collect();
        let text = format!("GET / HTTP/1.1\r\nHost: {}\r\n", agent.address);
        for byte in text.bytes().cycle().take(60) {
            for one in &mut all {
                // The agent may have closed it.
                _ = one.write_all(&[byte]);
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut answers = (0, 0);
    agent.measure("200 plans at once", || {
        let codes: Vec<String> = thread::scope(|scope| {
            let all: Vec<_> = (0..200)
                .map(|_| scope.spawn(|| agent.post(&plan)))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let count = |code: &str| codes.iter().filter(|one| *one == code).count();
        answers = (count("200"), count("503"));
    });
    agent.measure("100 plans whose client leaves", || {
        for _ in 0..100 {
            let mut one = agent.connect();
            one.write_all(agent.posted(&plan).as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        // As long as the last of them may take.
        thread::sleep(Duration::from_secs(1));
    });
    thread::sleep(Duration::from_secs(10));
    println!(
        "\nOf the 200 plans, {} were made and {} told to come later. Ten seconds after the last load the agent takes {} MB.",
        answers.0,
        answers.1,
        agent.memory("VmRSS")
    );
}

struct Agent {
    process: Child,
    address: String,
    token: String,
}

impl Agent {
    fn start(home: &std::path::Path, kubeconfig: &std::path::Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"))
            .args(["serve", "--listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(kubeconfig)
            .env("HOME", home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut link = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut link).unwrap();
        let (origin, token) = link.trim().split_once("/#token=").unwrap();
        Self {
            address: origin.strip_prefix("http://").unwrap().to_owned(),
            token: token.to_owned(),
            process,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// How long the agent takes to say which version it is.
    fn ask(&self) -> Duration {
        let begun = Instant::now();
        let request = format!(
            "GET /api/v1/session HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.address, self.token
        );
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        begun.elapsed()
    }

    fn posted(&self, body: &str) -> String {
        format!(
            "POST /api/v1/plan HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )
    }

    /// The code of the answer.
    fn post(&self, body: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(self.posted(body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// Prints a row about the time that a load takes.
    fn measure(&self, name: &str, load: impl FnOnce()) {
        // The peak is counted anew.
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").unwrap();
        let has_ended = AtomicBool::new(false);
        let mut waits = thread::scope(|scope| {
            let honest = scope.spawn(|| {
                let mut waits = Vec::new();
                while !has_ended.load(Ordering::Relaxed) {
                    waits.push(self.ask());
                    thread::sleep(Duration::from_millis(10));
                }
                waits
            });
            load();
            has_ended.store(true, Ordering::Relaxed);
            honest.join().unwrap()
        });
        waits.sort_unstable();
        println!(
            "| {name} | {:.1} ms, {:.1} ms | {} MB |",
            waits[waits.len() / 2].as_secs_f64() * 1e3,
            waits.last().unwrap().as_secs_f64() * 1e3,
            self.memory("VmHWM")
        );
    }

    /// In megabytes.
    fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1024
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself, which the benchmark has told by then.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn plan_request() -> String {
    let mut yaml = "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: big}\nspec:\n  dns: {suffix: \
                    mesh.example.org}\n  clusters:\n"
        .to_owned();
    for cluster in 0..CLUSTERS {
        writeln!(
            yaml,
            "  - {{name: c{cluster}, region: r{}, zone: z{cluster}, gateway: {{addresses: [192.0.2.{cluster}]}}}}",
            cluster / 3
        )
        .unwrap();
    }
    yaml.push_str("  services:\n");
    for service in 0..SERVICES {
        writeln!(
            yaml,
            "  - {{name: s{service}, namespace: shop, port: 80, failover: {{retry: false}}}}"
        )
        .unwrap();
    }
    let mesh = Mesh::read(&yaml).unwrap();
    let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
    let digest = Rendered::new(&mesh, &resolved).digest();
    json!({ "mesh": mesh, "digest": digest, "intent": "apply" }).to_string()
}

/// Nothing listens at the discard port.
fn dead_kubeconfig() -> serde_json::Value {
    let names: Vec<String> = (0..CLUSTERS).map(|index| format!("c{index}")).collect();
    let clusters = names
        .iter()
        .map(|name| json!({ "name": name, "cluster": { "server": "http://127.0.0.1:9" } }));
    let contexts = names
        .iter()
        .map(|name| json!({ "name": name, "context": { "cluster": name, "user": "u" } }));
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters.collect::<Vec<_>>(),
        "contexts": contexts.collect::<Vec<_>>(),
        "users": [{ "name": "u", "user": { "token": "t" } }],
    })
}
