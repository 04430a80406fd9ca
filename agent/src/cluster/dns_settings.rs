//! The cluster DNS configuration, and the edits that make a zone resolvable.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use http::StatusCode;
use kube::api::{PatchParams, PostParams};
use shared::cluster_dns::{
    self, CONFIG_MAPS, Edit, Forwarding, Manual, NAMESPACE, Observed, Refusal, StubDomain,
};
use shared::kubernetes::object::Key;
use shared::kubernetes::ownership;
use shared::mesh::DnsFlavour;

use super::connection::Connection;
use super::dns_servers;
use super::live::without_managers;
use super::request::Request;
use super::request_error::RequestError;

/// A zone, and how clusters resolve it.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    pub(crate) suffix: String,
    /// Empty if the zone is public.
    pub(crate) nameservers: Vec<String>,
    /// `dnsFlavour` of each cluster, in the document's order.
    pub(crate) flavours: Vec<Option<DnsFlavour>>,
}

impl Zone {
    pub(crate) fn is_private(&self) -> bool {
        !self.nameservers.is_empty()
    }

    pub(crate) fn flavour(&self, cluster: usize) -> Option<DnsFlavour> {
        self.flavours.get(cluster).copied().flatten()
    }
}

/// The observed cluster DNS configuration.
#[derive(Debug, Default)]
pub(crate) struct DnsLook {
    /// The necessary edits, and the reasons why some are refused.
    pub(crate) edits: Vec<Result<Edit, Refusal>>,
    /// The servers that are configured by hand.
    pub(crate) manual: Vec<Manual>,
    /// Why it could not be read, in a cluster that needs no edit.
    pub(crate) unseen: Option<String>,
    /// Why its servers could not be looked up, so that they are known by the names of their ConfigMaps alone.
    pub(crate) not_found: Option<String>,
    /// The domains of Services that it serves; empty if unknown.
    pub(crate) domains: Vec<String>,
}

/// The DNS servers with their ConfigMaps, as far as they could be read.
pub(crate) struct DnsSettings {
    observed: Observed,
    /// The ConfigMaps that were requested.
    requested: BTreeSet<Key>,
    /// The ConfigMaps that could not be read.
    unread: BTreeMap<Key, RequestError>,
    /// Why the servers could not be looked up.
    not_found: Option<String>,
}

/// Reads the ConfigMaps of the cluster DNS: those of the servers that pods use if `finds` is set, and those with
/// well-known names, which an earlier apply may have changed.
pub(crate) async fn dns_settings(connection: &Connection, finds: bool) -> DnsSettings {
    let mut settings = DnsSettings {
        observed: Observed::default(),
        requested: BTreeSet::new(),
        unread: BTreeMap::new(),
        not_found: None,
    };
    if !finds {
        let known = CONFIG_MAPS.map(|name| cluster_dns::key(NAMESPACE, name));
        settings.read(connection, known).await;
        return settings;
    }
    match dns_servers::find(connection).await {
        Ok(found) => settings.observed.found = Some(found),
        Err(why) => settings.not_found = Some(why),
    }
    // A Corefile shows which other ConfigMap it imports.
    for _ in 0..2 {
        let config_maps = settings.observed.config_maps();
        settings.read(connection, config_maps).await;
    }
    settings
}

impl DnsSettings {
    /// Reads ConfigMaps, unless they were read before.
    async fn read(&mut self, connection: &Connection, config_maps: impl IntoIterator<Item = Key>) {
        let config_maps = config_maps.into_iter();
        let new = config_maps.filter(|key| self.requested.insert(key.clone()));
        let new: Vec<Key> = new.collect();
        let reads = new.into_iter().map(|key| async {
            let found = connection.find(&Request::get(path(&key))).await;
            (key, found)
        });
        for (key, found) in join_all(reads).await {
            let error = match found {
                Ok(Some(map)) if map["data"].is_object() || map["data"].is_null() => {
                    self.observed.maps.insert(key, without_managers(map));
                    continue;
                }
                Ok(Some(_)) => RequestError::Unreadable("its data is not a map".to_owned()),
                Ok(None) => continue,
                Err(error) => error,
            };
            self.unread.insert(key, error);
        }
    }

    /// The first ConfigMap that the plan requires and that could not be read. Those of well-known names, unless earlier
    /// versions changed them, may be forbidden.
    fn error(&self, recorded: &BTreeSet<Key>, is_private: bool) -> Option<(&Key, &RequestError)> {
        let is_required = |key: &Key| {
            let mut changed = CONFIG_MAPS.iter();
            (is_private && self.observed.has_servers())
                || recorded.contains(key)
                || (key.namespace == NAMESPACE && changed.any(|name| **name == key.name))
        };
        self.unread
            .iter()
            .find(|(key, error)| error.code() != Some(StatusCode::FORBIDDEN) || is_required(key))
    }

