//! Requests of pages of other origins, as browsers send them: first a preflight, then the stream.

use support::{
    App, Server, Stream,
    http::{self, Response},
};

/// The response to OPTIONS with these headers, which has no body.
fn options(server: &Server, headers: &[(&str, &str)]) -> Response {
    let mut response = http::request(server.address(), "OPTIONS /sse/stream", headers, "");
    let text = response.read_text();
    assert!(text.ends_with("\r\n\r\n"), "{text}");
    response
}

/// What Chromium sends before a client built on `fetch` reconnects.
fn preflight(server: &Server, origin: &str) -> Response {
    options(
        server,
        &[
            ("Origin", origin),
            ("Access-Control-Request-Method", "GET"),
            (
                "Access-Control-Request-Headers",
                "authorization,cache-control,last-event-id",
            ),
        ],
    )
}

#[test]
fn a_page_of_an_allowed_origin_may_reconnect_with_its_id() {
    let app = App::with_env(
        "SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example,HTTPS://Other.Example:443\n",
    );
    let server = app.start();
    for origin in ["https://app.example", "https://other.example"] {
        let response = preflight(&server, origin);
        assert_eq!(response.status, 204, "{:?}", response.headers);
        for (name, value) in [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, HEAD"),
            (
                "access-control-allow-headers",
                "Last-Event-ID, Cache-Control, Authorization",
            ),
            ("access-control-max-age", "7200"),
            ("vary", "Origin"),
        ] {
            assert_eq!(response.header(name), Some(value), "{name}");
        }
        let headers = [("Origin", origin), ("Last-Event-ID", "0000000000000001-1")];
        let stream = Stream::request(server.address(), "/sse/stream", &headers);
        assert_eq!(stream.status, 200);
        assert_eq!(stream.headers["access-control-allow-origin"], origin);
    }
}

#[test]
fn preflights_of_other_origins_get_no_cors_headers() {
    let allowed = "SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n";
    for env in [allowed, "SSE_EVENTS=a:k\n"] {
        let app = App::with_env(env);
        let server = app.start();
        for origin in [
            "https://evil.example",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "HTTPS://APP.EXAMPLE",
            "null",
        ] {
            let response = preflight(&server, origin);
            assert_eq!(response.status, 204);
            let found = response
                .headers
                .keys()
                .find(|name| name.starts_with("access-control-"));
            assert_eq!(found, None, "{origin}");
        }
    }
}

#[test]
fn an_options_request_that_is_not_a_preflight_lists_the_methods() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    let response = options(&server, &[]);
    assert_eq!(response.status, 204);
    assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
    let origin = "https://app.example";
    let response = options(&server, &[("Origin", origin)]);
    assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    assert_eq!(response.header("access-control-allow-headers"), None);
}

#[test]
fn a_page_of_an_allowed_origin_can_read_why_the_streams_have_not_started() {
    for problem in ["SSE_TTL=often\n", "SSE_CACHE=/proc/none\n"] {
        let origin = "https://app.example";
        let env = format!("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS={origin}\n{problem}");
        let app = App::with_env(&env);
        let server = app.start();
        assert_eq!(preflight(&server, origin).status, 204, "{problem}");
        for (sent, expected) in [(origin, Some(origin)), ("https://evil.example", None)] {
            let headers = [("Origin", sent)];
            let refusal = http::request(server.address(), "GET /sse/stream", &headers, "");
            assert_eq!(refusal.status, 503, "{problem}");
            let header = |name| refusal.header(name);
            assert_eq!(header("access-control-allow-origin"), expected, "{problem}");
            assert_eq!(header("vary"), Some("Origin"), "{problem}");
        }
    }
}
