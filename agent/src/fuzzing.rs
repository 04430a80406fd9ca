//! Entry points for fuzzing of private code that reads input from outside.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use kube::client::Body;
use kube::config;
use shared::kubernetes::object::{Kind, Object};
use shared::kubernetes::ownership::Ownership;
use shared::plan::decisions::Decisions;

use crate::cluster::{self, Connection, Kubeconfig, RetryPolicy, Search};

/// Reads a kubeconfig. No connection is made, since a kubeconfig may name programs to run.
pub fn kubeconfig(text: &str) {
    match config::Kubeconfig::from_yaml(text) {
        Ok(content) => Kubeconfig::of_content(content).describe(),
        Err(error) => _ = cluster::describe_kubeconfig_error(&error),
    }
}

/// Reads a cluster whose server responds to every request with one text.
pub fn answers(code: u16, body: &[u8]) {
    let Ok(code) = StatusCode::from_u16(code) else {
        return;
    };
    let body = Bytes::copy_from_slice(body);
    let service = tower::service_fn(move |_: Request<Body>| {
        let response = Response::builder()
            .status(code)
            .body(Full::new(body.clone()));
        std::future::ready(response)
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let client = kube::Client::new(service, "default");
        let connection = Connection::new("west", client, RetryPolicy::PROBE);
        let (ownership, decisions) = (Ownership::of("demo"), Decisions::default());
        let search = Search {
            ownership: &ownership,
            decisions: &decisions,
            tries: true,
        };
        let desired = Object::new(
            Kind::SERVICE,
            Some("shop"),
            "orders",
            serde_json::json!({ "spec": { "ports": [{ "port": 80 }] } }),
        );
        _ = cluster::identity(&connection).await;
        _ = cluster::gateway(&connection, "istio-system", "istio-ingressgateway").await;
        _ = cluster::dns_settings(&connection, true).await;
        _ = cluster::look(connection.clone(), search, &[desired]).await;
        _ = cluster::look_at_kinds(connection, "demo", [Kind::DNS_ENDPOINT], &[]).await;
    });
}
