//! The starter's development tools: for its developer's own browser, and for nobody else.

use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    time::Duration,
};

use support::{App, Server, Stream};

const QUIET: Duration = Duration::from_millis(500);
const BODY: &str = "{\"from\":\"a test\"}";

/// Status and text of the answer to a request with these headers.
fn ask(address: &str, request_line: &str, headers: &[&str], body: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let has_host = headers.iter().any(|line| line.starts_with("Host: "));
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let host = match has_host {
        true => String::new(),
        false => format!("Host: {address}\r\n"),
    };
    let length = body.len();
    let request = format!(
        "{request_line} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n\
         {headers}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    (answer[9..12].to_owned(), answer)
}

fn info(address: &str, headers: &[&str]) -> (String, String) {
    ask(address, "GET /info", headers, "")
}

fn trigger(address: &str, headers: &[&str]) -> (String, String) {
    let json = "Content-Type: application/json";
    let headers = [&[json], headers].concat();
    ask(address, "POST /trigger/event_name1", &headers, BODY)
}

fn listen(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    stream
}

/// Both answer 404, and visitors learn nothing of the machine.
#[track_caller]
fn are_off(app: &App, address: &str, headers: &[&str]) {
    for (status, answer) in [info(address, headers), trigger(address, headers)] {
        assert_eq!(status, "404", "{headers:?}: {answer}");
        assert!(!answer.contains(app.path().to_str().unwrap()), "{answer}");
        assert!(answer.contains("DEV_TOOLS"), "{answer}");
    }
}

#[test]
fn they_are_there_for_programs_on_this_machine() {
    let app = App::new();
    let server = app.start();
    let stream = listen(&server);
    let (status, answer) = info(server.address(), &[]);
    assert_eq!(status, "200");
    assert!(answer.contains("cache-control: no-store"), "{answer}");
    let own_page = format!("Origin: http://{}", server.address());
    for headers in [&[][..], &[&own_page, "Sec-Fetch-Site: same-origin"]] {
        let (status, answer) = trigger(server.address(), headers);
        assert_eq!(status, "204", "{answer}");
        assert_eq!(stream.next_event().value()["from"], "a test");
    }
}

#[test]
fn they_are_not_there_behind_a_proxy() {
    let env = "SSE_EVENTS=event_name1:event_cache_key1\nSSE_ALLOWED_HOSTS=app.example\n";
    let app = App::with_env(env);
    let server = app.start();
    let stream = listen(&server);
    for header in [
        "Forwarded: for=192.0.2.1",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: localhost",
        "X-Forwarded-Proto: https",
        "X-Real-IP: 192.0.2.1",
        "Via: 1.1 proxy",
        // A proxy that adds nothing, but passes on the name.
        "Host: app.example",
    ] {
        are_off(&app, server.address(), &[header]);
    }
    stream.expect_silence(QUIET);
}

#[test]
fn they_are_not_there_for_other_machines() {
    let app = App::new();
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let loopback = format!("127.0.0.1:{}", server.port());
    assert_eq!(info(&loopback, &[]).0, "200");
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: this only chooses a route, if there is a network.
    if socket.connect("192.0.2.1:9").is_ok() {
        let own = socket.local_addr().unwrap().ip();
        let outside = format!("{own}:{}", server.port());
        are_off(&app, &outside, &[]);
        are_off(&app, &outside, &["Host: localhost"]);
    }
}

#[test]
fn a_setting_turns_them_off() {
    for env in ["DEV_TOOLS=off", "DEV_TOOLS=' OFF '"] {
        let app = App::with_env(&format!("SSE_EVENTS=event_name1:event_cache_key1\n{env}\n"));
        let server = app.start();
        are_off(&app, server.address(), &[]);
        assert_eq!(ask(server.address(), "GET /", &[], "").0, "200");
    }
}

/// Whatever a page of another origin sends, nothing is saved.
#[test]
fn a_page_of_another_origin_triggers_nothing() {
    let app = App::new();
    let server = app.start();
    let stream = listen(&server);
    let other_port = "Origin: http://127.0.0.1:1";
    for headers in [
        &["Origin: https://evil.example"][..],
        &["Origin: null"],
        &[other_port],
        &["Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: same-site"],
    ] {
        let (status, answer) = trigger(server.address(), headers);
        assert_eq!(status, "403", "{headers:?}: {answer}");
        assert!(
            answer.contains("error: ") && answer.contains("\nhelp: "),
            "{answer}"
        );
        let (status, answer) = ask(server.address(), "POST /order", headers, "");
        assert_eq!(status, "403", "{headers:?}: {answer}");
    }
    // What a form can send, which needs no preflight.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [&*format!("Content-Type: {kind}")];
        let (status, answer) = ask(
            server.address(),
            "POST /trigger/event_name1",
            &headers,
            BODY,
        );
        assert!(status.starts_with('4'), "{kind}: {answer}");
    }
    let asked = [
        "Origin: https://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
    ];
    let (_, preflight) = ask(server.address(), "OPTIONS /trigger/event_name1", &asked, "");
    assert!(
        !preflight.to_lowercase().contains("access-control-"),
        "{preflight}"
    );
    stream.expect_silence(QUIET);
}
