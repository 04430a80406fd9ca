//! The Lease of a mesh in one cluster: whoever holds it is the only writer of the mesh there.
//!
//! A Lease (`coordination.k8s.io/v1`) exists while somebody writes, and is deleted at the end. Its holder
//! renews it; one that was not renewed for its whole duration, measured by the clock of whoever waits
//! (client-go's `leaderelection` does the same), is taken over. Every change of a Lease carries the
//! resourceVersion that was seen, so two takers never both succeed.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;
use serde_json::json;
use shared::object::Kind;
use shared::ownership::{self, PARENT_NAMESPACE};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::address::{collection, object_at};
use super::connection::{Connection, Patience, Request};
use super::live::resource_version;
use super::request_error::RequestError;
use super::writer::{Holder, Writer};
use crate::stop::Stop;

/// Between two looks at a Lease that another writer holds.
const POLL: Duration = Duration::from_secs(1);
/// A Lease is renewed so often within its duration.
const RENEWALS: u32 = 6;
/// So many sixths of the duration a Lease is relied on after a renewal: a request takes time to arrive.
const RELIED_ON: u32 = 5;

/// A Lease that is held and renewed until it is released. Clones are the same Lease; when the last one is
/// dropped without a release, it is no longer renewed, and expires.
#[derive(Clone)]
pub(crate) struct Lease(Arc<Held>);

struct Held {
    claim: Claim,
    state: watch::Receiver<State>,
    renewal: JoinHandle<()>,
    /// Ends the renewal, once that which has begun is answered.
    ending: watch::Sender<bool>,
}

/// A claim to the Lease of a mesh in a cluster.
#[derive(Clone)]
struct Claim {
    connection: Connection,
    mesh: Arc<str>,
    writer: Writer,
}

#[derive(Debug, Clone)]
enum State {
    /// Nobody else writes until then, in the version of the object.
    Held { until: Instant, version: String },
    /// Somebody else may write: why.
    Lost(String),
}

/// How to wait for another writer.
#[derive(Clone, Copy)]
pub(crate) struct Waiting<'a> {
    /// How long for one that is alive.
    pub(crate) deadline: Instant,
    /// Hears of each writer that is waited for.
    pub(crate) on_wait: &'a (dyn Fn(&Holder) + Sync),
    /// Ends the wait.
    pub(crate) stop: Option<&'a Stop>,
}

impl Waiting<'_> {
    /// Until the next look; whether there is one.
    async fn pause(&self) -> bool {
        let stopped = async {
            match self.stop {
                Some(stop) => stop.requested().await,
                None => std::future::pending().await,
            }
        };
        tokio::time::timeout(POLL, stopped).await.is_err()
    }
}

/// What comes of a claim.
pub(crate) enum Claimed {
    /// The Lease is held.
    Lease(Lease),
    /// A living writer holds it.
    By(Holder),
}

/// What comes of one try.
enum Try {
    Held {
        version: String,
    },
    By(Seen),
    /// It was released just now.
    Gone,
}

/// Another writer's Lease as it was seen.
struct Seen {
    holder: Holder,
    duration: Duration,
    transitions: i32,
    version: String,
}

impl Lease {
    /// Claims the Lease of a mesh. Where another writer holds it, waits until the deadline, and at least
    /// until it is known whether that writer is alive, unless the wait is stopped.
    ///
    /// # Errors
    /// The cluster cannot be asked, or refuses; the message names the context and says what to do.
    pub(crate) async fn claim(
        connection: &Connection,
        mesh: &str,
        writer: &Writer,
        waiting: Waiting<'_>,
    ) -> Result<Claimed, String> {
        let claim = Claim {
            connection: connection.clone().with_patience(Patience::PLAN),
            mesh: mesh.into(),
            writer: writer.clone(),
        };
        match claim.wait(waiting).await {
            Ok(claimed) => Ok(claimed),
            Err(error) => Err(error.in_context(connection.context(), "claim the Lease")),
        }
    }

    /// Waits while the Lease cannot be renewed and nobody else has taken it.
    ///
    /// # Errors
    /// It is lost.
    pub(super) async fn ensure(&self) -> Result<(), RequestError> {
        let mut state = self.0.state.clone();
        let deadline = Instant::now() + self.0.claim.writer.lease;
        loop {
            match &*state.borrow_and_update() {
                State::Held { until, .. } if Instant::now() < *until => return Ok(()),
                State::Held { .. } => {}
                State::Lost(why) => return Err(RequestError::LeaseLost(why.clone())),
            }
            if tokio::time::timeout_at(deadline, state.changed())
                .await
                .is_err()
            {
                return Err(RequestError::LeaseLost(format!(
                    "the Lease could not be renewed for {} s",
                    self.0.claim.writer.lease.as_secs()
                )));
            }
        }
    }

