//! The changes that make a cluster's DNS forward a zone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::additions::in_additions;
use super::corefile::Corefile;
use super::merge::{self, Listener, Merged, is_served, merge, remove};
use super::servers::{Program, Server};
use super::{Edit, Manual, Observed, Owner, Refusal, StubDomain, kube_dns};
use crate::kubernetes::object::Key;
use crate::mesh::DnsFlavour;

/// The changes of a cluster's DNS.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forwarding {
    /// For each ConfigMap with a change or a conflict, sorted.
    pub edits: Vec<Result<Edit, Refusal>>,
    /// The servers that do not forward the zone, and are configured by hand.
    pub manual: Vec<Manual>,
}

/// What a ConfigMap has of the zone.
enum Place {
    /// A server block in the Corefile with this key.
    Corefile(String),
    /// A server block in a key of its own, which a Corefile imports.
    Additions,
    /// An entry of kube-dns's stub domains.
    StubDomains,
}

/// The changes that make a cluster's DNS forward a zone to its name servers, or remove an earlier stub domain (`stub` is
/// `None`).
///
/// Each ConfigMap with an edit or a conflict has an entry; a cluster whose DNS is left alone has none.
pub fn forwarding(
    dns: &Observed,
    flavour: Option<DnsFlavour>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Forwarding {
    let mut manual = Vec::new();
    let mut places = BTreeMap::new();
    let stub = stub.filter(|_| flavour != Some(DnsFlavour::None));
    if let Some(stub) = stub {
        places = desired(dns, flavour, stub, &mut manual);
    }
    let keys: BTreeSet<&Key> = dns.maps.keys().chain(places.keys()).collect();
    let edits = keys.into_iter().filter_map(|config_map| {
        let map = dns.maps.get(config_map);
        let desired = places
            .get(config_map)
            .and_then(|place| Some((place, stub?)));
        let edit = edit(dns, config_map, map, mesh, desired)?;
        Some(edit.map_err(|why| Refusal {
            config_map: config_map.clone(),
            why,
        }))
    });
    Forwarding {
        edits: edits.collect(),
        manual,
    }
}

/// The ConfigMaps that have the zone, and where in them; `manual` receives the servers without it.
fn desired(
    dns: &Observed,
    flavour: Option<DnsFlavour>,
    stub: StubDomain<'_>,
    manual: &mut Vec<Manual>,
) -> BTreeMap<Key, Place> {
    let mut places = BTreeMap::new();
    let mut put = |placed: Result<Option<(Key, Place)>, Manual>| match placed {
        // A ConfigMap of two servers has the zone once.
        Ok(Some((config_map, place))) => _ = places.entry(config_map).or_insert(place),
        Ok(None) => {}
        Err(one) => manual.push(one),
    };
    let servers = dns.servers(flavour);
    for server in &servers {
        put(dns.place(server, stub, false));
    }
    let caches = match flavour {
        None | Some(DnsFlavour::CoreDns) => dns.caches(),
        Some(DnsFlavour::KubeDns | DnsFlavour::None) => Vec::new(),
    };
    let kube_dns = servers.iter().filter(|one| one.program == Program::KubeDns);
    let stub_domains: Vec<&Key> = kube_dns
        .filter_map(|one| Some(&one.config.as_ref()?.0))
        .collect();
    for cache in &caches {
        // It copies kube-dns's stub domains, and a second block would be a duplicate.
        let copies = stub_domains
            .iter()
            .any(|config_map| cache.reads(config_map));
        if !copies && !dns.asks_cluster_dns(cache, stub) {
            put(dns.place(cache, stub, true));
        }
    }
    if !dns.has_servers() {
        let services = dns.found.iter().flat_map(|found| &found.without_pods);
        manual.extend(services.map(|service| Manual::NoPods(service.clone())));
        if servers.is_empty() && manual.is_empty() {
            manual.push(Manual::NotFound);
        }
    }
    places
}

impl Observed {
    /// Where a server gets the zone; `None` if another block has it already.
    fn place(
        &self,
        server: &Server,
        stub: StubDomain<'_>,
        is_cache: bool,
    ) -> Result<Option<(Key, Place)>, Manual> {
        let workload = server.workload.clone();
        if let Program::Other(image) = &server.program {
            let image = image.clone();
            return Err(Manual::OtherProgram { workload, image });
        }
        let Some((config_map, key)) = &server.config else {
            return Err(Manual::NoConfigMap(workload));
        };
        if server.program == Program::KubeDns {
            return Ok(Some((config_map.clone(), Place::StubDomains)));
        }
        if let Some(additions) = self.additions(server) {
            return Ok(Some((additions.clone(), Place::Additions)));
        }
        let owner = self.maps.get(config_map);
        let owner = owner.and_then(|map| Owner::of(config_map, map));
        match owner.filter(Owner::keeps_others_out) {
            None => Ok(Some((config_map.clone(), Place::Corefile(key.clone())))),
            Some(_) if self.has_zone(server, stub) => Ok(None),
            Some(owner) => Err(Manual::Owned {
                owner,
                config_map: config_map.clone(),
                is_cache,
            }),
        }
    }

    /// Whether a Corefile forwards the zone to its name servers.
    fn has_zone(&self, server: &Server, stub: StubDomain<'_>) -> bool {
        let corefile = self.corefile(server).map(Corefile::parse);
        corefile.and_then(Result::ok).is_some_and(|corefile| {
            let port = Listener::in_corefile(&corefile).port;
            is_served(&corefile, stub, port, 0) == Ok(true)
        })
    }

    /// Whether a cache sends queries for the zone to the cluster's DNS, which forwards them.
    fn asks_cluster_dns(&self, cache: &Server, stub: StubDomain<'_>) -> bool {
        let Some(corefile) = self.corefile(cache) else {
            return false;
        };
        let rest = remove(corefile, stub.mesh).unwrap_or_else(|_| corefile.to_owned());
        Corefile::parse(&rest).is_ok_and(|corefile| {
            let block = corefile.closest(stub.suffix);
            let forwards = block.map(|block| corefile.arguments(block, "forward"));
            let forwards = forwards.unwrap_or_default();
            let mut upstreams = forwards.iter().flat_map(|one| one.iter().skip(1));
            !forwards.is_empty() && upstreams.all(|upstream| self.is_cluster_dns(upstream))
        })
    }

    /// The server that reads a ConfigMap.
    pub(super) fn server_of(&self, config_map: &Key) -> Option<Server> {
        self.all().into_iter().find(|server| {
            let mut own = server.config.iter();
            own.any(|(own, _)| own == config_map) || self.additions(server) == Some(config_map)
        })
    }
}

/// The edit of one ConfigMap, `None` if it has, and gets, no stub domain of the mesh.
fn edit(
    dns: &Observed,
    config_map: &Key,
    map: Option<&Value>,
    mesh: &str,
    desired: Option<(&Place, StubDomain<'_>)>,
) -> Option<Result<Edit, String>> {
    let server = dns.server_of(config_map);
    let workload = server.as_ref().map(|server| server.workload.clone());
    let workload = workload.unwrap_or_else(|| "deployment/coredns".to_owned());
    let changed = match desired {
        Some((Place::Corefile(key), stub)) => in_corefile(map, key, mesh, Some(stub)),
        Some((Place::Additions, stub)) => {
            let main = server.and_then(|server| dns.corefile(&server).map(str::to_owned));
            in_additions(map, main.as_deref(), mesh, Some(stub))
        }
        Some((Place::StubDomains, stub)) => kube_dns::edit(map, mesh, Some(stub)),
        None => {
            let map = map?;
            if let Some(key) = marked(map, mesh) {
                in_corefile(Some(map), &key, mesh, None)
            } else {
                let main = server.and_then(|server| dns.corefile(&server).map(str::to_owned));
                in_additions(Some(map), main.as_deref(), mesh, None)
                    .or_else(|| kube_dns::edit(Some(map), mesh, None))
            }
        }
    };
    Some(changed?.map(|changed| Edit {
        config_map: config_map.clone(),
        owner: map.and_then(|map| Owner::of(config_map, map)),
        before: map.cloned(),
        after: changed.after,
        holds_ours: changed.holds_ours,
        restarts: changed.needs_restart.then_some(workload),
    }))
}

/// A ConfigMap after an edit.
pub(super) struct Changed {
    /// Its data, and changed annotations.
    pub(super) after: Value,
    pub(super) holds_ours: bool,
    pub(super) needs_restart: bool,
}

/// The key of the Corefile with the mesh's block.
fn marked(map: &Value, mesh: &str) -> Option<String> {
    let own = super::additions::key_of(mesh);
    let mut texts = map["data"].as_object()?.iter();
    let found = texts.find(|(key, text)| {
        let text = text.as_str().unwrap_or_default();
        **key != own && merge::is_marked(text, mesh)
    });
    found.map(|(key, _)| key.clone())
}

fn in_corefile(
    map: Option<&Value>,
    key: &str,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Changed, String>> {
    let Some(before) = map.and_then(|map| map["data"][key].as_str()) else {
        return stub.map(|_| {
            Err("it has no Corefile; set dnsFlavour if this cluster's DNS is another".to_owned())
        });
    };
    let merged = match stub {
        Some(stub) => merge(before, stub),
        None => remove(before, mesh).map(|text| {
            let needs_restart = Corefile::parse(&text).is_ok_and(|rest| rest.needs_restart());
            Merged {
                text,
                needs_restart,
            }
        }),
    };
    Some(merged.map(|merged| {
        let mut after = json!({ "data": map.map(|map| &map["data"]) });
        let holds_ours = merge::is_marked(&merged.text, mesh);
        after["data"][key] = merged.text.into();
        Changed {
            after,
            holds_ours,
            needs_restart: merged.needs_restart,
        }
    }))
}
