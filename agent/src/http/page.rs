//! Serves the page's files, which are embedded in the program. A debug build reads them from `dist/` for each request,
//! so that a new build of the page is served at once.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{self, Refusal};
use super::guard;

#[derive(rust_embed::Embed)]
#[folder = "../dist"]
struct Files;

/// Serves a file of the page; there are none under `/api`.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if guard::is_api(path) {
        return Refusal::no_such_path().into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = answer::method_not_allowed().await.into_response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let name = if path == "/" {
        "index.html"
    } else {
        path.trim_start_matches('/')
    };
    match find(name) {
        Some(file) => respond(name, file, request.headers()),
        None => (
            StatusCode::NOT_FOUND,
            [(header::CACHE_CONTROL, "no-cache")],
            "File not found.\n",
        )
            .into_response(),
    }
}

/// A file by its name in `dist/`. Names of other forms than a build of the page creates are rejected, so that no name
/// leads out of the folder.
fn find(name: &str) -> Option<rust_embed::EmbeddedFile> {
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    if name.split('/').all(is_plain) {
        Files::get(name)
    } else {
        None
    }
}

fn respond(name: &str, file: rust_embed::EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = if known
        .is_some_and(|known| known == "*" || known.split(',').any(|one| one.trim() == tag))
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from(file.data).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(media_type(name)),
        );
        response
    };
    let headers = response.headers_mut();
    let cache = if is_hashed(name) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    // Hexadecimal digits in quotes are always a valid header value.
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "md" => "text/markdown; charset=utf-8",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" | "yaml" | "yml" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether a name contains the hash of its file, as `page-0123456789abcdef_bg.wasm` does, so that the file never
/// changes.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.split(['-', '_', '.']).skip(1).any(|part| {
        part.len() >= 16
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_never_change() {
        for name in [
            "page-0123456789abcdef.js",
            "a/page-0123456789abcdef_bg.wasm",
            "x-0123456789abcdef01.css",
        ] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "index.html",
            "page.js",
            "feed-face.js",
            "0123456789abcdef/page.js",
            "fedmesh_bg.wasm",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_rejected() {
        for name in [
            "",
            "../Cargo.toml",
            "a/../../Cargo.toml",
            "/etc/passwd",
            "..%2fCargo.toml",
            "a\\b",
            ".git/config",
            "a//b",
        ] {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
