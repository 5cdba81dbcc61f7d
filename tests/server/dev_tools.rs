//! The starter's development tools, which answer the developer's own browser only.

use std::{net::UdpSocket, time::Duration};

use serde_json::json;
use support::{App, Server, Stream, http};

const QUIET: Duration = Duration::from_millis(500);
const BODY: &str = "{\"from\":\"a test\"}";

type Headers<'a> = [(&'a str, &'a str)];

/// Status and text of the response.
fn ask(address: &str, method_and_target: &str, headers: &Headers, body: &str) -> (u16, String) {
    let mut response = http::request(address, method_and_target, headers, body);
    (response.status, response.read_text())
}

fn info(address: &str, headers: &Headers) -> (u16, String) {
    ask(address, "GET /info", headers, "")
}

fn trigger(address: &str, headers: &Headers) -> (u16, String) {
    let json = ("Content-Type", "application/json");
    let headers = [&[json], headers].concat();
    ask(address, "POST /trigger/event_cache_key1", &headers, BODY)
}

fn listen(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    stream
}

/// Expects that both tools answer 404, and tell visitors nothing about the machine.
#[track_caller]
fn assert_tools_are_off(app: &App, address: &str, headers: &Headers) {
    for (status, answer) in [info(address, headers), trigger(address, headers)] {
        assert_eq!(status, 404, "{headers:?}: {answer}");
        assert!(!answer.contains(app.path().to_str().unwrap()), "{answer}");
        assert!(answer.contains("DEV_TOOLS"), "{answer}");
    }
}

#[test]
fn the_tools_answer_programs_on_this_machine() {
    let app = App::new();
    let server = app.start();
    let stream = listen(&server);
    let (status, answer) = info(server.address(), &[]);
    assert_eq!(status, 200);
    assert!(answer.contains("cache-control: no-store"), "{answer}");
    let origin = format!("http://{}", server.address());
    let same_origin = [
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    for headers in [&[][..], &same_origin] {
        let (status, answer) = trigger(server.address(), headers);
        assert_eq!(status, 204, "{answer}");
        assert_eq!(stream.next_event().value()["from"], "a test");
    }
}

#[test]
fn the_tools_know_private_keys() {
    let app = App::with_env("SSE_EVENTS=a:k:private,b:l\n");
    let server = app.start();
    let (_, answer) = info(server.address(), &[]);
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let found: serde_json::Value = serde_json::from_str(body).unwrap();
    let event = |index: usize| {
        let event = &found["events"][index];
        ["event", "key", "private"].map(|name| event[name].clone())
    };
    assert_eq!(event(0), [json!("a"), json!("k"), json!(true)]);
    assert_eq!(event(1), [json!("b"), json!("l"), json!(false)]);
    let json = [("Content-Type", "application/json")];
    let (status, answer) = ask(server.address(), "POST /trigger/k", &json, "1");
    assert_eq!(status, 422, "{answer}");
    assert!(answer.contains("help: name the audiences"), "{answer}");
}

#[test]
fn a_button_sends_its_value_unchanged() {
    const VALUE: &str =
        r#"{"z":1,"a":{"y":12345678901234567890123,"b":1.10},"10":"ten","9":"nine"}"#;
    let app = App::new();
    let server = app.start();
    let stream = listen(&server);
    let json = [("Content-Type", "application/json")];
    let target = "POST /trigger/event_cache_key1";
    let (status, answer) = ask(server.address(), target, &json, VALUE);
    assert_eq!(status, 204, "{answer}");
    let text = stream.next_event().data.unwrap();
    assert!(text.ends_with(&format!(",\"value\":{VALUE}}}")), "{text}");
    let (status, _) = ask(server.address(), target, &json, "{\"z\":");
    assert_eq!(status, 400);
}

#[test]
fn the_tools_are_off_behind_a_proxy() {
    let env = "SSE_EVENTS=event_name1:event_cache_key1\nSSE_ALLOWED_HOSTS=app.example\n";
    let app = App::with_env(env);
    let server = app.start();
    let stream = listen(&server);
    for header in [
        ("Forwarded", "for=192.0.2.1"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "192.0.2.1"),
        ("Via", "1.1 proxy"),
        // A proxy that adds no header, but forwards the host name.
        ("Host", "app.example"),
    ] {
        assert_tools_are_off(&app, server.address(), &[header]);
    }
    stream.expect_silence(QUIET);
}

#[test]
fn the_tools_are_off_for_other_machines() {
    let app = App::new();
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let loopback = format!("127.0.0.1:{}", server.port());
    assert_eq!(info(&loopback, &[]).0, 200);
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // This sends nothing: it only chooses a route, if the machine has a network.
    if socket.connect("192.0.2.1:9").is_ok() {
        let ip = socket.local_addr().unwrap().ip();
        let outside = format!("{ip}:{}", server.port());
        assert_tools_are_off(&app, &outside, &[]);
        assert_tools_are_off(&app, &outside, &[("Host", "localhost")]);
    }
}

#[test]
fn a_setting_turns_the_tools_off() {
    for env in ["DEV_TOOLS=off", "DEV_TOOLS=' OFF '"] {
        let app = App::with_env(&format!("SSE_EVENTS=event_name1:event_cache_key1\n{env}\n"));
        let server = app.start();
        assert_tools_are_off(&app, server.address(), &[]);
        assert_eq!(ask(server.address(), "GET /", &[], "").0, 200);
    }
}

#[test]
fn a_page_of_another_origin_cannot_trigger_events() {
    let app = App::new();
    let server = app.start();
    let stream = listen(&server);
    let other_port = ("Origin", "http://127.0.0.1:1");
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[other_port],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ] {
        let (status, answer) = trigger(server.address(), headers);
        assert_eq!(status, 403, "{headers:?}: {answer}");
        assert!(
            answer.contains("error: ") && answer.contains("\nhelp: "),
            "{answer}"
        );
        let (status, answer) = ask(server.address(), "POST /order", headers, "");
        assert_eq!(status, 403, "{headers:?}: {answer}");
    }
    // A form can send these without a preflight.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [("Content-Type", kind)];
        let (status, answer) = ask(
            server.address(),
            "POST /trigger/event_cache_key1",
            &headers,
            BODY,
        );
        assert!((400..500).contains(&status), "{kind}: {answer}");
    }
    let headers = [
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let (_, preflight) = ask(
        server.address(),
        "OPTIONS /trigger/event_cache_key1",
        &headers,
        "",
    );
    assert!(
        !preflight.to_lowercase().contains("access-control-"),
        "{preflight}"
    );
    stream.expect_silence(QUIET);
}
