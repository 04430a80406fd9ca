//! What a drill takes away.

use std::str::FromStr;

use shared::published::{Level, PublishedName};
use shared::resolved::Service;

use super::round::Round;

/// What to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillTarget {
    /// `<name>` or `<name>.<namespace>`
    pub service: String,
    /// The cluster; default the first that serves it.
    pub cluster: Option<String>,
}

/// Not `SERVICE[@CLUSTER]`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not SERVICE[@CLUSTER], such as orders.sales@north")]
pub struct DrillTargetError(String);

impl FromStr for DrillTarget {
    type Err = DrillTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, cluster) = match text.split_once('@') {
            Some((service, cluster)) => (service, Some(cluster.to_owned())),
            None => (text, None),
        };
        if service.is_empty() || cluster.as_ref().is_some_and(String::is_empty) {
            return Err(DrillTargetError(text.to_owned()));
        }
        Ok(Self {
            service: service.to_owned(),
            cluster,
        })
    }
}

/// A target that is in the document.
pub(super) struct Found<'a> {
    pub(super) service_index: usize,
    pub(super) service: &'a Service,
    pub(super) name: &'a PublishedName,
    pub(super) cluster_index: usize,
    pub(super) cluster: &'a str,
}

/// Finds it in the document; the error says why there is nothing to drill.
pub(super) fn find_target<'a>(
    round: &'a Round<'_>,
    target: &DrillTarget,
) -> Result<Found<'a>, String> {
    let resolved = round.resolved;
    let services: Vec<(usize, &Service)> = resolved
        .services
        .iter()
        .enumerate()
        .filter(|(_, service)| {
            service.id() == target.service || service.name.as_str() == target.service
        })
        .collect();
    let (service_index, service) = match services.as_slice() {
        [one] => *one,
        [] => return Err(format!("the document has no service {}", target.service)),
        _ => {
            return Err(format!(
                "several services are named {}; write <name>.<namespace>",
                target.service
            ));
        }
    };
    let named = |index: &&usize| {
        let name = resolved.clusters[**index].name.as_str();
        target
            .cluster
            .as_ref()
            .is_none_or(|cluster| cluster == name)
    };
    let Some(&cluster_index) = service.clusters.iter().find(named) else {
        let cluster = target.cluster.as_deref().unwrap_or_default();
        return Err(format!(
            "{} does not run in cluster {cluster}",
            service.id()
        ));
    };
    if !resolved.answer_header {
        return Err("with spec.answerHeader: false nobody sees which cluster answers".to_owned());
    }
    if service.is_mutual() {
        return Err(format!(
            "calls of {} travel in mutual TLS, so nobody sees which cluster answers",
            service.id()
        ));
    }
    if !service.is_http() {
        return Err(format!(
            "{} has no HTTP port, so nobody sees which cluster answers",
            service.id()
        ));
    }
    if service.clusters.len() < 2 {
        return Err(format!(
            "{} runs in one cluster only, so traffic has nowhere to go",
            service.id()
        ));
    }
    let Some(name) = service
        .names
        .iter()
        .find(|name| name.level == Level::Global)
    else {
        return Err(format!("{} has no global name", service.id()));
    };
    Ok(Found {
        service_index,
        service,
        name,
        cluster_index,
        cluster: resolved.clusters[cluster_index].name.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::DrillTarget;

    #[test]
    fn targets_are_read() {
        let target: DrillTarget = "orders.sales@north".parse().unwrap();
        assert_eq!(target.service, "orders.sales");
        assert_eq!(target.cluster.as_deref(), Some("north"));
        let target: DrillTarget = "orders".parse().unwrap();
        assert_eq!(target.cluster, None);
        for wrong in ["", "@north", "orders@"] {
            wrong.parse::<DrillTarget>().unwrap_err();
        }
    }
}
