//! Hosts, origins, rates, headers, and the pages beside the API.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::support::{Answer, Server, request};

async fn get(server: &Server, host: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    send(server, "GET", "/api/projects", host, headers).await
}

async fn send(
    server: &Server,
    method: &str,
    path: &str,
    host: Option<&str>,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in host.map(|host| ("host", host)).iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let body = if method == "GET" {
        String::new()
    } else {
        json!({ "name": "x", "model_id": "broken" }).to_string()
    };
    server.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn only_our_own_hosts_are_answered() {
    let server = Server::with(&[("FTF_ALLOWED_HOSTS", "Studio.example.org")], false).await;
    for host in
        ["localhost:8000", "127.0.0.1:9", "[::1]:8000", "studio.example.org", "STUDIO.example.org:443"]
    {
        get(&server, Some(host), &[]).await.expect(200);
    }
    for host in [Some("evil.example.org"), Some("localhost.evil.example.org:8000"), Some("10.0.0.1"), None] {
        get(&server, host, &[]).await.expect_error(403, "host_not_allowed");
    }
    // Pages too: a rebound name must not even get the app.
    send(&server, "GET", "/", Some("evil.example.org"), &[]).await.expect_error(403, "host_not_allowed");
}

#[tokio::test]
async fn only_our_own_pages_change_anything() {
    let server = Server::with(&[("FTF_ALLOWED_ORIGINS", "https://friend.example.org")], false).await;
    let host = Some("localhost:8000");
    let good = [
        vec![],
        vec![("origin", "http://localhost:8000")],
        vec![("origin", "https://friend.example.org")],
        vec![("sec-fetch-site", "same-origin")],
    ];
    for headers in &good {
        send(&server, "POST", "/api/projects", host, headers).await.expect(201);
    }
    let bad = [
        ("origin", "http://evil.example.org"),
        ("origin", "http://localhost:3000"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for header in bad {
        send(&server, "POST", "/api/projects", host, &[header]).await.expect_error(403, "origin_not_allowed");
        get(&server, host, &[header]).await.expect(200);
    }
    assert_eq!(server.get("/api/projects").await.expect(200)["total"], good.len());
}

#[tokio::test]
async fn other_origins_read_only_when_they_are_on_the_list() {
    let server = Server::with(&[("FTF_ALLOWED_ORIGINS", "https://friend.example.org")], false).await;
    let host = Some("localhost");
    let friend = get(&server, host, &[("origin", "https://friend.example.org")]).await;
    assert_eq!(friend.header("access-control-allow-origin"), "https://friend.example.org");
    let stranger = get(&server, host, &[("origin", "https://stranger.example.org")]).await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
    let preflight = [("origin", "https://friend.example.org"), ("access-control-request-method", "PATCH")];
    let answer = send(&server, "OPTIONS", "/api/projects/x", host, &preflight).await;
    assert!(answer.header("access-control-allow-methods").contains("PATCH"), "{:?}", answer.headers);
    assert!(answer.header("access-control-allow-headers").contains("authorization"), "{:?}", answer.headers);
    let closed = Server::start().await;
    let answer = get(&closed, host, &[("origin", "https://friend.example.org")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let settings = [("FTF_RATE_LIMIT_PER_SECOND", "1"), ("FTF_RATE_LIMIT_BURST", "3")];
    let server = Server::with(&settings, false).await;
    for _ in 0..3 {
        server.get("/api/projects").await.expect(200);
    }
    let refused = server.get("/api/projects").await;
    let error = refused.expect_error(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), error["params"]["retry_after_seconds"].to_string());
    assert_eq!(server.get("/").await.status, 200, "pages are not counted");
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let server = Server::start().await;
    for path in ["/", "/health", "/api/projects", "/api/nothing", "/assets/nothing.js"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    assert_eq!(server.get("/api/projects").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn every_other_address_is_the_app() {
    let server = Server::start().await;
    let start = server.get("/").await;
    assert_eq!((start.status.as_u16(), start.header("cache-control")), (200, "no-cache"));
    assert!(start.header("content-type").starts_with("text/html"));
    assert_eq!(
        server.get("/projects/1/train").await.bytes,
        start.bytes,
        "addresses of the app are its start page"
    );
    server.get("/assets/nothing.js").await.expect_error(404, "not_found");
    server.get("/favicon.nothing").await.expect_error(404, "not_found");
    server.post("/projects", &json!({})).await.expect_error(405, "method_not_allowed");
    // A build without the web app says so instead, and has no etag.
    if !start.header("etag").is_empty() {
        let again = request("GET", "/").header("if-none-match", start.header("etag"));
        assert_eq!(server.send(again.body(Body::empty()).expect("a request")).await.status, 304);
    }
}

#[tokio::test]
async fn answers_are_compressed_for_who_asks() {
    let server = Server::start().await;
    let asked = request("GET", "/api/settings").header("accept-encoding", "gzip");
    let answer = server.send(asked.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert!(answer.bytes.len() < server.get("/api/settings").await.bytes.len());
}
