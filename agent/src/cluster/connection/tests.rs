//! Servers that respond with `Retry-After`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use kube::client::Body;

use super::{Connection, Request, RetryPolicy, Wait};
use crate::cluster::login;

/// A status and the seconds of its `Retry-After`.
type Answer = (u16, Option<&'static str>);

/// A server that sends these responses, then 200 to all further requests; and the times of the requests.
fn server(answers: &[Answer]) -> (Connection, Arc<Mutex<Vec<Instant>>>) {
    let answers = Arc::new(Mutex::new(VecDeque::from(answers.to_vec())));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = asked.clone();
    let service = tower::service_fn(move |_: http::Request<Body>| {
        times.lock().unwrap().push(Instant::now());
        let (code, wait) = answers.lock().unwrap().pop_front().unwrap_or((200, None));
        let mut response = Response::new(Body::from(b"{\"message\":\"too many\"}".to_vec()));
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        if let Some(wait) = wait {
            response
                .headers_mut()
                .insert(RETRY_AFTER, wait.parse().unwrap());
        }
        async move { Ok::<_, Infallible>(response) }
    });
    let client = kube::Client::new(service, "default");
    (Connection::new("west", client, RetryPolicy::PLAN), asked)
}

/// The pauses between requests, and whether the last response was a success.
async fn pauses(answers: &[Answer]) -> (Vec<Duration>, Result<(), String>) {
    let (connection, asked) = server(answers);
    let result = connection.send(&Request::get("/version")).await;
    let asked = asked.lock().unwrap();
    let pauses = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (
        pauses,
        result.map(|_| ()).map_err(|error| error.to_string()),
    )
}

#[tokio::test]
async fn retry_after_sets_the_pause() {
    for code in [429, 503] {
        let (pauses, result) = pauses(&[(code, Some("1"))]).await;
        assert_eq!(result, Ok(()));
        let [pause] = pauses[..] else {
            panic!("{pauses:?}")
        };
        // Without the header it would be half a second and up to a quarter more.
        assert!(pause >= Duration::from_secs(1), "{pause:?}");
    }
}

#[tokio::test]
async fn pauses_grow_without_a_valid_retry_after() {
    let (pauses, result) = pauses(&[(429, None), (429, Some("soon"))]).await;
    assert_eq!(result, Ok(()));
    let [first, second] = pauses[..] else {
        panic!("{pauses:?}")
    };
    assert!(first >= Duration::from_millis(500), "{first:?}");
    assert!(second >= Duration::from_secs(1), "{second:?}");
}

#[tokio::test]
async fn retries_are_limited_and_only_for_passing_errors() {
    let (pauses_in_between, result) = pauses(&[(429, Some("0")); 9]).await;
    assert_eq!(result, Err("too many".to_owned()));
    assert_eq!(pauses_in_between.len(), 2, "three tries for a plan");
    for code in [403, 409, 422] {
        let (pauses, result) = pauses(&[(code, Some("1"))]).await;
        assert_eq!((pauses.len(), result), (0, Err("too many".to_owned())));
    }
}

#[tokio::test]
async fn long_waits_are_reported() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let waits = seen.clone();
    let on_wait = move |wait: Wait<'_>| {
        waits.lock().unwrap().push(match wait {
            Wait::Retry(error, pause) => format!("{error}, {} s", pause.as_secs()),
            Wait::Login(waited, what) => format!("{what}, {} s", waited.as_secs()),
        });
    };
    let (connection, _) = server(&[(429, Some("1"))]);
    let connection = connection.reporting(on_wait);
    connection.send(&Request::get("/version")).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["too many, 1 s"]);

    let tool = login::tool("sleep 2.5; echo not a credential");
    let connection = connection.with_login_tool(tool);
    let error = connection.send(&Request::get("/version")).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("no valid ExecCredential"), "{error}");
    assert_eq!(
        seen.lock().unwrap()[1..],
        ["waiting for the login tool `sh` of context west, 2 s"]
    );
}
