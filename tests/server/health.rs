//! What a container asks of the starter app: whether it is well, and to end.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use support::{App, Server, Stream, get, starter};

/// Whether `--healthcheck` finds the app well, and what it says.
fn healthcheck(app: &App, host: &str, port: &str) -> (bool, String) {
    let mut command = Command::new(starter());
    command
        .arg("--healthcheck")
        .current_dir(app.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .envs([("HOST", host), ("PORT", port)]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

#[test]
fn an_app_that_answers_is_healthy_on_every_address() {
    for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
        let app = App::new();
        let server = Server::start(app.path(), &[("HOST", host)]);
        let answer = get(&format!("127.0.0.1:{}", server.port()), "/health");
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
        assert_eq!(
            healthcheck(&app, host, server.port()),
            (true, String::new())
        );
        assert!(!server.log().contains("/health"), "{}", server.log());
    }
}

#[test]
fn an_app_without_its_stream_is_unhealthy() {
    let app = App::with_env("SSE_EVENTS=event_without_key\n");
    let server = app.start();
    assert_eq!(get(server.address(), "/health").status, 503);
    let (well, said) = healthcheck(&app, "127.0.0.1", server.port());
    assert!(!well);
    assert!(said.contains("event_without_key"), "{said}");
}

#[test]
fn a_stopped_app_is_unhealthy() {
    let app = App::new();
    let server = app.start();
    let port = server.port().to_owned();
    server.kill();
    let (well, said) = healthcheck(&app, "127.0.0.1", &port);
    assert!(!well);
    assert!(said.contains("error: "), "{said}");
}

/// Docker, for one, kills what has not ended after ten seconds.
#[cfg(unix)]
#[test]
fn a_terminated_app_does_not_wait_for_its_streams() {
    let app = App::with_env("SSE_EVENTS=event_name1:event_cache_key1\nSSE_STREAM_DURATION=300\n");
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    let told = Instant::now();
    assert!(server.terminate().success());
    assert!(
        told.elapsed() < Duration::from_secs(10),
        "{:?}",
        told.elapsed()
    );
    assert!(stream.has_ended());
}
