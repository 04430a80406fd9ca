//! What the built page in `dist/` weighs on the wire.

use std::fs;
use std::path::{Path, PathBuf};

use brotlic::{CompressionMode, Quality, WindowSize, compress, compress_bound};

/// A file and its bytes after brotli at its best.
pub(crate) struct Weight {
    pub(crate) name: String,
    pub(crate) bytes: usize,
}

/// The built page.
pub(crate) fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist")
}

/// What keeps and installs the page; a browser loads it after the page is usable, or not at all.
pub(crate) const INSTALLING: [&str; 4] = [
    "icon-192.png",
    "icon-512.png",
    "manifest.webmanifest",
    "sw.js",
];

/// The files that every visit loads, and those that are loaded when they are first needed; none of [`INSTALLING`].
///
/// A visit loads `index.html` and what it names, and whatever those load by themselves. Of the
/// latter there is nothing, which is part of the measure.
pub(crate) fn files() -> (Vec<String>, Vec<String>) {
    let index = fs::read_to_string(dist().join("index.html")).unwrap();
    let mut names = below("");
    names.retain(|name| !INSTALLING.contains(&name.as_str()));
    names.sort();
    let is_first = |name: &String| name == "index.html" || index.contains(name.as_str());
    let (first, others): (Vec<String>, Vec<String>) = names.into_iter().partition(is_first);
    for name in &first {
        // Programs name no files; everything else is text.
        let Ok(text) = fs::read_to_string(dist().join(name)) else {
            continue;
        };
        for other in &others {
            assert!(!text.contains(other.as_str()), "{name} loads {other}");
        }
    }
    (first, others)
}

/// The files in a folder of the page and below it, as paths.
pub(crate) fn below(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(dist().join(folder)).unwrap();
    let paths = entries.map(|entry| {
        let entry = entry.unwrap();
        let path = format!("{folder}{}", entry.file_name().into_string().unwrap());
        (entry.file_type().unwrap().is_dir(), path)
    });
    paths
        .flat_map(|(is_folder, path)| {
            if is_folder {
                below(&format!("{path}/"))
            } else {
                vec![path]
            }
        })
        .collect()
}

/// What files weigh, which takes seconds for each megabyte.
pub(crate) fn weigh(names: Vec<String>) -> Vec<Weight> {
    let weights = names.into_iter().map(|name| Weight {
        bytes: brotli(&fs::read(dist().join(&name)).unwrap()),
        name,
    });
    weights.collect()
}

/// The sum.
pub(crate) fn total<'a>(weights: impl IntoIterator<Item = &'a Weight>) -> usize {
    weights.into_iter().map(|weight| weight.bytes).sum()
}

fn brotli(bytes: &[u8]) -> usize {
    let most = compress_bound(bytes.len(), Quality::best()).unwrap();
    let (best, window) = (Quality::best(), WindowSize::default());
    compress(
        bytes,
        &mut vec![0; most],
        best,
        window,
        CompressionMode::Generic,
    )
    .unwrap()
}
