//! The built page in `dist/`, as it is sent to browsers.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod weight;

use std::collections::BTreeSet;
use std::fs;

use weight::{INSTALLING, Weight, below, dist, files, total, weigh};

/// Largest program of the page with its styles, everything that the form needs, in bytes after brotli at its best.
const FIRST_LOAD: usize = 640 * 1024;
/// What is loaded after the form, and the most that each may weigh.
const ON_DEMAND: [(&str, usize); 2] = [("read-worker", 780 * 1024), ("render-worker", 480 * 1024)];

/// The most that the text editor may weigh.
const EDITOR: (&str, usize) = ("editor.mjs", 130 * 1024);

/// The most that a file with explanations of findings may weigh: one is loaded at a time.
const EXPLANATIONS: usize = 16 * 1024;

/// The most that the service worker, the manifest and its icons may weigh together.
const INSTALLING_AT_MOST: usize = 24 * 1024;

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

#[test]
fn what_keeps_and_installs_the_page_is_small() {
    let own = weigh(INSTALLING.map(str::to_owned).to_vec());
    println!("installing: {}{}", total(&own), list(&own));
    assert!(total(&own) <= INSTALLING_AT_MOST, "{}", list(&own));
}

/// `cargo xtask dist --check` compares the digests too; this is the part that a page built by trunk alone lacks.
#[test]
fn the_service_worker_keeps_every_file() {
    let worker = fs::read_to_string(dist().join("sw.js")).unwrap();
    let (_, list) = worker.split_once("const FILES = ").unwrap();
    let (list, _) = list.split_once("};").unwrap();
    let list: serde_json::Value = serde_json::from_str(&format!("{list}}}")).unwrap();
    let kept: BTreeSet<&str> = list
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let files = below("");
    let files = files.iter().map(String::as_str);
    let files: BTreeSet<&str> = files.filter(|name| *name != "sw.js").collect();
    assert_eq!(kept, files);
    // The page's workers and the service worker have to agree on the number of the build.
    let index = fs::read_to_string(dist().join("index.html")).unwrap();
    let build = worker
        .lines()
        .find_map(|line| line.strip_prefix("const BUILD = "));
    let build = build.unwrap().trim_matches(['"', ';']);
    assert!(index.contains(&format!("data-build={build}")), "{build}");
}

/// An installed page has a name and icons.
#[test]
fn the_manifest_names_files_of_the_page() {
    let manifest = fs::read_to_string(dist().join("manifest.webmanifest")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["display"], "standalone");
    let icons = manifest["icons"].as_array().unwrap();
    for icon in icons {
        let name = icon["src"].as_str().unwrap();
        let bytes = fs::read(dist().join(name)).unwrap();
        // Width and height are the first fields of a PNG file (PNG, 11.2.1).
        if icon["type"] == "image/png" {
            let field = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(icon["sizes"], format!("{}x{}", field(16), field(20)));
        }
    }
    let sizes: BTreeSet<&str> = icons
        .iter()
        .filter_map(|icon| icon["sizes"].as_str())
        .collect();
    // Chromium installs a page only with these.
    assert!(
        sizes.contains("192x192") && sizes.contains("512x512"),
        "{sizes:?}"
    );
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
