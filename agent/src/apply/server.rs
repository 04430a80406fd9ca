//! A fake API server for tests, for responses that a real one cannot be made to send.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use kube::client::Body;
use serde_json::Value;

use crate::cluster::{Connection, RetryPolicy};

/// A connection to a server that responds to each request with `answer`.
pub(super) fn server(
    mut answer: impl FnMut(&Request<Body>) -> (StatusCode, Value) + Send + 'static,
) -> Connection {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (code, body) = answer(&request);
        let response = Response::builder()
            .status(code)
            .body(Full::new(Bytes::from(body.to_string())));
        std::future::ready(response)
    });
    let client = kube::Client::new(service, "default");
    Connection::new("west", client, RetryPolicy::APPLY)
}
