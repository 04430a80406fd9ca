//! Pods that are played in front of real API servers: a client in each cluster whose curl is answered by
//! whichever cluster should, and Deployments whose pods are gone the moment they have no replicas.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::SinkExt as _;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use kube::Client;
use serde_json::{Value, json};
use testbed::Testbed;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::fixture::{CLUSTERS, client};

/// Where a service runs: `(cluster, zone)` of each, as they are asked for.
const ZONES: [(&str, &str); 2] = [("sunset", ".r1-0."), ("sunrise", ".r1-1.")];

/// An API server as seen by the agent.
#[derive(Clone)]
struct Server {
    cluster: &'static str,
    real: Client,
    /// Whether the service has no pods in the first cluster.
    is_away: Arc<AtomicBool>,
}

/// Plays the pods of a bed until the test ends, and writes a kubeconfig of the servers with them.
pub(crate) async fn play(bed: &Testbed, folder: &Path) -> std::path::PathBuf {
    let is_away = Arc::new(AtomicBool::new(false));
    let mut entries = Vec::new();
    for (cluster, context) in CLUSTERS {
        let server = Server {
            cluster,
            real: client(bed, context).await,
            is_away: is_away.clone(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(server);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        entries.push((context, format!("http://{address}")));
    }
    let list = |entry: fn(&(&str, String)) -> Value| entries.iter().map(entry).collect::<Vec<_>>();
    let config = json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": list(|(name, server)| json!({"name": name, "cluster": {"server": server}})),
        "contexts": list(|(name, _)| json!({"name": name, "context": {"cluster": name, "user": "nobody"}})),
        "users": [{"name": "nobody", "user": {"token": "none"}}],
    });
    let path = folder.join("kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path
}

async fn serve(State(server): State<Server>, request: Request) -> Response {
    let path = request.uri().path();
    if path.ends_with("/pods") {
        return answer(&json!({ "apiVersion": "v1", "kind": "PodList", "items": [client_pod()] }));
    }
    if path.ends_with("/exec") {
        return exec(&server, request);
    }
    let is_deployment = path.contains("/deployments/");
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if is_deployment
        && let Ok(change) = serde_json::from_slice::<Value>(&body)
        && let Some(replicas) = change["spec"]["replicas"].as_u64()
    {
        server.is_away.store(replicas == 0, Ordering::SeqCst);
    }
    let mut forwarded = axum::http::Request::builder()
        .method(parts.method)
        .uri(parts.uri);
    for name in [header::ACCEPT, header::CONTENT_TYPE] {
        if let Some(value) = parts.headers.get(&name) {
            forwarded = forwarded.header(name, value);
        }
    }
    let forwarded = forwarded
        .body(kube::client::Body::from(body.to_vec()))
        .unwrap();
    let (parts, body) = server.real.send(forwarded).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = parts.status;
    if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind.clone());
    }
    response
}

fn answer(value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, value.to_string()).into_response()
}

fn client_pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "sleep", "namespace": "default", "labels": { "app": "sleep" } },
        "spec": { "containers": [{ "name": "sleep" }, { "name": "istio-proxy" }] },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
    })
}

/// Runs a command as a pod would, by WebSocket (`v5.channel.k8s.io`).
fn exec(server: &Server, mut request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let command: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "command")
        .map(|(_, value)| value.into_owned())
        .collect();
    let output = server.output(&command);
    let key = request.headers()["sec-websocket-key"].as_bytes().to_vec();
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = TokioIo::new(upgrade.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let frame = |channel: u8, text: &str| {
            let bytes: Vec<u8> = [&[channel], text.as_bytes()].concat();
            Message::Binary(Bytes::from(bytes))
        };
        // Whoever asked may be gone by now.
        _ = socket.send(frame(1, &output)).await;
        _ = socket.send(frame(3, "{\"status\":\"Success\"}")).await;
        _ = socket.close(None).await;
    });
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::UPGRADE, "websocket"),
        (header::CONNECTION, "Upgrade"),
        (header::SEC_WEBSOCKET_PROTOCOL, "v5.channel.k8s.io"),
        (header::SEC_WEBSOCKET_ACCEPT, &derive_accept_key(&key)),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

impl Server {
    /// What the command writes: which curl there is, or what came of its transfers.
    fn output(&self, command: &[String]) -> String {
        if command[0] == "sh" {
            return "curl 8.5.0 (played)\n".to_owned();
        }
        let urls = command.iter().filter(|word| word.starts_with("http://"));
        let lines = urls.map(|url| {
            let headers = json!({ "x-fedmesh-cluster": [self.answers(url)] });
            format!("\nfedmesh-transfer\t{url}\t200\t0\t0.010\t\t{headers}\n")
        });
        lines.collect()
    }

    /// Who answers: the cluster of the zone, else the client's own, while it has pods.
    fn answers(&self, url: &str) -> &'static str {
        let named = ZONES.iter().find(|(_, zone)| url.contains(zone));
        let nearest = named.map_or(self.cluster, |(cluster, _)| *cluster);
        let [(first, _), (other, _)] = ZONES;
        if nearest == first && self.is_away.load(Ordering::SeqCst) {
            other
        } else {
            nearest
        }
    }
}
