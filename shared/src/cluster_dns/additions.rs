//! The mesh's key in a ConfigMap whose keys are server blocks that a Corefile imports.

use serde_json::{Value, json};

use super::StubDomain;
use super::corefile::Corefile;
use super::forwarding::Changed;
use super::merge::{Listener, block, is_served, remove, unreadable};

/// The mesh's key.
pub(super) fn key_of(mesh: &str) -> String {
    format!("fedmesh-{mesh}.server")
}

/// The change of the ConfigMap of additions to the Corefile `main`; `None` if it has, and gets, no block of the mesh.
pub(super) fn in_additions(
    map: Option<&Value>,
    main: Option<&str>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Changed, String>> {
    let key = key_of(mesh);
    let mut after = json!({ "data": map.map_or(&Value::Null, |map| &map["data"]) });
    let there = !after["data"][&key].is_null();
    if stub.is_none() && !there {
        return None;
    }
    // A block of the mesh that an import has made redundant is about to be removed.
    let main = main.map_or_else(String::new, |main| {
        remove(main, mesh).unwrap_or_else(|_| main.to_owned())
    });
    let parsed = Corefile::parse(&main).unwrap_or_default();
    let mut desired = None;
    if let Some(stub) = stub {
        let place = Listener::in_corefile(&parsed);
        // CoreDNS does not start if two blocks have one zone, in any of the files.
        let keys = map.and_then(|map| map["data"].as_object());
        let others = keys
            .into_iter()
            .flatten()
            // The others hold plugins, for the block of the Corefile itself.
            .filter(|(other, _)| **other != key && other.ends_with(".server"))
            .map(|(other, text)| (other.as_str(), text.as_str().unwrap_or_default()));
        let texts = others.chain([("the Corefile", &*main)]);
        match elsewhere(texts, stub, place.port) {
            Ok(true) => {}
            Ok(false) => desired = Some(block(stub, &place, "\n")),
            Err(why) => return Some(Err(why)),
        }
    }
    let holds_ours = desired.is_some();
    match (desired, after["data"].as_object_mut()) {
        (Some(text), _) => after["data"][&key] = text.into(),
        (None, Some(data)) => _ = data.shift_remove(&key),
        (None, None) => {}
    }
    Some(Ok(Changed {
        after,
        holds_ours,
        needs_restart: parsed.needs_restart(),
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
