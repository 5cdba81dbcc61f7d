use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// Answers one connection after the other with the given texts and hands back the
/// requests' heads.
fn serve(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let (sender, heads) = sync_channel(16);
    thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            let head = read_head(&stream);
            let _ = stream.write_all(answer.as_bytes());
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

fn answer(status: &str, mime: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nConnection: close\r\n\r\n{body}")
}

fn stream(body: &str) -> String {
    answer("200 OK", "text/event-stream", body)
}

fn open(url: &str) -> Http {
    Http::open(stream_url(url, &[]).expect("it is a URL"))
}

fn next(http: &mut Http) -> Result<News, Failure> {
    loop {
        match http
            .next(Duration::from_secs(10))?
            .expect("it comes in time")
        {
            News::Listening => {}
            news => return Ok(news),
        }
    }
}

fn next_event(http: &mut Http) -> Heard {
    match next(http) {
        Ok(News::Event(heard)) => heard,
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
    let mut http = open(&url);
    let first = next_event(&mut http);
    assert_eq!(
        (first.id.as_deref(), first.event.as_str()),
        (Some("e-2"), "a")
    );
    assert_eq!(
        (first.timestamp.as_deref(), first.value.get()),
        (Some("t"), "[1]")
    );
    let second = next_event(&mut http);
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
fn a_refusal_ends_it_with_the_servers_words() {
    let body = "error: no event is named `x`\nhelp: use one of a, b\n";
    let (url, _heads) = serve(vec![answer("400 Bad Request", "text/plain", body)]);
    let failure = next(&mut open(&url)).expect_err("it is refused");
    let text = failure.to_string();
    assert!(
        text.contains("400: no event is named `x`\nhelp: use one of a, b"),
        "{text}"
    );
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let body = "error: SSE_EVENTS is missing\nhelp: add it\n";
    let (url, _heads) = serve(vec![
        answer("503 Service Unavailable", "text/plain", body),
        stream("data: 1\n\n"),
    ]);
    let mut http = open(&url);
    match next(&mut http) {
        Ok(News::Warning(text)) => assert!(text.contains("SSE_EVENTS is missing"), "{text}"),
        other => panic!("no warning: {other:?}"),
    }
    assert_eq!(next_event(&mut http).value.get(), "1");
}

#[test]
fn a_gap_is_told_and_no_content_ends_it() {
    let (url, _heads) = serve(vec![
        stream("retry: 1\nevent: sse.gap\nid: e-9\ndata: {\"reason\":\"swept\"}\n\n"),
        answer("204 No Content", "text/plain", ""),
    ]);
    let mut http = open(&url);
    match next(&mut http) {
        Ok(News::Warning(text)) => assert!(text.contains("missed: swept"), "{text}"),
        other => panic!("no warning: {other:?}"),
    }
    assert!(matches!(next(&mut http), Ok(News::End)));
}

#[test]
fn another_kind_of_page_is_no_stream() {
    let (url, _heads) = serve(vec![answer("200 OK", "text/html", "<p>")]);
    let failure = next(&mut open(&url)).expect_err("it is refused");
    assert!(
        failure.to_string().contains("is no event stream"),
        "{failure}"
    );
}

#[test]
fn the_url_says_where_and_which_events() {
    let url = |text: &str, events: &[&str]| {
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        stream_url(text, &events).ok()
    };
    let is = |url: Option<String>, expected: &str| assert_eq!(url.as_deref(), Some(expected));
    is(url("http://a:1", &[]), "http://a:1/sse/stream");
    is(
        url("http://a/", &["b", "c d"]),
        "http://a/sse/stream?events=b,c%20d",
    );
    is(
        url("https://a/my?x=1#y", &["b"]),
        "https://a/my?x=1&events=b",
    );
    is(
        url("http://u:p@[::1]:1", &[]),
        "http://u:p@[::1]:1/sse/stream",
    );
    for wrong in [
        "http://a:99999",
        "http://a:x",
        "127.0.0.1:8080",
        "ftp://a",
        "/sse/stream",
        "",
        "http://",
    ] {
        assert_eq!(url(wrong, &[]), None, "{wrong}");
    }
}
