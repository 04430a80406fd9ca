//! Plans and applies of an agent that is played by the test: it plans what a function says, refuses applies as
//! told, and sends the events of a run part by part.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use shared::api::{ApiError, ApplyAccepted, ApplyRequest, Event, PlanRequest, PlanResponse};
use tokio::sync::watch;

/// What the agent plays.
pub(crate) struct StubReview {
    plan: Box<dyn Fn(&PlanRequest) -> PlanResponse + Send + Sync>,
    /// The answers to the first applies; later ones are accepted.
    refusals: Mutex<VecDeque<ApiError>>,
    /// The events of a run; each part after the first waits for [`StubReview::go_on`].
    events: Vec<Vec<Event>>,
    allowed: watch::Sender<usize>,
    plans: Mutex<Vec<PlanRequest>>,
    applies: Mutex<Vec<ApplyRequest>>,
}

impl StubReview {
    pub(crate) fn new(
        plan: impl Fn(&PlanRequest) -> PlanResponse + Send + Sync + 'static,
        refusals: impl IntoIterator<Item = ApiError>,
        events: Vec<Vec<Event>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            plan: Box::new(plan),
            refusals: Mutex::new(refusals.into_iter().collect()),
            events,
            allowed: watch::Sender::new(1),
            plans: Mutex::default(),
            applies: Mutex::default(),
        })
    }

    /// Sends the next part of the events.
    pub(crate) fn go_on(&self) {
        self.allowed.send_modify(|allowed| *allowed += 1);
    }

    /// The last plan that was asked for.
    pub(crate) fn last_plan(&self) -> PlanRequest {
        self.plans.lock().unwrap().last().unwrap().clone()
    }

    /// The applies that were asked for, in their order.
    pub(crate) fn applies(&self) -> Vec<ApplyRequest> {
        self.applies.lock().unwrap().clone()
    }

    pub(crate) fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/api/v1/plan", post(plan))
            .route("/api/v1/apply", post(apply))
            .route("/api/v1/applies/{id}", get(events))
            .with_state(self)
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, serde_json::to_string(value).unwrap()).into_response()
}

async fn plan(State(review): State<Arc<StubReview>>, body: Bytes) -> Response {
    let request: PlanRequest = serde_json::from_slice(&body).unwrap();
    let response = (review.plan)(&request);
    review.plans.lock().unwrap().push(request);
    json(StatusCode::OK, &response)
}

async fn apply(State(review): State<Arc<StubReview>>, body: Bytes) -> Response {
    let request: ApplyRequest = serde_json::from_slice(&body).unwrap();
    review.applies.lock().unwrap().push(request);
    match review.refusals.lock().unwrap().pop_front() {
        Some(error) => json(StatusCode::CONFLICT, &error),
        None => json(StatusCode::ACCEPTED, &ApplyAccepted { id: "1".to_owned() }),
    }
}

async fn events(State(review): State<Arc<StubReview>>) -> Response {
    let allowed = review.allowed.subscribe();
    let stream = futures::stream::unfold(
        (review, allowed, 0),
        |(review, mut allowed, part)| async move {
            let events = review.events.get(part)?;
            allowed.wait_for(|allowed| *allowed > part).await.ok()?;
            let line = |event: &Event| serde_json::to_string(event).unwrap() + "\n";
            let lines: String = events.iter().map(line).collect();
            Some((Ok::<_, Infallible>(lines), (review, allowed, part + 1)))
        },
    );
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(stream)).into_response()
}
