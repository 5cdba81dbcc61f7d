//! `sse doctor URL` on fake servers.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use crate::{
    doctor::findings::{examine_url, examine_url_once, findings, of_check, only, problems},
    doctor::proxies::FakeServer,
    hello::Ran,
};

/// A head like the library's, of a stream that lasts until the connection is closed.
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\nConnection: close\r\n";

/// The first block of a stream.
const FIRST_BLOCK: &str = "retry: 1000\nid: 0123456789abcdef-1\nevent: sse.heartbeat\ndata: 15\n\n";

/// Examines both at once, because that takes many seconds.
fn examine_both(servers: [FakeServer; 2]) -> [Ran; 2] {
    let threads = servers.map(|server| thread::spawn(move || examine_url_once(&server.url(), &[])));
    threads.map(|thread| thread.join().unwrap())
}

#[test]
fn a_buffered_stream_is_an_error() {
    let head_late = FakeServer::start(|_, mut client| {
        thread::sleep(Duration::from_millis(1_500));
        write!(client, "{HEAD}\r\n{FIRST_BLOCK}")
    });
    let body_late = FakeServer::start(|_, mut client| {
        write!(client, "{HEAD}\r\n")?;
        thread::sleep(Duration::from_millis(1_500));
        client.write_all(FIRST_BLOCK.as_bytes())
    });
    for ran in examine_both([head_late, body_late]) {
        let found = findings(&ran);
        of_check(&found, "timing")[0].assert_is(
            "error",
            "timing",
            "arrived after ",
            "proxy_buffering off",
        );
    }
}

#[test]
fn a_silent_server_times_out() {
    let silence = |_: String, _: &std::net::TcpStream| {
        thread::sleep(Duration::from_secs(60));
        Ok(())
    };
    let head_alone = FakeServer::start(move |request, mut client| {
        write!(client, "{HEAD}\r\n")?;
        silence(request, client)
    });
    let start = Instant::now();
    let [silent, head_alone] = examine_both([FakeServer::start(silence), head_alone]);
    only(&problems(&silent)).assert_is(
        "error",
        "response",
        "sends no response within 10 s",
        "proxy_buffering",
    );
    only(&problems(&head_alone)).assert_is(
        "error",
        "timing",
        "nothing arrives within 10 s",
        "proxy_buffering",
    );
    assert!(start.elapsed() < Duration::from_secs(50));
}

#[test]
fn missing_heartbeats_are_an_error() {
    let fake = FakeServer::start(|_, mut client| {
        let first_block = FIRST_BLOCK.replace("data: 15", "data: 0.5");
        write!(client, "{HEAD}\r\n{first_block}")?;
        thread::sleep(Duration::from_secs(60));
        Ok(())
    });
    let found = findings(&examine_url(&fake.url(), &["--wait", "3.5"]));
    let silence = of_check(&found, "timing")[1];
    silence.assert_is(
        "error",
        "timing",
        "a heartbeat after 0.5 s",
        "proxy_buffering",
    );
}

