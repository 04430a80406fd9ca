//! Compression by the browser.

use futures::TryStreamExt;
use gloo::file::Blob;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_streams::ReadableStream;

// Not in web-sys yet, but for its unstable part.
#[wasm_bindgen]
extern "C" {
    type CompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;

    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
}

/// RFC 1951.
const FORMAT: &str = "deflate-raw";

/// Compresses a text.
pub(crate) async fn deflated(text: &str) -> Result<Vec<u8>, JsValue> {
    let by = CompressionStream::new(FORMAT)?;
    piped(text.as_bytes(), by.unchecked_ref(), usize::MAX).await
}

/// Decompresses at most `most` bytes: a few bytes can grow to gigabytes.
pub(crate) async fn inflated(bytes: &[u8], most: usize) -> Result<Vec<u8>, JsValue> {
    let by = DecompressionStream::new(FORMAT)?;
    piped(bytes, by.unchecked_ref(), most).await
}

async fn piped(
    bytes: &[u8],
    by: &web_sys::ReadableWritablePair,
    most: usize,
) -> Result<Vec<u8>, JsValue> {
    let blob = Blob::new(bytes);
    let blob: &web_sys::Blob = blob.as_ref();
    let stream = blob.stream().pipe_through(by);
    let mut chunks = ReadableStream::from_raw(stream.unchecked_into()).into_stream();
    let mut all = Vec::new();
    while let Some(chunk) = chunks.try_next().await? {
        all.extend(Uint8Array::new(&chunk).to_vec());
        if all.len() > most {
            return Err(js_sys::Error::new(&format!("it has more than {most} bytes")).into());
        }
    }
    Ok(all)
}
