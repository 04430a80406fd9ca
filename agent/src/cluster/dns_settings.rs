//! The cluster DNS configuration, and the edits that make a zone resolvable.

use std::collections::BTreeMap;

use futures::future::join_all;
use http::StatusCode;
use kube::api::{PatchParams, PostParams};
use serde_json::Value;
use shared::cluster_dns::{self, CONFIG_MAPS, Edit, NAMESPACE, Refusal, StubDomain};
use shared::kubernetes::ownership;
use shared::mesh::DnsFlavour;

use super::connection::Connection;
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
    /// Why it could not be read, in a cluster that needs no edit.
    pub(crate) unseen: Option<String>,
    /// The domains of Services that it serves; empty if unknown.
    pub(crate) domains: Vec<String>,
}

/// The ConfigMaps of the cluster DNS, or the reason why they could not be read.
pub(crate) struct DnsSettings(Result<BTreeMap<String, Value>, (&'static str, RequestError)>);

/// Reads the ConfigMaps of the cluster DNS.
pub(crate) async fn dns_settings(connection: &Connection) -> DnsSettings {
    let reads = CONFIG_MAPS.map(|name| async move {
        let found = connection.find(&Request::get(path(name))).await;
        (name, found)
    });
    let mut seen = BTreeMap::new();
    for (config_map, found) in join_all(reads).await {
        match found {
            Ok(Some(map)) if map["data"].is_object() || map["data"].is_null() => {
                seen.insert(config_map.to_owned(), without_managers(map));
            }
            Ok(Some(_)) => {
                let error = RequestError::Unreadable("its data is not a map".to_owned());
                return DnsSettings(Err((config_map, error)));
            }
            Ok(None) => {}
            Err(error) => return DnsSettings(Err((config_map, error))),
        }
    }
    DnsSettings(Ok(seen))
}

/// Computes the edits of a cluster's DNS configuration. `zone` has the desired state of `cluster`; `is_recorded` says
/// whether an earlier apply added a stub domain.
pub(crate) async fn look_at_dns(
    connection: &Connection,
    DnsSettings(settings): DnsSettings,
    mesh: &str,
    zone: &Zone,
    cluster: usize,
    is_recorded: bool,
) -> DnsLook {
    let seen = match settings {
        Ok(seen) => seen,
        Err((config_map, error)) => {
            let mut why = error.in_context(connection.context(), "get ConfigMap");
            if error.code() == Some(StatusCode::FORBIDDEN) && !zone.is_private() {
                // Without the permission to read, no stub domain can have been added.
                if !is_recorded {
                    return DnsLook {
                        unseen: Some(why),
                        ..DnsLook::default()
                    };
                }
                why = format!("an earlier apply put a stub domain there, which would stay: {why}");
            }
            return DnsLook {
                edits: vec![Err(Refusal { config_map, why })],
                ..DnsLook::default()
            };
        }
    };
    let stub = zone.is_private().then(|| StubDomain {
        mesh,
        suffix: &zone.suffix,
        nameservers: &zone.nameservers,
    });
    let edits = cluster_dns::edits(&seen, zone.flavour(cluster), mesh, stub);
    let asked = edits.into_iter().map(|edit| async {
        match edit {
            Ok(edit) => ask(connection, edit).await,
            refused => refused,
        }
    });
    DnsLook {
        edits: join_all(asked).await,
        unseen: None,
        domains: cluster_dns::domains(&seen),
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
    Request::get(path(edit.config_map))
}

/// The request that makes an edit, only on the observed version, or tries it.
pub(crate) fn edit_request(edit: &Edit, dry_run: bool) -> Request {
    if let Some(changes) = edit.patch() {
        let params = PatchParams {
            dry_run,
            ..PatchParams::apply(ownership::FIELD_MANAGER)
        };
        Request::merge(&params, &path(edit.config_map), &changes)
    } else {
        let params = PostParams {
            dry_run,
            ..PostParams::default()
        };
        let config_maps = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
        Request::create_with(&params, &config_maps, &edit.object())
    }
}

fn path(config_map: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{config_map}")
}
