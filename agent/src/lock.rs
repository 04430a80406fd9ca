//! The Leases that make a run the only writer of a mesh, held in all its clusters for the whole run.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use shared::name::Label;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::cluster::{Claimed, Connection, Holder, KubeconfigError, Lease, Waiting, Writer};
use crate::members::{MemberCluster, identities};
use crate::stop::Stop;

/// Options of the Leases.
#[derive(Clone, Copy)]
pub struct LockOptions<'a> {
    /// Time to wait for another active run, which is detected as active within a sixth of the duration of its Lease
    /// (see [`LockOptions::LEASE`]).
    pub timeout: Duration,
    /// Time after its last renewal in which a Lease expires.
    pub lease: Duration,
    /// Called for each run that is waited for, with its cluster.
    pub waits: &'a (dyn Fn(&str, &Holder) + Sync),
    /// Ends the wait for another run.
    pub stop: Option<&'a Stop>,
}

impl LockOptions<'_> {
    /// The default [`lease`](Self::lease), longer than the restart of an API server.
    pub const LEASE: Duration = Duration::from_secs(30);
}

/// Options without a wait for other runs.
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

/// Why nothing can be changed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is no kubeconfig, or it cannot be read.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The name of the mesh, which is part of the Lease's name, is not a DNS label.
    #[error("metadata.name `{0}` is not a DNS label")]
    NoName(String),
    /// Another run changes the mesh.
    #[error("mesh {mesh} is being changed by another run: {}", listed(.holders))]
    Held {
        /// The mesh.
        mesh: String,
        /// The other runs by cluster.
        holders: BTreeMap<String, Holder>,
    },
}

impl LockError {
    /// The hint.
    pub fn hint(&self) -> String {
        match self {
            Self::Kubeconfig(_) => {
                "set --kubeconfig or KUBECONFIG to a valid kubeconfig"
            }
            Self::NoName(_) => "use lower-case letters, digits and hyphens, at most 55 characters",
            Self::Held { .. } => {
                "wait until that run has ended, or use --lock-timeout to wait for it; the Lease of a \
                killed run expires by itself"
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
    /// Claims the Leases in all clusters that can be reached, or in none if another run holds one.
    pub(crate) async fn claim(
        name: &str,
        command: &str,
        members: &[MemberCluster],
        options: LockOptions<'_>,
    ) -> Result<Self, LockError> {
        // The name becomes part of a URL path.
        Label::new(name).map_err(|_| LockError::NoName(name.to_owned()))?;
        let writer = Writer::new(command, options.lease);
        let deadline = Instant::now() + options.timeout;
        let claim = async |member: &MemberCluster| {
            let connection = member.connection.as_ref().map_err(Clone::clone)?;
            let waits = |holder: &Holder| (options.waits)(&member.name, holder);
            let waiting = Waiting {
                deadline,
                on_wait: &waits,
                stop: options.stop,
            };
            Lease::claim(connection, name, &writer, waiting).await
        };
        let mut claims = Claims::default();
        let mut order = Vec::new();
        for (member, identity) in members.iter().zip(identities(members).await) {
            match identity {
                Ok(identity) => order.push((identity, member)),
                Err(why) => claims.add(member, Err(why)),
            }
        }
        // Sorted, because another run may have another document or other names of contexts.
        order.sort_by(|a, b| a.0.cmp(&b.0));
        // Of two runs that start at once, one wins at the first cluster. Otherwise each could get some of the
        // Leases, and both would fail.
        let others = order.split_off(order.len().min(1));
        for group in [order, others] {
            let claimed = join_all(group.iter().map(|(_, member)| claim(member))).await;
            for ((_, member), claimed) in group.iter().zip(claimed) {
                claims.add(member, claimed);
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

    /// Makes the connection send changes only while the Lease of its context is held.
    pub(crate) fn guard(&self, connection: &mut Connection) {
        match self.0.get(connection.context()) {
            Some(lease) => connection.guard(lease),
            None => connection.guard(&Err("the Lease was not claimed".to_owned())),
        }
    }

    /// The reason why the Lease of a context is not held.
    pub(crate) fn missing(&self, context: &str) -> Option<&str> {
        // A cluster that could not be reached to claim the Lease cannot be changed either.
        let lease = self.0.get(context)?;
        lease.as_ref().err().map(String::as_str)
    }

    /// Releases all Leases.
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

/// Releases the Leases of a cancelled run, so that other runs need not wait until they expire.
impl Drop for Leases {
    fn drop(&mut self) {
        if let Ok(runtime) = Handle::try_current()
            && !self.0.is_empty()
        {
            runtime.spawn(self.give_up());
        }
    }
}

/// The results of the claims.
#[derive(Default)]
struct Claims {
    leases: BTreeMap<String, Result<Lease, String>>,
    holders: BTreeMap<String, Holder>,
}

impl Claims {
    fn add(&mut self, member: &MemberCluster, claimed: Result<Claimed, String>) {
        let lease = match claimed {
            Ok(Claimed::Lease(lease)) => Ok(lease),
            Ok(Claimed::By(holder)) => {
                self.holders.insert(member.name.clone(), holder);
                return;
            }
            // The plan reports the error.
            Err(why) => Err(why),
        };
        self.leases.insert(member.context.clone(), lease);
    }
}
