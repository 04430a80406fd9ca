//! The rule for gateways: the addresses that are published.
//!
//! - A gateway that cannot be looked up keeps its last known addresses.
//! - A gateway without an address is withdrawn, unless no gateway of its kind has an address.
//! - A gateway without a ready pod is withdrawn, unless none has a ready pod.
//! - If no address of a kind remains, all gateways keep their last known addresses: an address that may come back is
//!   better than none.
//! - Last known addresses that a user has withdrawn count as none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, LastKnown, Timestamp};
use crate::facts::Facts;
use crate::gateways::kind::GatewayKind;

/// A gateway with its observed state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedGateway {
    /// Its cluster's name.
    pub cluster: String,
    /// Its kind.
    pub kind: GatewayKind,
    /// The observed state.
    pub observation: Observation,
}

/// The observed state of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Not observed: the document has its addresses.
    Given,
    /// The state of its Service.
    Found {
        /// Addresses in its status; empty if the Service does not exist.
        addresses: Vec<String>,
        /// Whether it has ready pods; `None` if unknown.
        is_ready: Option<bool>,
    },
    /// The cluster cannot be queried: the reason.
    Unknown(String),
}

impl Observation {
    /// Whether it has an address and no ready pod.
    fn is_unready(&self) -> bool {
        matches!(self, Self::Found { addresses, is_ready: Some(false) } if !addresses.is_empty())
    }
}

/// A gateway with its published addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedGateway {
    /// Its cluster's name.
    pub cluster: String,
    /// Its kind.
    pub kind: GatewayKind,
    /// The published addresses.
    pub publication: Publication,
}

/// The published addresses of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Those of the document.
    Given,
    /// Those of its Service, which may be none.
    Observed(Vec<String>),
    /// It has no ready pod.
    NotReady {
        /// Those of its Service, at least one.
        addresses: Vec<String>,
        /// Whether they are published nevertheless, since no gateway has a ready pod.
        published: bool,
    },
    /// The last known ones, which may be none.
    LastKnown {
        /// The addresses.
        known: Known<String>,
        /// The reason.
        reason: Reason,
    },
    /// None: they cannot be looked up, for this reason, and none were known before.
    Unknown(String),
}

/// The reason for publishing last known addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The cluster cannot be queried: the reason.
    Unreachable(String),
    /// No gateway of its kind has an address to publish.
    AllLost,
}

impl Publication {
    /// The addresses; `None` if the document has them or they are unknown.
    pub fn addresses(&self) -> Option<&[String]> {
        match self {
            Self::Given | Self::Unknown(_) => None,
            Self::NotReady {
                published: false, ..
            } => Some(&[]),
            Self::Observed(addresses)
            | Self::NotReady { addresses, .. }
            | Self::LastKnown {
                known: Known { addresses, .. },
                ..
            } => Some(addresses),
        }
    }

    fn publishes(&self) -> bool {
        matches!(self, Self::Given) || self.addresses().is_some_and(|all| !all.is_empty())
    }
}

/// The published addresses of all gateways.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gateways(pub Vec<PublishedGateway>);

/// Decides which addresses are published, for each gateway in the given order. `withdrawn` has the clusters whose last
/// known addresses a user has withdrawn.
pub fn publish(
    observed: &[ObservedGateway],
    last_known: &LastKnown,
    withdrawn: &BTreeSet<String>,
    now: &Timestamp,
) -> Gateways {
    let known = |gateway: &ObservedGateway| {
        if withdrawn.contains(&gateway.cluster) {
            return Some(Known::withdrawn(now));
        }
        last_known
            .of_kind(gateway.kind)
            .get(&gateway.cluster)
            .cloned()
    };
    let mut published: Vec<PublishedGateway> = observed
        .iter()
        .map(|gateway| PublishedGateway {
            cluster: gateway.cluster.clone(),
            kind: gateway.kind,
            publication: publication(gateway, observed, known(gateway)),
        })
        .collect();
    for kind in GatewayKind::ALL {
        let of_kind = |gateway: &&PublishedGateway| gateway.kind == kind;
        if published
            .iter()
            .filter(of_kind)
            .any(|gateway| gateway.publication.publishes())
        {
            continue;
        }
        let lost = published.iter_mut().zip(observed);
        for (gateway, observed) in lost.filter(|(gateway, _)| gateway.kind == kind) {
            let known = known(observed).filter(|known| !known.addresses.is_empty());
            if let (Observation::Found { .. }, Some(known)) = (&observed.observation, known) {
                gateway.publication = Publication::LastKnown {
                    known,
                    reason: Reason::AllLost,
                };
            }
        }
    }
    Gateways(published)
}

/// The result for a gateway as long as others of its kind publish an address.
fn publication(
    gateway: &ObservedGateway,
    all: &[ObservedGateway],
    known: Option<Known<String>>,
) -> Publication {
    match &gateway.observation {
        Observation::Given => Publication::Given,
        Observation::Found { addresses, .. } if gateway.observation.is_unready() => {
            let mut of_kind = all.iter().filter(|other| other.kind == gateway.kind);
            Publication::NotReady {
                addresses: addresses.clone(),
                published: of_kind.all(|other| other.observation.is_unready()),
            }
        }
        Observation::Found { addresses, .. } => Publication::Observed(addresses.clone()),
        Observation::Unknown(why) => match known {
            Some(known) => Publication::LastKnown {
                known,
                reason: Reason::Unreachable(why.clone()),
            },
            None => Publication::Unknown(why.clone()),
        },
    }
}

impl Gateways {
    /// Whether an address of any gateway depends on last known ones.
    pub fn are_uncertain(&self) -> bool {
        let certain = |kind| {
            let mut of_kind = self
                .0
                .iter()
                .filter(|gateway| gateway.kind == kind)
                .peekable();
            of_kind.peek().is_none() || of_kind.any(|gateway| gateway.publication.publishes())
        };
        let looked_up = |publication: &Publication| {
            !matches!(
                publication,
                Publication::LastKnown { .. } | Publication::Unknown(_)
            )
        };
        let mut all = self.0.iter();
        !all.all(|gateway| looked_up(&gateway.publication))
            || !GatewayKind::ALL.into_iter().all(certain)
    }

    /// The addresses as input of the checks; host names are not resolved.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for gateway in &self.0 {
            let Some(addresses) = gateway.publication.addresses() else {
                continue;
            };
            let of_kind = match gateway.kind {
                GatewayKind::Ingress => &mut facts.gateways,
                GatewayKind::EastWest => &mut facts.east_west_gateways,
            };
            of_kind.insert(gateway.cluster.clone(), addresses.to_vec());
        }
        facts
    }

    /// The record to write: the published addresses, with the time of their observation. Clusters without one of these
    /// gateways are dropped.
    pub fn to_record(&self, now: &Timestamp) -> LastKnown {
        let mut record = LastKnown {
            recorded: Some(now.clone()),
            ..LastKnown::default()
        };
        for gateway in &self.0 {
            let known = match &gateway.publication {
                Publication::LastKnown { known, .. } => Some(known.clone()),
                other => other
                    .addresses()
                    .map(|addresses| Known::new(addresses.to_vec(), now)),
            };
            let of_kind: &mut BTreeMap<_, _> = record.of_kind_mut(gateway.kind);
            of_kind.extend(known.map(|known| (gateway.cluster.clone(), known)));
        }
        record
    }
}

#[cfg(test)]
mod tests;
