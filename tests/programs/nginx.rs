//! The stream through nginx, as its users configure it: with `proxy_pass` alone, and so over HTTP/1.0
//! before version 1.29.7.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use support::{App, ReverseProxy, Server, Stream, attempts};

/// Made for 127.0.0.1 until 2126 by `openssl req -x509`.
const SELF_SIGNED_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBlTCCATqgAwIBAgIUAfdDhJr7uCNYVx5XiPkO+4FOmBMwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLc2VsZi1zaWduZWQwIBcNMjYxMTI5MDgyOTExWhgPMjEyNjEx
MDUwODI5MTFaMBYxFDASBgNVBAMMC3NlbGYtc2lnbmVkMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAE8rKz1zyuOOLv8zb9DNYPHoKbaZVZZMCkxzP3LGCX8eWAP0BT
wfXPZNG9OY0ariSKuBwEMWiDrVyVXdVIfpuNM6NkMGIwHQYDVR0OBBYEFPGq73Hd
kjVwtBBTQMubUSKtvSNoMB8GA1UdIwQYMBaAFPGq73HdkjVwtBBTQMubUSKtvSNo
MA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNJ
ADBGAiEAiXJjc61WzUky+igOhpdUWJ+r30fH8MEB8vq0CqKeK9MCIQCWKHWqeN04
8fEEusB2Ngs2JjszL6OQO6ZwGyhFUG+hcw==
-----END CERTIFICATE-----
";
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0JBMHHeW06hQS6vl
SNR7ITiQWCU2gTuOxARowF3T/CqhRANCAATysrPXPK444u/zNv0M1g8egptplVlk
wKTHM/csYJfx5YA/QFPB9c9k0b05jRquJIq4HAQxaIOtXJVd1Uh+m40z
-----END PRIVATE KEY-----
";

/// Starts nginx with these lines in its `location`.
fn start(dir: &Path, server: &str, lines: &str) -> ReverseProxy {
    let location = format!("location / {{ proxy_pass http://{server}; {lines} }}");
    ReverseProxy::nginx(dir, |port| format!("listen 127.0.0.1:{port}; {location}"))
}

/// Starts nginx with a certificate that no authority has signed.
fn start_with_self_signed_certificate(dir: &Path) -> ReverseProxy {
    fs::write(dir.join("certificate.pem"), SELF_SIGNED_CERTIFICATE).unwrap();
    fs::write(dir.join("key.pem"), KEY).unwrap();
    ReverseProxy::nginx(dir, |port| {
        format!(
            "listen 127.0.0.1:{port} ssl;
            ssl_certificate certificate.pem; ssl_certificate_key key.pem;"
        )
    })
}

/// Not a stream with events: on a busy machine it could end before they are saved.
#[track_caller]
fn ends_as_planned(app: &App, lines: &str) {
    let server = Server::start(app.path(), &[("SSE_STREAM_DURATION", "1")]);
    let nginx = start(app.path(), server.address(), lines);
    let stream = Stream::open(nginx.address(), "/sse/stream", None);
    stream.next();
    let last = stream.next();
    assert!(last.retry.is_some(), "the end as planned: {last:?}");
    assert!(stream.has_ended(), "{lines}");
}

#[test]
fn nginx_forwards_the_stream_with_its_default_settings() {
    for lines in [
        "",
        "proxy_http_version 1.1; proxy_set_header Connection '';",
    ] {
        let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n");
        ends_as_planned(&app, lines);
        let server = app.start();
        let nginx = start(app.path(), server.address(), lines);
        let stream = Stream::open(nginx.address(), "/sse/stream", None);
        assert_eq!(stream.status, 200, "{lines}");
        stream.next();
        for value in ["x".repeat(40_000), "short".into()] {
            attempts(&format!("an event within a second: {lines}"), || {
                let saved = Instant::now();
                app.save("k", &value);
                assert_eq!(stream.next_event().value(), value.as_str(), "{lines}");
                (saved.elapsed() < Duration::from_secs(1)).then_some(())
            });
        }
    }
}

#[test]
fn a_self_signed_certificate_is_named_as_the_reason_with_what_to_do() {
    let app = App::new();
    let nginx = start_with_self_signed_certificate(app.path());
    let url = format!("https://{}", nginx.address());
    let reason = "its certificate is self-signed";
    let remedy = "use a certificate of a public authority for this host name";

    let output = app.sse().args(["doctor", &url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{text}");
    let (_, finding) = text.split_once("error    response: ").expect(&text);
    let (message, help) = finding.split_once("\n         help: ").expect(&text);
    assert!(message.ends_with(reason) && help.contains(remedy), "{text}");

    attempts("a warning within the timeout", || {
        let mut listen = app.sse();
        listen.args(["listen", &url, "--timeout", "0.9"]);
        let output = listen.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        let is_explained = text.contains(reason) && text.contains(remedy);
        (is_explained && text.contains("retrying")).then_some(())
    });
}
