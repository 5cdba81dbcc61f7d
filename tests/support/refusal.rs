//! A proxy whose server is down.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
};

use crate::wait::{DEADLINE, until};

/// Answers the next request for the stream with 502, like a proxy whose server is down.
pub fn refuse_stream(address: &str) {
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    until("a client requests the stream", || {
        let (mut client, _) = listener.accept().ok()?;
        client.set_nonblocking(false).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut request = String::new();
        BufReader::new(&client).read_line(&mut request).unwrap();
        client
            .write_all(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )
            .unwrap();
        request.starts_with("GET /sse/stream").then_some(())
    });
}
