//! `sse doctor URL` on a real server, behind proxies of several kinds.

use std::time::Duration;

use support::App;

use crate::{
    doctor::findings::{
        Finding, LATE_BEGINNING, assert_in_time, examine_app_and_url, examine_app_and_url_once,
        examine_url, findings, in_time, of_check, only, problems,
    },
    doctor::proxies::{Proxy, without},
};

#[test]
fn a_real_server_has_no_findings_and_reconnects_are_tried() {
    let app = App::new();
    let server = app.start();
    let ran = examine_url(&server.url(""), &[]);
    let found = findings(&ran);
    assert_eq!(problems(&ran), []);
    assert!(ran.out.contains("\"app\": null"), "{}", ran.out);
    of_check(&found, "timing")[0].assert_is("ok", "timing", "the stream starts", "");
    of_check(&found, "end")[0].assert_is("ok", "end", "is still open after ", "");
    let replay = of_check(&found, "replay");
    replay[0].assert_is("ok", "replay", "the header Last-Event-ID", "");
    replay[1].assert_is("ok", "replay", "?last_event_id=", "");
    // A URL may select events.
    let url = server.url("/sse/stream?events=event_name1");
    assert_eq!(problems(&examine_url(&url, &[])), []);
    let found = problems(&examine_url(&server.url("/sse/stream?events=nope"), &[]));
    only(&found).assert_is(
        "error",
        "response",
        "400: the event `nope` does not exist",
        "",
    );
}

#[test]
fn pages_of_another_origin_are_checked_on_request() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    let of_origin = |origin| {
        let found = findings(&examine_url(&server.url(""), &["--origin", origin]));
        of_check(&found, "origin")[0].clone()
    };
    of_origin("https://App.Example/").assert_is("ok", "origin", "https://app.example receive", "");
    let help = "SSE_ALLOWED_ORIGINS=https://other.example";
    of_origin("https://other.example").assert_is("error", "origin", "receive no events", help);
    let refused = examine_url(&server.url(""), &["--origin", "app.example"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("for example https://app.example"));
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
    assert!(!found.iter().any(Finding::is_problem), "{found:#?}");
    assert_in_time(&found);
    // The app's folder is examined, too.
    of_check(&found, "config");
}

#[test]
fn nothing_is_saved_unless_requested() {
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
fn a_server_that_follows_another_cache_is_detected() {
    let (app, other) = (App::new(), App::new());
    let server = other.start();
    let env = std::fs::read_to_string(app.path().join(".env")).unwrap();
    // The doctor waits for a few poll intervals.
    let env = env.replace("SSE_POLL_INTERVAL=2", "SSE_POLL_INTERVAL=0.1");
    std::fs::write(app.path().join(".env"), env).unwrap();
    let found = problems(&examine_app_and_url(
        &app,
        &server.url(""),
        &["--save", "event_cache_key1"],
    ));
    assert_eq!(found.len(), 2, "{found:#?}");
    of_check(&found, "saves")[0].assert_is("error", "saves", "none arrived", "uses another cache");
}

#[test]
fn a_key_without_an_event_is_refused() {
    let app = App::new();
    examine_app_and_url(&app, "http://127.0.0.1:1", &["--save", "nope"]).fails(2, "`nope`");
}

/// A reverse proxy on this machine that forwards the public host name, as nginx does with
/// `proxy_set_header Host $host`.
#[test]
fn a_proxy_whose_host_is_not_allowed_is_explained() {
    let app = App::new();
    let server = app.start();
    let proxy = Proxy {
        request: |head| {
            let head = without(&head, &["host"]);
            head.replacen("\r\n", "\r\nHost: app.example\r\n", 1)
        },
        ..Proxy::TRANSPARENT
    };
    let proxy = proxy.in_front_of(server.address());
    let found = problems(&examine_url(&proxy.url(), &[]));
    only(&found).assert_is(
        "error",
        "response",
        "421: this server does not answer for the host `app.example`",
        "SSE_ALLOWED_HOSTS=app.example",
    );
}

#[test]
fn a_planned_end_is_not_a_finding() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0.5\n");
    let server = app.start();
    let ran = examine_url(&server.url(""), &["--wait", "20"]);
    assert_eq!(problems(&ran), []);
    of_check(&findings(&ran), "end")[0].assert_is("ok", "end", "as planned after ", "");
}

