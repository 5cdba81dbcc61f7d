//! A client that asks once and leaves.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// One block, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) event: String,
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

/// The first `blocks` blocks of the answer to a client that brings this id.
pub(crate) fn ask(address: &str, id: &[u8], in_query: bool, blocks: usize) -> Vec<Block> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // Ends it at once, so that a million of them leave no port behind that has to wait.
    rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
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
    socket.write_all(&request).unwrap();

    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < blocks {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).unwrap();
        let text = std::str::from_utf8(&chunk[..length]).unwrap();
        let left = blocks - heard.len();
        heard.extend(text.split_terminator("\n\n").take(left).map(block));
    }
    heard
}

fn block(text: &str) -> Block {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
    };
    Block {
        event: field("event: ").unwrap_or_default(),
        id: field("id: "),
        data: field("data: ").unwrap_or_default(),
    }
}
