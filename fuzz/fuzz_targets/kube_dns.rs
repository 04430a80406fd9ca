//! The ConfigMaps of a cluster's own DNS, and the objects by which its servers are found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::cluster_dns::{Found, Observed, StubDomain, forwarding, services};

fuzz_target!(|text: &str| {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        return;
    };
    let pods = services(&value)
        .into_iter()
        .map(|service| (service, value.clone()));
    let pods: Vec<_> = pods.collect();
    let stub = StubDomain {
        mesh: "demo",
        suffix: "mesh.example.org",
        nameservers: &["192.0.2.53".to_owned()],
    };
    for found in [None, Some(Found::new(&pods, &value))] {
        let mut dns = Observed {
            found,
            ..Observed::default()
        };
        for _ in 0..2 {
            let config_maps = dns.config_maps();
            dns.maps = config_maps
                .into_iter()
                .map(|key| (key, value.clone()))
                .collect();
        }
        let changes = forwarding(&dns, None, "demo", Some(stub));
        for edit in changes.edits.into_iter().flatten() {
            _ = (edit.diff(), edit.patch(), edit.object());
        }
        _ = forwarding(&dns, None, "demo", None);
    }
});
