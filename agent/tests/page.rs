//! The built page in `dist/`, as it is sent to browsers.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

use std::fs;
use std::path::Path;

/// Largest first load, everything together, in bytes after brotli at its best.
const FIRST_LOAD: usize = 220 * 1024;
/// Largest worker, which is loaded when a file is opened.
const WORKER: usize = 260 * 1024;

fn brotli(bytes: &[u8]) -> usize {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &parameters).unwrap();
    packed.len()
}

#[test]
fn the_first_load_is_small() {
    let (mut first, mut worker) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let size = brotli(&fs::read(&path).unwrap());
        let list = if name.contains("worker") {
            &mut worker
        } else {
            &mut first
        };
        list.push((name, size));
    }
    let total = |list: &[(String, usize)]| list.iter().map(|(_, size)| size).sum::<usize>();
    assert!(
        first
            .iter()
            .any(|(name, _)| Path::new(name).extension().is_some_and(|e| e == "wasm")),
        "{first:?}"
    );
    assert!(
        worker
            .iter()
            .any(|(name, _)| Path::new(name).extension().is_some_and(|e| e == "wasm")),
        "{worker:?}"
    );
    assert!(
        total(&first) <= FIRST_LOAD,
        "{} of {FIRST_LOAD} bytes: {first:?}",
        total(&first)
    );
    assert!(
        total(&worker) <= WORKER,
        "{} of {WORKER} bytes: {worker:?}",
        total(&worker)
    );
}
