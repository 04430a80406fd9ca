//! Serves the page and the API, on this machine only.
//!
//! [`door`] checks every request first: its Host, its Origin and, under `/api`, the token. **Invariant**: no request
//! bypasses it, there are no cookies, and requests reach clusters only through [`crate::operation`].

mod answer;
mod api;
mod connections;
mod guard;
mod origin;
mod page;
mod rest;
mod runs;
mod serve;
mod token;
mod turns;
mod verifications;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use guard::RequestGuard;
pub use origin::{Origin, OriginError};
pub use serve::{ListenAddress, ListenError, ServeError, ServeOptions, serve};
pub use token::{Token, TokenFile};

use tokio::sync::Notify;

use crate::operation::Operations;
use runs::Runs;
use turns::Turns;

/// The state that request handlers share.
#[derive(Clone)]
pub struct Agent(Arc<Parts>);

struct Parts {
    guard: RequestGuard,
    operations: Operations,
    runs: Arc<Runs>,
    turns: Turns,
    /// Notified after each request.
    worked: Arc<Notify>,
}

impl Agent {
    /// An agent with a request guard.
    pub fn new(guard: RequestGuard, operations: Operations) -> Self {
        Self(Arc::new(Parts {
            guard,
            operations,
            runs: Arc::default(),
            turns: Turns::default(),
            worked: Arc::default(),
        }))
    }
}

/// The routes of the page and the API.
pub fn router(agent: Agent) -> Router {
    let api = Router::new()
        .route("/session", get(api::session))
        .route("/clusters", get(api::clusters))
        .route("/plan", post(api::plan))
        .route("/status", post(api::status))
        .route("/apply", post(api::apply))
        .route("/applies/{id}", get(api::events))
        .route("/verify", post(verifications::verify))
        .route("/verifications/{id}", get(verifications::events))
        .route("/verifications/{id}/stop", post(verifications::stop))
        .route_layer(from_fn_with_state(agent.clone(), rest::note));
    let inside = Router::new()
        .nest("/api/v1", api)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .fallback(page::serve)
        .with_state(agent.clone());
    // The guard wraps the whole router, so that it runs before any route is matched.
    Router::new()
        .fallback_service(inside)
        .layer(from_fn_with_state(agent, guard::guard))
}
