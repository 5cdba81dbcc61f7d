//! Pages of other origins, as browsers ask for them: first whether the page may, then the stream.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use support::{App, Server, Stream};

/// Status and headers of the answer to OPTIONS with these headers.
fn options(server: &Server, headers: &[(&str, &str)]) -> (String, HashMap<String, String>) {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let host = server.address();
    write!(
        socket,
        "OPTIONS /sse/stream HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "", "{answer}");
    let mut lines = head.lines();
    let status = lines.next().unwrap()[9..12].to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    (status, headers.collect())
}

/// As Chromium asks before a client built on `fetch` returns.
fn preflight(server: &Server, origin: &str) -> (String, HashMap<String, String>) {
    options(
        server,
        &[
            ("Origin", origin),
            ("Access-Control-Request-Method", "GET"),
            (
                "Access-Control-Request-Headers",
                "cache-control,last-event-id",
            ),
        ],
    )
}

#[test]
fn a_page_of_an_allowed_origin_may_come_back_with_its_id() {
    let app = App::with_env(
        "SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example,HTTPS://Other.Example:443\n",
    );
    let server = app.start();
    for origin in ["https://app.example", "https://other.example"] {
        let (status, headers) = preflight(&server, origin);
        assert_eq!(status, "204", "{headers:?}");
        for (name, value) in [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, HEAD"),
            (
                "access-control-allow-headers",
                "Last-Event-ID, Cache-Control",
            ),
            ("access-control-max-age", "7200"),
            ("vary", "Origin"),
        ] {
            assert_eq!(headers.get(name).map(String::as_str), Some(value), "{name}");
        }
        let asked = [("Origin", origin), ("Last-Event-ID", "0000000000000001-1")];
        let stream = Stream::request(server.address(), "/sse/stream", &asked);
        assert_eq!(stream.status, 200);
        assert_eq!(stream.headers["access-control-allow-origin"], origin);
    }
}

#[test]
fn other_pages_are_told_nothing() {
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
            let (status, headers) = preflight(&server, origin);
            assert_eq!(status, "204");
            let found = headers
                .keys()
                .find(|name| name.starts_with("access-control-"));
            assert_eq!(found, None, "{origin}");
        }
    }
}

#[test]
fn options_that_are_no_preflight_name_the_methods() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    let (status, headers) = options(&server, &[]);
    assert_eq!(
        (status.as_str(), headers["allow"].as_str()),
        ("204", "GET, HEAD, OPTIONS")
    );
    let (_, headers) = options(&server, &[("Origin", "https://app.example")]);
    assert_eq!(
        headers["access-control-allow-origin"],
        "https://app.example"
    );
    assert!(!headers.contains_key("access-control-allow-headers"));
}
