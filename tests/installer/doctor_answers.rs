//! `sse doctor URL` on servers that answer in a way of their own.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use crate::{
    diagnosis::{bad, examine_url, findings, of_check, only},
    middlemen::Fake,
};

/// A head as the library's, behind which its stream goes on until the connection is closed.
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\nConnection: close\r\n";

/// The first block of a stream.
const GREETING: &str = "retry: 1000\nid: 0123456789abcdef-1\nevent: sse.heartbeat\ndata: 15\n\n";

#[test]
fn a_stream_that_is_held_back_is_an_error() {
    let head_late = Fake::start(|_, mut client| {
        thread::sleep(Duration::from_millis(1_500));
        write!(client, "{HEAD}\r\n{GREETING}")
    });
    let body_late = Fake::start(|_, mut client| {
        write!(client, "{HEAD}\r\n")?;
        thread::sleep(Duration::from_millis(1_500));
        client.write_all(GREETING.as_bytes())
    });
    for fake in [head_late, body_late] {
        let found = findings(&examine_url(&fake.url(), &[]));
        of_check(&found, "pace")[0].is("error", "pace", "took 1.", "proxy_buffering off");
    }
}

#[test]
fn a_silent_server_is_not_waited_for_for_ever() {
    let silence = |_: String, _: &std::net::TcpStream| {
        thread::sleep(Duration::from_secs(60));
        Ok(())
    };
    let begin = Instant::now();
    let found = bad(&examine_url(&Fake::start(silence).url(), &[]));
    only(&found).is(
        "error",
        "answer",
        "does not answer within 10 s",
        "proxy_buffering",
    );
    let head_alone = Fake::start(move |request, mut client| {
        write!(client, "{HEAD}\r\n")?;
        silence(request, client)
    });
    let found = bad(&examine_url(&head_alone.url(), &[]));
    only(&found).is(
        "error",
        "pace",
        "nothing comes within 10 s",
        "proxy_buffering",
    );
    assert!(begin.elapsed() < Duration::from_secs(50));
}

#[test]
fn heartbeats_that_do_not_come_are_missed() {
    let fake = Fake::start(|_, mut client| {
        let greeting = GREETING.replace("data: 15", "data: 0.5");
        write!(client, "{HEAD}\r\n{greeting}")?;
        thread::sleep(Duration::from_secs(60));
        Ok(())
    });
    let found = findings(&examine_url(&fake.url(), &["--wait", "3.5"]));
    let silence = of_check(&found, "pace")[1];
    silence.is(
        "error",
        "pace",
        "a heartbeat is sent after 0.5 s",
        "proxy_buffering",
    );
}

#[test]
fn who_never_stops_sending_is_left() {
    let fake = Fake::start(|_, mut client| {
        write!(client, "{HEAD}\r\n{GREETING}")?;
        loop {
            client.write_all(&b"event: a\ndata: 1\n\n".repeat(100))?;
        }
    });
    let begin = Instant::now();
    let found = findings(&examine_url(&fake.url(), &[]));
    of_check(&found, "end")[0].is("ok", "end", "is open after 0.", "");
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_compressed_stream_is_an_error() {
    let head = format!("{HEAD}Content-Encoding: gzip\r\n\r\n\u{1f}");
    let found = bad(&examine_url(&Fake::saying(head).url(), &[]));
    only(&found).is("error", "headers", "compressed (gzip)", "gzip_types");

    let asks = Fake::start(|request, mut client| {
        assert!(
            request
                .to_lowercase()
                .contains("accept-encoding: gzip, deflate, br")
        );
        write!(
            client,
            "{HEAD}Content-Length: {}\r\n\r\n{GREETING}",
            GREETING.len()
        )
    });
    let found = bad(&examine_url(&asks.url(), &[]));
    found[0].is("error", "headers", "fixed length", "buffer or cache off");
}

#[test]
fn an_answer_that_is_no_stream_is_told_with_its_remedy() {
    let answer = |status: &str, headers: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        let found = bad(&examine_url(
            &Fake::saying(format!("{head}\r\n{body}")).url(),
            &[],
        ));
        only(&found).clone()
    };
    let html = "Content-Type: text/html\r\n";
    answer("404 Not Found", html, "<p>").is("error", "answer", "404", "actix_web_sse::routes");
    answer("401 Unauthorized", html, "<p>").is("error", "answer", "401", "guard");
    answer("502 Bad Gateway", html, "<p>").is("error", "answer", "502", "does not reach the app");
    answer("200 OK", html, "<p>").is("error", "answer", "text/html", "/sse/stream");
    let to = "Location: https://a.example/login\r\n";
    answer("302 Found", to, "").is("warning", "answer", "https://a.example/login", "login");
    let busy = "Retry-After: 9\r\n";
    let found = answer("503 Service Unavailable", busy, "error: full\nhelp: wait\n");
    found.is(
        "error",
        "answer",
        "503: full",
        "wait; it may be tried again after 9 s",
    );
}

#[test]
fn an_old_protocol_is_noted_and_its_stream_examined() {
    let head = HEAD.replace("HTTP/1.1", "HTTP/1.0");
    let fake = Fake::start(move |_, mut client| {
        write!(client, "{head}\r\n{GREETING}")?;
        thread::sleep(Duration::from_secs(60));
        Ok(())
    });
    let found = findings(&examine_url(&fake.url(), &[]));
    of_check(&found, "headers")[0].is("note", "headers", "HTTP/1.0", "proxy_http_version 1.1");
    of_check(&found, "pace")[0].is("ok", "pace", "the stream begins", "");
    // It tells no gap for a place that it cannot know.
    of_check(&found, "replay")[0].is("warning", "replay", "does not reach the server", "");
}

#[test]
fn what_is_no_url_is_refused() {
    examine_url("127.0.0.1:8080", &[]).fails(2, "no URL of a stream");
}
