//! An outage to simulate.

use std::collections::BTreeSet;

use crate::resolved::{self, Resolved};

/// The parts that are down. Clusters and services are indices into a [`Resolved`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outage {
    /// Clusters that do not answer at all. Their records stay, since their state is unknown.
    pub clusters: BTreeSet<usize>,
    /// Zones that are down, as `region/zone`; a cluster is down with the last of its zones.
    pub zones: BTreeSet<String>,
    /// Clusters whose gateways, including the east-west ones, have no ready pod. Their records are removed once they
    /// are followed.
    pub gateways: BTreeSet<usize>,
    /// Services without a ready pod, as cluster and service. Their records stay.
    pub services: BTreeSet<(usize, usize)>,
}

/// A text that does not describe an outage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutageError {
    /// The name is unknown.
    #[error("unknown {what} {name:?}; known: {known}")]
    Unknown {
        /// The kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// The known names.
        known: String,
    },
    /// The service does not run in the cluster.
    #[error("{service} does not run in {cluster}")]
    NotThere {
        /// The service.
        service: String,
        /// The cluster.
        cluster: String,
    },
}

impl Outage {
    /// Adds `CLUSTER`, `zone:REGION/ZONE` (all clusters that have no other zone left), `gateway:CLUSTER`,
    /// `service:NAME.NAMESPACE@CLUSTER`, or `service:NAME.NAMESPACE` (wherever it runs).
    ///
    /// # Errors
    /// The name is not in the document.
    pub fn add(&mut self, text: &str, resolved: &Resolved) -> Result<(), OutageError> {
        if let Some(locality) = text.strip_prefix("zone:") {
            let known = || resolved.clusters.iter().flat_map(resolved::Cluster::places);
            if !known().any(|place| place == locality) {
                return Err(unknown("zone", locality, known()));
            }
            self.zones.insert(locality.to_owned());
            let all = resolved.clusters.iter().enumerate();
            let down = all.filter(|(_, one)| one.places().all(|zone| self.zones.contains(&zone)));
            self.clusters.extend(down.map(|(index, _)| index));
        } else if let Some(name) = text.strip_prefix("gateway:") {
            self.gateways.insert(cluster(name, resolved)?);
        } else if let Some(name) = text.strip_prefix("service:") {
            let (id, place) = match name.split_once('@') {
                Some((id, place)) => (id, Some(cluster(place, resolved)?)),
                None => (name, None),
            };
            let service = resolved
                .services
                .iter()
                .position(|service| service.id() == id)
                .ok_or_else(|| {
                    let known = resolved.services.iter().map(crate::resolved::Service::id);
                    unknown("service", id, known)
                })?;
            let serving = &resolved.services[service].clusters;
            match place {
                Some(place) if !serving.contains(&place) => {
                    return Err(OutageError::NotThere {
                        service: id.to_owned(),
                        cluster: resolved.clusters[place].name.to_string(),
                    });
                }
                Some(place) => _ = self.services.insert((place, service)),
                None => self
                    .services
                    .extend(serving.iter().map(|&place| (place, service))),
            }
        } else {
            self.clusters.insert(cluster(text, resolved)?);
        }
        Ok(())
    }
}

fn cluster(name: &str, resolved: &Resolved) -> Result<usize, OutageError> {
    let found = resolved
        .clusters
        .iter()
        .position(|cluster| cluster.name.as_str() == name);
    found.ok_or_else(|| {
        let known = resolved
            .clusters
            .iter()
            .map(|cluster| cluster.name.to_string());
        unknown("cluster", name, known)
    })
}

fn unknown(what: &'static str, name: &str, known: impl Iterator<Item = String>) -> OutageError {
    OutageError::Unknown {
        what,
        name: name.to_owned(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}
