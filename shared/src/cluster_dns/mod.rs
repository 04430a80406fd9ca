//! Stub domains: a cluster's DNS forwards the mesh's names to the name servers of its zone.
//!
//! Existing configuration is never replaced. A Corefile gets a server block between two comments with the mesh's name,
//! before all others, and every other byte stays: removing it restores the former text. kube-dns's JSON gets an entry,
//! and no other changes.

mod corefile;
mod domain;
mod edit;
mod kube_dns;
mod members;
mod merge;
mod tokens;

pub use domain::{domains, finding};
pub use edit::Edit;
pub use merge::{Merged, merge, remove};

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kubernetes::object::Key;
use crate::mesh::DnsFlavour;
use corefile::Corefile;
use merge::{Listener, block, is_served, unreadable};

/// The namespace of the cluster DNS configuration.
pub const NAMESPACE: &str = "kube-system";

/// `CoreDNS`, as installed by kubeadm and almost all others.
const COREDNS: &str = "coredns";
/// The additions to a managed Corefile on AKS and k3s.
const COREDNS_CUSTOM: &str = "coredns-custom";
/// kube-dns, as on GKE.
const KUBE_DNS: &str = "kube-dns";
/// NodeLocal DNSCache, which queries external names without the cluster's DNS.
const NODE_LOCAL_DNS: &str = "node-local-dns";

/// The ConfigMaps to observe, in [`NAMESPACE`].
pub const CONFIG_MAPS: [&str; 4] = [COREDNS, COREDNS_CUSTOM, KUBE_DNS, NODE_LOCAL_DNS];

/// A zone and its name servers.
#[derive(Debug, Clone, Copy)]
pub struct StubDomain<'a> {
    /// The mesh's name.
    pub mesh: &'a str,
    /// The zone.
    pub suffix: &'a str,
    /// `address` or `address:port`, an IPv6 address with a port in brackets.
    pub nameservers: &'a [String],
}

/// The key of a ConfigMap.
pub fn key(config_map: &str) -> Key {
    Key {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: NAMESPACE.to_owned(),
        name: config_map.to_owned(),
    }
}

/// A ConfigMap that cannot be changed, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub config_map: &'static str,
    /// Position, reason and remedy.
    pub why: String,
}

