//! The published names of a service, and the clusters that answer them.
//!
//! The names are those of federation-v2 v0.0.4 (`pkg/controller/dnsendpoint/service.go`), with one fix: zones are
//! distinguished by region and zone, not by the zone's name alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::mesh::{self, NameLevel, Naming};
use crate::name::{HostName, Label, NameError};
use crate::resolved::{Cluster, Dns, Resolved, Service};

/// The scope of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(LevelKind),
    doc = "A [`Level`] without its region, zone and cluster.",
    allow(missing_docs),
    derive(serde::Serialize, serde::Deserialize, strum::IntoStaticStr),
    serde(rename_all = "lowercase"),
    strum(serialize_all = "lowercase")
)]
pub enum Level {
    /// `<hostname>.<suffix>`, an alias of the global name; only if the service has a hostname.
    Vanity,
    /// Any cluster.
    Global,
    /// The clusters of a region.
    Region(Label),
    /// The clusters of a zone of a region.
    Zone {
        /// The region.
        region: Label,
        /// The zone.
        zone: Label,
    },
    /// One cluster.
    Cluster {
        /// Its region.
        region: Label,
        /// The first of its zones, in the alphabetical order.
        zone: Label,
        /// Its name.
        cluster: Label,
    },
}

impl Level {
    /// Its name in output.
    pub fn as_str(&self) -> &'static str {
        LevelKind::from(self).as_str()
    }
}

impl LevelKind {
    /// Its name in output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A published name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedName {
    /// The name.
    pub host: HostName,
    /// The scope.
    pub level: Level,
    /// Indices of the clusters at this level that run the service; may be empty.
    pub clusters: Vec<usize>,
    /// The name one level up, which is the fallback if this one has no cluster.
    pub falls_back_to: Option<HostName>,
}

/// The part of a service's names before region and zone: `<service>.<namespace>.<federation>.svc`, or with the
/// gateway's name and namespace.
fn prefix(dns: &Dns, service: &Label, namespace: &Label, clusters: &[Cluster]) -> String {
    let (name, namespace) = match dns.naming {
        Naming::Service => (service, namespace),
        Naming::Gateway => {
            let gateway = &clusters[dns.cluster].gateway;
            (&gateway.service, &gateway.namespace)
        }
    };
    format!("{name}.{namespace}.{}.svc", dns.federation)
}

/// All names of a service at some levels: vanity (if requested), global, regions, zones and clusters, each sorted, of
/// every cluster of the mesh. The names below a missing level fall back to the next one.
///
/// # Errors
/// A name that is too long, with the reason.
pub(crate) fn names(
    dns: &Dns,
    service: (&Label, &Label),
    hostname: Option<&Label>,
    levels: &[NameLevel],
    serving: &[usize],
    clusters: &[Cluster],
) -> Result<Vec<PublishedName>, (String, NameError)> {
    let prefix = prefix(dns, service.0, service.1, clusters);
    let host = |text: String| HostName::new(&text).map_err(|error| (text, error));
    let serving_where = |at: &dyn Fn(&Cluster) -> bool| -> Vec<usize> {
        serving
            .iter()
            .copied()
            .filter(|&index| at(&clusters[index]))
            .collect()
    };

    let global = host(format!("{prefix}.{}", dns.suffix))?;
    let mut names = Vec::new();
    if let Some(hostname) = hostname {
        names.push(PublishedName {
            host: host(format!("{hostname}.{}", dns.suffix))?,
            level: Level::Vanity,
            clusters: serving.to_vec(),
            falls_back_to: Some(global.clone()),
        });
    }
    names.push(PublishedName {
        host: global.clone(),
        level: Level::Global,
        clusters: serving.to_vec(),
        falls_back_to: None,
    });

    // Extended, not collected: that would add a sort for each type of set to the page.
    let mut regions = BTreeSet::new();
    if levels.contains(&NameLevel::Region) {
        regions.extend(clusters.iter().map(|c| &c.region));
    }
    for region in &regions {
        names.push(PublishedName {
            host: host(format!("{prefix}.{region}.{}", dns.suffix))?,
            level: Level::Region((*region).clone()),
            clusters: serving_where(&|c| c.region == **region),
            falls_back_to: Some(global.clone()),
        });
    }
    let mut zones = BTreeSet::new();
    if levels.contains(&NameLevel::Zone) {
        for cluster in clusters {
            zones.extend(cluster.zones.iter().map(|zone| (&cluster.region, zone)));
        }
    }
    let above_zone = |region: &Label| {
        if regions.contains(region) {
            host(format!("{prefix}.{region}.{}", dns.suffix))
        } else {
            Ok(global.clone())
        }
    };
    let zone_host =
        |region: &Label, zone: &Label| format!("{prefix}.{zone}.{region}.{}", dns.suffix);
    for (region, zone) in &zones {
        names.push(PublishedName {
            host: host(zone_host(region, zone))?,
            level: Level::Zone {
                region: (*region).clone(),
                zone: (*zone).clone(),
            },
            clusters: serving_where(&|c| c.region == **region && c.zones.contains(zone)),
            falls_back_to: Some(above_zone(region)?),
        });
    }
    if levels.contains(&NameLevel::Cluster) {
        let mut clusters: Vec<&Cluster> = clusters.iter().collect();
        clusters.sort_by_key(|one| (&one.region, &one.zones[0], &one.name));
        for cluster in clusters {
            let (region, zone) = (&cluster.region, &cluster.zones[0]);
            let above = if zones.contains(&(region, zone)) {
                host(zone_host(region, zone))?
            } else {
                above_zone(region)?
            };
            names.push(PublishedName {
                host: host(format!(
                    "{prefix}.{}.{zone}.{region}.{}",
                    cluster.name, dns.suffix
                ))?,
                level: Level::Cluster {
                    region: region.clone(),
                    zone: zone.clone(),
                    cluster: cluster.name.clone(),
                },
                clusters: serving_where(&|c| c.name == cluster.name),
                falls_back_to: Some(above),
            });
        }
    }
    Ok(names)
}

