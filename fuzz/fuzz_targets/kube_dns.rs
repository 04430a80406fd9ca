//! The ConfigMaps of a cluster's own DNS.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use shared::cluster_dns::{CONFIG_MAPS, StubDomain, edits};

fuzz_target!(|text: &str| {
    let Ok(map) = serde_json::from_str::<serde_json::Value>(text) else {
        return;
    };
    let seen: BTreeMap<_, _> = CONFIG_MAPS
        .iter()
        .map(|name| ((*name).to_owned(), map.clone()))
        .collect();
    let stub = StubDomain {
        mesh: "demo",
        suffix: "mesh.example.org",
        nameservers: &["192.0.2.53".to_owned()],
    };
    for edit in edits(&seen, None, "demo", Some(stub)).into_iter().flatten() {
        _ = (edit.diff(), edit.patch(), edit.object());
    }
    _ = edits(&seen, None, "demo", None);
});
