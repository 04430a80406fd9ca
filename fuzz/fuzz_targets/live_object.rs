//! An object as an API server gives it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::kubernetes::object::{Kind, Object};
use shared::kubernetes::ownership::Ownership;
use shared::plan::adoption;
use shared::plan::unchanged::compare;

fuzz_target!(|text: &str| {
    let desired = Object::new(
        Kind::SERVICE,
        Some("shop"),
        "orders",
        serde_json::json!({ "spec": { "ports": [{ "port": 80 }] } }),
    );
    _ = compare(text, |_, _| Some(&desired));
    let Ok(live) = serde_json::from_str::<serde_json::Value>(text) else {
        return;
    };
    let ownership = Ownership::of("demo");
    _ = ownership.owner(&live["metadata"]);
    _ = ownership.is_applied(&live["metadata"]);
    _ = adoption::restoring(&live, &adoption::before(&live));
    _ = desired.beside(&live);
});
