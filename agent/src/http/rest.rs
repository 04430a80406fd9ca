//! What the agent does when nobody wants anything of it.

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

/// It rests when there was no work for so long.
const QUIET: Duration = Duration::from_secs(5);

/// Notes that there was work; asking how things are is none.
pub(super) async fn note(State(agent): State<Agent>, request: Request, next: Next) -> Response {
    let is_work = request.method() == Method::POST;
    if is_work {
        // Also where the caller goes away, and what is behind this never runs.
        agent.0.worked.notify_one();
    }
    let response = next.run(request).await;
    if is_work {
        agent.0.worked.notify_one();
    }
    response
}

/// Gives back what work took, each time that it is done.
pub(super) async fn between_work(worked: Arc<Notify>, runs: Arc<Runs>) {
    loop {
        worked.notified().await;
        while tokio::time::timeout(QUIET, worked.notified()).await.is_ok() {}
        runs.idle().await;
        memory::give_back();
    }
}
