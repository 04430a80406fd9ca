//! One pass: look at the gateways, write the records that are no longer true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use shared::Mesh;
use shared::api::ClusterReport;
use shared::facts::Facts;
use shared::gateway_kind::GatewayKind;
use shared::last_known::{HostName, LastKnown, Publication, Reason};
use shared::object::Kind;
use shared::plan::{self, Conflict, Plan};
use shared::render::controller_publishes;
use shared::resolved::Resolved;
use shared::wanted::Wanted;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::event::{FollowEvent, RecordChange};
use super::{FollowError, RESOLVE_AGAIN, RESYNC, records};
use crate::addresses::{self, Addresses, RecordsOf};
use crate::apply;
use crate::budget::Budget;
use crate::cluster;
use crate::lock::{Leases, LockOptions};
use crate::operation::{ApplyOptions, Operations, Scope, Target, is_handed_over, wrong_contexts};
use crate::place::{self, Place, places};
use crate::stop::Stop;

/// Why addresses stay although clusters answer.
const ALL_LOST: &str = "no gateway has an address and a ready pod";

/// What is remembered from pass to pass.
pub(super) struct Follower<'a> {
    operations: &'a Operations,
    mesh: &'a Mesh,
    events: &'a UnboundedSender<FollowEvent>,
    lock: LockOptions<'static>,
    /// Gateways whose addresses are last known, by cluster and kind.
    lost: BTreeSet<(String, GatewayKind)>,
    /// Whether host names are resolved.
    resolves: bool,
    /// Host names that do not resolve.
    unresolved: BTreeSet<String>,
    /// What the last pass published, and where.
    published: Option<(String, Facts)>,
}

/// What was looked up in all clusters.
struct Clusters {
    places: Vec<Place>,
    /// The identity of each, where it is known.
    identities: Vec<Option<String>>,
    /// The index of the cluster with the records.
    dns: usize,
    addresses: Addresses,
}

impl Clusters {
    fn dns(&self) -> &Place {
        &self.places[self.dns]
    }

    /// Why a context must not be used: addresses of another cluster would be published.
    fn wrong_context(&self, recorded: &BTreeMap<String, String>) -> Option<String> {
        let seen = self.places.iter().zip(&self.identities);
        let seen: BTreeMap<&str, &str> = seen
            .filter_map(|(place, identity)| Some((place.name.as_str(), identity.as_deref()?)))
            .collect();
        let wrong = wrong_contexts(
            &self.places,
            |place| seen.get(place.name.as_str()).copied(),
            |place| {
                recorded
                    .get(&place.name)
                    .map(String::as_str)
                    .into_iter()
                    .collect()
            },
        );
        wrong.into_values().next().map(|wrong| wrong.message)
    }
}

/// The records as they are, and what is to be done.
struct Looked {
    plan: Plan,
    target: Target,
    changes: Vec<RecordChange>,
}

impl Looked {
    /// Whether something is to be written: records, or the addresses in the mesh's own record.
    fn has_work(&self, last_known: &LastKnown) -> bool {
        let recorded = self.target.look.parent.as_ref();
        let is_recorded = recorded.is_some_and(|one| one.last_known.has_addresses_of(last_known));
        self.plan.has_work() || !is_recorded
    }

