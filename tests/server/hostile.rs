//! Requests, files and settings cannot forge a header, an event or a line of the log.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use support::{App, Server, Stream, get, http, until};

/// The response to a request whose bytes are sent unchanged. An id could forge something in a
/// stream's first blocks only, so a stream is read up to its first heartbeat.
fn answer(server: &Server, target: &[u8], header: &[u8]) -> String {
    let headers = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let request = [b"GET ", target, headers, header, b"\r\n"].concat();
    http::send(server.address(), &request).unwrap().read_text()
}

#[track_caller]
fn assert_log_is_clean(server: &Server) {
    let log = server.log();
    for line in log.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(!line.trim_start().starts_with("forged"), "{log}");
    }
}

#[test]
fn a_request_cannot_forge_headers_events_or_log_lines() {
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
        (b"/sse/stream?to=user:4%0d%0aforged:%201", b"", "400"),
        (b"/sse/stream?to=%1b%5b31m%c2%9b", b"", "400"),
        (b"/sse/stream?to=%e2%80%aeforged", b"", "400"),
        (b"/sse/stream?to=forged:%201", b"", "403"),
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
        let request = format!("{} {}", target.escape_ascii(), header.escape_ascii());
        assert_eq!(answer.get(9..12), Some(status), "{request}: {answer}");
        for line in answer.lines() {
            assert!(!line.contains(char::is_control), "{request}: {line:?}");
            assert!(!line.starts_with("forged"), "{request}: {answer}");
        }
    }
    assert_eq!(get(server.address(), "/").status, 200);
    assert_log_is_clean(&server);
}

#[test]
fn a_setting_cannot_forge_log_lines_or_responses() {
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
        assert_log_is_clean(&server);
        let refused = get(server.address(), "/sse/stream");
        assert_eq!(refused.status, 503, "{name}={value:?}");
        assert!(refused.body.contains(name), "{}", refused.body);
        assert_eq!(refused.body.lines().count(), 2, "{:?}", refused.body);
    }
}

#[test]
fn a_malformed_env_line_is_not_shown() {
    let app = App::with_env("SSE_EVENTS=a:k\nPASSWORD=correct horse battery staple\n");
    let server = app.start();
    let log = server.wait_for_log("is not valid");
    assert!(!log.contains("horse"), "{log}");
    assert_eq!(get(server.address(), "/sse/stream").status, 200);
}

#[test]
fn a_file_cannot_forge_log_lines() {
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
        (server.log().matches("is skipped").count() == 3).then_some(())
    });
    // An entry that another version of the library has written.
    app.save("k", "1");
    let journal = app.cache().join(".sse/journal-2/000000000000");
    let next = journal.join(format!(".{:020}", 2));
    fs::write(
        &next,
        "{\"time\":\"2026-11-23T15:51:00Z\",\"ttl_ms\":0,\"key\":\"k\",\"value\":1,\"needs\":[\"x\\nforged\\u001b\"]}",
    )
    .unwrap();
    server.wait_for_log("entry 2 is skipped");
    assert_log_is_clean(&server);
}

#[test]
fn a_long_url_makes_a_short_line_of_the_log_and_a_short_response() {
    let app = App::with_env("SSE_EVENTS=a:k\n");
    let server = app.start();
    let long = "x".repeat(60_000);
    for (target, status) in [
        (format!("/sse/stream?events={long}"), 400),
        (format!("/sse/stream?lookback={long}"), 400),
        (format!("/sse/stream?last_event_id={long}"), 200),
        (format!("/{long}"), 404),
    ] {
        let mut response = http::request(server.address(), &format!("GET {target}"), &[], "");
        assert_eq!(response.status, status);
        if status == 400 {
            assert!(response.read_body().unwrap().len() < 1_000);
        }
        let line = server.wait_for_log(&format!("GET {}", &target[..100]));
        let longest = line.lines().map(str::len).max();
        assert!(longest < Some(1_000), "{longest:?}");
    }
}

/// Many lines of a kind are counted.
#[track_caller]
fn assert_few_lines(server: &Server, kind: &str) {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains(kind)).count();
    assert!((1..=20).contains(&lines), "{lines} lines: {log}");
}

#[test]
fn drop_ins_that_cannot_be_used_do_not_fill_the_log() {
    let expired = "a:3:{s:4:\"time\";i:5;s:3:\"ttl\";i:60;s:4:\"data\";i:1;}";
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let drop_in = app.cache().join("event_cache_key1");
    let taken = || (!drop_in.exists()).then_some(());
    for _ in 0..100 {
        for content in [&b"\xff"[..], expired.as_bytes()] {
            fs::write(&drop_in, content).unwrap();
            until("it is taken", taken);
        }
    }
    fs::write(&drop_in, "1").unwrap();
    assert_eq!(stream.next_but_heartbeats().value(), 1);
    assert_few_lines(&server, "is skipped and kept as");
    assert_few_lines(&server, "has expired");
}

#[test]
fn entries_that_cannot_be_read_do_not_fill_the_log() {
    const ENTRIES: usize = 100;
    let app = App::new();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let folder = app.cache().join(".sse/journal-2/000000000000");
    let write = |name: &str, content: &[u8]| fs::write(folder.join(Path::new(name)), content);
    for number in 1..=ENTRIES {
        write(&format!(".{number:020}"), b"x").unwrap();
    }
    write(".high-water", &[b'\n'; ENTRIES + 1]).unwrap();
    app.save("event_cache_key1", "1");
    let is_event = || Some(stream.next()).filter(|event| event.name() == "event_name1");
    assert_eq!(until("the event arrives", is_event).value(), 1);
    assert_few_lines(&server, "is skipped: ");
}

#[test]
fn a_journal_that_is_damaged_again_and_again_does_not_fill_the_log() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_POLL_INTERVAL=0.05\n");
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let id = app.cache().join(".sse/journal-2/.id");
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        let _ = fs::remove_file(&id);
    }
    app.save("k", "1");
    let is_event = || Some(stream.next()).filter(|event| event.name() == "a");
    until("the event arrives", is_event);
    assert_few_lines(&server, "this journal is damaged and is replaced");
}

#[test]
fn requests_that_are_not_http_make_no_lines_of_the_log() {
    let app = App::new();
    let server = app.start();
    // It listens a little before it logs that it has started.
    server.wait_for_log("starting service");
    let lines = || server.log().lines().count();
    let before = lines();
    for request in [
        &b"GET / HTTP/9\r\n\r\n"[..],
        b"\x16\x03\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut response = http::send(server.address(), request).unwrap();
        assert_eq!(response.read_text().get(9..12), Some("400"));
    }
    assert_eq!(lines(), before, "{}", server.log());
}
