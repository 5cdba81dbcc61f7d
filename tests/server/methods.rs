//! The methods that each address answers.

use support::{
    App, Server,
    http::{self, Response},
};

fn request(server: &Server, method: &str, path: &str) -> Response {
    http::request(server.address(), &format!("{method} {path}"), &[], "")
}

/// "The origin server MUST generate an Allow header field in a 405 response" (RFC 9110, 15.5.6).
#[test]
fn a_refused_method_is_answered_with_the_allowed_ones() {
    let app = App::new();
    let server = app.start();
    for (path, allowed) in [
        ("/sse/stream", "GET, HEAD, OPTIONS"),
        ("/js/sse.js", "GET, HEAD"),
        ("/js/sse-client.js", "GET, HEAD"),
        ("/health", "GET, HEAD"),
        ("/order", "GET, HEAD, POST"),
        ("/info", "GET, HEAD"),
        ("/trigger/event_cache_key1", "POST"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/style.css", "GET, HEAD, OPTIONS"),
        ("/none/such", "GET, HEAD, OPTIONS"),
    ] {
        let response = request(&server, "DELETE", path);
        assert_eq!(response.status, 405, "{path}");
        assert_eq!(response.header("allow"), Some(allowed), "{path}");
    }
    assert_eq!(request(&server, "GET", "/none/such").status, 404);
    assert_eq!(request(&server, "POST", "/sse/stream").status, 405);
}

/// HAProxy's `option httpchk` without arguments sends this request, and expects 2xx or 3xx.
#[test]
fn load_balancers_may_check_the_app_with_options_or_head() {
    let app = App::new();
    let server = app.start();
    let response = http::send(server.address(), b"OPTIONS / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(response.status, 204);
    assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
    for path in ["/", "/health", "/order", "/info"] {
        assert_eq!(request(&server, "HEAD", path).status, 200, "{path}");
    }
}