    /// Which records will not be written, and why.
    fn skipped(&self) -> Option<String> {
        let steps = self.plan.steps();
        let reasons: Vec<String> = steps
            .filter(|(_, step)| step.action.is_skipped())
            .map(|(_, step)| {
                let conflicts = step.conflicts.iter().map(Conflict::to_string);
                let why: Vec<String> = conflicts.chain(step.message.clone()).collect();
                let why = why.join(", ");
                format!("{}: {why}", step.object)
            })
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// A pass that was made to its end.
pub(super) struct Passed {
    /// The context of the cluster that has the records.
    pub(super) dns_context: String,
    /// Which records are not true, since others do not let them be written.
    pub(super) skipped: Option<String>,
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
            lost: BTreeSet::new(),
            resolves: false,
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

    /// Says which records are not true, and when that is looked at again.
    pub(super) fn tell_of_skipped(&self, skipped: Option<&str>) {
        if let Some(error) = skipped {
            self.tell(FollowEvent::Failed {
                error: error.to_owned(),
                retry_in: self.resync().as_secs(),
            });
        }
    }

    /// Makes the records true, as far as others let it.
    pub(super) async fn pass(&mut self) -> Result<Passed, Trouble> {
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
        let withdrawn = BTreeSet::new();
        let before = places.clone();
        let (addresses, identities) = tokio::join!(
            addresses::look(self.mesh, &mut places, RecordsOf::DnsCluster, &withdrawn),
            place::identities(&before)
        );
        let resolved = self.check(&addresses.facts)?;
        if controller_publishes(&resolved) {
            return Err(FollowError::Controller.into());
        }
        let dns = resolved.dns.cluster;
        if let Err(why) = &places[dns].connection {
            return Err(Trouble::Passing(why.clone()));
        }
        self.tell_of_lost(&addresses);
        self.resolves = !addresses.host_names.0.is_empty();
        // Records that lead there would be taken away.
        for (host, name) in &addresses.host_names.0 {
            if let HostName::Unresolved(why) = name {
                return Err(Trouble::Passing(format!("{host} does not resolve: {why}")));
            }
        }
        let clusters = Clusters {
            // One that does not answer is told as lost.
            identities: identities.into_iter().map(|one| one.ok()?).collect(),
            places,
            dns,
            addresses,
        };
        let skipped = self.write(resolved, &clusters).await?;
        Ok(Passed {
            dns_context: clusters.dns().context.clone(),
            skipped,
        })
    }

    /// Tells which host names resolve to other addresses, and which do not resolve any more.
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

    /// How long what was found may be taken for true.
    pub(super) fn resync(&self) -> Duration {
        if self.resolves { RESOLVE_AGAIN } else { RESYNC }
    }

    fn check(&self, facts: &Facts) -> Result<Resolved, Trouble> {
        let checked = shared::check(self.mesh, facts);
        let findings = checked.findings;
        let resolved = checked.resolved;
        Ok(resolved.ok_or(FollowError::Findings(findings))?)
    }

    /// Tells which gateways' addresses are last known from now on, and which are so no longer.
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

    /// Writes what is not true, and tells of it; gives what could not be written, and why.
    async fn write(
        &mut self,
        resolved: Resolved,
        clusters: &Clusters,
    ) -> Result<Option<String>, Trouble> {
        let (place, addresses) = (clusters.dns(), &clusters.addresses);
        let wanted = Wanted::new(resolved).only(&place.name, &Kind::DNS_ENDPOINT);
        let wanted = Arc::new(wanted);
        let looked = self.look(&wanted, clusters).await?;
        let skipped = looked.skipped();
        let changes = if looked.has_work(&addresses.last_known) {
            let places = std::slice::from_ref(place);
            let mesh = &self.mesh.metadata.name;
            let leases = Leases::claim(mesh, "follow", places, self.lock).await;
            let leases = leases.map_err(|error| Trouble::Passing(error.to_string()))?;
            let written = self.write_alone(&wanted, clusters, &leases).await;
            leases.release().await;
            written?
        } else {
            Vec::new()
        };
        self.tell_of_host_names(addresses);
        self.tell_of_gateways(&place.name, &addresses.facts);
        for change in changes {
            self.tell(FollowEvent::Record(change));
        }
        Ok(skipped)
    }

    /// As the only writer: whoever wrote before may have changed the records.
    async fn write_alone(
        &self,
        wanted: &Arc<Wanted>,
        clusters: &Clusters,
        leases: &Leases,
    ) -> Result<Vec<RecordChange>, Trouble> {
        let mut looked = self.look(wanted, clusters).await?;
        leases.guard(&mut looked.target.look.connection);
        let skipped = looked
            .plan
            .steps()
            .filter(|(_, step)| step.action.is_skipped());
        let skipped = skipped.count();
        let Looked {
            plan,
            target,
            changes,
        } = looked;
        let targets = BTreeMap::from([(clusters.dns().name.clone(), target)]);
        let (sender, _) = mpsc::unbounded_channel();
        // They are few: what has begun is finished.
        let (options, stop) = (ApplyOptions::default(), Stop::never());
        let report = apply::apply(plan, targets, options, &Budget::default(), &stop, sender).await;
        // One record that cannot be written is no reason not to write the others.
        let failed = |one: ClusterReport| match one.error {
            Some(error) => Some(error),
            None if one.failed > skipped => Some("some records could not be written".to_owned()),
            None => None,
        };
        let errors: Vec<String> = report.clusters.into_iter().filter_map(failed).collect();
        if errors.is_empty() {
            return Ok(changes);
        }
        Err(Trouble::Passing(errors.join("; ")))
    }

    /// Looks at the records, if they are still those of this document.
    async fn look(&self, wanted: &Arc<Wanted>, clusters: &Clusters) -> Result<Looked, Trouble> {
        let (place, addresses) = (clusters.dns(), &clusters.addresses);
        let connection = place.connection.clone().map_err(Trouble::Passing)?;
        let document = self.mesh.digest();
        let objects = &wanted.of(&place.name);
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
        if let Some(parent) = &look.parent
            && let Some(wrong) = clusters.wrong_context(&parent.identities)
        {
            return Err(Trouble::Passing(wrong));
        }
        let changes = records::changes(objects, &observed);
        let target = Target {
            scope: Scope::Records,
            document: Some(document),
            // They stay as they are recorded.
            clusters: BTreeMap::new(),
            identities: BTreeMap::new(),
            last_known: addresses.last_known.clone(),
            keeps_addresses: true,
            wanted: Arc::clone(wanted),
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
