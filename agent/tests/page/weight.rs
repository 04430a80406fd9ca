//! What the built page in `dist/` weighs on the wire.

use std::fs;
use std::path::{Path, PathBuf};

/// A file and its bytes after brotli at its best.
pub(crate) struct Weight {
    pub(crate) name: String,
    pub(crate) bytes: usize,
}

/// The built page.
pub(crate) fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist")
}

/// What every visit loads, and what the workers load when they are first needed.
pub(crate) fn weigh() -> (Vec<Weight>, Vec<Weight>) {
    let mut weights: Vec<Weight> = fs::read_dir(dist())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            Weight {
                name: path.file_name().unwrap().to_string_lossy().into_owned(),
                bytes: brotli(&fs::read(&path).unwrap()),
            }
        })
        .collect();
    weights.sort_by(|a, b| a.name.cmp(&b.name));
    weights
        .into_iter()
        .partition(|weight| !weight.name.contains("worker"))
}

/// The sum.
pub(crate) fn total<'a>(weights: impl IntoIterator<Item = &'a Weight>) -> usize {
    weights.into_iter().map(|weight| weight.bytes).sum()
}

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