#[test]
fn a_broken_server_reports_why() {
    let app = App::with_env("SSE_EVENTS=\n");
    let server = app.start();
    let found = problems(&examine_url(&server.url(""), &[]));
    only(&found).assert_is("error", "response", "503: ", "SSE_EVENTS=");
    assert!(found[0].what.contains("SSE_EVENTS is empty"), "{found:#?}");
    let found = problems(&examine_url("http://127.0.0.1:1", &[]));
    only(&found).assert_is("error", "response", "cannot be reached", "start the server");
}

#[test]
fn a_transparent_proxy_is_not_a_finding() {
    let app = App::new();
    let server = app.start();
    let url = Proxy::TRANSPARENT.in_front_of(server.address()).url();
    let ran = examine_app_and_url(&app, &url, &["--save", "event_cache_key1"]);
    assert_eq!(problems(&ran), []);
    assert_in_time(&findings(&ran));
}

#[test]
fn a_proxy_that_strips_headers_is_detected() {
    let app = App::new();
    let server = app.start();
    let proxy = Proxy {
        request: |head| without(&head, &["last-event-id"]),
        answer: |head| without(&head, &["cache-control", "x-accel-buffering"]),
        ..Proxy::TRANSPARENT
    };
    let found = findings(&examine_url(
        &proxy.in_front_of(server.address()).url(),
        &[],
    ));
    let headers = of_check(&found, "headers");
    headers[1].assert_is(
        "warning",
        "headers",
        "lacks no-cache and no-transform",
        "Sse::respond",
    );
    headers[2].assert_is("note", "headers", "x-accel-buffering does not arrive", "");
    let replay = of_check(&found, "replay");
    replay[0].assert_is(
        "warning",
        "replay",
        "Last-Event-ID does not reach the server",
        "proxy",
    );
    replay[1].assert_is("ok", "replay", "?last_event_id=", "");
}

#[test]
fn a_proxy_that_drops_the_query_is_detected() {
    let app = App::new();
    let server = app.start();
    let proxy = Proxy {
        request: |head| match head.split_once("?last_event_id=") {
            Some((path, rest)) => format!("{path}{}", &rest[rest.find(' ').unwrap()..]),
            None => head,
        },
        ..Proxy::TRANSPARENT
    };
    let found = problems(&examine_url(
        &proxy.in_front_of(server.address()).url(),
        &[],
    ));
    only(&found).assert_is(
        "warning",
        "replay",
        "?last_event_id= does not reach",
        "query",
    );
}

#[test]
fn a_proxy_that_buffers_events_is_detected() {
    let app = App::new();
    let server = app.start();
    let proxy = Proxy {
        buffers_for: Duration::from_secs(3),
        ..Proxy::TRANSPARENT
    };
    let url = proxy.in_front_of(server.address()).url();
    let arguments = ["--save", "event_cache_key1"];
    let ran = in_time(&[LATE_BEGINNING], || {
        examine_app_and_url_once(&app, &url, &arguments)
    });
    let found = problems(&ran);
    only(&found).assert_is(
        "error",
        "saves",
        "5 values were saved over",
        "proxy_buffering off",
    );
}

#[test]
fn a_proxy_that_cuts_connections_is_detected() {
    let app = App::new();
    let server = app.start();
    let cuts_after = |seconds| {
        let proxy = Proxy {
            cuts_after: Some(Duration::from_secs(seconds)),
            ..Proxy::TRANSPARENT
        };
        proxy.in_front_of(server.address()).url()
    };
    let found = problems(&examine_url(&cuts_after(1), &["--wait", "20"]));
    only(&found).assert_is(
        "warning",
        "end",
        "in the middle of an event",
        "proxy_read_timeout",
    );
    assert!(found[0].help.contains("interval of 15.0 s"), "{found:#?}");
    assert_eq!(
        problems(&examine_url(&cuts_after(10), &[])),
        [],
        "too short a wait to notice"
    );
}
