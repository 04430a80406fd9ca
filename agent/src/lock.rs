//! One writer of a mesh at a time: the Leases of all its clusters, held for the whole run.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use shared::name::Label;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::cluster::{Claimed, Connection, Holder, KubeconfigError, Lease, Waiting, Writer};
use crate::place::{Place, identities};
use crate::stop::Stop;

/// How to claim the Leases.
#[derive(Clone, Copy)]
pub struct LockOptions<'a> {
    /// How long to wait for a living writer; that a writer is alive is known within
    /// [`LockOptions::LEASE`] / 6 of its own.
    pub timeout: Duration,
    /// How long after its last renewal a Lease of ours may be taken over.
    pub lease: Duration,
    /// Hears of each writer that is waited for, with its cluster.
    pub waits: &'a (dyn Fn(&str, &Holder) + Sync),
    /// Ends the wait for another writer.
    pub stop: Option<&'a Stop>,
}

impl LockOptions<'_> {
    /// The usual [`lease`](Self::lease): an API server that starts again is away for a shorter time.
    pub const LEASE: Duration = Duration::from_secs(30);
}

/// Without waiting for anybody.
impl Default for LockOptions<'_> {
    fn default() -> Self {
        Self {
            timeout: Duration::ZERO,
            lease: Self::LEASE,
            waits: &|_, _| {},
            stop: None,
        }
    }
}

/// Nothing can be changed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is no kubeconfig, or it cannot be read.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The Lease is named for the mesh.
    #[error("metadata.name `{0}` is not a DNS label")]
    NoName(String),
    /// Another writer is at work.
    #[error("mesh {mesh} is being changed by another writer: {}", listed(.holders))]
    Held {
        /// The mesh.
        mesh: String,
        /// By cluster.
        holders: BTreeMap<String, Holder>,
    },
}

impl LockError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Kubeconfig(_) => {
                "name a kubeconfig with --kubeconfig or KUBECONFIG, and correct what is wrong with it"
            }
            Self::NoName(_) => "use lower-case letters, digits and hyphens, at most 55 characters",
            Self::Held { .. } => {
                "wait until that run has ended, or give --lock-timeout to wait for it here; a run that \
                 died is taken over once its Lease has expired"
            }
        }
        .to_owned()
    }
}

fn listed(holders: &BTreeMap<String, Holder>) -> String {
    let all: Vec<String> = holders
        .iter()
        .map(|(cluster, holder)| format!("{holder} (in {cluster})"))
        .collect();
    all.join("; ")
}

/// The Leases of a mesh's clusters. They are renewed until [`Leases::release`].
pub(crate) struct Leases(BTreeMap<String, Result<Lease, String>>);

impl Leases {
    /// Claims the Leases in all places that can be reached, or in none where another writer holds one.
    pub(crate) async fn claim(
        name: &str,
        command: &str,
        places: &[Place],
        options: LockOptions<'_>,
    ) -> Result<Self, LockError> {
        // It becomes part of a path.
        Label::new(name).map_err(|_| LockError::NoName(name.to_owned()))?;
        let writer = Writer::new(command, options.lease);
        let deadline = Instant::now() + options.timeout;
        let claim = async |place: &Place| {
            let connection = place.connection.as_ref().map_err(Clone::clone)?;
            let waits = |holder: &Holder| (options.waits)(&place.name, holder);
            let waiting = Waiting {
                deadline,
                on_wait: &waits,
                stop: options.stop,
            };
            Lease::claim(connection, name, &writer, waiting).await
        };
        let mut claims = Claims::default();
        let mut order = Vec::new();
        for (place, identity) in places.iter().zip(identities(places).await) {
            match identity {
                Ok(identity) => order.push((identity, place)),
                Err(why) => claims.add(place, Err(why)),
            }
        }
        // That of the document, or the contexts' names, may be another for another writer.
        order.sort_by(|a, b| a.0.cmp(&b.0));
        // Two writers that begin at once meet at the first cluster, where one of them wins: each could
        // else have some of the Leases, and both would be refused.
        let others = order.split_off(order.len().min(1));
        for group in [order, others] {
            let claimed = join_all(group.iter().map(|(_, place)| claim(place))).await;
            for ((_, place), claimed) in group.iter().zip(claimed) {
                claims.add(place, claimed);
            }
            if !claims.holders.is_empty() {
                Self(claims.leases).release().await;
                return Err(LockError::Held {
                    mesh: name.to_owned(),
                    holders: claims.holders,
                });
            }
        }
        Ok(Self(claims.leases))
    }

    /// From now on the connection changes something only while the Lease of its context is held.
    pub(crate) fn guard(&self, connection: &mut Connection) {
        match self.0.get(connection.context()) {
            Some(lease) => connection.guard(lease),
            None => connection.guard(&Err("its Lease was not claimed".to_owned())),
        }
    }

    /// Why the Lease of a context is not held.
    pub(crate) fn missing(&self, context: &str) -> Option<&str> {
        // Where there was no way to claim it, there is none to change anything.
        let lease = self.0.get(context)?;
        lease.as_ref().err().map(String::as_str)
    }

    /// Gives all of them up.
    pub(crate) async fn release(mut self) {
        self.give_up().await;
    }

    fn give_up(&mut self) -> impl Future<Output = ()> + use<> {
        let leases = std::mem::take(&mut self.0);
        async {
            join_all(leases.into_values().flatten().map(Lease::release)).await;
        }
    }
}

/// Whoever held them was cancelled: other writers need not wait until they expire.
impl Drop for Leases {
    fn drop(&mut self) {
        if let Ok(runtime) = Handle::try_current()
            && !self.0.is_empty()
        {
            runtime.spawn(self.give_up());
        }
    }
}

/// What came of the claims.
#[derive(Default)]
struct Claims {
    leases: BTreeMap<String, Result<Lease, String>>,
    holders: BTreeMap<String, Holder>,
}

impl Claims {
    fn add(&mut self, place: &Place, claimed: Result<Claimed, String>) {
        let lease = match claimed {
            Ok(Claimed::Lease(lease)) => Ok(lease),
            Ok(Claimed::By(holder)) => {
                self.holders.insert(place.name.clone(), holder);
                return;
            }
            // The plan says so.
            Err(why) => Err(why),
        };
        self.leases.insert(place.context.clone(), lease);
    }
}
