//! The Lease of a mesh in one cluster: its holder is the only writer of the mesh there.
//!
//! A Lease (`coordination.k8s.io/v1`) exists during a run, and is deleted at its end. Its holder renews it; one that
//! was not renewed for its whole duration, measured by the waiting process's own clock (as in client-go's
//! `leaderelection`), is taken over. Every change of a Lease carries the observed resourceVersion, so two takeovers
//! never both succeed.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ObjectMeta, Preconditions};
use serde_json::json;
use shared::kubernetes::object::Kind;
use shared::kubernetes::ownership::{self, PARENT_NAMESPACE};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::address::{collection, object_at};
use super::connection::{Connection, RetryPolicy};
use super::live::resource_version;
use super::request::Request;
use super::request_error::RequestError;
use super::writer::{Holder, Writer};
use crate::stop::Stop;

/// Interval of reads while another writer holds the Lease.
const POLL: Duration = Duration::from_secs(1);
/// Renewals within the duration of a Lease.
const RENEWALS: u32 = 6;
/// A Lease is valid for this many sixths of its duration after a renewal: a request takes time to arrive.
const RELIED_ON: u32 = 5;

/// A Lease that is held and renewed until it is released. Clones are the same Lease; if the last one is dropped without
/// a release, renewals stop, and it expires.
#[derive(Clone)]
pub(crate) struct Lease(Arc<Held>);

struct Held {
    claim: Claim,
    state: watch::Receiver<State>,
    renewal: JoinHandle<()>,
    /// Ends the renewal, after the response to a renewal in progress.
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
    /// No other writer can hold the Lease until then; with the object's version.
    Held { until: Instant, version: String },
    /// Another writer may hold the Lease: the reason.
    Lost(String),
}

/// How to wait for another writer.
#[derive(Clone, Copy)]
pub(crate) struct Waiting<'a> {
    /// Deadline while another writer is alive.
    pub(crate) deadline: Instant,
    /// Called for each writer that is waited for.
    pub(crate) on_wait: &'a (dyn Fn(&Holder) + Sync),
    /// Ends the wait.
    pub(crate) stop: Option<&'a Stop>,
}

impl Waiting<'_> {
    /// Waits until the next read; `false` if the wait is over.
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

/// The result of a claim.
pub(crate) enum Claimed {
    /// The Lease is held.
    Lease(Lease),
    /// Another writer holds it and renews it.
    By(Holder),
}

/// The result of one try.
enum Try {
    Held {
        version: String,
    },
    By(Seen),
    /// It was released a moment ago.
    Gone,
}

/// Another writer's Lease as observed.
struct Seen {
    holder: Holder,
    duration: Duration,
    transitions: i32,
    version: String,
}

impl Lease {
    /// Claims the Lease of a mesh. If another writer holds it, waits until the deadline, and at least until it is known
    /// whether that writer is alive, unless the wait is stopped.
    ///
    /// # Errors
    /// A request fails; the message names the context and says what to do.
    pub(crate) async fn claim(
        connection: &Connection,
        mesh: &str,
        writer: &Writer,
        waiting: Waiting<'_>,
    ) -> Result<Claimed, String> {
        let claim = Claim {
            connection: connection.clone().with_retry_policy(RetryPolicy::PLAN),
            mesh: mesh.into(),
            writer: writer.clone(),
        };
        match claim.wait(waiting).await {
            Ok(claimed) => Ok(claimed),
            Err(error) => Err(error.in_context(connection.context(), "claim the Lease")),
        }
    }

    /// Waits while the Lease cannot be renewed and no other writer has taken it over.
    ///
    /// # Errors
    /// The Lease is lost.
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

    /// Releases the Lease: deletes it, unless another writer holds it by now.
    pub(crate) async fn release(self) {
        // An aborted renewal could still be carried out: before the deletion, which would then be refused, or after it,
        // which would create the Lease again.
        self.0.ending.send_replace(true);
        let mut state = self.0.state.clone();
        while state.changed().await.is_ok() {}
        let State::Held { version, .. } = state.borrow().clone() else {
            return;
        };
        let claim = &self.0.claim;
        if let Err(error) = claim.delete(version).await {
            // It expires without renewals.
            tracing::debug!(context = %claim.connection.context(), %error, "cannot delete the Lease; it expires");
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
        // If one writer follows another, none of them may ever be seen twice.
        let last = waiting.deadline + self.writer.lease * 2;
        // The last observed Lease, and the time since when it is unchanged.
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

    /// Creates the Lease, or reads its holder.
    async fn try_once(&self) -> Result<Try, RequestError> {
        let path = collection(&Kind::LEASE, Some(PARENT_NAMESPACE));
        let created = Request::create(&path, &json!(self.object(None, 0)));
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
            // The response to an earlier try was lost.
            return Ok(held(&live));
        }
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        Ok(Try::By(Seen {
            // fedmesh always sets a duration.
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

    /// Deletes the Lease if this writer holds it.
    async fn delete(&self, mut version: String) -> Result<(), RequestError> {
        loop {
            let params = DeleteParams::default().preconditions(Preconditions {
                resource_version: Some(version.clone()),
                uid: None,
            });
            let deleted = self
                .connection
                .send(&Request::delete(&self.path(), &params))
                .await;
            match deleted {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if error.code() != Some(StatusCode::CONFLICT) => return Err(error),
                Err(_) => {}
            }
            // The response to a renewal was lost, or another writer holds it.
            let live = self.connection.find(&Request::get(self.path())).await?;
            let ours =
                live.filter(|live| live["spec"]["holderIdentity"] == *self.writer.identity());
            match ours.map(|live| resource_version(&live).unwrap_or_default()) {
                Some(now) if now != version => version = now,
                _ => return Ok(()),
            }
        }
    }

    /// Writes this writer as holder; returns the new version, or `None` if the Lease has changed since it was read.
    async fn replace(
        &self,
        version: &str,
        transitions: i32,
    ) -> Result<Option<String>, RequestError> {
        let lease = self.object(Some(version), transitions);
        let request = Request::replace(&self.path(), &json!(lease));
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

    /// The Lease after a successful request that was sent at this time.
    fn hold(&self, version: String, transitions: i32, sent: Instant) -> Lease {
        let until = sent + self.validity();
        let (sender, state) = watch::channel(State::Held { until, version });
        let renewing = Self {
            connection: self
                .connection
                .clone()
                .with_retry_policy(RetryPolicy::PROBE),
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

    /// Time after the sending of a renewal for which the Lease is valid.
    fn validity(&self) -> Duration {
        self.writer.lease / RENEWALS * RELIED_ON
    }

    /// Renews until the Lease is lost or released. Without a response it retries: no other writer can take the Lease on
    /// the same server meanwhile.
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
                    tracing::debug!(context = %self.connection.context(), %error, "cannot renew the Lease");
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

    /// Handles a version conflict: a renewal whose response was lost, a manual deletion, or another writer.
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
