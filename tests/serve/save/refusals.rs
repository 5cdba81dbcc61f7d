//! Requests that save nothing.

use super::{ENV, JSON, Shop, TOKEN, request, save};
use crate::app::OtherApp;

#[test]
fn a_request_without_the_token_is_refused() {
    let shop = Shop::new();
    let server = shop.serve();
    let other = format!("Bearer {TOKEN}0");
    for (authorization, problem) in [
        (None, "has no token"),
        (Some("Bearer "), "has no token"),
        (Some("Basic dXNlcjpwYXNzd29yZA=="), "has no token"),
        (Some(TOKEN), "has no token"),
        (Some("Bearer token"), "is not that of the server"),
        (Some(&*other), "is not that of the server"),
    ] {
        let authorization = authorization.map(|value| ("Authorization", value));
        let headers: Vec<_> = authorization.into_iter().chain([JSON]).collect();
        let refused = request(&server, "POST /sse/save/orders", &headers, "1");
        refused.assert_refused(401, problem);
        let head = refused.text.to_lowercase();
        assert!(head.contains("\r\nwww-authenticate: bearer"), "{head}");
        // Also if the rest of the request is wrong.
        let refused = request(&server, "POST /sse/save/%ff?x", &headers, "{");
        refused.assert_refused(401, problem);
    }
    assert_eq!(shop.saved(), None);
    assert!(!server.log().contains(TOKEN));
}

#[test]
fn each_mistake_in_a_request_is_named() {
    let shop = Shop::new();
    let server = shop.serve();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let gzip = ("Content-Encoding", "gzip");
    let large = "1".repeat(65_537);
    let long_text = "\u{1}".repeat(20_000);
    let key = |key| [JSON, ("Idempotency-Key", key)];
    for (target, headers, body, status, problem) in [
        ("", &[JSON][..], "1", 422, "names no cache key"),
        ("a/b", &[JSON], "1", 422, "contains a `/`"),
        (".sse", &[JSON], "1", 422, "leading dot"),
        ("%ff", &[JSON], "1", 422, "not valid UTF-8"),
        ("a%00b", &[JSON], "1", 422, "control character"),
        ("orders", &[JSON], "", 422, "has no value"),
        ("orders", &[], " ", 422, "has no value"),
        ("orders", &[JSON], "{\"a\": 1", 422, "not valid JSON: EOF"),
        ("orders", &[JSON], "shipped", 422, "not valid JSON"),
        (
            "orders",
            &[form],
            "1",
            415,
            "application/x-www-form-urlencoded",
        ),
        ("orders", &[JSON, gzip], "1", 415, "Content-Encoding: gzip"),
        ("orders", &[JSON], &large, 413, "more than 65536 bytes"),
        (
            "orders",
            &[("Content-Type", "text/plain")],
            &long_text,
            422,
            "bytes as JSON",
        ),
        ("orders?ttl=soon", &[JSON], "1", 422, "ttl `soon`"),
        ("orders?ttl=-1", &[JSON], "1", 422, "ttl `-1`"),
        ("orders?ttl=1&ttl=2", &[JSON], "1", 422, "several ttl"),
        ("orders?too=user", &[JSON], "1", 422, "unknown parameter"),
        (
            "orders?value=1",
            &[JSON],
            "1",
            422,
            "unknown parameter `value`",
        ),
        ("orders?to=", &[JSON], "1", 422, "audience"),
        ("orders?to=a%0Ab", &[JSON], "1", 422, "audience"),
        ("invoices", &[JSON], "1", 422, "is private"),
        ("orders", &key(""), "1", 422, "Idempotency-Key is empty"),
        ("orders", &key("a b"), "1", 422, "visible ASCII"),
        (
            "orders",
            &key(&large[..256]),
            "1",
            422,
            "has 256 characters",
        ),
    ] {
        let refused = save(&server, target, headers, body);
        refused.assert_refused(status, problem);
    }
    assert_eq!(shop.saved(), None);
}

#[test]
fn other_methods_and_pages_of_other_origins_are_refused() {
    let origin = "https://app.example";
    let shop = Shop::with_env(&format!("{ENV}SSE_ALLOWED_ORIGINS={origin}\n"));
    let server = shop.serve();
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let preflight = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization"),
        ];
        let refused = request(
            &server,
            &format!("{method} /sse/save/orders"),
            &preflight,
            "",
        );
        assert_eq!(refused.status, 405, "{method}");
        let head = refused.text.to_lowercase();
        assert!(head.contains("\r\nallow: post\r\n"), "{head}");
        assert!(!head.contains("access-control"), "{head}");
    }
    // Pages of this origin may read the stream, but no answer to a save.
    let saved = save(&server, "orders", &[JSON, ("Origin", origin)], "1");
    assert_eq!(saved.status, 201);
    assert!(!saved.text.to_lowercase().contains("access-control"));
}

#[test]
fn the_host_is_checked() {
    let shop = Shop::new();
    let server = shop.serve();
    let headers = [JSON, ("Host", "other.example")];
    save(&server, "orders", &headers, "1").assert_refused(421, "other.example");
    assert_eq!(shop.saved(), None);
}

#[test]
fn saves_over_http_are_off_by_default() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    for target in ["orders", "", "a/b"] {
        let refused = save(&server, target, &[JSON], "1");
        refused.assert_refused(404, "accepts neither values nor revocations over HTTP");
    }
    let refused = request(&server, "GET /sse/save/orders", &[], "");
    refused.assert_refused(404, "accepts neither values nor revocations over HTTP");
}

#[test]
fn an_invalid_configuration_is_an_error_that_says_so() {
    let shop = Shop::new();
    let server = shop.serve();
    shop.0.write(".env", "SSE_EVENTS=\n");
    server.wait_for_log("a change of .env has no effect");
    // The last valid one stays in force.
    assert_eq!(save(&server, "orders", &[JSON], "1").status, 201);
}
