//! Waits until new CustomResourceDefinitions can be used.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use kube::api::ListParams;
use serde_json::Value;
use shared::api::WaitReason;
use shared::kubernetes::object::Object;

use super::progress::Waits;
use crate::cluster::{self, Connection, Request};

/// Timeout for all definitions of a cluster together; they usually need seconds.
const DEADLINE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Time before the wait is reported; most definitions are established within it.
const UNREPORTED: Duration = Duration::from_secs(1);

/// Waits until each definition is established and its kind is served.
pub(super) async fn wait(
    connection: &Connection,
    definitions: &[&Object],
    waits: &Waits,
) -> Result<(), String> {
    let begun = Instant::now();
    try_join_all(
        definitions
            .iter()
            .map(|one| wait_for(connection, one, begun, waits)),
    )
    .await?;
    Ok(())
}

async fn wait_for(
    connection: &Connection,
    definition: &Object,
    begun: Instant,
    waits: &Waits,
) -> Result<(), String> {
    let deadline = begun + DEADLINE;
    let definition_request = Request::get(cluster::object(definition));
    let one = ListParams::default().limit(1);
    let kind = definition.defines();
    let kind_request = kind.map(|kind| Request::list(&cluster::collection(&kind, None), &one));
    let mut pause = FIRST_PAUSE;
    loop {
        let found = connection
            .find(&definition_request)
            .await
            .map_err(|error| {
                error.in_context(connection.context(), "get CustomResourceDefinition")
            })?;
        let is_established = found
            .as_ref()
            .is_some_and(|live| condition(live, "Established"));
        if is_established {
            // The condition is set shortly before the server serves the kind.
            let Some(request) = &kind_request else {
                return Ok(());
            };
            match connection.send(request).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.in_context(connection.context(), "list new kinds")),
            }
        }
        if Instant::now() + pause > deadline {
            return Err(format!(
                "definition {} is not established after {} s: {}",
                definition.name,
                DEADLINE.as_secs(),
                found
                    .as_ref()
                    .and_then(complaint)
                    .unwrap_or("the server gives no reason")
            ));
        }
        let waited = begun.elapsed();
        if waited >= UNREPORTED {
            waits.report(WaitReason::Definitions, waited, Some(DEADLINE), || {
                format!("{} is not established", definition.key())
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn conditions(live: &Value) -> impl Iterator<Item = &Value> {
    live["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
}

fn condition(live: &Value, name: &str) -> bool {
    conditions(live).any(|condition| condition["type"] == name && condition["status"] == "True")
}

/// The message of a condition that is `False`.
fn complaint(live: &Value) -> Option<&str> {
    conditions(live).find(|condition| condition["status"] == "False")?["message"].as_str()
}
