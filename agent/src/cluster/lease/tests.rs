use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Request as HttpRequest, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::Value;

use super::*;

/// The Lease of a server, by its version, and the writes after its deletion.
#[derive(Default)]
struct Server {
    version: Option<u32>,
    renewals_begun: usize,
    written_after: usize,
    is_deleted: bool,
}

/// Duration of a renewal.
const RENEWAL: Duration = Duration::from_millis(300);

/// Carries out a request, whether or not its response is read.
async fn answer(server: Arc<Mutex<Server>>, method: Method, options: Value) -> (StatusCode, Value) {
    if method == Method::PUT {
        server.lock().unwrap().renewals_begun += 1;
        tokio::time::sleep(RENEWAL).await;
    }
    let mut server = server.lock().unwrap();
    if method == Method::DELETE {
        let expected = options["preconditions"]["resourceVersion"].as_str();
        let version = server.version.map(|version| version.to_string());
        if expected != version.as_deref() {
            return (StatusCode::CONFLICT, json!({ "message": "modified" }));
        }
        server.version = None;
        server.is_deleted = true;
        return (StatusCode::OK, json!({}));
    }
    server.written_after += usize::from(server.is_deleted);
    let version = server.version.unwrap_or_default() + 1;
    server.version = Some(version);
    let live = json!({ "metadata": { "resourceVersion": version.to_string() } });
    (StatusCode::OK, live)
}

fn connection(server: &Arc<Mutex<Server>>) -> Connection {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: HttpRequest<Body>| {
        let server = Arc::clone(&server);
        let carried_out = tokio::spawn(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let options = serde_json::from_slice(&body).unwrap_or_default();
            answer(server, parts.method, options).await
        });
        async move {
            let (code, body) = carried_out.await.unwrap();
            let body = Full::new(Bytes::from(body.to_string()));
            Ok::<_, std::convert::Infallible>(Response::builder().status(code).body(body).unwrap())
        }
    });
    let client = kube::Client::new(service, "default");
    Connection::new("west", client, RetryPolicy::PLAN)
}

#[tokio::test]
async fn a_lease_is_released_during_a_renewal() {
    let server = Arc::default();
    let writer = Writer::new("test", Duration::from_secs(1));
    let waiting = Waiting {
        deadline: Instant::now(),
        on_wait: &|_| {},
        stop: None,
    };
    let claimed = Lease::claim(&connection(&server), "demo", &writer, waiting).await;
    let Ok(Claimed::Lease(lease)) = claimed else {
        panic!("no other writer claims it")
    };
    while server.lock().unwrap().renewals_begun == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lease.release().await;
    assert!(server.lock().unwrap().is_deleted);
    tokio::time::sleep(2 * RENEWAL).await;
    let server = server.lock().unwrap();
    assert_eq!((server.version, server.written_after), (None, 0));
}
