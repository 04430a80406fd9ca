//! One pass of `follow`: look up the gateways, and write the objects that are out of date.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::Mesh;
use shared::facts::Facts;
use shared::gateways::kind::GatewayKind;
use shared::gateways::last_known::{HostName, Publication, Reason};
use shared::kubernetes::object::Kind;
use shared::plan::desired::Desired;
use shared::plan::gateway_updates;
use shared::render::controller_publishes;
use shared::resolved::Resolved;
use tokio::sync::mpsc::UnboundedSender;

use super::clusters::{Clusters, PassError};
use super::event::FollowEvent;
use super::write::Writing;
use super::{FollowError, RESOLVE_AGAIN, RESYNC};
use crate::addresses::{self, Addresses, RecordsOf};
use crate::lock::LockOptions;
use crate::members::{self, MemberCluster, members};
use crate::operation::{Operations, engine_of, is_handed_over};

/// Why addresses stay published although all clusters can be reached.
const ALL_LOST: &str = "no gateway has an address and a ready pod";

/// The state between passes.
pub(super) struct Follower<'a> {
    operations: &'a Operations,
    mesh: &'a Mesh,
    events: &'a UnboundedSender<FollowEvent>,
    lock: LockOptions<'static>,
    /// Gateways whose last known addresses are published, by cluster and kind.
    lost: BTreeSet<(String, GatewayKind)>,
    /// Whether host names are resolved.
    resolves: bool,
    /// Host names that do not resolve.
    unresolved: BTreeSet<String>,
    /// The published addresses of the last pass, and the cluster with the records.
    published: Option<(String, Facts)>,
    /// The resolution of ServiceEntries; see [`gateway_updates::resolution`].
    resolution: Vec<(bool, Option<IpAddr>)>,
    /// The clusters whose ServiceEntries have this resolution.
    with_entries: BTreeSet<String>,
}

