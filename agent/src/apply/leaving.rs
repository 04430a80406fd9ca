//! Waiting until what was deleted is gone. An API server keeps a deleted object while a controller still has
//! to finish with it, such as a federation's, which takes it out of the members; what that needs must not go
//! meanwhile.

use std::time::{Duration, Instant};

use serde_json::Value;
use shared::api::WaitReason;
use shared::object::Key;

use super::progress::Waits;
use crate::cluster::{Connection, Request};

/// For all objects of a wave together; seconds are usual.
pub(super) const DEADLINE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Most objects go within that time, which is not worth a report.
const UNREPORTED: Duration = Duration::from_secs(1);

/// An object that was deleted and was not gone at once.
pub(super) struct Leaving {
    pub(super) object: Key,
    pub(super) path: String,
    pub(super) uid: String,
}

/// Waits until each is gone, or another in its place.
pub(super) async fn wait(
    connection: &Connection,
    leaving: &[Leaving],
    patience: Duration,
    waits: &Waits,
) -> Result<(), String> {
    let begun = Instant::now();
    let deadline = begun + patience;
    // One after the other: those that come later go while the first is waited for.
    for one in leaving {
        let mut pause = FIRST_PAUSE;
        while let Some(holders) = look(connection, one).await? {
            if Instant::now() + pause > deadline {
                return Err(format!(
                    "{} is still there {} s after it was deleted, and waits for {holders}",
                    one.object,
                    patience.as_secs()
                ));
            }
            let waited = begun.elapsed();
            if waited >= UNREPORTED {
                waits.report(WaitReason::Finalizers, waited, Some(patience), || {
                    format!("{} was deleted and waits for {holders}", one.object)
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(())
}

/// Who has to finish with it; none when it is gone.
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

    /// Waits for two objects where the server has the second, with this uid, for the first `there` requests.
    /// The result, and the first report of the wait.
    async fn waited(
        uid: &'static str,
        there: usize,
        patience: Duration,
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
        let result = wait(&connection, &leaving, patience, &waits).await;
        (result, listener.try_recv().ok())
    }

    #[tokio::test]
    async fn what_is_held_back_is_waited_for_and_named() {
        let minute = Duration::from_mins(1);
        assert_eq!(waited("1", 3, minute).await, (Ok(()), None));
        let another = waited("2", usize::MAX, minute).await;
        assert_eq!(another, (Ok(()), None));
        let (error, _) = waited("1", usize::MAX, Duration::ZERO).await;
        let error = error.unwrap_err();
        assert_eq!(
            error,
            "Thing shop/second is still there 0 s after it was deleted, and waits for example.com/a, example.com/b"
        );
    }
    #[tokio::test]
    async fn a_long_wait_is_reported_with_its_limit() {
        let patience = Duration::from_secs(3);
        let (result, report) = waited("1", usize::MAX, patience).await;
        result.unwrap_err();
        let expected = Event::Waiting {
            cluster: "west".into(),
            reason: WaitReason::Finalizers,
            message: "Thing shop/second was deleted and waits for example.com/a, example.com/b"
                .into(),
            waited: 1,
            limit: Some(3),
        };
        assert_eq!(report, Some(expected));
    }
}
