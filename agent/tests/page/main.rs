//! The built page in `dist/`, as it is sent to browsers.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod weight;

use weight::{Weight, files, total, weigh};

/// Largest program of the page with its styles, everything that the form needs, in bytes after brotli at its best.
const FIRST_LOAD: usize = 550 * 1024;
/// What is loaded after the form, and the most that each may weigh.
const ON_DEMAND: [(&str, usize); 2] = [("read-worker", 780 * 1024), ("render-worker", 460 * 1024)];

/// The most that the text editor may weigh.
const EDITOR: (&str, usize) = ("editor.mjs", 130 * 1024);

/// The most that a file with explanations of findings may weigh: one is loaded at a time.
const EXPLANATIONS: usize = 16 * 1024;

#[test]
fn the_first_load_is_small() {
    let (first, _) = files();
    let first = weigh(first);
    assert_holds_a_program(&first);
    println!("first load: {}{}", total(&first), list(&first));
    assert!(
        total(&first) <= FIRST_LOAD,
        "{} of {FIRST_LOAD} bytes:{}",
        total(&first),
        list(&first)
    );
}

#[test]
fn what_is_loaded_on_demand_is_small_too() {
    let (_, others) = files();
    let (texts, programs): (Vec<String>, Vec<String>) = others
        .into_iter()
        .partition(|name| name.starts_with("explain/"));
    for text in weigh(texts) {
        println!("{}: {}", text.name, text.bytes);
        assert!(
            text.bytes <= EXPLANATIONS,
            "{}: {} of {EXPLANATIONS} bytes",
            text.name,
            text.bytes
        );
    }
    let mut others = weigh(programs);
    for (part, most) in ON_DEMAND {
        let is_own = |weight: &Weight| {
            let rest = weight.name.strip_prefix(part);
            rest.is_some_and(|rest| rest.starts_with(['.', '_']))
        };
        let (own, rest): (Vec<Weight>, Vec<Weight>) = others.into_iter().partition(is_own);
        others = rest;
        assert_holds_a_program(&own);
        println!("{part}: {}{}", total(&own), list(&own));
        assert!(
            total(&own) <= most,
            "{part}: {} of {most} bytes:{}",
            total(&own),
            list(&own)
        );
    }
    let (editor, most) = EDITOR;
    let (own, others): (Vec<Weight>, Vec<Weight>) =
        others.into_iter().partition(|weight| weight.name == editor);
    println!("{editor}: {}", total(&own));
    assert!((1..=most).contains(&total(&own)), "{}", list(&own));
    assert!(others.is_empty(), "nobody loads:{}", list(&others));
}

fn assert_holds_a_program(weights: &[Weight]) {
    assert!(
        weights
            .iter()
            .any(|weight| weight.name.ends_with("_bg.wasm")),
        "{}",
        list(weights)
    );
}

fn list(weights: &[Weight]) -> String {
    weights
        .iter()
        .map(|weight| format!("\n{:>8} {}", weight.bytes, weight.name))
        .collect()
}