/// The edits that make a cluster's DNS forward a zone to its name servers, or remove an earlier stub domain (`stub` is
/// `None`). `seen` are the existing ConfigMaps, by name.
///
/// Each ConfigMap with an edit or a conflict has an entry; a cluster without a known DNS has none.
pub fn edits(
    seen: &BTreeMap<String, Value>,
    flavour: Option<DnsFlavour>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Vec<Result<Edit, Refusal>> {
    // An earlier stub domain of another flavour is removed.
    let stub_for = |desired: DnsFlavour| match flavour {
        Some(found) if found != desired => None,
        _ => stub,
    };
    let mut edits = Vec::new();
    let custom = seen
        .get(COREDNS)
        .and_then(|map| map["data"]["Corefile"].as_str())
        .is_some_and(takes_additions);
    if let Some(map) = seen.get(COREDNS) {
        let stub = stub_for(DnsFlavour::CoreDns).filter(|_| !custom);
        edits.extend(in_corefile(COREDNS, map, mesh, stub));
    }
    let additions = stub_for(DnsFlavour::CoreDns).filter(|_| custom);
    let main = seen
        .get(COREDNS)
        .and_then(|map| map["data"]["Corefile"].as_str());
    edits.extend(in_additions(
        seen.get(COREDNS_CUSTOM),
        main,
        mesh,
        additions,
    ));
    if let Some(map) = seen.get(NODE_LOCAL_DNS) {
        // In front of kube-dns it copies kube-dns's stub domains, and a second block would be a duplicate.
        let stub = stub_for(DnsFlavour::CoreDns).filter(|_| seen.contains_key(COREDNS));
        edits.extend(in_corefile(NODE_LOCAL_DNS, map, mesh, stub));
    }
    if let Some(map) = seen.get(KUBE_DNS) {
        // When CoreDNS replaces kube-dns, it keeps kube-dns's ConfigMap.
        let replaced = flavour.is_none() && seen.contains_key(COREDNS);
        let stub = stub_for(DnsFlavour::KubeDns).filter(|_| !replaced);
        edits.extend(kube_dns::edit(map, mesh, stub).transpose());
    }
    edits
}

/// Whether a Corefile imports server blocks from [`COREDNS_CUSTOM`], as on AKS and k3s, whose operators undo changes of
/// the Corefile itself.
fn takes_additions(corefile: &str) -> bool {
    Corefile::parse(corefile).is_ok_and(|corefile| {
        let mut imports = corefile.imports.iter();
        imports.any(|path| path.ends_with("custom/*.server"))
    })
}

fn in_corefile(
    config_map: &'static str,
    map: &Value,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Edit, Refusal>> {
    let Some(before) = map["data"]["Corefile"].as_str() else {
        return stub.map(|_| {
            Err(Refusal {
                config_map,
                why: "it has no Corefile; set dnsFlavour if this cluster's DNS is another"
                    .to_owned(),
            })
        });
    };
    let merged = match stub {
        Some(stub) => merge(before, stub),
        // Most Corefiles have no block of the mesh.
        None if !merge::is_marked(before, mesh) => return None,
        None => remove(before, mesh).map(|text| {
            let needs_restart = Corefile::parse(&text).is_ok_and(|rest| rest.needs_restart());
            Merged {
                text,
                needs_restart,
            }
        }),
    };
    Some(match merged {
        Ok(merged) => {
            let mut after = json!({ "data": map["data"] });
            let holds_ours = merge::is_marked(&merged.text, mesh);
            after["data"]["Corefile"] = merged.text.into();
            Ok(Edit {
                config_map,
                before: Some(map.clone()),
                after,
                holds_ours,
                needs_restart: merged.needs_restart,
            })
        }
        Err(why) => Err(Refusal { config_map, why }),
    })
}

/// The mesh's key in the ConfigMap of additions to the Corefile `main`.
fn in_additions(
    map: Option<&Value>,
    main: Option<&str>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Edit, Refusal>> {
    let key = format!("fedmesh-{mesh}.server");
    let mut after = json!({ "data": map.map_or(&Value::Null, |map| &map["data"]) });
    let there = !after["data"][&key].is_null();
    // A block of the mesh that an import has made redundant is about to be removed.
    let main = main.map_or_else(String::new, |main| {
        remove(main, mesh).unwrap_or_else(|_| main.to_owned())
    });
    let parsed = Corefile::parse(&main).unwrap_or_default();
    let needs_restart = parsed.needs_restart();
    let mut desired = None;
    match stub {
        None if !there => return None,
        None => {}
        Some(stub) => {
            let place = Listener::in_corefile(&parsed);
            // CoreDNS does not start if two blocks have one zone, in any of the files.
            let keys = map.and_then(|map| map["data"].as_object());
            let others = keys
                .into_iter()
                .flatten()
                // The others hold plugins, for the block of the Corefile itself.
                .filter(|(other, _)| **other != key && other.ends_with(".server"))
                .map(|(other, text)| (other.as_str(), text.as_str().unwrap_or_default()));
            match elsewhere(
                others.chain([("Corefile of coredns", &*main)]),
                stub,
                place.port,
            ) {
                Ok(true) => {}
                Ok(false) => desired = Some(block(stub, &place, "\n")),
                Err(why) => {
                    return Some(Err(Refusal {
                        config_map: COREDNS_CUSTOM,
                        why,
                    }));
                }
            }
        }
    }
    let holds_ours = desired.is_some();
    match (desired, after["data"].as_object_mut()) {
        (Some(text), _) => after["data"][&key] = text.into(),
        (None, Some(data)) => _ = data.shift_remove(&key),
        (None, None) => {}
    }
    Some(Ok(Edit {
        config_map: COREDNS_CUSTOM,
        before: map.cloned(),
        after,
        holds_ours,
        needs_restart,
    }))
}

/// Whether one of these texts has an equivalent block for the zone.
fn elsewhere<'a>(
    texts: impl Iterator<Item = (&'a str, &'a str)>,
    stub: StubDomain<'_>,
    port: &str,
) -> Result<bool, String> {
    for (name, text) in texts {
        let served = Corefile::parse(text)
            .map_err(|fault| unreadable(&fault))
            .and_then(|parsed| is_served(&parsed, stub, port, 0))
            .map_err(|why| format!("{name}: {why}"))?;
        if served {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether two names are equal in DNS.
fn same_name(one: &str, other: &str) -> bool {
    let other = other.strip_suffix('.').unwrap_or(other);
    one.strip_suffix('.')
        .unwrap_or(one)
        .eq_ignore_ascii_case(other)
}
