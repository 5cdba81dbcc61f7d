//! A client that opens one stream and leaves.

use std::time::Duration;

use support::{Event, EventParser, http};

/// The first `count` blocks of the stream of a client that sends this id.
pub(crate) fn open_with_id(address: &str, id: &[u8], in_query: bool, count: usize) -> Vec<Event> {
    let mut request = b"GET /sse/stream".to_vec();
    if in_query {
        let encoded: String = id.iter().map(|byte| format!("%{byte:02x}")).collect();
        request.extend_from_slice(format!("?last_event_id={encoded}").as_bytes());
    }
    request.extend_from_slice(b" HTTP/1.1\r\nHost: localhost\r\n");
    if !in_query {
        request.extend_from_slice(&[b"Last-Event-ID: ", id, b"\r\n"].concat());
    }
    request.extend_from_slice(b"\r\n");

    let response = http::send(address, &request).unwrap();
    assert_eq!(response.status, 200);
    // Closes the connection with a reset, so that a million clients leave no port waiting.
    rustix::net::sockopt::set_socket_linger(response.socket(), Some(Duration::ZERO)).unwrap();
    let mut parser = EventParser::default();
    let mut blocks = Vec::new();
    for chunk in response.into_chunks() {
        blocks.extend(parser.feed(&chunk));
        if blocks.len() >= count {
            break;
        }
    }
    blocks.truncate(count);
    blocks
}
