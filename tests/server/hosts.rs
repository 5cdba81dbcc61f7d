//! The `Host` header that a server accepts. A page whose name was made to resolve to the visitor's
//! own machine (DNS rebinding) has the same origin as the server there, and only its host name
//! reveals it.

use std::{fs, net::UdpSocket};

use support::{
    App, Server,
    http::{self, Response},
    until,
};

/// All paths that the starter serves.
const TARGETS: [&str; 7] = [
    "/",
    "/app.js",
    "/health",
    "/info",
    "/js/sse.js",
    "/order.html",
    "/sse/stream",
];

fn get(address: &str, target: &str, host: &str) -> Response {
    http::request(address, &format!("GET {target}"), &[("Host", host)], "")
}

#[track_caller]
fn assert_misdirected(response: Response) {
    assert_refused(response, 421);
}

/// Expects this status with a message for the owner.
#[track_caller]
fn assert_refused(mut response: Response, status: u16) {
    let text = response.read_text();
    assert_eq!(response.status, status, "{text}");
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let (error, help) = body.split_once("\nhelp: ").expect(body);
    assert!(error.starts_with("error: "), "{body}");
    assert!(help.ends_with('\n') && help.lines().count() == 1, "{body}");
}

#[test]
fn a_server_on_loopback_answers_for_loopback_names_only() {
    let app = App::new();
    let server = app.start();
    let address = server.address();
    for target in TARGETS {
        assert_misdirected(get(address, target, "evil.example"));
        assert_eq!(get(address, target, address).status, 200, "{target}");
    }
    let localhost = format!("localhost:{}", server.port());
    for host in [
        localhost.as_str(),
        "LocalHost",
        "localhost.",
        "app.localhost:3000",
        "127.0.0.1",
        "127.8.9.10:80",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
        // Not loopback, but not names either, which could be made to resolve to this machine.
        "0.0.0.0:8080",
        "192.0.2.1",
        "[2001:db8::1]",
    ] {
        assert_eq!(get(address, "/sse/stream", host).status, 200, "{host}");
    }
    let foreign = format!("evil.example:{}", server.port());
    for host in [
        foreign.as_str(),
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
    ] {
        assert_misdirected(get(address, "/sse/stream", host));
        assert_misdirected(get(address, "/", host));
    }
    let text = get(address, "/", "evil.example").read_text();
    for part in [
        "`evil.example`",
        "reverse proxy",
        "SSE_ALLOWED_HOSTS=evil.example",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
/// lacks a Host header field and to any request message that contains more than one Host header
/// field line or a Host header field with an invalid field value." (RFC 9112, 3.2)
#[test]
fn an_invalid_host_header_is_a_bad_request() {
    let app = App::new();
    let server = app.start();
    let address = server.address();
    for host in [
        "",
        "[::1",
        "localhost:http",
        "localhost:65536",
        "user@localhost",
        "localhost, evil.example",
        "127.0.0.1.1",
    ] {
        assert_refused(get(address, "/sse/stream", host), 400);
        assert_refused(get(address, "/", host), 400);
    }
    let two = [("Host", "localhost"), ("Host", "127.0.0.1")];
    for target in ["GET /", "GET /sse/stream"] {
        assert_eq!(http::request(address, target, &two, "").status, 400);
    }
    let missing = http::send(address, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(missing.status, 400);
}

#[test]
fn every_method_is_checked_and_no_request_line_bypasses_the_check() {
    let app = App::new();
    let server = app.start();
    let evil = ("Host", "evil.example");
    for method in ["HEAD", "OPTIONS"] {
        let response = http::request(
            server.address(),
            &format!("{method} /sse/stream"),
            &[evil],
            "",
        );
        assert_eq!(response.status, 421, "{method}");
    }
    assert_misdirected(http::request(
        server.address(),
        "POST /trigger/event_cache_key1",
        &[evil, ("Content-Type", "application/json")],
        "{\"a\":1}",
    ));
    assert_misdirected(get(
        server.address(),
        "http://evil.example/sse/stream",
        "localhost",
    ));
    // What a proxy adds changes nothing.
    assert_misdirected(http::request(
        server.address(),
        "GET /sse/stream",
        &[
            evil,
            ("X-Forwarded-Host", "localhost"),
            ("Forwarded", "host=localhost"),
        ],
        "",
    ));
}

/// Browsers always send the header, so a request without it does not come from a page.
#[test]
fn a_request_without_a_host_header_is_answered() {
    let app = App::new();
    let server = app.start();
    for target in ["/health", "/", "/sse/stream"] {
        let request = format!("GET {target} HTTP/1.0\r\n\r\n");
        let response = http::send(server.address(), request.as_bytes()).unwrap();
        assert_eq!(response.status, 200, "{target}");
    }
}

#[test]
fn configured_hosts_are_answered_and_an_edit_takes_effect() {
    const EVENTS: &str = "SSE_EVENTS=a:k\n";
    let app = App::with_env(&format!(
        "{EVENTS}SSE_ALLOWED_HOSTS='App.Example, other.example:8443,[2001:DB8::1]'\n"
    ));
    let server = app.start();
    for (host, expected) in [
        ("app.example", 200),
        ("APP.EXAMPLE:8080", 200),
        ("other.example:8443", 200),
        ("other.example:8444", 421),
        ("other.example", 421),
        ("[2001:db8:0::1]:80", 200),
        ("sub.app.example", 421),
        ("localhost", 200),
    ] {
        for target in ["/", "/sse/stream"] {
            let status = get(server.address(), target, host).status;
            assert_eq!(status, expected, "{host}{target}");
        }
    }
    fs::write(
        app.path().join(".env"),
        format!("{EVENTS}SSE_ALLOWED_HOSTS=new.example\n"),
    )
    .unwrap();
    for target in ["/", "/sse/stream"] {
        until("the new host is answered", || {
            (get(server.address(), target, "new.example").status == 200).then_some(())
        });
        assert_misdirected(get(server.address(), target, "app.example"));
    }
}

/// The pages of `SSE_ALLOWED_ORIGINS` are served elsewhere; their host names are not this server's.
#[test]
fn hosts_of_allowed_origins_are_not_allowed_hosts() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    assert_misdirected(get(server.address(), "/sse/stream", "app.example"));
}

/// Behind a proxy, the app's pages stay reachable while its owner repairs another key.
#[test]
fn a_broken_configuration_keeps_its_allowed_hosts() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_TTL=soon\nSSE_ALLOWED_HOSTS=app.example\n");
    let server = app.start();
    assert_eq!(get(server.address(), "/", "app.example").status, 200);
    assert_misdirected(get(server.address(), "/", "evil.example"));
    let mut stream = get(server.address(), "/sse/stream", "app.example");
    let text = stream.read_text();
    assert_eq!(stream.status, 503, "{text}");
    assert!(text.contains("SSE_TTL"), "{text}");
}

/// This machine's IP address in its network, if it has one.
fn network_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // This sends nothing: it only chooses a route.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().unwrap().ip().to_string())
}

#[test]
fn a_server_on_all_addresses_checks_requests_that_arrive_on_loopback() {
    let app = App::with_env("SSE_EVENTS=a:k\n");
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let loopback = format!("127.0.0.1:{}", server.port());
    for target in ["/", "/sse/stream"] {
        assert_misdirected(get(&loopback, target, "evil.example"));
        assert_eq!(get(&loopback, target, &loopback).status, 200);
        if let Some(ip) = network_address() {
            let outside = format!("{ip}:{}", server.port());
            assert_eq!(get(&outside, target, "evil.example").status, 200);
        }
    }
}

#[test]
fn configured_hosts_are_enforced_on_every_address() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=app.example\n");
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let Some(ip) = network_address() else { return };
    let outside = format!("{ip}:{}", server.port());
    for target in ["/", "/sse/stream"] {
        assert_eq!(get(&outside, target, "app.example").status, 200);
        assert_misdirected(get(&outside, target, "evil.example"));
        // Only names can be made to resolve elsewhere, and health checks use IP addresses.
        assert_eq!(get(&outside, target, &outside).status, 200);
    }
}
