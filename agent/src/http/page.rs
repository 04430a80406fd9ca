//! The page's files, which are part of the program. In a debug build they are read from `dist/`
//! each time, so that a page built anew is there at once.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{self, Refusal};
use super::door;
use super::token::hexadecimal;

#[derive(rust_embed::Embed)]
#[folder = "../dist"]
struct Files;

/// Answers with a file of the page; under `/api` there is none.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if door::is_api(path) {
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
            "There is no such file.\n",
        )
            .into_response(),
    }
}

/// A file by its name in `dist/`. Names that lead anywhere else are none: only what a build of the
/// page makes is looked for.
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
    let tag = format!("\"{}\"", hexadecimal(&file.metadata.sha256_hash()));
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
    // Hexadecimal digits in quotes always are a value of a header.
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

/// Whether a name carries the hash of its file, as `page-0123456789abcdef_bg.wasm` does: a file of
/// that name never changes.
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
    fn names_that_lead_elsewhere_are_none() {
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
