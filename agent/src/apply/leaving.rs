//! Waits until deleted objects are gone. An API server keeps a deleted object as long as it has finalizers, such as
//! those of a federation's controller, which removes it from the members. Objects that the controller needs must not be
//! deleted before.

use std::time::{Duration, Instant};

use serde_json::Value;
use shared::api::WaitReason;
use shared::kubernetes::object::Key;

use super::progress::Waits;
use crate::cluster::{Connection, Request};

/// Timeout for all objects of a wave together; they usually need seconds.
pub(super) const DEADLINE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Time before the wait is reported; most objects are gone within it.
const UNREPORTED: Duration = Duration::from_secs(1);

/// An object that was deleted, but is not gone yet.
pub(super) struct Leaving {
    pub(super) object: Key,
    pub(super) path: String,
    pub(super) uid: String,
}

/// Waits until each object is gone or was replaced by another.
pub(super) async fn wait(
    connection: &Connection,
    leaving: &[Leaving],
    timeout: Duration,
    waits: &Waits,
) -> Result<(), String> {
    let begun = Instant::now();
    let deadline = begun + timeout;
    // One at a time is enough, since the others are finalized meanwhile.
    for one in leaving {
        let mut pause = FIRST_PAUSE;
        while let Some(holders) = look(connection, one).await? {
            if Instant::now() + pause > deadline {
                return Err(format!(
                    "{} still exists {} s after its deletion, blocked by {holders}",
                    one.object,
                    timeout.as_secs()
                ));
            }
            let waited = begun.elapsed();
            if waited >= UNREPORTED {
                waits.report(WaitReason::Finalizers, waited, Some(timeout), || {
                    format!("{} was deleted, but is blocked by {holders}", one.object)
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(())
}

/// The finalizers that block the deletion; `None` once the object is gone.
async fn look(connection: &Connection, one: &Leaving) -> Result<Option<String>, String> {
    let found = connection.find(&Request::get(&one.path)).await;
    let found =
        found.map_err(|error| error.in_context(connection.context(), "get a deleted object"))?;
    Ok(found
        .filter(|live| live["metadata"]["uid"] == *one.uid)
        .map(|live| holders(&live)))
}

fn holders(live: &Value) -> String {
    let finalizers = live["metadata"]["finalizers"].as_array();
    let names: Vec<&str> = finalizers
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if names.is_empty() {
        "the server".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;
    use shared::api::Event;

    use super::super::server::server;
    use super::*;

    /// Waits for two objects, of which the server has the second, with this uid, for the first `there` requests.
    /// Returns the result and the first report of the wait.
    async fn waited(
        uid: &'static str,
        there: usize,
        timeout: Duration,
    ) -> (Result<(), String>, Option<Event>) {
        let mut asked = 0;
        let connection = server(move |request| {
            let is_there = request.uri().path().ends_with("second") && asked < there;
            asked += usize::from(is_there);
            if is_there {
                let metadata =
                    json!({ "uid": uid, "finalizers": ["example.com/a", "example.com/b"] });
                (StatusCode::OK, json!({ "metadata": metadata }))
            } else {
                (StatusCode::NOT_FOUND, json!({}))
            }
        });
        let leaving = ["first", "second"].map(|name| Leaving {
            object: Key {
                group: "example.com".into(),
                kind: "Thing".into(),
                namespace: "shop".into(),
                name: name.into(),
            },
            path: format!("/apis/example.com/v1/namespaces/shop/things/{name}"),
            uid: "1".to_owned(),
        });
        let (events, mut listener) = tokio::sync::mpsc::unbounded_channel();
        let waits = Waits::new("west", events);
        let result = wait(&connection, &leaving, timeout, &waits).await;
        (result, listener.try_recv().ok())
    }

    #[tokio::test]
    async fn a_blocked_deletion_is_waited_for_and_its_finalizers_are_named() {
        let minute = Duration::from_mins(1);
        assert_eq!(waited("1", 3, minute).await, (Ok(()), None));
        let another = waited("2", usize::MAX, minute).await;
        assert_eq!(another, (Ok(()), None));
        let (error, _) = waited("1", usize::MAX, Duration::ZERO).await;
        let error = error.unwrap_err();
        assert_eq!(
            error,
            "Thing shop/second still exists 0 s after its deletion, blocked by example.com/a, example.com/b"
        );
    }
    #[tokio::test]
    async fn a_long_wait_is_reported_with_its_limit() {
        let timeout = Duration::from_secs(3);
        let (result, report) = waited("1", usize::MAX, timeout).await;
        result.unwrap_err();
        let expected = Event::Waiting {
            cluster: "west".into(),
            reason: WaitReason::Finalizers,
            message:
                "Thing shop/second was deleted, but is blocked by example.com/a, example.com/b"
                    .into(),
            waited: 1,
            limit: Some(3),
        };
        assert_eq!(report, Some(expected));
    }
}
