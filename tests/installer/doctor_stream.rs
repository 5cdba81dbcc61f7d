//! `sse doctor URL` on a real server, with honest and dishonest middlemen before it.

use std::time::Duration;

use support::App;

use crate::{
    diagnosis::{bad, examine_app_and_url, examine_url, findings, of_check, only},
    middlemen::{Middleman, without},
};

#[test]
fn a_real_server_is_well_and_returns_are_tried() {
    let app = App::new();
    let server = app.start();
    let ran = examine_url(&server.url(""), &[]);
    let found = findings(&ran);
    assert_eq!(bad(&ran), []);
    assert!(ran.out.contains("\"app\": null"), "{}", ran.out);
    of_check(&found, "pace")[0].is("ok", "pace", "the stream begins", "");
    of_check(&found, "end")[0].is("ok", "end", "is open after 0.5 s", "");
    let replay = of_check(&found, "replay");
    replay[0].is("ok", "replay", "the header Last-Event-ID", "");
    replay[1].is("ok", "replay", "?last_event_id=", "");
    // Whoever asks for one event is answered for it.
    let url = server.url("/sse/stream?events=event_name1");
    assert_eq!(bad(&examine_url(&url, &[])), []);
    let found = bad(&examine_url(&server.url("/sse/stream?events=nope"), &[]));
    only(&found).is(
        "error",
        "answer",
        "400: the event `nope` does not exist",
        "",
    );
}

#[test]
fn saved_values_are_timed_one_by_one() {
    let app = App::new();
    let server = app.start();
    let found = findings(&examine_app_and_url(
        &app,
        &server.url(""),
        &["--save", "event_cache_key1"],
    ));
    of_check(&found, "saves")[0].is("ok", "saves", "5 saved values arrived one by one", "");
    // The app's own folder is examined with it.
    of_check(&found, "config");
}

#[test]
fn nothing_is_saved_unless_it_is_asked_for() {
    let app = App::new();
    let server = app.start();
    let _ = examine_app_and_url(&app, &server.url(""), &[]);
    let first = app
        .path()
        .join("writable/cache/.sse/journal-2/000000000000");
    let names: Vec<_> = std::fs::read_dir(first)
        .unwrap()
        .map(|item| item.unwrap().file_name())
        .collect();
    assert_eq!(names, [".high-water"]);
}

#[test]
fn a_server_that_follows_another_cache_is_found_out() {
    let (app, other) = (App::new(), App::new());
    let server = other.start();
    let env = std::fs::read_to_string(app.path().join(".env")).unwrap();
    // Not to wait long in vain.
    let env = env.replace("SSE_POLL_INTERVAL=2", "SSE_POLL_INTERVAL=0.1");
    std::fs::write(app.path().join(".env"), env).unwrap();
    let found = bad(&examine_app_and_url(
        &app,
        &server.url(""),
        &["--save", "event_cache_key1"],
    ));
    only(&found).is("error", "saves", "none arrived", "follows another cache");
}

#[test]
fn a_key_that_fires_nothing_is_refused() {
    let app = App::new();
    examine_app_and_url(&app, "http://127.0.0.1:1", &["--save", "nope"]).fails(2, "`nope`");
}

/// A reverse proxy on this machine that forwards the public host name, as nginx does with
/// `proxy_set_header Host $host`.
#[test]
fn a_proxy_whose_host_is_not_allowed_is_explained() {
    let app = App::new();
    let server = app.start();
    let proxy = Middleman {
        request: |head| {
            let head = without(&head, &["host"]);
            head.replacen("\r\n", "\r\nHost: app.example\r\n", 1)
        },
        ..Middleman::HONEST
    };
    let proxy = proxy.before(server.address());
    let found = bad(&examine_url(&proxy.url(), &[]));
    only(&found).is(
        "error",
        "answer",
        "421: this server does not answer for the host `app.example`",
        "SSE_ALLOWED_HOSTS=app.example",
    );
}

