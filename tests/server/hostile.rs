//! What strangers send, and what stands in files and the environment, forges no header, no event
//! and no line of the log.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use support::{App, Server, get, until};

/// The whole answer to a request that is sent as it is; of a stream what comes within a moment.
fn answer(server: &Server, target: &[u8], header: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let rest = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let request = [b"GET ", target, rest, header, b"\r\n"].concat();
    socket.write_all(&request).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // A stream's first blocks are all that an id could forge.
    while !String::from_utf8_lossy(&bytes).contains("sse.heartbeat\ndata: 15\n\n") {
        match socket.read(&mut part) {
            Ok(length) if length > 0 => bytes.extend_from_slice(&part[..length]),
            _ => break,
        }
    }
    let _ = socket.shutdown(Shutdown::Both);
    String::from_utf8(bytes).unwrap()
}

#[track_caller]
fn log_is_clean(server: &Server) {
    let log = server.log();
    for line in log.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(!line.trim_start().starts_with("forged"), "{log}");
    }
}

#[test]
fn a_request_forges_nothing() {
    let app = App::new();
    let server = app.start();
    for (target, header, status) in [
        (
            &b"/sse/stream?events=a%0d%0aforged:%201"[..],
            &b""[..],
            "400",
        ),
        (b"/sse/stream?events=event_name1,%00", b"", "400"),
        (b"/sse/stream?events=%1b%5b31m%c2%9b", b"", "400"),
        (
            b"/sse/stream?events=event_name1&events=event_name2",
            b"",
            "400",
        ),
        (
            b"/sse/stream?last_event_id=%0d%0aforged:%201%0d%0a%0d%0a",
            b"",
            "200",
        ),
        (b"/sse/stream?last_event_id=%00", b"", "200"),
        (b"/sse/stream?last_event_id=%ff%fe", b"", "200"),
        (
            b"/sse/stream",
            b"Last-Event-ID: \xe2\x80\xa6\xc2\x85\r\n",
            "200",
        ),
        (
            b"/sse/stream",
            b"Last-Event-ID: \xff\xfe\xc0\x80\r\n",
            "200",
        ),
        (b"/sse/stream", b"Last-Event-ID: 1\r forged: 1\r\n", "400"),
        (b"/sse/stream", b"Last-Event-ID: 1\n\nforged: 1\r\n", "200"),
        (b"/sse/stream", b"Last-Event-ID: 1\0\r\n", "400"),
        (b"/sse/stream", b"Origin: https://a\r forged\r\n", "400"),
        (b"/sse/stream?\x1b[31m", b"", "400"),
        (b"/sse/stream?events=\xc2\x9bforged", b"", "400"),
        (b"/sse/stream?events=\x7fforged", b"", "400"),
    ] {
        let answer = answer(&server, target, header);
        let asked = format!("{} {}", target.escape_ascii(), header.escape_ascii());
        assert_eq!(answer.get(9..12), Some(status), "{asked}: {answer}");
        for line in answer.lines() {
            assert!(!line.contains(char::is_control), "{asked}: {line:?}");
            assert!(!line.starts_with("forged"), "{asked}: {answer}");
        }
    }
    assert_eq!(get(server.address(), "/").status, 200);
    log_is_clean(&server);
}

#[test]
fn settings_forge_nothing() {
    let app = App::new();
    for (name, value) in [
        ("SSE_EVENTS", "a\r\nforged:k"),
        ("SSE_EVENTS", "a:k\nforged"),
        ("SSE_EVENTS", "\u{1b}[31ma"),
        ("SSE_TTL", "1\nforged"),
        ("SSE_CACHE", "redis\nforged://x"),
        ("SSE_ALLOWED_ORIGINS", "https://a.example\r\nforged: 1"),
        ("SSE_MAX_CONNECTIONS", "\u{9b}1\nforged"),
    ] {
        let server = Server::start(app.path(), &[(name, value)]);
        server.wait_for_log("help: ");
        log_is_clean(&server);
        let refused = get(server.address(), "/sse/stream");
        assert_eq!(refused.status, 503, "{name}={value:?}");
        assert!(refused.body.contains(name), "{}", refused.body);
        assert_eq!(refused.body.lines().count(), 2, "{:?}", refused.body);
    }
}

#[test]
fn a_broken_line_in_env_is_not_shown() {
    let app = App::with_env("SSE_EVENTS=a:k\nPASSWORD=correct horse battery staple\n");
    let server = app.start();
    let log = server.wait_for_log("cannot be read");
    assert!(!log.contains("horse"), "{log}");
    assert_eq!(get(server.address(), "/sse/stream").status, 200);
}

#[test]
fn files_forge_nothing() {
    let app = App::with_env("SSE_EVENTS=a:k\n");
    let server = app.start();
    for record in [
        "a:1:{b:\nforged;}",
        "a:1:{i:0;b:\u{1b}[31m\nforged;}",
        "a:1:{i:0;d:1\r\nforged;}",
    ] {
        fs::write(app.cache().join("k"), record).unwrap();
        until("it is set aside", || {
            (!app.cache().join("k").exists()).then_some(())
        });
    }
    until("all are reported", || {
        (server.log().matches("is left out").count() == 3).then_some(())
    });
    // An entry that another version has written.
    app.save("k", "1");
    let journal = app.cache().join(".sse/journal-2/000000000000");
    let next = journal.join(format!(".{:020}", 2));
    fs::write(
        &next,
        "{\"time\":\"2026-11-23T15:51:00Z\",\"ttl_ms\":0,\"key\":\"k\",\"value\":1,\"needs\":[\"x\\nforged\\u001b\"]}",
    )
    .unwrap();
    server.wait_for_log("entry 2 is skipped");
    log_is_clean(&server);
}
