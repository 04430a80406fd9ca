//! A bundle as a zip archive.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::bundle::Carried;

fuzz_target!(|bytes: &[u8]| {
    let Ok(carried) = Carried::from_zip(bytes) else {
        return;
    };
    if let Ok(mesh) = carried.mesh()
        && mesh.spec.clusters.len() * mesh.spec.services.len() < 100
    {
        _ = carried.verify(&mesh);
    }
});
