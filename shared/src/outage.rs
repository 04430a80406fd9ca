//! What is down, for asking who answers then.

use std::collections::BTreeSet;

use crate::resolved::Resolved;

/// What is down. Clusters and services are indices into a [`Resolved`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outage {
    /// Clusters that do not answer at all. Their records stay: nobody knows better.
    pub clusters: BTreeSet<usize>,
    /// Clusters whose gateways, the east-west ones too, have no pod that is ready. Their records go, as
    /// soon as they are followed.
    pub gateways: BTreeSet<usize>,
    /// Services without a pod that is ready, as cluster and service. Their records stay.
    pub services: BTreeSet<(usize, usize)>,
}

/// Words for something that is down cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutageError {
    /// Nothing is called so.
    #[error("there is no {what} {name:?}; there is: {known}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Under which name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The service does not run there.
    #[error("{service} does not run in {cluster}")]
    NotThere {
        /// The service.
        service: String,
        /// The cluster.
        cluster: String,
    },
}

impl Outage {
    /// Adds what `text` names: `CLUSTER`, `zone:REGION/ZONE` (all its clusters), `gateway:CLUSTER`,
    /// `service:NAME.NAMESPACE@CLUSTER`, or `service:NAME.NAMESPACE` (wherever it runs).
    ///
    /// # Errors
    /// The document knows no such thing.
    pub fn add(&mut self, text: &str, resolved: &Resolved) -> Result<(), OutageError> {
        if let Some(locality) = text.strip_prefix("zone:") {
            let before = self.clusters.len();
            let all = resolved.clusters.iter().enumerate();
            self.clusters.extend(
                all.filter(|(_, cluster)| cluster.locality() == locality)
                    .map(|(index, _)| index),
            );
            if self.clusters.len() == before
                && !resolved.clusters.iter().any(|c| c.locality() == locality)
            {
                let known = resolved
                    .clusters
                    .iter()
                    .map(crate::resolved::Cluster::locality);
                return Err(unknown("zone", locality, known));
            }
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