    /// A ConfigMap with a stub domain of the mesh that only a lookup would find again.
    fn lost<'a>(&self, recorded: &'a BTreeSet<Key>) -> Option<&'a Key> {
        let known = self.observed.config_maps();
        self.not_found.as_ref()?;
        recorded.iter().find(|key| !known.contains(key))
    }
}

/// Computes the edits of a cluster's DNS configuration. `zone` has the desired state of `cluster`; `recorded` are the
/// ConfigMaps to which earlier applies added a stub domain.
pub(crate) async fn look_at_dns(
    connection: &Connection,
    mut settings: DnsSettings,
    mesh: &str,
    zone: &Zone,
    cluster: usize,
    recorded: &BTreeSet<Key>,
) -> DnsLook {
    settings.read(connection, recorded.iter().cloned()).await;
    let refused = |config_map, why| DnsLook {
        edits: vec![Err(Refusal { config_map, why })],
        ..DnsLook::default()
    };
    if let Some((config_map, error)) = settings.error(recorded, zone.is_private()) {
        let mut why = error.in_context(connection.context(), "get ConfigMap");
        if error.code() == Some(StatusCode::FORBIDDEN) && !zone.is_private() {
            // Without the permission to read, no stub domain can have been added.
            if recorded.is_empty() {
                return DnsLook {
                    unseen: Some(why),
                    ..DnsLook::default()
                };
            }
            why = format!("an earlier apply put a stub domain there, which would stay: {why}");
        }
        return refused(config_map.clone(), why);
    }
    let is_needed = zone.is_private() && zone.flavour(cluster) != Some(DnsFlavour::None);
    let stub = is_needed.then(|| StubDomain {
        mesh,
        suffix: &zone.suffix,
        nameservers: &zone.nameservers,
    });
    if let (Some(why), Some(config_map), true) =
        (&settings.not_found, settings.lost(recorded), is_needed)
    {
        let why =
            format!("an earlier apply put a stub domain there, and the DNS is not found: {why}");
        return refused(config_map.clone(), why);
    }
    let Forwarding { edits, manual } =
        cluster_dns::forwarding(&settings.observed, zone.flavour(cluster), mesh, stub);
    let asked = edits.into_iter().map(|edit| async {
        match edit {
            Ok(edit) => ask(connection, edit).await,
            refused => refused,
        }
    });
    DnsLook {
        edits: join_all(asked).await,
        manual,
        unseen: None,
        domains: cluster_dns::domains(&settings.observed),
        not_found: settings.not_found.filter(|_| is_needed),
    }
}

/// Sends a dry run of an edit, so that an apply does not stop half-way.
async fn ask(connection: &Connection, edit: Edit) -> Result<Edit, Refusal> {
    if edit.is_done() {
        return Ok(edit);
    }
    let doing = match edit.before {
        Some(_) => "patch ConfigMap",
        None => "create ConfigMap",
    };
    let why = match connection.send(&edit_request(&edit, true)).await {
        Ok(_) => return Ok(edit),
        Err(error) if error.code() == Some(StatusCode::CONFLICT) => {
            "it changed during the plan; plan again".to_owned()
        }
        Err(error) => error.in_context(connection.context(), doing),
    };
    Err(Refusal {
        config_map: edit.config_map,
        why,
    })
}

/// The request for a ConfigMap's current state.
pub(crate) fn edited(edit: &Edit) -> Request {
    Request::get(path(&edit.config_map))
}

/// The request that makes an edit, only on the observed version, or tries it.
pub(crate) fn edit_request(edit: &Edit, dry_run: bool) -> Request {
    if let Some(changes) = edit.patch() {
        let params = PatchParams {
            dry_run,
            ..PatchParams::apply(ownership::FIELD_MANAGER)
        };
        Request::merge(&params, &path(&edit.config_map), &changes)
    } else {
        let params = PostParams {
            dry_run,
            ..PostParams::default()
        };
        Request::create_with(&params, &config_maps(&edit.config_map), &edit.object())
    }
}

fn path(config_map: &Key) -> String {
    format!("{}/{}", config_maps(config_map), config_map.name)
}

/// The path of the ConfigMaps of its namespace.
fn config_maps(config_map: &Key) -> String {
    format!("/api/v1/namespaces/{}/configmaps", config_map.namespace)
}
