//! One pass: look at the gateways, write the records that are no longer true.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use shared::Mesh;
use shared::facts::Facts;
use shared::plan::{self, Plan, Surplus};
use shared::render::controller_publishes;
use shared::resolved::Resolved;
use shared::wanted::Wanted;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::event::{FollowEvent, RecordChange};
use super::{FollowError, RESOLVE_AGAIN, RESYNC, records};
use crate::apply;
use crate::cluster::{self, Connection};
use crate::gateways::{self, Gateways, Seen};
use crate::host_names;
use crate::lock::{Leases, LockOptions};
use crate::operation::{ApplyOptions, Operations, Scope, Target, is_handed_over};
use crate::place::{Place, places};
use crate::stop::Stop;

/// What is remembered from pass to pass.
pub(super) struct Follower<'a> {
    operations: &'a Operations,
    mesh: &'a Mesh,
    events: &'a UnboundedSender<FollowEvent>,
    lock: LockOptions<'static>,
    /// By the place of a gateway in what is looked at, what its Service said last.
    known: BTreeMap<usize, Vec<String>>,
    /// Gateways whose clusters do not answer, by the same.
    lost: BTreeSet<usize>,
    /// By host name of a load balancer, its addresses when it last resolved.
    host_names: BTreeMap<String, Vec<IpAddr>>,
    /// Host names that do not resolve.
    unresolved: BTreeSet<String>,
    /// What the last pass published, and where.
    published: Option<(String, Facts)>,
}

/// The records as they are, and what is to be done.
struct Looked {
    plan: Plan,
    target: Target,
    changes: Vec<RecordChange>,
}

/// Why a pass was not made to its end.
pub(super) enum Trouble {
    /// Another try may go better.
    Passing(String),
    /// None will.
    Final(FollowError),
}

