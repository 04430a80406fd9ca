//! A drill by way of the door of a running agent, which is stopped, or told to end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::facts::Facts;

use crate::agent_process::AgentProcess;
use crate::fixture::{Fixture, WEST, shared_bed};
use crate::pods;
use crate::verifying::{gateway, with_gateways};

const REPLICAS: u32 = 3;

/// The program, and the way to it.
struct Agent {
    process: AgentProcess,
    address: String,
    token: String,
}

impl Agent {
    fn serve(kubeconfig: &Path) -> Self {
        let process = AgentProcess::serve(kubeconfig);
        let (origin, token) = process.link().split_once("/#token=").unwrap();
        let address = origin.strip_prefix("http://").unwrap().to_owned();
        let token = token.to_owned();
        Self {
            process,
            address,
            token,
        }
    }

    /// Sends a request; the answer from its first line on.
    fn send(&self, method: &str, path: &str, body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let Self { address, token, .. } = self;
        write!(
            stream,
            "{method} /api/v1/{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        BufReader::new(stream)
    }

    /// Begins a drill and waits until the service is away: the run, and its events from there on.
    fn take_away(&self, request: &str) -> (String, BufReader<TcpStream>) {
        let mut answer = String::new();
        self.send("POST", "verify", request)
            .read_to_string(&mut answer)
            .unwrap();
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        let body: Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
        let path = format!("verifications/{}", body["id"].as_str().unwrap());
        let mut events = self.send("GET", &path, "");
        let mut line = String::new();
        while !line.contains("\"step\":\"away\"") {
            line.clear();
            events.read_line(&mut line).unwrap();
            assert!(!line.is_empty() && !line.contains("finished"), "{line}");
        }
        (path, events)
    }
}

/// Waits for the end of a run, whose drill has to have been broken off with nothing left away.
fn assert_broken_off(mut events: BufReader<TcpStream>) {
    let mut text = String::new();
    events.read_to_string(&mut text).unwrap();
    let last = text.lines().find(|line| line.contains("\"finished\""));
    let last = last.unwrap_or_else(|| panic!("{text}"));
    let event: Value = serde_json::from_str(last).unwrap();
    let report = &event["report"];
    assert!(report["drill"]["notRestored"].is_null(), "{last}");
    let checks = report["checks"].as_array().unwrap().iter();
    let rows: Vec<&Value> = checks.filter(|check| check["family"] == "drill").collect();
    assert_eq!(rows.len(), 2, "one for each client: {last}");
    for row in rows {
        let message = row["cause"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("stopped before the end"), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_drill_took_away_is_given_back_however_the_agent_ends_it() {
    let mut fixture = Fixture::new(shared_bed(), "drilled");
    with_gateways(
        &mut fixture,
        [gateway(Some("sunset")), gateway(Some("sunrise"))],
    );
    let labels = json!({ "app": "orders" });
    for object in [
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "orders", "namespace": "drilled" },
            "spec": { "selector": labels, "ports": [{ "name": "http", "port": 8000 }] },
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "orders", "namespace": "drilled" },
            "spec": {
                "replicas": REPLICAS,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "c", "image": "i" }] },
                },
            },
        }),
    ] {
        let create = ["apply", "--server-side", "-f", "-"];
        fixture
            .bed
            .kubectl_with_input(WEST, &create, &object.to_string())
            .unwrap();
    }
    let replicas = || {
        let deployment = fixture.get(WEST, &["deployment/orders", "-n=drilled"]);
        let annotations = &deployment["metadata"]["annotations"];
        let before = annotations["fedmesh.dev/replicas-before-drill"].clone();
        (deployment["spec"]["replicas"].clone(), before)
    };
    let (away, there) = (
        (json!(0), json!(REPLICAS.to_string())),
        (json!(REPLICAS), Value::Null),
    );

    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = pods::play(fixture.bed, folder.path()).await;
    let checked = shared::check(&fixture.mesh, &Facts::default());
    let digest = Bundle::new(&fixture.mesh, &checked.resolved.unwrap()).digest;
    let request = json!({ "mesh": fixture.mesh, "digest": digest, "drill": "orders@sunset" });
    let request = request.to_string();

    tokio::task::block_in_place(|| {
        let agent = Agent::serve(&kubeconfig);

        // A person stops it.
        let (path, events) = agent.take_away(&request);
        assert_eq!(replicas(), away);
        let mut answer = String::new();
        let mut stop = agent.send("POST", &format!("{path}/stop"), "");
        stop.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        assert_broken_off(events);
        assert_eq!(replicas(), there);

        // The agent is told to end. Twice, as timeout(1) does to a process and its group: it is one
        // request all the same.
        let (_, events) = agent.take_away(&request);
        assert_eq!(replicas(), away);
        let pid = agent.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid, &pid]).status();
        assert!(killed.unwrap().success());
        assert_broken_off(events);
        let (code, log) = agent.process.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(
            log.contains("which restore the replicas of drills"),
            "{log}"
        );
        assert_eq!(replicas(), there);
    });
}
