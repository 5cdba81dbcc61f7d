use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use super::*;
use crate::cli::HttpArgs;
use crate::listen::stream_url::stream_url;
use crate::listen::update::ReceivedEvent;

/// Sends one of the given responses on each connection, and returns the requests' heads.
fn serve(responses: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let (sender, heads) = sync_channel(16);
    thread::spawn(move || {
        for response in responses {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            let head = read_head(&stream);
            let _ = stream.write_all(response.as_bytes());
            let _ = sender.send(head);
        }
    });
    (format!("http://{address}"), heads)
}

fn read_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines
        .take_while(|line| !line.is_empty())
        .fold(String::new(), |head, line| head + &line + "\n")
}

fn response(status: &str, mime: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nConnection: close\r\n\r\n{body}")
}

fn stream(body: &str) -> String {
    response("200 OK", "text/event-stream", body)
}

fn open(url: &str) -> Updates {
    let url = stream_url(url, &[], &[]).expect("it is a URL");
    follow_stream(
        Client::new(&url, &HttpArgs::default()).expect("no options"),
        None,
    )
}

fn next(updates: &Updates) -> Result<Update, Failure> {
    loop {
        let update = updates.recv_timeout(Duration::from_secs(10));
        match update.expect("it arrives in time")? {
            Update::Connected | Update::Refused(_) => {}
            update => return Ok(update),
        }
    }
}

fn next_event(updates: &Updates) -> ReceivedEvent {
    match next(updates) {
        Ok(Update::Event(event)) => event,
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn a_stream_is_resumed_where_it_ended() {
    let (url, heads) = serve(vec![
        stream(
            "retry: 1\nid: e-1\n\nid: e-2\nevent: a\ndata: {\"timestamp\":\"t\",\"value\":[1]}\n\nretry: 1\nid: e-3\n\n",
        ),
        stream("id: e-4\nevent: sse.heartbeat\ndata: 15\n\nid: e-5\ndata: text\n\n"),
    ]);
    let source = open(&url);
    let first = next_event(&source);
    assert_eq!(
        (first.id.as_deref(), first.event.as_str()),
        (Some("e-2"), "a")
    );
    assert_eq!(
        (first.timestamp.as_deref(), first.value.get()),
        (Some("t"), "[1]")
    );
    let second = next_event(&source);
    assert_eq!(
        (second.event.as_str(), second.value.get()),
        ("message", "\"text\"")
    );
    let head = heads.recv().expect("it was served").to_lowercase();
    assert!(head.starts_with("get /sse/stream http/1.1"), "{head}");
    assert!(head.contains("accept: text/event-stream") && !head.contains("last-event-id"));
    let head = heads.recv().expect("it was served").to_lowercase();
    assert!(head.contains("last-event-id: e-3"), "{head}");
}

#[test]
fn a_short_retry_delay_causes_at_most_one_request_per_second() {
    let (url, _heads) = serve(vec![stream("retry: 0\ndata: 1\n\n"); 3]);
    let start = Instant::now();
    let source = open(&url);
    for _ in 0..3 {
        next_event(&source);
    }
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[test]
fn a_refusal_fails_with_the_servers_error_and_help() {
    let body = "error: no event is named `x`\nhelp: use one of a, b\n";
    let (url, _heads) = serve(vec![response("400 Bad Request", "text/plain", body)]);
    let failure = next(&open(&url)).expect_err("it is refused");
    let text = failure.to_string();
    assert!(
        text.contains("400: no event is named `x`\nhelp: use one of a, b"),
        "{text}"
    );
}

#[test]
fn a_refusal_is_known_before_the_stream_is_looked_for_elsewhere() {
    let body = "error: gone\n";
    let (url, _heads) = serve(vec![response("404 Not Found", "text/plain", body)]);
    let updates = open(&format!("{url}/a"));
    let first = updates.recv_timeout(Duration::from_secs(10));
    let Ok(Ok(Update::Refused(refusal))) = first else {
        panic!("no refusal: {first:?}");
    };
    let failure = next(&updates).expect_err("it is refused");
    assert_eq!(failure.message(), refusal.message());
}

#[test]
fn a_server_error_is_retried() {
    let body = "error: SSE_EVENTS is missing\nhelp: add it\n";
    let (url, _heads) = serve(vec![
        response("503 Service Unavailable", "text/plain", body),
        stream("data: 1\n\n"),
    ]);
    let source = open(&url);
    match next(&source) {
        Ok(Update::Warning(text)) => assert!(
            text.contains("SSE_EVENTS is missing (add it); retrying"),
            "{text}"
        ),
        other => panic!("no warning: {other:?}"),
    }
    assert_eq!(next_event(&source).value.get(), "1");
}

#[test]
fn a_gap_is_a_warning_and_status_204_ends_the_updates() {
    let (url, _heads) = serve(vec![
        stream("retry: 1\nevent: sse.gap\nid: e-9\ndata: {\"reason\":\"swept\"}\n\n"),
        response("204 No Content", "text/plain", ""),
    ]);
    let source = open(&url);
    match next(&source) {
        Ok(Update::Warning(text)) => assert!(text.contains("missed: swept"), "{text}"),
        other => panic!("no warning: {other:?}"),
    }
    let end = source
        .iter()
        .find(|update| !matches!(update, Ok(Update::Connected)));
    assert!(end.is_none(), "{end:?}");
}

#[test]
fn a_web_page_is_not_a_stream() {
    let (url, _heads) = serve(vec![response("200 OK", "text/html", "<p>")]);
    let failure = next(&open(&url)).expect_err("it is refused");
    assert!(
        failure.to_string().contains("is not an event stream"),
        "{failure}"
    );
}

#[test]
fn an_error_without_text_or_help_is_still_explained() {
    let (url, _heads) = serve(vec![
        response("503 Service Unavailable", "text/plain", ""),
        response("404 Not Found", "text/plain", "\n"),
    ]);
    let source = open(&url);
    match next(&source) {
        Ok(Update::Warning(text)) => {
            assert_eq!(text, "the server responded with 503; retrying in 1 s");
        }
        other => panic!("no warning: {other:?}"),
    }
    let failure = next(&source).expect_err("it is refused");
    assert_eq!(failure.message(), "the server refused the request with 404");
    assert!(
        failure
            .help()
            .is_some_and(|help| help.contains("sse doctor"))
    );
}

#[test]
fn an_error_text_that_arrives_slowly_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        read_head(&stream);
        let head = response("404 Not Found", "text/plain", "error: x");
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            thread::sleep(Duration::from_millis(100));
            sent = stream.write_all(b"x");
        }
    });
    let failure = next(&open(&url)).expect_err("it is refused");
    assert!(failure.message().contains("404: xx"), "{failure}");
}

