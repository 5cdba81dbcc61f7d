//! How a container checks the health of the starter app, and stops it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, chown},
    process::Command,
    time::{Duration, Instant},
};

use support::{App, Server, Stream, get, starter, until};

/// Whether `--healthcheck` succeeds, and what it prints.
fn healthcheck(app: &App, host: &str, port: &str) -> (bool, String) {
    let mut command = Command::new(starter());
    command
        .arg("--healthcheck")
        .current_dir(app.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .envs([("HOST", host), ("PORT", port)]);
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), printed)
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
    let (is_healthy, printed) = healthcheck(&app, "127.0.0.1", server.port());
    assert!(!is_healthy);
    assert!(printed.contains("event_without_key"), "{printed}");
}

#[test]
fn a_stopped_app_is_unhealthy() {
    let app = App::new();
    let server = app.start();
    let port = server.port().to_owned();
    server.kill();
    let (is_healthy, printed) = healthcheck(&app, "127.0.0.1", &port);
    assert!(!is_healthy);
    assert!(printed.contains("error: "), "{printed}");
}

/// Docker kills a container that has not ended after ten seconds.
#[test]
fn a_terminated_app_does_not_wait_for_its_streams() {
    let app = App::with_env("SSE_EVENTS=event_name1:event_cache_key1\nSSE_STREAM_DURATION=300\n");
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    let terminated = Instant::now();
    assert!(server.terminate().success());
    assert!(
        terminated.elapsed() < Duration::from_secs(10),
        "{:?}",
        terminated.elapsed()
    );
    assert!(stream.has_ended());
}

fn status(server: &Server, path: &str) -> u16 {
    get(server.address(), path).status
}

fn until_ready_is(server: &Server, status_code: u16) {
    until(&format!("ready is {status_code}"), || {
        (status(server, "/health/ready") == status_code).then_some(())
    });
    assert_eq!(status(server, "/health"), 200);
}

#[test]
fn an_app_whose_cache_cannot_be_written_is_alive_and_not_ready() {
    const OTHER_USER: u32 = 12_345;
    let app = App::with_env(
        "SSE_EVENTS=event_name1:event_cache_key1\nSSE_STREAM_DURATION=300\nSSE_POLL_INTERVAL=0.2\n",
    );
    fs::create_dir_all(app.cache()).unwrap();
    if rustix::process::geteuid().is_root() {
        // Permissions do not apply to root, but the server acts as the owner of the folder.
        chown(app.cache(), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    }
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    app.save("event_cache_key1", "1");
    assert_eq!(stream.next_event().value(), 1);
    until_ready_is(&server, 200);
    let entries = app.cache().join(".sse/journal-2/000000000000");
    let set_mode = |mode| fs::set_permissions(&entries, Permissions::from_mode(mode)).unwrap();
    set_mode(0o500);
    until_ready_is(&server, 503);
    let answer = &get(server.address(), "/health/ready").body;
    assert!(answer.contains("cannot write to a folder"), "{answer}");
    set_mode(0o700);
    until_ready_is(&server, 200);
    let log = server.wait_for_log("values can be saved again");
    assert_eq!(log.matches("nothing can be saved").count(), 1, "{log}");
}