/// A completed pass.
pub(super) struct Passed {
    /// The kinds of objects to watch, with the contexts of their clusters.
    pub(super) kept: Vec<(String, Kind)>,
    /// Objects that are out of date but could not be written because of others.
    pub(super) skipped: Option<String>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        operations: &'a Operations,
        mesh: &'a Mesh,
        events: &'a UnboundedSender<FollowEvent>,
        lock: LockOptions<'static>,
    ) -> Self {
        Self {
            operations,
            mesh,
            events,
            lock,
            lost: BTreeSet::new(),
            resolves: false,
            unresolved: BTreeSet::new(),
            published: None,
            resolution: Vec::new(),
            with_entries: BTreeSet::new(),
        }
    }

    /// Emits the first event, after the first pass.
    pub(super) fn tell_of_start(&self) {
        if let Some((cluster, facts)) = &self.published {
            self.tell(FollowEvent::Following {
                mesh: self.mesh.metadata.name.clone(),
                cluster: cluster.clone(),
                gateways: published(facts),
            });
        }
    }

    /// Emits an event for objects that could not be written, with the time until the next pass.
    pub(super) fn tell_of_skipped(&self, skipped: Option<&str>) {
        if let Some(error) = skipped {
            self.tell(FollowEvent::Failed {
                error: error.to_owned(),
                retry_in: self.resync().as_secs(),
            });
        }
    }

    /// Updates the records, except those that others block.
    pub(super) async fn pass(&mut self) -> Result<Passed, PassError> {
        if is_handed_over(self.mesh) {
            return Err(FollowError::HandedOver(engine_of(self.mesh)).into());
        }
        let kubeconfig = match self.operations.read() {
            Ok(kubeconfig) => kubeconfig,
            // The kubeconfig may be incomplete because another program is writing it.
            Err(error) if self.published.is_some() => {
                return Err(PassError::Transient(error.to_string()));
            }
            Err(error) => return Err(FollowError::from(error).into()),
        };
        let mut members = members(&kubeconfig, self.mesh).await;
        let withdrawn = BTreeSet::new();
        let before = members.clone();
        let (addresses, identities) = tokio::join!(
            addresses::look(self.mesh, &mut members, RecordsOf::DnsCluster, &withdrawn),
            members::identities(&before)
        );
        let resolved = self.check(&addresses.facts)?;
        if controller_publishes(&resolved) {
            return Err(FollowError::Controller.into());
        }
        let dns = resolved.dns.cluster;
        if let Err(why) = &members[dns].connection {
            return Err(PassError::Transient(why.clone()));
        }
        self.tell_of_lost(&addresses);
        self.resolves = !addresses.host_names.0.is_empty();
        // Records with these addresses would be deleted.
        for (host, name) in &addresses.host_names.0 {
            if let HostName::Unresolved(why) = name {
                return Err(PassError::Transient(format!(
                    "{host} does not resolve: {why}"
                )));
            }
        }
        let clusters = Clusters {
            // A cluster that cannot be reached is reported as lost.
            identities: identities.into_iter().map(|one| one.ok()?).collect(),
            members,
            dns,
            addresses,
        };
        let kept = kept(&resolved, &clusters.members);
        let skipped = self.write(resolved, &clusters).await?;
        Ok(Passed { kept, skipped })
    }

    /// Emits events for host names that resolve to other addresses, or no longer resolve.
    fn tell_of_host_names(&mut self, addresses: &Addresses) {
        for (host, name) in &addresses.host_names.0 {
            match name {
                HostName::Resolved(after) => {
                    self.unresolved.remove(host);
                    let before = addresses.recorded.host_names.get(host);
                    let before = before.map(|known| &known.addresses);
                    if let Some(before) = before.filter(|before| *before != after) {
                        self.tell(FollowEvent::HostName {
                            host: host.clone(),
                            before: before.clone(),
                            after: after.clone(),
                        });
                    }
                }
                HostName::LastKnown { known, why } => {
                    if self.unresolved.insert(host.clone()) {
                        self.tell(FollowEvent::Unresolved {
                            host: host.clone(),
                            error: why.clone(),
                            kept: known.addresses.clone(),
                            since: known.seen.clone(),
                        });
                    }
                }
                HostName::Unresolved(_) => {}
            }
        }
    }

    /// Time until the next pass without a change.
    pub(super) fn resync(&self) -> Duration {
        if self.resolves { RESOLVE_AGAIN } else { RESYNC }
    }

    fn check(&self, facts: &Facts) -> Result<Resolved, PassError> {
        let checked = shared::check(self.mesh, facts);
        let findings = checked.findings;
        let resolved = checked.resolved;
        Ok(resolved.ok_or(FollowError::Findings(findings))?)
    }

    /// Emits events for gateways whose last known addresses are published now, or no longer.
    fn tell_of_lost(&mut self, addresses: &Addresses) {
        for gateway in &addresses.gateways.0 {
            let (error, known) = match &gateway.publication {
                Publication::LastKnown { known, reason } => {
                    let error = match reason {
                        Reason::Unreachable(why) => why.clone(),
                        Reason::AllLost => ALL_LOST.to_owned(),
                    };
                    (error, Some(known))
                }
                Publication::Unknown(why) => (why.clone(), None),
                _ => {
                    if self.lost.remove(&(gateway.cluster.clone(), gateway.kind)) {
                        self.tell(FollowEvent::Back {
                            cluster: gateway.cluster.clone(),
                        });
                    }
                    continue;
                }
            };
            if self.lost.insert((gateway.cluster.clone(), gateway.kind)) {
                self.tell(FollowEvent::Lost {
                    cluster: gateway.cluster.clone(),
                    error,
                    kept: known.map_or_else(Vec::new, |known| known.addresses.clone()),
                    since: known.and_then(|known| known.seen.clone()),
                });
            }
        }
    }

    /// Writes the objects that are out of date, and emits events for them; returns which could not be written, and why.
    async fn write(
        &mut self,
        resolved: Resolved,
        clusters: &Clusters,
    ) -> Result<Option<String>, PassError> {
        let kinds = self.kinds(&resolved);
        let desired = Desired::new(resolved).only(kinds.clone());
        let writing = Writing {
            mesh: self.mesh,
            document: self.mesh.digest(),
            lock: self.lock,
            clusters,
            desired: Arc::new(desired),
            kinds,
        };
        let written = writing.write().await?;
        self.with_entries.extend(written.clusters);
        self.tell_of_host_names(&clusters.addresses);
        self.tell_of_gateways(&clusters.dns().name, &clusters.addresses.facts);
        for event in written.events {
            self.tell(event);
        }
        match written.failed {
            Some(error) => Err(PassError::Transient(error)),
            None => Ok(written.skipped),
        }
    }

    /// The kinds to read in each cluster, with ServiceEntries only if their resolution may be out of date.
    fn kinds(&mut self, resolved: &Resolved) -> BTreeMap<String, BTreeSet<Kind>> {
        let resolution = gateway_updates::resolution(resolved);
        if self.resolution != resolution {
            self.resolution = resolution;
            self.with_entries.clear();
        }
        let mut kinds = gateway_updates::kinds(resolved);
        if !self.resolution.is_empty() {
            for (cluster, kinds) in &mut kinds {
                if !self.with_entries.contains(cluster) {
                    kinds.insert(gateway_updates::entries(resolved));
                }
            }
        }
        kinds
    }

    fn tell_of_gateways(&mut self, dns: &str, facts: &Facts) {
        let before = self.published.replace((dns.to_owned(), facts.clone()));
        let Some((_, before)) = before else { return };
        let before = published(&before);
        for (cluster, after) in published(facts) {
            let before = before.get(&cluster).cloned().unwrap_or_default();
            if before != after {
                self.tell(FollowEvent::Gateway {
                    cluster,
                    before,
                    after,
                });
            }
        }
    }

    /// Emits an event. A closed channel does not stop the updates.
    pub(super) fn tell(&self, event: FollowEvent) {
        _ = self.events.send(event);
    }
}

fn kept(resolved: &Resolved, members: &[MemberCluster]) -> Vec<(String, Kind)> {
    let kinds = gateway_updates::kinds(resolved);
    let of_place = members.iter().flat_map(|member| {
        let kinds = kinds.get(&member.name).into_iter().flatten().cloned();
        kinds.map(|kind| (member.context.clone(), kind))
    });
    of_place.collect()
}

/// Cluster → addresses of its gateways of either kind.
fn published(facts: &Facts) -> BTreeMap<String, Vec<String>> {
    let mut all = facts.gateways.clone();
    for (cluster, addresses) in &facts.east_west_gateways {
        all.entry(cluster.clone())
            .or_default()
            .extend_from_slice(addresses);
    }
    all
}