#[test]
fn an_endless_event_ends_the_updates_with_the_url() {
    let event = "data: 0123456789\n".repeat(4 * 1024 * 1024);
    let (url, _heads) = serve(vec![stream(&event)]);
    let failure = next(&open(&url)).expect_err("it is refused");
    assert!(failure.message().starts_with(&url), "{failure}");
    assert!(failure.message().contains("longer than"), "{failure}");
    assert!(failure.help().is_some_and(|help| help.contains("URL")));
}

#[test]
fn an_id_that_cannot_be_sent_is_reported_but_not_sent_back() {
    let (url, heads) = serve(vec![
        stream("id: e-1\n\nid: e\u{1}2\ndata: 1\n\n"),
        stream("data: 2\n\n"),
    ]);
    let source = open(&url);
    assert_eq!(next_event(&source).id.as_deref(), Some("e\u{1}2"));
    assert_eq!(next_event(&source).value.get(), "2");
    heads.recv().expect("it was served");
    let head = heads.recv().expect("it was served").to_lowercase();
    assert!(head.contains("last-event-id: e-1\n"), "{head}");
}

#[test]
fn a_reconnection_time_applies_even_if_its_block_is_cut_off() {
    let (url, _heads) = serve(vec![
        stream("data: 1\n\nretry: 3000\n"),
        stream("data: 2\n\n"),
    ]);
    let start = Instant::now();
    let source = open(&url);
    next_event(&source);
    next_event(&source);
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_port_that_expects_tls_is_explained_once() {
    // The alert with which a TLS server responds to anything but TLS.
    let alert = "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{32}".to_owned();
    let (url, _heads) = serve(vec![alert.clone(), alert]);
    let source = open(&url);
    for is_explained in [true, false] {
        let Ok(Update::Warning(warning)) = next(&source) else {
            panic!("no warning");
        };
        let has_help = warning.contains("it expects a URL that begins with https:");
        assert_eq!(has_help, is_explained, "{warning}");
    }
}
