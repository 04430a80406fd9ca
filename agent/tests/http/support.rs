//! A router to send requests to, and assertions for every response.

use std::fs;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use fedmesh_agent::http::{Agent, RequestGuard, Token, router};
use fedmesh_agent::operation::Operations;
use serde_json::{Value, json};
use shared::Mesh;
use shared::bundle::Bundle;
use shared::facts::Facts;
use tower::ServiceExt as _;

pub(crate) const HOST: &str = "127.0.0.1:8642";
pub(crate) const ELSEWHERE: &str = "https://mesh.example.org";
pub(crate) const MESH: &str = include_str!("../../../examples/walkthrough.yaml");

/// A router and its token.
pub(crate) struct TestServer {
    pub(crate) router: Router,
    pub(crate) token: String,
}

pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    Without(&'a str),
    With(&'a str, &'a str),
    And(&'a str, &'a str),
}

pub(crate) use Change::{And, With, Without};

impl TestServer {
    pub(crate) fn new() -> Self {
        Self::with(Operations::new(Some("/nonexistent/kubeconfig".into())))
    }

    pub(crate) fn with(operations: Operations) -> Self {
        let token = Token::random().unwrap();
        let text = token.reveal().to_owned();
        let guard = RequestGuard::new(
            HOST.parse().unwrap(),
            token,
            vec![ELSEWHERE.parse().unwrap()],
        );
        Self {
            router: router(Agent::new(guard, operations)),
            token: text,
        }
    }

    /// Sends a valid request with some changes.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        changes: &[Change<'_>],
        body: impl Into<Body>,
    ) -> Response {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("host", HOST.to_owned()),
            ("authorization", bearer),
            ("content-type", "application/json".to_owned()),
        ];
        for change in changes {
            match change {
                Change::Without(name) => headers.retain(|(other, _)| other != name),
                Change::With(name, value) => {
                    headers.retain(|(other, _)| other != name);
                    headers.push((name, (*value).to_owned()));
                }
                Change::And(name, value) => headers.push((name, (*value).to_owned())),
            }
        }
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body.into()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap()
            .to_vec();
        let answer = Response {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        answer.assert_guarded(path);
        answer
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// Asserts the headers of every response.
    pub(crate) fn assert_guarded(&self, path: &str) {
        let policy = self.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains(" 'unsafe-eval'"));
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        assert_eq!(self.header("cross-origin-opener-policy"), "same-origin");
        // A page of a foreign origin learns that it is refused, and nothing else.
        let readers = if self.status == 403 {
            "cross-origin"
        } else {
            "same-origin"
        };
        assert_eq!(
            self.header("cross-origin-resource-policy"),
            readers,
            "{path}"
        );
        assert_ne!(self.header("access-control-allow-origin"), "*");
        assert_eq!(self.header("access-control-allow-credentials"), "");
        assert_eq!(self.header("set-cookie"), "");
        if path.starts_with("/api") {
            assert_eq!(self.header("cache-control"), "no-store", "{path}");
        }
    }

    /// Asserts that the response is an error with a hint.
    pub(crate) fn assert_error(&self) {
        let error = self.json();
        assert!(
            !error["message"].as_str().unwrap().is_empty()
                && !error["hint"].as_str().unwrap().is_empty()
        );
        assert_eq!(self.header("content-type"), "application/json");
    }
}

pub(crate) fn mesh() -> Mesh {
    Mesh::read(MESH).unwrap()
}

pub(crate) fn plan_request(mesh: &Mesh) -> Value {
    let resolved = shared::check(mesh, &Facts::default()).resolved.unwrap();
    json!({"mesh": mesh, "digest": Bundle::new(mesh, &resolved).digest})
}

/// A kubeconfig with both contexts, whose servers refuse connections.
pub(crate) fn dead_kubeconfig(folder: &Path) -> PathBuf {
    let path = folder.join("kubeconfig");
    let entry = |name: &str| {
        json!({
            "cluster": {"name": name, "cluster": {"server": "http://127.0.0.1:1"}},
            "context": {"name": name, "context": {"cluster": name, "user": "nobody"}},
        })
    };
    let entries = ["cluster1", "cluster2"].map(entry);
    let list = |field: &str| {
        entries
            .iter()
            .map(|entry| entry[field].clone())
            .collect::<Vec<Value>>()
    };
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "cluster1",
        "clusters": list("cluster"), "contexts": list("context"),
        "users": [{"name": "nobody", "user": {"token": "none"}}],
    });
    fs::write(&path, config.to_string()).unwrap();
    path
}