    /// Gives the Lease up: deletes it, unless it is another writer's by now.
    pub(crate) async fn release(self) {
        // Broken off, a renewal could be carried out all the same: before the deletion, which would be refused, or
        // after it, which would make the Lease anew.
        self.0.ending.send_replace(true);
        let mut state = self.0.state.clone();
        while state.changed().await.is_ok() {}
        let State::Held { version, .. } = state.borrow().clone() else {
            return;
        };
        let claim = &self.0.claim;
        if let Err(error) = claim.delete(version).await {
            // Not renewed any more, it expires.
            tracing::debug!(context = %claim.connection.context(), %error, "the Lease stays until it expires");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Claim {
    fn name(&self) -> String {
        ownership::parent_name(&self.mesh)
    }

    fn path(&self) -> String {
        object_at(&Kind::LEASE, Some(PARENT_NAMESPACE), &self.name())
    }

    async fn wait(&self, waiting: Waiting<'_>) -> Result<Claimed, RequestError> {
        // Where one writer follows the other, none of them may ever be seen twice.
        let last = waiting.deadline + self.writer.lease * 2;
        // The Lease as it was seen last, and since when it has been so.
        let mut before: Option<(Seen, Instant)> = None;
        loop {
            let sent = Instant::now();
            match (self.try_once().await?, before.take()) {
                (Try::Held { version }, _) => {
                    return Ok(Claimed::Lease(self.hold(version, 0, sent)));
                }
                (Try::Gone, _) => continue,
                (Try::By(seen), Some((same, since))) if same.version == seen.version => {
                    if since.elapsed() >= seen.duration {
                        let transitions = seen.transitions.saturating_add(1);
                        let sent = Instant::now();
                        let taken = self.replace(&seen.version, transitions).await?;
                        if let Some(version) = taken {
                            return Ok(Claimed::Lease(self.hold(version, transitions, sent)));
                        }
                    }
                    before = Some((same, since));
                }
                (Try::By(seen), known) => {
                    let is_alive = known.is_some_and(|(known, _)| known.holder == seen.holder);
                    if is_alive && sent >= waiting.deadline || sent >= last {
                        return Ok(Claimed::By(seen.holder));
                    }
                    if !is_alive {
                        (waiting.on_wait)(&seen.holder);
                    }
                    before = Some((seen, sent));
                }
            }
            if !waiting.pause().await
                && let Some((seen, _)) = before
            {
                return Ok(Claimed::By(seen.holder));
            }
        }
    }

    /// Creates the Lease, or looks whose it is.
    async fn try_once(&self) -> Result<Try, RequestError> {
        let path = collection(&Kind::LEASE, Some(PARENT_NAMESPACE));
        let created = Request::create(path, &json!(self.object(None, 0)));
        match self.connection.json(&created).await {
            Ok(live) => return Ok(held(&live)),
            Err(error) if error.code() == Some(StatusCode::CONFLICT) => {}
            Err(error) => return Err(error),
        }
        let Some(live) = self.connection.find(&Request::get(self.path())).await? else {
            return Ok(Try::Gone);
        };
        let lease: LeaseObject = serde_json::from_value(live.clone())
            .map_err(|error| RequestError::Unreadable(error.to_string()))?;
        let spec = lease.spec.unwrap_or_default();
        if spec.holder_identity.as_deref() == Some(self.writer.identity()) {
            // The answer to an earlier try was lost.
            return Ok(held(&live));
        }
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        Ok(Try::By(Seen {
            // One without a duration was not written by fedmesh.
            duration: match u64::try_from(seconds) {
                Ok(1..) => Duration::from_secs(seconds.unsigned_abs().into()),
                _ => self.writer.lease,
            },
            holder: Holder {
                identity: spec.holder_identity.unwrap_or_default(),
                since: spec.acquire_time.map(|time| time.0),
            },
            transitions: spec.lease_transitions.unwrap_or_default(),
            version: lease.metadata.resource_version.unwrap_or_default(),
        }))
    }

    /// Deletes the Lease, as long as it is ours.
    async fn delete(&self, mut version: String) -> Result<(), RequestError> {
        loop {
            let options = json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": { "resourceVersion": version },
            });
            let deleted = self
                .connection
                .send(&Request::delete(self.path(), &options))
                .await;
            match deleted {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if error.code() != Some(StatusCode::CONFLICT) => return Err(error),
                Err(_) => {}
            }
            // The answer to a renewal was lost, or it is another writer's.
            let live = self.connection.find(&Request::get(self.path())).await?;
            let ours =
                live.filter(|live| live["spec"]["holderIdentity"] == *self.writer.identity());
            match ours.map(|live| resource_version(&live).unwrap_or_default()) {
                Some(now) if now != version => version = now,
                _ => return Ok(()),
            }
        }
    }

    /// Writes the Lease as ours; gives its new version, or `None` where it is not what was seen.
    async fn replace(
        &self,
        version: &str,
        transitions: i32,
    ) -> Result<Option<String>, RequestError> {
        let lease = self.object(Some(version), transitions);
        let request = Request::replace(self.path(), &json!(lease));
        match self.connection.json(&request).await {
            Ok(live) => Ok(Some(resource_version(&live).unwrap_or_default())),
            Err(error) if error.is_not_found() || error.code() == Some(StatusCode::CONFLICT) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn object(&self, version: Option<&str>, transitions: i32) -> LeaseObject {
        let seconds = i32::try_from(self.writer.lease.as_secs()).unwrap_or(i32::MAX);
        LeaseObject {
            metadata: ObjectMeta {
                name: Some(self.name()),
                namespace: Some(PARENT_NAMESPACE.to_owned()),
                resource_version: version.map(str::to_owned),
                labels: Some(
                    [(
                        ownership::MANAGED_BY_LABEL.to_owned(),
                        ownership::MANAGED_BY.to_owned(),
                    )]
                    .into(),
                ),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.writer.identity().to_owned()),
                lease_duration_seconds: Some(seconds),
                acquire_time: Some(MicroTime(self.writer.since)),
                renew_time: Some(MicroTime(Timestamp::now())),
                lease_transitions: Some(transitions),
                ..LeaseSpec::default()
            }),
        }
    }

    /// The Lease that a request has got which was sent then.
    fn hold(&self, version: String, transitions: i32, sent: Instant) -> Lease {
        let until = sent + self.validity();
        let (sender, state) = watch::channel(State::Held { until, version });
        let renewing = Self {
            connection: self.connection.clone().with_patience(Patience::PROBE),
            ..self.clone()
        };
        let (ending, ends) = watch::channel(false);
        let renewal = tokio::spawn(renewing.renew(transitions, sender, ends));
        Lease(Arc::new(Held {
            claim: self.clone(),
            state,
            renewal,
            ending,
        }))
    }

    /// How long after a renewal was sent the Lease may be relied on.
    fn validity(&self) -> Duration {
        self.writer.lease / RENEWALS * RELIED_ON
    }

    /// Renews until the Lease is lost or given up. A server that does not answer is asked again and again: nobody else
    /// can take the Lease there meanwhile.
    async fn renew(
        self,
        transitions: i32,
        state: watch::Sender<State>,
        mut ends: watch::Receiver<bool>,
    ) {
        let mut pause = self.writer.lease / RENEWALS;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = ends.changed() => return,
            }
            let State::Held { version, .. } = state.borrow().clone() else {
                return;
            };
            let sent = Instant::now();
            let renewed = match self.replace(&version, transitions).await {
                Ok(Some(version)) => Ok(version),
                Ok(None) => self.try_again().await,
                Err(error) => {
                    tracing::debug!(context = %self.connection.context(), %error, "the Lease is not renewed");
                    pause = POLL;
                    continue;
                }
            };
            pause = self.writer.lease / RENEWALS;
            let until = sent + self.validity();
            state.send_replace(match renewed {
                Ok(version) => State::Held { until, version },
                Err(why) => State::Lost(why),
            });
        }
    }

    /// After a version that is not known any more: a renewal whose answer was lost, a deletion by hand, or
    /// another writer.
    async fn try_again(&self) -> Result<String, String> {
        match self.try_once().await {
            Ok(Try::Held { version }) => Ok(version),
            Ok(Try::By(seen)) => Err(format!("the Lease was taken over by {}", seen.holder)),
            Ok(Try::Gone) => Err("the Lease was deleted".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn held(live: &serde_json::Value) -> Try {
    Try::Held {
        version: resource_version(live).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
