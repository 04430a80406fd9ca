//! The settings of a cluster's own DNS, and what they take for a zone to be found.

use std::collections::BTreeMap;

use futures::future::join_all;
use http::StatusCode;
use serde_json::Value;
use shared::cluster_dns::{self, CONFIG_MAPS, Edit, NAMESPACE, Refusal, StubDomain};
use shared::mesh::DnsFlavour;

use super::connection::{Connection, Request};
use super::live::without_managers;
use super::request_error::RequestError;

/// A zone, and how clusters come to know it.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    pub(crate) suffix: String,
    /// None where it is public.
    pub(crate) nameservers: Vec<String>,
    /// What the document says of each cluster's DNS, in its order.
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

/// What was seen of a cluster's own DNS.
#[derive(Debug, Default)]
pub(crate) struct DnsLook {
    /// What it takes, and what stands in the way.
    pub(crate) edits: Vec<Result<Edit, Refusal>>,
    /// Why it was not seen, where nothing of ours should be in it.
    pub(crate) unseen: Option<String>,
}

/// The settings of a cluster's own DNS, or why they cannot be had.
pub(crate) struct DnsSettings(Result<BTreeMap<String, Value>, (&'static str, RequestError)>);

/// Reads the settings of a cluster's own DNS.
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

/// Looks at a cluster's own DNS by its settings. What a document wants of `cluster` stands in `zone`;
/// `is_recorded` says whether an earlier apply put a stub domain there.
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
                // Who may not look there has not put anything there.
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
                unseen: None,
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
    }
}

/// Asks the server whether it would take a change, so that an apply does not stop half-way.
async fn ask(connection: &Connection, edit: Edit) -> Result<Edit, Refusal> {
    if edit.is_done() {
        return Ok(edit);
    }
    let doing = match edit.before {
        Some(_) => "patch ConfigMap",
        None => "create ConfigMap",
    };
    let why = match connection.send(&edit_request(&edit).dry_run()).await {
        Ok(_) => return Ok(edit),
        Err(error) if error.code() == Some(StatusCode::CONFLICT) => {
            "it changed while it was looked at; plan again".to_owned()
        }
        Err(error) => error.in_context(connection.context(), doing),
    };
    Err(Refusal {
        config_map: edit.config_map,
        why,
    })
}

/// The request for a ConfigMap as it is now.
pub(crate) fn edited(edit: &Edit) -> Request {
    Request::get(path(edit.config_map))
}

/// The request that makes a change, on the very object that was seen.
pub(crate) fn edit_request(edit: &Edit) -> Request {
    match edit.patch() {
        Some(patch) => Request::merge(&path(edit.config_map), &patch),
        None => Request::create(
            format!("/api/v1/namespaces/{NAMESPACE}/configmaps"),
            &edit.object(),
        ),
    }
}

fn path(config_map: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{config_map}")
}
