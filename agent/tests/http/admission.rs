//! Tests of the request guard: each attack with its exact response.

use crate::support::{And, ELSEWHERE, HOST, TestServer, With, Without};

/// Method, path, changes to a valid request, and the status of the response.
type Case<'a> = (&'a str, &'a str, &'a [crate::support::Change<'a>], u16);

impl TestServer {
    async fn refuse(&self, cases: &[Case<'_>]) {
        for (method, path, changes, status) in cases {
            let answer = self.send(method, path, changes, "").await;
            assert_eq!(
                answer.status.as_u16(),
                *status,
                "{method} {path} {changes:?}"
            );
            answer.assert_error();
            assert!(!String::from_utf8_lossy(&answer.body).contains(&self.token));
            assert_eq!(
                answer.headers.contains_key("www-authenticate"),
                *status == 401
            );
            assert_eq!(
                answer.headers.contains_key("allow"),
                *status == 405,
                "{method} {path}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
        // The same request without these changes is accepted.
        assert_eq!(
            self.send("GET", "/api/v1/session", &[], "").await.status,
            200
        );
    }
}

#[tokio::test]
async fn requests_without_the_token_are_rejected() {
    let server = TestServer::new();
    let short = format!("Bearer {}", &server.token[..63]);
    let upper = format!("Bearer {}", server.token.to_uppercase());
    let basic = format!("Basic {}", server.token);
    let cookie = format!("token={}", server.token);
    let in_query = format!(
        "/api/v1/session?token={}&access_token={}",
        server.token, server.token
    );
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("GET", "/api/v1/session", &[Without("authorization")], 401),
        ("GET", "/api/v1/session", &[With("authorization", "Bearer ")], 401),
        ("GET", "/api/v1/session", &[With("authorization", "Bearer wrong")], 401),
        ("GET", "/api/v1/session", &[With("authorization", &short)], 401),
        ("GET", "/api/v1/session", &[With("authorization", &upper)], 401),
        ("GET", "/api/v1/session", &[With("authorization", &basic)], 401),
        ("GET", "/api/v1/session", &[With("authorization", &server.token)], 401),
        ("GET", "/api/v1/session", &[And("authorization", "Bearer wrong")], 401),
        ("GET", "/api/v1/session", &[Without("authorization"), With("cookie", &cookie)], 401),
        ("GET", &in_query, &[Without("authorization")], 401),
        ("GET", "/api/v1/clusters", &[Without("authorization")], 401),
        ("POST", "/api/v1/plan", &[Without("authorization")], 401),
        ("POST", "/api/v1/status", &[Without("authorization")], 401),
        ("POST", "/api/v1/apply", &[Without("authorization")], 401),
        ("GET", "/api/v1/applies/x", &[Without("authorization")], 401),
        ("POST", "/api/v1/verify", &[Without("authorization")], 401),
        ("GET", "/api/v1/verifications/x", &[Without("authorization")], 401),
        ("POST", "/api/v1/verifications/x/stop", &[Without("authorization")], 401),
        ("GET", "/api/v1/nothing", &[Without("authorization")], 401),
        ("OPTIONS", "/api/v1/session", &[Without("authorization")], 401),
    ];
    server.refuse(cases).await;
}

#[tokio::test]
async fn requests_for_other_hosts_are_rejected() {
    let server = TestServer::new();
    #[rustfmt::skip]
    let cases: &[Case] = &[
        // They do not get the page either.
        ("GET", "/api/v1/session", &[With("host", "evil.example")], 421),
        ("GET", "/", &[With("host", "evil.example")], 421),
        ("GET", "/", &[With("host", "evil.example:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "127.0.0.1.evil.example:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "localhost.evil.example:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "evil.example@127.0.0.1:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "127.0.0.1:8643")], 421),
        ("GET", "/api/v1/session", &[With("host", "127.0.0.1:86420")], 421),
        ("GET", "/api/v1/session", &[With("host", "127.0.0.1")], 421),
        ("GET", "/api/v1/session", &[With("host", "127.0.0.2:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "0.0.0.0:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "2130706433:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "localhost.:8642")], 421),
        ("GET", "/api/v1/session", &[With("host", "")], 421),
        ("GET", "/api/v1/session", &[Without("host")], 400),
        ("GET", "/", &[Without("host")], 400),
        ("GET", "/api/v1/session", &[And("host", "evil.example")], 400),
        ("GET", "/api/v1/session", &[With("host", "evil.example"), With("x-forwarded-host", HOST)], 421),
        ("GET", "http://evil.example/api/v1/session", &[], 421),
    ];
    server.refuse(cases).await;
}

#[tokio::test]
async fn requests_of_other_origins_are_rejected_even_with_the_token() {
    let server = TestServer::new();
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("GET", "/api/v1/session", &[With("origin", "https://evil.example")], 403),
        ("GET", "/", &[With("origin", "https://evil.example")], 403),
        ("POST", "/api/v1/apply", &[With("origin", "https://evil.example")], 403),
        ("POST", "/api/v1/verify", &[With("origin", "https://evil.example")], 403),
        ("GET", "/api/v1/session", &[With("origin", "null")], 403),
        ("GET", "/api/v1/session", &[With("origin", "")], 403),
        ("GET", "/api/v1/session", &[With("origin", "http://127.0.0.1:8642.evil.example")], 403),
        ("GET", "/api/v1/session", &[With("origin", "http://127.0.0.1:86420")], 403),
        ("GET", "/api/v1/session", &[With("origin", "http://127.0.0.1")], 403),
        ("GET", "/api/v1/session", &[With("origin", "https://127.0.0.1:8642")], 403),
        ("GET", "/api/v1/session", &[With("origin", "http://127.0.0.1:8642/")], 403),
        ("GET", "/api/v1/session", &[With("origin", "https://mesh.example.org.evil.example")], 403),
        ("GET", "/api/v1/session", &[With("origin", "https://sub.mesh.example.org")], 403),
        ("GET", "/api/v1/session", &[With("origin", "http://mesh.example.org")], 403),
        ("GET", "/api/v1/session", &[With("origin", "https://MESH.example.org")], 403),
        ("GET", "/api/v1/session", &[With("origin", ELSEWHERE), And("origin", "https://evil.example")], 403),
    ];
    server.refuse(cases).await;
}

#[tokio::test]
async fn other_methods_and_paths_are_rejected() {
    let server = TestServer::new();
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("POST", "/api/v1/session", &[], 405),
        ("DELETE", "/api/v1/session", &[], 405),
        ("GET", "/api/v1/apply", &[], 405),
        ("GET", "/api/v1/verify", &[], 405),
        ("DELETE", "/api/v1/verifications/x", &[], 405),
        ("GET", "/api/v1/verifications/x/stop", &[], 405),
        ("GET", "/api/v1/apply", &[With("x-http-method-override", "POST")], 405),
        ("TRACE", "/api/v1/session", &[], 405),
        ("CONNECT", "/api/v1/session", &[], 405),
        ("POST", "/", &[], 405),
        ("PUT", "/index.html", &[], 405),
        ("GET", "/api", &[], 404),
        ("GET", "/api/", &[], 404),
        ("GET", "/api/v1", &[], 404),
        ("GET", "/api/v1/", &[], 404),
        ("GET", "/api/v1/nothing", &[], 404),
        ("GET", "/api/v2/session", &[], 404),
        ("GET", "/api/v1/session/", &[], 404),
        ("GET", "/api/v1/applies/unknown", &[], 404),
        ("GET", "/api/v1/applies/..%2f..%2f..%2fetc%2fpasswd", &[], 404),
        ("GET", "/api/v1/applies/../session", &[], 404),
        ("GET", "/api/v1/applies/%00", &[], 404),
        ("GET", "/api/v1/applies/%ff", &[], 404),
        ("GET", "/api/v1/verifications/unknown", &[], 404),
        ("POST", "/api/v1/verifications/unknown/stop", &[], 404),
        ("POST", "/api/v1/applies/unknown/stop", &[], 404),
        ("GET", "/api/v1/verifications/..%2fsession", &[], 404),
        ("GET", "/api/v1/verifications/%ff", &[], 404),
    ];
    server.refuse(cases).await;
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_accepted() {
    let server = TestServer::new();
    let preflight = [
        Without("authorization"),
        Without("content-type"),
        With("origin", ELSEWHERE),
        With("access-control-request-method", "POST"),
        With(
            "access-control-request-headers",
            "authorization,content-type",
        ),
        With("access-control-request-private-network", "true"),
    ];
    let answer = server
        .send("OPTIONS", "/api/v1/apply", &preflight, "")
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), ELSEWHERE);
    assert_eq!(answer.header("access-control-allow-methods"), "GET, POST");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization, content-type"
    );
    assert_eq!(
        answer.header("access-control-allow-private-network"),
        "true"
    );
    assert_eq!(answer.header("vary"), "origin");

    let mut foreign = preflight;
    foreign[2] = With("origin", "https://evil.example");
    let answer = server.send("OPTIONS", "/api/v1/apply", &foreign, "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("access-control-allow-methods"), "");

    // Errors are readable too, so that the page can show them.
    for (changes, status) in [
        (&[With("origin", ELSEWHERE)][..], 200),
        (&[With("origin", ELSEWHERE), Without("authorization")], 401),
    ] {
        let answer = server.send("GET", "/api/v1/session", changes, "").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), ELSEWHERE);
    }
    // Pages of other origins cannot read the page's own files.
    let answer = server
        .send("GET", "/", &[With("origin", ELSEWHERE)], "")
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
