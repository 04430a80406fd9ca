//! The Corefile of a cluster: a stub domain is merged into it and taken out again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::cluster_dns::{StubDomain, merge, remove};

fuzz_target!(|corefile: &str| {
    let stub = StubDomain {
        mesh: "demo",
        suffix: "mesh.example.org",
        nameservers: &["192.0.2.53".to_owned(), "[2001:db8::53]:5353".to_owned()],
    };
    _ = remove(corefile, "demo");
    let Ok(merged) = merge(corefile, stub) else {
        return;
    };
    let again = merge(&merged.text, stub).expect("what is written can be merged again");
    assert_eq!(again.text, merged.text);
    remove(&merged.text, "demo").expect("what is written can be taken out");
});
