//! The built page in `dist/`, as it is sent to browsers.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod weight;

use weight::{Weight, total, weigh};

/// Largest first load, everything together, in bytes after brotli at its best.
const FIRST_LOAD: usize = 220 * 1024;
/// Largest worker, which is loaded when it is first needed.
const WORKER: usize = 260 * 1024;

#[test]
fn the_first_load_is_small() {
    let (first, workers) = weigh();
    let list = |weights: &[Weight]| {
        weights
            .iter()
            .map(|weight| format!("\n{:>8} {}", weight.bytes, weight.name))
            .collect::<String>()
    };
    for part in [&first, &workers] {
        assert!(
            part.iter().any(|weight| weight.name.ends_with("_bg.wasm")),
            "{}",
            list(part)
        );
    }
    assert!(
        total(&first) <= FIRST_LOAD,
        "{} of {FIRST_LOAD} bytes:{}",
        total(&first),
        list(&first)
    );
    for worker in ["yaml-worker", "zip-worker"] {
        let own = workers
            .iter()
            .filter(|weight| weight.name.starts_with(worker));
        let bytes = total(own);
        assert!(
            (1..=WORKER).contains(&bytes),
            "{worker}: {bytes} of {WORKER} bytes:{}",
            list(&workers)
        );
    }
}
