//! The rule for gateways: which of their addresses are published.
//!
//! - A gateway that cannot be looked up keeps its last known addresses.
//! - One that reports no address any more is withdrawn, unless no gateway of its kind has an address left.
//! - One without a ready pod is withdrawn, unless none has a ready pod.
//! - Where all of this leaves no address of a kind, all keep their last known addresses: an address that may
//!   come back is better than none.
//! - Last known addresses that a person has withdrawn count as none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, LastKnown, Timestamp};
use crate::facts::Facts;
use crate::gateway_kind::GatewayKind;

/// A gateway and what was observed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedGateway {
    /// Its cluster's name.
    pub cluster: String,
    /// Its kind.
    pub kind: GatewayKind,
    /// What was observed.
    pub observation: Observation,
}

/// What was observed of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Nothing: the document gives its addresses.
    Given,
    /// What its Service reports.
    Found {
        /// Addresses in its status; none too where there is no such Service.
        addresses: Vec<String>,
        /// Whether it has ready pods; `None` where that is not known.
        is_ready: Option<bool>,
    },
    /// The cluster cannot be asked: why.
    Unknown(String),
}

impl Observation {
    /// Whether it has an address and no ready pod.
    fn is_unready(&self) -> bool {
        matches!(self, Self::Found { addresses, is_ready: Some(false) } if !addresses.is_empty())
    }
}

/// A gateway and which of its addresses are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedGateway {
    /// Its cluster's name.
    pub cluster: String,
    /// Its kind.
    pub kind: GatewayKind,
    /// Which addresses.
    pub publication: Publication,
}

/// Which addresses of a gateway are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Those of the document.
    Given,
    /// Those that its Service reports, which may be none.
    Observed(Vec<String>),
    /// It has no ready pod.
    NotReady {
        /// Those that its Service reports, at least one.
        addresses: Vec<String>,
        /// Whether they are published all the same, since no gateway has a ready pod.
        published: bool,
    },
    /// Those that were last known, which may be none.
    LastKnown {
        /// The addresses.
        known: Known<String>,
        /// Why.
        reason: Reason,
    },
    /// None: they cannot be looked up (why), and none were known before.
    Unknown(String),
}

/// Why last known addresses are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The cluster cannot be asked: why.
    Unreachable(String),
    /// No gateway of its kind has an address to publish any more.
    AllLost,
}

impl Publication {
    /// The addresses; `None` where the document gives them or they are not known.
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

/// Which addresses of all gateways are published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gateways(pub Vec<PublishedGateway>);

/// Decides which addresses are published, for each gateway in the given order. `withdrawn` names clusters
/// whose last known addresses a person does not want any more.
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

/// What holds for a gateway as long as others of its kind publish an address.
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
    /// Whether an address of any gateway depends on what was last known.
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

    /// The addresses as the check takes them; host names are not resolved.
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

    /// What is to be recorded: what is published, with the time at which it was seen. Clusters that are not
    /// among these gateways are forgotten.
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
