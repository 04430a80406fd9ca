//! The page's files.

use axum::http::StatusCode;

use crate::support::{TestServer, With, Without};

#[tokio::test]
async fn the_page_needs_no_token_and_is_cached_by_its_contents() {
    let server = TestServer::new();
    let page = server
        .send("GET", "/", &[Without("authorization")], "")
        .await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    assert!(
        String::from_utf8(page.body.clone())
            .unwrap()
            .to_lowercase()
            .starts_with("<!doctype html>")
    );
    let tag = page.header("etag").to_owned();
    assert!(tag.len() > 40 && tag.starts_with('"'));

    assert_eq!(
        server.send("GET", "/index.html", &[], "").await.body,
        page.body
    );
    let again = server
        .send("GET", "/", &[With("if-none-match", &tag)], "")
        .await;
    assert_eq!(
        (again.status, again.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    assert_eq!(
        server
            .send("GET", "/", &[With("if-none-match", "\"other\"")], "")
            .await
            .status,
        200
    );
    let head = server.send("HEAD", "/", &[], "").await;
    assert_eq!(
        (head.status, head.header("etag")),
        (StatusCode::OK, tag.as_str())
    );
}

#[tokio::test]
async fn paths_outside_the_page_are_not_found() {
    let server = TestServer::new();
    for path in [
        "/../Cargo.toml",
        "/..%2fCargo.toml",
        "/%2e%2e/Cargo.toml",
        "/%2e%2e%2fCargo.toml",
        "/..%5cCargo.toml",
        "/./index.html",
        "//index.html/..",
        "//etc/passwd",
        "/index.html/",
        "/index.html%00.js",
        "/.git/config",
        "/nothing.js",
        "/%61pi/v1/session",
        "//api/v1/session",
        "/API/v1/session",
    ] {
        let answer = server
            .send("GET", path, &[Without("authorization")], "")
            .await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.body, b"File not found.\n", "{path}");
    }
}

#[tokio::test]
async fn files_for_use_offline_have_their_types_and_are_not_cached_unchecked() {
    let server = TestServer::new();
    for (path, kind) in [
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/icon-192.png", "image/png"),
        ("/icon-512.png", "image/png"),
    ] {
        let file = server
            .send("GET", path, &[Without("authorization")], "")
            .await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-type"), kind, "{path}");
        assert_eq!(file.header("cache-control"), "no-cache", "{path}");
    }
}

/// A browser enforces both policies, that of the header and that of the page.
#[tokio::test]
async fn both_policies_allow_the_same_of_the_page() {
    let server = TestServer::new();
    let page = server.send("GET", "/", &[], "").await;
    let header = page.header("content-security-policy").to_owned();
    let html = String::from_utf8(page.body).unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        for policy in [&header, &html] {
            assert!(policy.contains(part), "{part}: {policy:.600}");
        }
    }
}