#[test]
fn a_planned_end_is_none_to_worry_about() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0.5\n");
    let server = app.start();
    let ran = examine_url(&server.url(""), &["--wait", "20"]);
    assert_eq!(bad(&ran), []);
    of_check(&findings(&ran), "end")[0].is("ok", "end", "as planned after 0.", "");
}

#[test]
fn a_server_that_cannot_serve_says_why() {
    let app = App::with_env("SSE_EVENTS=\n");
    let server = app.start();
    let found = bad(&examine_url(&server.url(""), &[]));
    only(&found).is("error", "answer", "503: ", "SSE_EVENTS=");
    assert!(found[0].what.contains("SSE_EVENTS is empty"), "{found:#?}");
    let found = bad(&examine_url("http://127.0.0.1:1", &[]));
    only(&found).is("error", "answer", "cannot be reached", "start the server");
}

#[test]
fn an_honest_middleman_is_none_to_worry_about() {
    let app = App::new();
    let server = app.start();
    let url = Middleman::HONEST.before(server.address()).url();
    let ran = examine_app_and_url(&app, &url, &["--save", "event_cache_key1"]);
    assert_eq!(bad(&ran), []);
    of_check(&findings(&ran), "saves")[0].is("ok", "saves", "one by one", "");
}

#[test]
fn a_middleman_that_strips_headers_is_found_out() {
    let app = App::new();
    let server = app.start();
    let middleman = Middleman {
        request: |head| without(&head, &["last-event-id"]),
        answer: |head| without(&head, &["cache-control", "x-accel-buffering"]),
        ..Middleman::HONEST
    };
    let found = findings(&examine_url(&middleman.before(server.address()).url(), &[]));
    let headers = of_check(&found, "headers");
    headers[1].is(
        "warning",
        "headers",
        "lacks no-cache and no-transform",
        "Sse::response",
    );
    headers[2].is("note", "headers", "x-accel-buffering does not arrive", "");
    let replay = of_check(&found, "replay");
    replay[0].is(
        "warning",
        "replay",
        "Last-Event-ID does not reach the server",
        "proxy",
    );
    replay[1].is("ok", "replay", "?last_event_id=", "");
}

#[test]
fn a_middleman_that_drops_the_query_is_found_out() {
    let app = App::new();
    let server = app.start();
    let middleman = Middleman {
        request: |head| match head.split_once("?last_event_id=") {
            Some((path, rest)) => format!("{path}{}", &rest[rest.find(' ').unwrap()..]),
            None => head,
        },
        ..Middleman::HONEST
    };
    let found = bad(&examine_url(&middleman.before(server.address()).url(), &[]));
    only(&found).is(
        "warning",
        "replay",
        "?last_event_id= does not reach",
        "query",
    );
}

#[test]
fn a_middleman_that_collects_events_is_found_out() {
    let app = App::new();
    let server = app.start();
    let middleman = Middleman {
        collects: Duration::from_millis(900),
        ..Middleman::HONEST
    };
    let url = middleman.before(server.address()).url();
    let found = bad(&examine_app_and_url(
        &app,
        &url,
        &["--save", "event_cache_key1"],
    ));
    only(&found).is(
        "error",
        "saves",
        "5 values saved over",
        "proxy_buffering off",
    );
}

#[test]
fn a_middleman_that_cuts_connections_is_found_out() {
    let app = App::new();
    let server = app.start();
    let middleman = Middleman {
        cuts_after: Some(Duration::from_secs(1)),
        ..Middleman::HONEST
    };
    let url = middleman.before(server.address()).url();
    let found = bad(&examine_url(&url, &["--wait", "20"]));
    only(&found).is(
        "warning",
        "end",
        "in the middle of an event",
        "proxy_read_timeout",
    );
    assert!(found[0].help.contains("heartbeat's 15.0 s"), "{found:#?}");
    assert_eq!(
        bad(&examine_url(&url, &[])),
        [],
        "too short a wait to notice"
    );
}
