//! The clusters of a pass, and why a pass fails.

use std::collections::BTreeMap;
use std::fmt;

use super::FollowError;
use crate::addresses::Addresses;
use crate::members::MemberCluster;
use crate::operation::wrong_contexts;

/// The clusters of a pass.
pub(super) struct Clusters {
    pub(super) members: Vec<MemberCluster>,
    /// The identity of each cluster, if it is known.
    pub(super) identities: Vec<Option<String>>,
    /// The index of the cluster with the records.
    pub(super) dns: usize,
    pub(super) addresses: Addresses,
}

impl Clusters {
    pub(super) fn dns(&self) -> &MemberCluster {
        &self.members[self.dns]
    }

    /// Why a context must not be used, since addresses of another cluster would be published.
    pub(super) fn wrong_context(&self, recorded: &BTreeMap<String, String>) -> Option<String> {
        let seen = self.members.iter().zip(&self.identities);
        let seen: BTreeMap<&str, &str> = seen
            .filter_map(|(member, identity)| Some((member.name.as_str(), identity.as_deref()?)))
            .collect();
        let wrong = wrong_contexts(
            &self.members,
            |member| seen.get(member.name.as_str()).copied(),
            |member| {
                recorded
                    .get(&member.name)
                    .map(String::as_str)
                    .into_iter()
                    .collect()
            },
        );
        wrong.into_values().next().map(|wrong| wrong.message)
    }
}

/// Why a pass failed.
pub(super) enum PassError {
    /// A retry may succeed.
    Transient(String),
    /// A retry cannot succeed.
    Permanent(FollowError),
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient(why) => f.write_str(why),
            Self::Permanent(error) => error.fmt(f),
        }
    }
}

impl From<FollowError> for PassError {
    fn from(error: FollowError) -> Self {
        Self::Permanent(error)
    }
}
