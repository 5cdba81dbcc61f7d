//! Clients that send further requests over the connection of their stream.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
};

use support::{App, DEADLINE, until};

const REQUEST: &str = "GET /sse/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Opens a stream and receives its first bytes.
fn open(address: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(REQUEST.as_bytes()).unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"\n\n\r\n") {
        let mut part = [0; 1024];
        let count = socket.read(&mut part).unwrap();
        assert!(count > 0, "the stream has ended");
        received.extend(&part[..count]);
    }
    socket
}

/// actix-web would poll the stream again and again until the stream ends.
#[test]
fn a_client_that_keeps_sending_requests_is_disconnected() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let mut socket = open(server.address());
    socket.set_nonblocking(true).unwrap();
    let requests = REQUEST.repeat(1_000);
    let mut received = Vec::new();
    until("the client is disconnected", || {
        // Neither sends nor receives more than the buffers hold.
        let waits = |error: io::Error| error.kind() == ErrorKind::WouldBlock;
        let can_send = socket.write(requests.as_bytes()).err().is_none_or(waits);
        let can_receive = socket.read_to_end(&mut received).err().is_some_and(waits);
        (!(can_send && can_receive)).then_some(())
    });
    let received = String::from_utf8_lossy(&received);
    assert!(
        !received.contains("HTTP/1.1"),
        "a request was answered: {received}"
    );
}

#[test]
fn a_few_early_requests_are_answered_after_the_stream() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=2\n");
    let server = app.start();
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    let requests = format!("{page}\r\n{page}Connection: close\r\n\r\n");
    // On a busy machine, a stream may end before the value is saved.
    let mut attempts = 0..;
    until("the stream is open after the requests", || {
        let value = format!("\"attempt {}\"", attempts.next().unwrap());
        let mut socket = open(server.address());
        socket.write_all(requests.as_bytes()).unwrap();
        app.save("k", &value);
        let mut rest = String::new();
        socket.read_to_string(&mut rest).unwrap();
        let (stream, pages) = rest.split_once("HTTP/1.1 200").unwrap();
        assert_eq!(pages.matches("HTTP/1.1 200").count(), 1, "{pages}");
        stream.contains(&value).then_some(())
    });
}
