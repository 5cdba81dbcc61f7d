//! Clients and proxies that use HTTP/1.0, such as `ab` and nginx before version 1.29.7.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use support::{App, DEADLINE, Event, EventParser, until};

/// Longer than what the server passes to actix-web at once.
const LONG_VALUE_BYTES: usize = 40_000;

/// Head and body of the response, up to the end of the connection.
fn respond_until_closed(address: &str, request: &str) -> (String, Vec<u8>) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    socket.read_to_end(&mut response).unwrap();
    let end = response
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    let body = response.split_off(end + 4);
    (String::from_utf8(response).unwrap().to_lowercase(), body)
}

/// "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request
/// indicates HTTP/1.1 (or later minor revisions)." (RFC 9112, 6.1)
#[test]
fn the_connection_ends_with_the_stream_and_long_values_arrive_whole() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=1\n");
    let server = app.start();
    let value = "x".repeat(LONG_VALUE_BYTES);
    for headers in ["", "Connection: keep-alive\r\n"] {
        let request = format!("GET /sse/stream HTTP/1.0\r\n{headers}\r\n");
        // On a busy machine, the stream may open after the lookback, or end before the value is read.
        let events = until("the value begins to arrive", || {
            app.save("k", &value);
            let (head, body) = respond_until_closed(server.address(), &request);
            assert!(head.starts_with("http/1.0 200 "), "{head}");
            for absent in ["transfer-encoding", "content-length", "keep-alive"] {
                assert!(!head.contains(absent), "{head}");
            }
            let has_begun = String::from_utf8_lossy(&body).contains(&value[..10]);
            has_begun.then(|| EventParser::default().feed(&body))
        });
        let first = events.iter().find(|event| event.is_from_app());
        assert_eq!(first.map(Event::value), Some(value.as_str().into()));
        let last = events.last().unwrap();
        assert_eq!(last.name(), "sse.heartbeat", "the end as planned");
        assert!(last.retry.is_some(), "{last:?}");
    }
}

#[test]
fn head_and_refusals_need_no_chunks() {
    let app = App::new();
    let server = app.start();
    for (method, path, status) in [
        ("HEAD", "/sse/stream", "200"),
        ("GET", "/sse/stream?events=typo", "400"),
        ("GET", "/js/sse.js", "200"),
    ] {
        let request = format!("{method} {path} HTTP/1.0\r\n\r\n");
        let (head, body) = respond_until_closed(server.address(), &request);
        assert!(head.starts_with(&format!("http/1.0 {status} ")), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert_eq!(body.is_empty(), method == "HEAD", "{path}");
    }
}
