//! Manifests that somebody has, from which a document is made.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::import::{Options, Source, import};

fuzz_target!(|text: &str| {
    let source = Source::in_folder("cluster1/manifests.yaml", text.to_owned());
    let options = Options {
        name: Some("demo".to_owned()),
        suffix: Some("mesh.example.org".to_owned()),
    };
    if let Ok(imported) = import(&[source], &options) {
        let written = imported.mesh.to_yaml();
        shared::Mesh::read(&written).expect("what is imported can be read");
    }
});
