//! How the server starts and ends.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    time::{Duration, Instant},
};

use support::{Stream, best_of_three, sse_in};

use crate::app::{ENV, OtherApp};

/// What docs/delivery.md promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(2);

#[test]
fn sigterm_ends_the_server_within_two_seconds() {
    best_of_three(MAX_SHUTDOWN, || {
        let app = OtherApp::new(ENV);
        let server = app.serve(&["--admin-listen", "127.0.0.1:0"]);
        let streams: Vec<Stream> = (0..20)
            .map(|_| Stream::open(server.address(), "/sse/stream", None))
            .collect();
        for stream in &streams {
            stream.next();
        }
        let started = Instant::now();
        let status = server.terminate();
        assert!(status.success(), "{status}");
        started.elapsed()
    });
}

#[test]
fn a_mistake_in_the_configuration_ends_the_command() {
    for (env, problem) in [
        ("", "SSE_EVENTS"),
        ("SSE_EVENTS=event_name1\n", "SSE_EVENTS"),
        (
            "SSE_EVENTS=a:b\nSSE_LISTEN=here\n",
            "SSE_LISTEN is not an address",
        ),
        (
            "SSE_EVENTS=a:b\nSSE_TLS_CERT=cert.pem\n",
            "SSE_TLS_KEY is not",
        ),
        (
            "SSE_EVENTS=a:b\nSSE_TLS_CERT=cert.pem\nSSE_TLS_KEY=key.pem\n",
            "cannot read",
        ),
    ] {
        let app = OtherApp::new(env);
        let output = app.sse(&["serve", "--admin-listen", "127.0.0.1:0"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("error: ") && text.contains("help: "),
            "{text}"
        );
        assert!(text.contains(problem), "{text}");
    }
}

#[test]
fn a_variable_that_is_not_utf_8_ends_the_command_instead_of_making_the_stream_public() {
    let app = OtherApp::new(ENV);
    let output = sse_in(app.path())
        .args(["serve", "--listen", "127.0.0.1:no_port"])
        .env("SSE_AUTH_URL", OsStr::from_bytes(b"http://127.0.0.1/\xff"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("SSE_AUTH_URL (an environment variable) is not valid UTF-8"),
        "{text}"
    );
}

#[test]
fn the_health_check_exits_with_0_if_the_server_is_healthy() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    let check = |address: &str| app.sse(&["serve", "--healthcheck", "--listen", address]);
    let healthy = check(server.address());
    assert!(
        healthy.status.success(),
        "{}",
        String::from_utf8_lossy(&healthy.stderr)
    );
    let address = server.address().to_owned();
    drop(server);
    let output = check(&address);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("is not healthy"), "{text}");
}