/// The clusters that answer a name: its own, or those of the first level above that has any.
pub fn answered_by<'a>(name: &'a PublishedName, names: &'a [PublishedName]) -> &'a [usize] {
    let mut at = name;
    while at.clusters.is_empty() {
        let Some(above) = at
            .falls_back_to
            .as_ref()
            .and_then(|host| names.iter().find(|n| n.host == *host))
        else {
            break;
        };
        at = above;
    }
    &at.clusters
}

/// A published name for display and JSON.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameRow {
    /// The name.
    pub host: String,
    /// Its scope.
    pub level: LevelKind,
    /// The region, at the levels region, zone and cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The zone, at the levels zone and cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The cluster, at the level cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// `<name>.<namespace>` of the service.
    pub service: String,
    /// Names of the clusters at this level that run the service.
    pub clusters: Vec<String>,
    /// The name one level up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub falls_back_to: Option<String>,
    /// Names of the clusters that answer: `clusters`, or those of the first level above that has any.
    pub answered_by: Vec<String>,
    /// The callers of the service as in the document, with `clusters` instead of `clusterSelector`; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callers: Option<Vec<mesh::Caller>>,
}

impl NameRow {
    /// The callers of the service, in the form of [`mesh::Caller::words`]; `None` for all.
    pub fn caller_words(&self) -> Option<Vec<String>> {
        let callers = self.callers.as_ref()?;
        Some(callers.iter().flat_map(mesh::Caller::words).collect())
    }
}

/// Every published name of a mesh, services in the order of the document.
pub fn rows(resolved: &Resolved) -> Vec<NameRow> {
    let names = |indices: &[usize]| {
        indices
            .iter()
            .map(|&i| resolved.clusters[i].name.to_string())
            .collect()
    };
    let row = |service: &Service, name: &PublishedName| {
        let (region, zone, cluster) = match &name.level {
            Level::Vanity | Level::Global => (None, None, None),
            Level::Region(region) => (Some(region), None, None),
            Level::Zone { region, zone } => (Some(region), Some(zone), None),
            Level::Cluster {
                region,
                zone,
                cluster,
            } => (Some(region), Some(zone), Some(cluster)),
        };
        NameRow {
            host: name.host.to_string(),
            level: (&name.level).into(),
            region: region.map(ToString::to_string),
            zone: zone.map(ToString::to_string),
            cluster: cluster.map(ToString::to_string),
            service: service.id(),
            clusters: names(&name.clusters),
            falls_back_to: name.falls_back_to.as_ref().map(ToString::to_string),
            answered_by: names(answered_by(name, &service.names)),
            callers: callers(service, resolved),
        }
    };
    resolved
        .services
        .iter()
        .flat_map(|service| service.names.iter().map(move |name| row(service, name)))
        .collect()
}

fn callers(service: &Service, resolved: &Resolved) -> Option<Vec<mesh::Caller>> {
    let named = |index: &usize| resolved.clusters[*index].name.to_string();
    let written = |caller: &crate::resolved::callers::Caller| {
        let is_everywhere = caller.clusters.len() == resolved.clusters.len();
        mesh::Caller {
            namespace: caller.namespace.as_ref().map(ToString::to_string),
            service_accounts: caller
                .service_accounts
                .iter()
                .map(ToString::to_string)
                .collect(),
            clusters: (!is_everywhere).then(|| caller.clusters.iter().map(named).collect()),
            cluster_selector: BTreeMap::new(),
        }
    };
    let callers = service.callers.as_ref()?;
    Some(callers.iter().map(written).collect())
}
