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