impl From<FollowError> for Trouble {
    fn from(error: FollowError) -> Self {
        Self::Final(error)
    }
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
            known: BTreeMap::new(),
            lost: BTreeSet::new(),
            host_names: BTreeMap::new(),
            unresolved: BTreeSet::new(),
            published: None,
        }
    }

    /// Says what is followed, after the first pass.
    pub(super) fn tell_of_start(&self) {
        if let Some((cluster, facts)) = &self.published {
            self.tell(FollowEvent::Following {
                mesh: self.mesh.metadata.name.clone(),
                cluster: cluster.clone(),
                gateways: published(facts),
            });
        }
    }

    /// Makes the records true; gives the context of the cluster that has them.
    pub(super) async fn pass(&mut self) -> Result<String, Trouble> {
        if is_handed_over(self.mesh) {
            return Err(FollowError::HandedOver.into());
        }
        let kubeconfig = match self.operations.read() {
            Ok(kubeconfig) => kubeconfig,
            // It may be being written just now.
            Err(error) if self.published.is_some() => {
                return Err(Trouble::Passing(error.to_string()));
            }
            Err(error) => return Err(FollowError::from(error).into()),
        };
        let mut places = places(&kubeconfig, self.mesh).await;
        let mut seen = gateways::look(self.mesh, &mut places).await;
        let mut facts = seen.facts(self.mesh);
        self.resolve(&mut facts).await?;
        let mut resolved = self.check(&facts)?;
        if controller_publishes(&resolved) {
            return Err(FollowError::Controller.into());
        }
        let dns = resolved.dns.cluster;
        let connection = match &places[dns].connection {
            Ok(connection) => connection.clone(),
            Err(why) => return Err(Trouble::Passing(why.clone())),
        };
        if self.suppose(&mut seen, &resolved, &connection).await? {
            facts = seen.facts(self.mesh);
            self.resolve(&mut facts).await?;
            resolved = self.check(&facts)?;
        }
        self.write(&resolved, &places[dns], &facts).await?;
        Ok(places[dns].context.clone())
    }

    /// Adds the addresses of host names; what does not resolve keeps those that it had.
    async fn resolve(&mut self, facts: &mut Facts) -> Result<(), Trouble> {
        for (host, found) in host_names::look_up(self.mesh, facts).await {
            let before = self.host_names.get(&host).cloned();
            match (found, before) {
                (Ok(after), before) => {
                    self.unresolved.remove(&host);
                    self.host_names.insert(host.clone(), after.clone());
                    facts.host_names.insert(host.clone(), after.clone());
                    if let Some(before) = before.filter(|before| *before != after) {
                        self.tell(FollowEvent::HostName {
                            host,
                            before,
                            after,
                        });
                    }
                }
                (Err(error), Some(kept)) => {
                    facts.host_names.insert(host.clone(), kept.clone());
                    if self.unresolved.insert(host.clone()) {
                        self.tell(FollowEvent::Unresolved { host, error, kept });
                    }
                }
                // Records that lead there would be taken away.
                (Err(error), None) => {
                    return Err(Trouble::Passing(format!(
                        "{host} does not resolve: {error}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// How long what was found may be taken for true.
    pub(super) fn resync(&self) -> Duration {
        if self.host_names.is_empty() {
            RESYNC
        } else {
            RESOLVE_AGAIN
        }
    }

    fn check(&self, facts: &Facts) -> Result<Resolved, Trouble> {
        let checked = shared::check(self.mesh, facts);
        let findings = checked.findings;
        let resolved = checked.resolved;
        Ok(resolved.ok_or(FollowError::Findings(findings))?)
    }

    /// Puts what was last known in the place of what clusters do not say now; `false` where all do.
    async fn suppose(
        &mut self,
        seen: &mut Gateways,
        resolved: &Resolved,
        connection: &Connection,
    ) -> Result<bool, Trouble> {
        let mut unknown = Vec::new();
        let name = |cluster: usize| resolved.clusters[cluster].name.to_string();
        for (index, one) in seen.iter().enumerate() {
            match &one.seen {
                Seen::NotAsked => {}
                Seen::Found(gateway) => {
                    self.known.insert(index, gateway.addresses.clone());
                    if self.lost.remove(&index) {
                        self.tell(FollowEvent::Back {
                            cluster: name(one.cluster),
                        });
                    }
                }
                Seen::Unknown(why) => unknown.push((index, one.cluster, why.clone())),
            }
        }
        let supposes = !unknown.is_empty();
        for (index, cluster, error) in unknown {
            if !self.known.contains_key(&index) {
                let addresses = self.in_records(resolved, connection, index, seen).await?;
                self.known.insert(index, addresses);
            }
            let kept = self.known[&index].clone();
            if self.lost.insert(index) {
                self.tell(FollowEvent::Lost {
                    cluster: name(cluster),
                    error,
                    kept: kept.clone(),
                });
            }
            seen.suppose(index, kept);
        }
        Ok(supposes)
    }

    /// The addresses of a gateway whose cluster has not answered since the start, as the records have
    /// them.
    async fn in_records(
        &self,
        resolved: &Resolved,
        connection: &Connection,
        index: usize,
        seen: &Gateways,
    ) -> Result<Vec<String>, Trouble> {
        let found = cluster::look_at_records(connection.clone(), &self.mesh.metadata.name, &[]);
        let live: Vec<Value> = match found.await.map_err(Trouble::Passing)? {
            Some((observed, _)) => {
                let ours = observed.surplus.values();
                ours.map(Surplus::live).collect()
            }
            None => Vec::new(),
        };
        let Some(lost) = seen.iter().nth(index) else {
            return Ok(Vec::new());
        };
        let here = &resolved.clusters[lost.cluster];
        let others = seen
            .iter()
            .filter(|other| {
                let there = &resolved.clusters[other.cluster];
                other.door == lost.door && there.zone == here.zone && there.region == here.region
            })
            .flat_map(|other| match &other.seen {
                Seen::Found(gateway) => gateway.addresses.as_slice(),
                Seen::NotAsked | Seen::Unknown(_) => &[],
            });
        let others = others.map(String::as_str).collect();
        let gateway = (lost.cluster, lost.door);
        Ok(records::still_published(&live, resolved, gateway, &others))
    }

    /// Writes what is not true, and tells of it.
    async fn write(
        &mut self,
        resolved: &Resolved,
        place: &Place,
        facts: &Facts,
    ) -> Result<(), Trouble> {
        let wanted = records::only_records(Wanted::new(resolved), &place.name);
        if self.look(&wanted, place).await?.plan.has_work() {
            let places = std::slice::from_ref(place);
            let leases = Leases::claim(&self.mesh.metadata.name, "follow", places, self.lock).await;
            let leases = leases.map_err(|error| Trouble::Passing(error.to_string()))?;
            let written = self.look_and_write(&wanted, place, &leases).await;
            leases.release().await;
            let changes = written?;
            self.tell_of_gateways(&place.name, facts);
            for change in changes {
                self.tell(FollowEvent::Record(change));
            }
        } else {
            self.tell_of_gateways(&place.name, facts);
        }
        Ok(())
    }

    /// As the only writer: whoever wrote before may have changed the records.
    async fn look_and_write(
        &self,
        wanted: &Wanted,
        place: &Place,
        leases: &Leases,
    ) -> Result<Vec<RecordChange>, Trouble> {
        let Looked {
            plan,
            mut target,
            changes,
        } = self.look(wanted, place).await?;
        leases.guard(&mut target.look.connection);
        let targets = BTreeMap::from([(place.name.clone(), target)]);
        let (sender, _) = mpsc::unbounded_channel();
        // They are few: what has begun is finished.
        let (options, stop) = (ApplyOptions::default(), Stop::never());
        let report = apply::apply(plan, targets, options, &stop, sender).await;
        if report.is_success() {
            return Ok(changes);
        }
        let errors = report.clusters.into_iter().filter_map(|one| one.error);
        Err(Trouble::Passing(errors.collect::<Vec<_>>().join("; ")))
    }

    /// Looks at the records, if they are still those of this document.
    async fn look(&self, wanted: &Wanted, place: &Place) -> Result<Looked, Trouble> {
        let connection = place.connection.clone().map_err(Trouble::Passing)?;
        let document = self.mesh.digest();
        let objects = wanted.of(&place.name);
        let mesh = self.mesh.metadata.name.clone();
        let cluster = place.name.clone();
        let found = cluster::look_at_records(connection, &mesh, objects).await;
        let Some((observed, look)) = found.map_err(Trouble::Passing)? else {
            return Err(FollowError::NotApplied { mesh, cluster }.into());
        };
        let applied = look.parent.as_ref().and_then(|one| one.document.as_ref());
        if applied != Some(&document) {
            return Err(FollowError::OtherDocument { mesh, cluster }.into());
        }
        let changes = records::changes(objects, &observed);
        let target = Target {
            scope: Scope::Records,
            document: Some(document),
            // They stay as they are recorded.
            clusters: BTreeMap::new(),
            identities: BTreeMap::new(),
            objects: objects.to_vec(),
            look,
        };
        let places = [(place.name.as_str(), place.context.as_str())];
        let observed = BTreeMap::from([(place.name.clone(), Ok(observed))]);
        Ok(Looked {
            plan: plan::plan(wanted, places, &observed),
            target,
            changes,
        })
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

    /// Whoever has stopped listening does not stop the records.
    pub(super) fn tell(&self, event: FollowEvent) {
        _ = self.events.send(event);
    }
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
