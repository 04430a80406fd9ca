//! An agent that is played by the test: the built page, and an API that says what it is told to.
//! What it verifies has a report as long as a real one, of which no bed without pods could give the
//! good half.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use shared::api::{ApiError, VerifyEvent, VerifyRequest};
use shared::facts::Facts;
use shared::traffic::expect::expect;
use shared::verify::{
    Cause, Check, Drill, DrillClient, DrillStep, Family, Outcome, Report, Seen, drillable,
};

use crate::stub_review::StubReview;

/// A played agent; it ends with the test.
pub(crate) struct StubAgent {
    address: String,
    played: Arc<Played>,
}

struct Played {
    page: PathBuf,
    report: Report,
    /// The seconds that each verification was to wait.
    waits: Mutex<Vec<u32>>,
    /// What each drill was to take away.
    drills: Mutex<Vec<String>>,
    is_stopped: AtomicBool,
}

impl StubAgent {
    /// Serves the page in a folder, and a report.
    pub(crate) async fn serve(page: PathBuf, report: Report) -> Self {
        Self::serve_with(page, report, None).await
    }

    /// Also plans and applies.
    pub(crate) async fn serve_with(
        page: PathBuf,
        report: Report,
        review: Option<Arc<StubReview>>,
    ) -> Self {
        let played = Arc::new(Played {
            page,
            report,
            waits: Mutex::default(),
            drills: Mutex::default(),
            is_stopped: AtomicBool::default(),
        });
        let router = Router::new()
            .route(
                "/api/v1/session",
                get(async || answer(&json!({ "version": "0.1.0" }))),
            )
            .route("/api/v1/clusters", get(clusters))
            .route("/api/v1/verify", post(verify))
            .route("/api/v1/verifications/{id}", get(events))
            .route("/api/v1/verifications/{id}/stop", post(stop))
            .fallback(file)
            .with_state(played.clone())
            .merge(review.map(StubReview::routes).unwrap_or_default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, played }
    }

    /// The link that a real one would print.
    pub(crate) fn link(&self) -> String {
        format!("{}/#token=t", self.address)
    }

    /// The seconds that each verification was to wait, in the order in which they were asked for.
    pub(crate) fn waits(&self) -> Vec<u32> {
        self.played.waits.lock().unwrap().clone()
    }

    /// What was to be taken away, in the order in which it was asked for.
    pub(crate) fn drills(&self) -> Vec<String> {
        self.played.drills.lock().unwrap().clone()
    }
}

fn answer(value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, value.to_string()).into_response()
}

async fn clusters(State(played): State<Arc<Played>>) -> Response {
    let own = played.report.checks.iter();
    let own = own.filter(|check| check.family == Family::Objects);
    let contexts: Vec<Value> = own
        .map(|check| json!({ "name": format!("prod-{}", check.cluster), "version": "v1.35.4" }))
        .collect();
    answer(&json!({ "contexts": contexts }))
}

/// The first is refused, so that a refusal is seen too.
async fn verify(State(played): State<Arc<Played>>, body: Bytes) -> Response {
    let request: VerifyRequest = serde_json::from_slice(&body).unwrap();
    assert_eq!(request.plan.mesh.metadata.name, "shop");
    let mut waits = played.waits.lock().unwrap();
    waits.push(request.wait);
    if waits.len() == 1 {
        let error = ApiError {
            message: "mesh \"shop\" is being verified already".to_owned(),
            hint: "wait until that run has ended".to_owned(),
            findings: Vec::new(),
            reason: None,
        };
        let error = serde_json::to_value(error).unwrap();
        return (StatusCode::CONFLICT, answer(&error)).into_response();
    }
    let id = match request.drill {
        None => VERIFICATION,
        Some(target) => {
            played.drills.lock().unwrap().push(target);
            played.is_stopped.store(false, Ordering::SeqCst);
            DRILL
        }
    };
    (StatusCode::ACCEPTED, answer(&json!({ "id": id }))).into_response()
}

/// The ids of runs.
const VERIFICATION: &str = "1";
const DRILL: &str = "2";

