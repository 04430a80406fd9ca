//! A bundle as one stream of YAML documents.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::bundle::Carried;

fuzz_target!(|text: &str| {
    _ = Carried::is_stream(text);
    let Ok(carried) = Carried::from_stream(text) else {
        return;
    };
    if let Ok(mesh) = carried.mesh()
        && mesh.spec.clusters.len() * mesh.spec.services.len() < 100
    {
        _ = carried.verify(&mesh);
    }
});
