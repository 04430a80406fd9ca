use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use serde_json::json;
use shared::kubernetes::object::Kind;

use super::super::server::server;
use super::*;

/// Many more than the concurrent requests.
const OBJECTS: usize = 5 * AT_ONCE;

/// The result of a wave of new objects with this response to each request, and the number of requests.
async fn wave(answer: StatusCode) -> (Result<(), (String, Vec<Task>)>, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let connection = server(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        (answer, json!({ "message": "no" }))
    });
    let connection = connection.with_retry_policy(RetryPolicy::PROBE);
    let objects = (0..OBJECTS).map(|index| {
        Object::new(
            Kind::SERVICE,
            Some("shop"),
            format!("orders-{index}"),
            json!({}),
        )
    });
    let desired: BTreeMap<Key, Object> = objects.map(|object| (object.key(), object)).collect();
    let tasks = desired.keys().map(|object| Task {
        object: object.clone(),
        action: Action::Create,
    });
    let batch = Batch {
        wave: Wave::Services,
        tasks: tasks.collect(),
        takes_hosts: false,
    };
    let plan = ClusterPlan {
        name: "west".into(),
        context: "west".into(),
        error: None,
        decision: None,
        cause: None,
        steps: Vec::new(),
    };
    let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
    let progress = Progress::new(&plan, events);
    let run = Run {
        mesh: "demo",
        scope: Scope::Everything,
        document: None,
        clusters: BTreeMap::new(),
        identities: BTreeMap::new(),
        last_known: LastKnown::default(),
        keeps_addresses: false,
        connection,
        desired,
        prune_candidates: BTreeMap::new(),
        claims: BTreeMap::new(),
        handover: Handover::default(),
        ownership: Ownership::of("demo"),
        dns: BTreeMap::new(),
        leaving: Mutex::default(),
        failed: Mutex::new(BTreeSet::new()),
        progress: &progress,
        stop: Stop::never(),
    };
    let result = run.batch(batch).await;
    (result, asked.load(Ordering::Relaxed))
}

#[tokio::test]
async fn an_error_of_the_whole_cluster_stops_a_wave() {
    for (answer, words) in [
        (StatusCode::UNAUTHORIZED, "does not accept the credentials"),
        (StatusCode::SERVICE_UNAVAILABLE, "no"),
    ] {
        let (result, asked) = wave(answer).await;
        let (why, untouched) = result.unwrap_err();
        assert!(why.contains(words), "{why}");
        assert!(asked <= AT_ONCE, "{asked}");
        assert_eq!(asked + untouched.len(), OBJECTS);
    }

    // A rejected object does not stop the others.
    let (result, asked) = wave(StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(result.is_ok());
    assert_eq!(asked, OBJECTS);
}