#[test]
fn an_endless_flood_is_not_read_for_ever() {
    let fake = FakeServer::start(|_, mut client| {
        write!(client, "{HEAD}\r\n{FIRST_BLOCK}")?;
        loop {
            client.write_all(&b"event: a\ndata: 1\n\n".repeat(100))?;
        }
    });
    let start = Instant::now();
    let found = findings(&examine_url(&fake.url(), &[]));
    of_check(&found, "end")[0].assert_is("ok", "end", "is still open after ", "");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// A gzip stream that is not complete. Without an event, it is what a compressor sends that waits for more data.
fn gzip(events: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for event in events {
        // A block that is not compressed: its type, its length, and the complement of its length.
        let length = u16::try_from(event.len()).unwrap();
        bytes.push(0);
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(event.as_bytes());
    }
    bytes
}

/// Sends these bytes as the body, and then nothing for a while.
fn compressed(encoding: &'static str, body: Vec<u8>) -> FakeServer {
    FakeServer::start(move |_, mut client| {
        write!(client, "{HEAD}Content-Encoding: {encoding}\r\n\r\n")?;
        client.write_all(&body)?;
        thread::sleep(Duration::from_secs(60));
        Ok(())
    })
}

#[test]
fn a_compressed_stream_is_wrong_only_if_it_is_held_back() {
    let at_once = compressed("gzip", gzip(&[FIRST_BLOCK]));
    let found = findings(&examine_url(&at_once.url(), &[]));
    of_check(&found, "timing")[0].assert_is("ok", "timing", "the stream starts", "");
    let note = *of_check(&found, "headers").last().unwrap();
    note.assert_is(
        "note",
        "headers",
        "compressed (gzip), but its beginning",
        "gzip_types",
    );

    let held_back = compressed("gzip", gzip(&[]));
    let found = problems(&examine_url(&held_back.url(), &[]));
    only(&found).assert_is(
        "error",
        "timing",
        "nothing arrives within 10 s; the stream is compressed (gzip)",
        "gzip_types",
    );
}

#[test]
fn a_compression_that_the_command_did_not_ask_for_is_reported() {
    let zstd = compressed("zstd", vec![0x28, 0xb5, 0x2f, 0xfd]);
    let found = problems(&examine_url(&zstd.url(), &[]));
    only(&found).assert_is("warning", "headers", "`zstd`", "gzip_types");
}

#[test]
fn a_fixed_length_is_an_error() {
    let asks = FakeServer::start(|request, mut client| {
        assert!(
            request
                .to_lowercase()
                .contains("accept-encoding: gzip, deflate, br")
        );
        write!(
            client,
            "{HEAD}Content-Length: {}\r\n\r\n{FIRST_BLOCK}",
            FIRST_BLOCK.len()
        )
    });
    let found = problems(&examine_url(&asks.url(), &[]));
    found[0].assert_is("error", "headers", "fixed length", "buffer or cache off");
}

#[test]
fn a_response_that_is_not_a_stream_is_reported_with_its_remedy() {
    let respond = |status: &str, headers: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        let found = problems(&examine_url(
            &FakeServer::responding(format!("{head}\r\n{body}")).url(),
            &[],
        ));
        only(&found).clone()
    };
    let html = "Content-Type: text/html\r\n";
    respond("404 Not Found", html, "<p>").assert_is(
        "error",
        "response",
        "404",
        "actix_web_sse::routes",
    );
    respond("401 Unauthorized", html, "<p>").assert_is("error", "response", "401", "--cookie");
    let nginx = "Server: nginx/1.22.1\r\nContent-Type: text/html\r\n";
    for (status, help) in [
        (
            "502 Bad Gateway",
            "a proxy responded because it cannot reach the app",
        ),
        ("503 Service Unavailable", "probably a proxy responded"),
        (
            "504 Gateway Time-out",
            "a proxy responded because the app did not respond in time",
        ),
    ] {
        let what = format!("{} (server: nginx/1.22.1)", &status[..3]);
        let page = format!("<html>\r\n<head><title>{status}</title></head>\r\n");
        respond(status, nginx, &page).assert_is("error", "response", &what, help);
    }
    respond("200 OK", html, "<p>").assert_is("error", "response", "text/html", "/sse/stream");
    let to = "Location: https://a.example/login\r\n";
    respond("302 Found", to, "").assert_is(
        "warning",
        "response",
        "https://a.example/login",
        "login",
    );
    let busy = "Retry-After: 9\r\n";
    let found = respond("503 Service Unavailable", busy, "error: full\nhelp: wait\n");
    found.assert_is("error", "response", "503: full", "wait; retry after 9 s");
}

#[test]
fn http_1_0_is_a_note_and_its_stream_is_examined() {
    let head = HEAD.replace("HTTP/1.1", "HTTP/1.0");
    let fake = FakeServer::start(move |_, mut client| {
        write!(client, "{head}\r\n{FIRST_BLOCK}")?;
        thread::sleep(Duration::from_secs(60));
        Ok(())
    });
    let found = findings(&examine_url(&fake.url(), &[]));
    of_check(&found, "headers")[0].assert_is(
        "note",
        "headers",
        "HTTP/1.0",
        "proxy_http_version 1.1",
    );
    of_check(&found, "timing")[0].assert_is("ok", "timing", "the stream starts", "");
    // The server sends no gap for an id that it cannot know.
    of_check(&found, "replay")[0].assert_is("warning", "replay", "does not reach the server", "");
}

#[test]
fn an_invalid_url_is_refused() {
    examine_url("ftp://127.0.0.1", &[]).fails(2, "is not the URL of a stream");
}
