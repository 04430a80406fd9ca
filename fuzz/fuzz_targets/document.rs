//! A Mesh document that somebody wrote: read, checked, written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::Mesh;
use shared::facts::Facts;

fuzz_target!(|text: &str| {
    let Ok(mesh) = Mesh::read(text) else { return };
    let checked = shared::check(&mesh, &Facts::default());
    let written = mesh.to_yaml();
    let again = Mesh::read(&written).expect("what is written can be read");
    assert_eq!(again, mesh);
    if let Some(resolved) = checked.resolved
        && resolved.clusters.len() * resolved.services.len() < 100
    {
        shared::bundle::Bundle::new(&mesh, &resolved);
    }
});
