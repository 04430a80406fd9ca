//! Frees memory when the agent is idle.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Notify;

use super::Agent;
use super::runs::Runs;
use crate::memory;

/// Time without work after which the agent counts as idle.
const QUIET: Duration = Duration::from_secs(5);

/// Notifies about work; requests that only read the state are not work.
pub(super) async fn note(State(agent): State<Agent>, request: Request, next: Next) -> Response {
    let is_work = request.method() == Method::POST;
    if is_work {
        // Also before the handler, whose future is dropped if the client disconnects.
        agent.0.worked.notify_one();
    }
    let response = next.run(request).await;
    if is_work {
        agent.0.worked.notify_one();
    }
    response
}

/// Returns memory to the system each time the agent becomes idle.
pub(super) async fn between_work(worked: Arc<Notify>, runs: Arc<Runs>) {
    loop {
        worked.notified().await;
        while tokio::time::timeout(QUIET, worked.notified()).await.is_ok() {}
        runs.idle().await;
        memory::give_back();
    }
}
