//! The agent's door: the page and the API, for this machine only.
//!
//! Every request passes [`door`] first: the Host it was sent to, the Origin it comes from and, under
//! `/api`, the token. **Invariant**: there is no way around it, no cookie, and no request that
//! reaches a cluster other than through [`crate::operation`].

mod answer;
mod api;
mod connections;
mod door;
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

pub use door::Door;
pub use origin::{Origin, OriginError};
pub use serve::{ListenAddress, ListenError, ServeError, ServeOptions, serve};
pub use token::{Token, TokenFile};

use tokio::sync::Notify;

use crate::operation::Operations;
use runs::Runs;
use turns::Turns;

/// What requests are answered with.
#[derive(Clone)]
pub struct Agent(Arc<Parts>);

struct Parts {
    door: Door,
    operations: Operations,
    runs: Arc<Runs>,
    turns: Turns,
    /// Told when a request has been worked on.
    worked: Arc<Notify>,
}

impl Agent {
    /// An agent behind a door.
    pub fn new(door: Door, operations: Operations) -> Self {
        Self(Arc::new(Parts {
            door,
            operations,
            runs: Arc::default(),
            turns: Turns::default(),
            worked: Arc::default(),
        }))
    }
}

/// Everything that is served.
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
    // Around the whole router, not around each of its routes: nothing is looked up before it.
    Router::new()
        .fallback_service(inside)
        .layer(from_fn_with_state(agent, door::guard))
}
