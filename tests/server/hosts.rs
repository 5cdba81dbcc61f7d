//! Which `Host` a server answers for. A page whose name was made to resolve to the visitor's own
//! machine (DNS rebinding) is of the same origin as the server there, and only its name betrays it.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    time::Duration,
};

use support::{App, Server, until};

/// Everything that the starter serves.
const TARGETS: [&str; 7] = [
    "/",
    "/app.js",
    "/health",
    "/info",
    "/js/sse.js",
    "/order.html",
    "/sse/stream",
];

/// The beginning of the answer to a request that is sent as it is.
fn answer(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // A stream goes on, any other answer ends.
    while !String::from_utf8_lossy(&bytes).contains("sse.heartbeat") {
        match socket.read(&mut part) {
            Ok(length) if length > 0 => bytes.extend_from_slice(&part[..length]),
            _ => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[track_caller]
fn status(answer: &str) -> &str {
    answer
        .get(9..12)
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

fn get(address: &str, target: &str, host: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    answer(address, &request)
}

#[track_caller]
fn is_misdirected(answer: &str) {
    assert_eq!(status(answer), "421", "{answer}");
    assert!(
        answer.contains("\r\ncache-control: no-store\r\n"),
        "{answer}"
    );
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let (error, help) = body.split_once("\nhelp: ").expect(body);
    assert!(error.starts_with("error: "), "{body}");
    assert!(help.ends_with('\n') && help.lines().count() == 1, "{body}");
}

#[test]
fn on_loopback_only_loopback_names_are_answered() {
    let app = App::new();
    let server = app.start();
    let address = server.address();
    for target in TARGETS {
        is_misdirected(&get(address, target, "evil.example"));
        let own = get(address, target, address);
        assert_eq!(status(&own), "200", "{target}: {own}");
    }
    let own = format!("localhost:{}", server.port());
    for host in [
        own.as_str(),
        "LocalHost",
        "localhost.",
        "app.localhost:3000",
        "127.0.0.1",
        "127.8.9.10:80",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
        // Not loopback, but no names that somebody could make resolve to this machine.
        "0.0.0.0:8080",
        "192.0.2.1",
        "[2001:db8::1]",
    ] {
        let answer = get(address, "/sse/stream", host);
        assert_eq!(status(&answer), "200", "{host}: {answer}");
    }
    let foreign = format!("evil.example:{}", server.port());
    for host in [
        foreign.as_str(),
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        // None of these names a host.
        "",
        "[::1",
        "localhost:http",
        "localhost:65536",
        "user@localhost",
        "localhost, evil.example",
        "127.0.0.1.1",
    ] {
        is_misdirected(&get(address, "/sse/stream", host));
        is_misdirected(&get(address, "/", host));
    }
    let named = get(address, "/", "evil.example");
    for text in [
        "`evil.example`",
        "reverse proxy",
        "SSE_ALLOWED_HOSTS=evil.example",
    ] {
        assert!(named.contains(text), "{text}: {named}");
    }
}

#[test]
fn every_method_is_checked_and_no_request_line_gets_around_it() {
    let app = App::new();
    let server = app.start();
    for method in ["HEAD", "OPTIONS"] {
        let request = format!(
            "{method} /sse/stream HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            status(&answer(server.address(), &request)),
            "421",
            "{method}"
        );
    }
    let body = "{\"a\":1}";
    let request = format!(
        "POST /trigger/event_name1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    is_misdirected(&answer(server.address(), &request));
    let absolute = "GET http://evil.example/sse/stream HTTP/1.1\r\nHost: localhost\r\n\
                    Connection: close\r\n\r\n";
    is_misdirected(&answer(server.address(), absolute));
    // What a proxy says about itself changes nothing.
    let forwarded = "GET /sse/stream HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\
                     X-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n\r\n";
    is_misdirected(&answer(server.address(), forwarded));
}

/// Browsers always send one, so a request without it cannot come from a page.
#[test]
fn a_health_check_without_a_host_is_answered() {
    let app = App::new();
    let server = app.start();
    for target in ["/health", "/", "/sse/stream"] {
        let answer = answer(server.address(), &format!("GET {target} HTTP/1.0\r\n\r\n"));
        assert_eq!(status(&answer), "200", "{target}: {answer}");
    }
}

#[test]
fn configured_hosts_are_answered_and_an_edit_takes_effect() {
    const EVENTS: &str = "SSE_EVENTS=a:k\n";
    let app = App::with_env(&format!(
        "{EVENTS}SSE_ALLOWED_HOSTS='App.Example, other.example:8443,[2001:DB8::1]'\n"
    ));
    let server = app.start();
    for (host, status_expected) in [
        ("app.example", "200"),
        ("APP.EXAMPLE:8080", "200"),
        ("other.example:8443", "200"),
        ("other.example:8444", "421"),
        ("other.example", "421"),
        ("[2001:db8:0::1]:80", "200"),
        ("sub.app.example", "421"),
        ("localhost", "200"),
    ] {
        for target in ["/", "/sse/stream"] {
            let answer = get(server.address(), target, host);
            assert_eq!(status(&answer), status_expected, "{host}{target}: {answer}");
        }
    }
    fs::write(
        app.path().join(".env"),
        format!("{EVENTS}SSE_ALLOWED_HOSTS=new.example\n"),
    )
    .unwrap();
    for target in ["/", "/sse/stream"] {
        until("the new host is answered", || {
            (status(&get(server.address(), target, "new.example")) == "200").then_some(())
        });
        is_misdirected(&get(server.address(), target, "app.example"));
    }
}

/// The pages of `SSE_ALLOWED_ORIGINS` live elsewhere; their names do not lead here.
#[test]
fn hosts_of_allowed_origins_do_not_count() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    is_misdirected(&get(server.address(), "/sse/stream", "app.example"));
}

/// Behind a proxy, the app's pages stay reachable while its owner mends another key.
#[test]
fn a_broken_configuration_keeps_its_allowed_hosts() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_TTL=soon\nSSE_ALLOWED_HOSTS=app.example\n");
    let server = app.start();
    assert_eq!(status(&get(server.address(), "/", "app.example")), "200");
    is_misdirected(&get(server.address(), "/", "evil.example"));
    let stream = get(server.address(), "/sse/stream", "app.example");
    assert_eq!(status(&stream), "503", "{stream}");
    assert!(stream.contains("SSE_TTL"), "{stream}");
}

/// This machine's address in its network, if it has one.
fn own_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: this only chooses a route.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().unwrap().ip().to_string())
}

#[test]
fn a_server_on_all_addresses_checks_what_arrives_on_loopback() {
    let app = App::with_env("SSE_EVENTS=a:k\n");
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let loopback = format!("127.0.0.1:{}", server.port());
    for target in ["/", "/sse/stream"] {
        is_misdirected(&get(&loopback, target, "evil.example"));
        assert_eq!(status(&get(&loopback, target, &loopback)), "200");
        if let Some(own) = own_address() {
            let outside = format!("{own}:{}", server.port());
            assert_eq!(status(&get(&outside, target, "evil.example")), "200");
        }
    }
}

#[test]
fn configured_hosts_are_enforced_on_every_address() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=app.example\n");
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let Some(own) = own_address() else { return };
    let outside = format!("{own}:{}", server.port());
    for target in ["/", "/sse/stream"] {
        assert_eq!(status(&get(&outside, target, "app.example")), "200");
        is_misdirected(&get(&outside, target, "evil.example"));
        // Only names can be made to resolve elsewhere, and health checks use addresses.
        assert_eq!(status(&get(&outside, target, &outside)), "200");
    }
}
