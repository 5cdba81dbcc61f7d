//! What the server answers.

use std::fs;

use serde_json::json;
use support::{Stream, get, http, until};

use crate::app::{ENV, OtherApp};

#[test]
fn a_file_in_the_cache_folder_reaches_the_streams() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.write("writable/cache/event_cache_key1", "{\"order\": 42}");
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("event_name1", json!({"order": 42}))
    );
    assert_eq!(
        app.sse(&["save", "event_cache_key1", "7"]).status.code(),
        Some(0)
    );
    assert_eq!(stream.next_event().value(), json!(7));
}

#[test]
fn the_app_may_be_in_another_folder() {
    let (app, elsewhere) = (
        OtherApp::new(ENV),
        OtherApp::new("SSE_EVENTS=other:other\n"),
    );
    app.write("public/js/sse-client.js", "// the app's own\n");
    let folder = app.path().to_str().unwrap();
    let server = support::Server::start_serve(elsewhere.path(), &["-C", folder]);
    let listeners = get(server.address(), "/js/sse-client.js");
    assert_eq!(
        (listeners.status, &*listeners.body),
        (200, "// the app's own\n")
    );
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.write("writable/cache/event_cache_key1", "1");
    assert_eq!(stream.next_event().name(), "event_name1");
}

#[test]
fn the_client_is_embedded_and_the_listeners_are_the_apps() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    let client = get(server.address(), "/js/sse.js");
    let shipped = fs::read_to_string(support::workspace().join("assets/js/sse.js")).unwrap();
    assert_eq!((client.status, &client.body), (200, &shipped));
    assert_eq!(get(server.address(), "/js/sse-client.js").status, 404);
}

#[test]
fn health_says_whether_values_are_delivered() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&["--admin-listen", "127.0.0.1:0"]);
    for (path, text) in [("/health", "ok\n"), ("/health/ready", "ready\n")] {
        let answer = get(server.address(), path);
        assert_eq!((answer.status, &*answer.body), (200, text));
    }
    assert_eq!(
        get(server.address(), "/").status,
        404,
        "the admin pages are elsewhere"
    );
}

#[test]
fn the_admin_pages_have_their_own_listener() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&["--admin-listen", "127.0.0.1:0"]);
    let admin = &*server.admin_address();
    let _stream = Stream::open(server.address(), "/sse/stream", None);
    until("the stream is counted", || {
        get(admin, "/")
            .body
            .contains("streams: 1 of 10000")
            .then_some(())
    });
    let overview = get(admin, "/");
    assert!(
        overview
            .body
            .contains("SSE_STREAM_DURATION is 0 s (.env line 1)"),
        "{}",
        overview.body
    );
    assert_eq!(overview.headers["cache-control"], "no-store");
    let accept = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let mut page = http::request(admin, "GET /", &accept, "");
    assert!(
        page.read_text()
            .contains("<title>Live notifications</title>")
    );
    let snapshot = &get(admin, "/snapshot").body;
    assert!(snapshot.contains("\"allowsTestEvents\":true"), "{snapshot}");
    assert_eq!(get(admin, "/sse/stream").status, 404);
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(get(admin, path).status, 200, "{path}");
    }
    let metrics = get(admin, "/metrics");
    assert!(
        metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"),
        "what Prometheus reads: {:?}",
        metrics.headers
    );
    assert!(
        metrics.body.contains("\nsse_streams 1\n"),
        "{}",
        metrics.body
    );
    assert_eq!(get(server.address(), "/metrics").status, 404);
}

#[test]
fn admin_pages_that_other_machines_reach_send_no_test_events() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&["--admin-listen", "0.0.0.0:0"]);
    let admin = server.admin_address().replace("0.0.0.0", "127.0.0.1");
    let snapshot = &get(&admin, "/snapshot").body;
    assert!(
        snapshot.contains("\"allowsTestEvents\":false"),
        "{snapshot}"
    );
    let json = [("Content-Type", "application/json")];
    let event = r#"{"key": "k", "value": 1}"#;
    assert_eq!(
        http::request(&admin, "POST /test-events", &json, event).status,
        404
    );
}

#[test]
fn requests_for_other_hosts_are_refused_on_every_route() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    for path in ["/sse/stream", "/js/sse.js", "/health"] {
        let request = format!("GET {path}");
        let answer = http::request(server.address(), &request, &[("Host", "evil.example")], "");
        assert_eq!(answer.status, 421, "{path}");
    }
}

#[test]
fn an_edit_of_env_takes_effect_without_a_restart() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.write(
        ".env",
        &ENV.replace("event_name1:event_cache_key1", "renamed:event_cache_key1"),
    );
    until("the event has its new name", || {
        app.write("writable/cache/event_cache_key1", "1");
        (stream.next_event().name() == "renamed").then_some(())
    });
}