/// Comes to its end only when it is told to stop.
async fn events(State(played): State<Arc<Played>>, Path(id): Path<String>) -> Response {
    let count = |desired: Family| {
        let own = played
            .report
            .checks
            .iter()
            .filter(|check| check.family == desired);
        own.count()
    };
    let mut events = Vec::new();
    let mut report = played.report.clone();
    let made: &[Family] = if id == DRILL {
        &[
            Family::Objects,
            Family::Gateway,
            Family::Record,
            Family::Call,
        ]
    } else {
        &[Family::Objects, Family::Gateway]
    };
    for &family in made {
        events.push(VerifyEvent::Family {
            family,
            checks: count(family),
            open: 0,
        });
    }
    if id == DRILL {
        let target = played.drills.lock().unwrap().last().cloned().unwrap();
        let (service, cluster) = target.split_once('@').unwrap();
        events.push(VerifyEvent::Round {
            checks: report.checks.len(),
            open: 0,
        });
        events.push(VerifyEvent::Drill {
            service: service.to_owned(),
            cluster: cluster.to_owned(),
            step: DrillStep::Away,
        });
        drill(&mut report, service, cluster);
    }
    let line = |event: &VerifyEvent| serde_json::to_string(event).unwrap() + "\n";
    let begun: String = events.iter().map(line).collect();
    let ended = line(&VerifyEvent::Finished { report });
    let stream = futures::stream::unfold(Some(begun), move |next| {
        let (played, ended) = (played.clone(), ended.clone());
        async move {
            let text = next?;
            if text == ended {
                while !played.is_stopped.load(Ordering::SeqCst) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return Some((Ok::<_, std::convert::Infallible>(text), None));
            }
            Some((Ok(text), Some(ended)))
        }
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, axum::body::Body::from_stream(stream)).into_response()
}

async fn stop(State(played): State<Arc<Played>>) -> StatusCode {
    played.is_stopped.store(true, Ordering::SeqCst);
    StatusCode::ACCEPTED
}

async fn file(State(played): State<Arc<Played>>, uri: axum::http::Uri) -> Response {
    let name = match uri.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("css") => "text/css",
        Some("js" | "mjs") => "text/javascript",
        Some("wasm") => "application/wasm",
        _ => "image/svg+xml",
    };
    match std::fs::read(played.page.join(name)) {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What a verification of a document finds where nearly all is well: every check that the document
/// makes expected, by the names that it has.
pub(crate) fn report_of(document: &str) -> Report {
    let mesh = shared::Mesh::read(document).unwrap();
    let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
    let expected = expect(&resolved);
    let mut checks = Vec::new();
    for cluster in &resolved.clusters {
        let mut check = blank(Family::Objects, cluster.name.as_str(), "");
        "21 of 21 up to date".clone_into(&mut check.seen.text);
        checks.push(check);
    }
    for record in &expected.records {
        for asked in ["10.0.0.53:53", "this machine"] {
            let mut check = blank(Family::Record, "", &record.service);
            check.host.clone_from(&record.host);
            asked.clone_into(&mut check.asked);
            let addresses = record.addresses.iter().map(ToString::to_string);
            check.seen.addresses = addresses.collect();
            check.expected = check.seen.addresses.join(", ");
            if asked == "this machine" {
                check.seen.addresses.clear();
                check.advisory = true;
                let cause = Cause::LocalDns { private: true };
                check = check.with(Outcome::Failed, &cause);
            }
            checks.push(check);
        }
    }
    for call in &expected.gateways {
        let mut check = blank(Family::Gateway, &call.cluster, &call.service);
        check.host.clone_from(&call.host);
        check.asked = format!("{}:{}", call.address, call.port);
        answered(&mut check, &call.answered_by, 9);
        checks.push(check);
    }
    for (index, call) in (0u32..).zip(&expected.calls) {
        let mut check = blank(Family::Call, &call.client, &call.service);
        check.host.clone_from(&call.url_host);
        call.level.clone_into(&mut check.level);
        format!("pod default/sleep-7c5f-{}", call.client).clone_into(&mut check.asked);
        answered(&mut check, &call.answered_by, 8 + index * 7 % 31);
        checks.push(match (call.client.as_str(), call.level) {
            ("vienna", "zone") => {
                check.seen.status = Some(404);
                check.seen.answered_by = None;
                check.with(Outcome::Failed, &Cause::NoHost)
            }
            ("hamburg", "vanity") => {
                check.seen = Seen::default();
                check.with(Outcome::CouldNotCheck, &Cause::NoSidecar)
            }
            _ => check,
        });
    }
    Report {
        mesh: mesh.metadata.name,
        checks,
        drill: None,
        drillable: drillable(&resolved),
    }
}

/// Adds a drill of which all clients but those of vienna saw what they should.
fn drill(report: &mut Report, service: &str, cluster: &str) {
    let clusters = ["hamburg", "munich", "vienna"];
    let host = format!("{service}.external.svc.mesh.example.com");
    let mut clients = Vec::new();
    for (index, client) in (0u32..).zip(clusters) {
        let expected = if cluster == client { "hamburg" } else { client };
        let returned_after = (client != "vienna").then_some(6_400 + 900 * index);
        let mut check = blank(Family::Drill, client, service);
        check.host.clone_from(&host);
        check.expected = format!("status below 500 from {expected}");
        check.seen.milliseconds = Some(1_250 + 200 * index);
        check.seen.text = format!("{index} of {} requests lost", 180 + index);
        if returned_after.is_none() {
            let cluster = cluster.to_owned();
            check = check.with(Outcome::Failed, &Cause::NotReturned { cluster });
        }
        report.checks.push(check);
        clients.push(DrillClient {
            cluster: client.to_owned(),
            expected: vec![expected.to_owned()],
            answered_by: vec![expected.to_owned()],
            requests: 180 + index,
            lost: index,
            moved_after: Some(1_250 + 200 * index),
            returned_after,
        });
    }
    report.drill = Some(Drill {
        service: service.to_owned(),
        cluster: cluster.to_owned(),
        host,
        workloads: vec![("depot/stock".to_owned(), 2)],
        clients,
        not_restored: None,
    });
}

fn blank(family: Family, cluster: &str, service: &str) -> Check {
    Check {
        cluster: cluster.to_owned(),
        service: service.to_owned(),
        ..Check::new(family)
    }
}

fn answered(check: &mut Check, by: &[String], milliseconds: u32) {
    check.expected = format!("status below 500 from {}", by.join(" or "));
    check.seen = Seen {
        status: Some(200),
        answered_by: by.first().cloned(),
        milliseconds: Some(milliseconds),
        ..Seen::default()
    };
}
