//! An API server for tests, for answers that no real one can be made to give.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use kube::client::Body;
use serde_json::Value;

use crate::cluster::{Connection, Patience};

/// The way to a server that answers each request so.
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
    Connection::new("west", client, Patience::APPLY)
}
