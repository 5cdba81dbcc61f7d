//! `sse doctor URL` behind nginx, HAProxy and Apache.

use support::{App, ReverseProxy, attempts};

use crate::doctor::findings::{
    Finding, assert_in_time, examine_app_and_url, examine_url, findings, of_check, only, problems,
};

#[track_caller]
fn timed_saves(app: &App, proxy: &ReverseProxy) -> Vec<Finding> {
    let url = format!("http://{}", proxy.address());
    findings(&examine_app_and_url(
        app,
        &url,
        &["--save", "event_cache_key1"],
    ))
}

#[test]
fn five_broken_configurations_of_nginx_are_recognised() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let pass = |lines: &str| format!("proxy_pass http://{}; {lines}", server.address());
    for (lines, arguments, level, check, what, help) in [
        (
            pass("proxy_read_timeout 1s;"),
            &["--wait", "5"][..],
            "warning",
            "end",
            "was cut off",
            "proxy_read_timeout",
        ),
        (
            pass("proxy_set_header Last-Event-ID '';"),
            &[],
            "warning",
            "replay",
            "Last-Event-ID does not reach the server",
            "Last-Event-ID",
        ),
        (
            pass("rewrite ^(.*)$ $1? break;"),
            &[],
            "warning",
            "replay",
            "?last_event_id= does not reach the server",
            "the query",
        ),
        (
            pass("proxy_hide_header Cache-Control;"),
            &[],
            "warning",
            "headers",
            "lacks no-cache and no-transform",
            "let the proxy forward it",
        ),
        (
            pass("proxy_ignore_headers X-Accel-Buffering; proxy_buffering on;"),
            &[],
            "error",
            "response",
            "sends no response within 10 s",
            "proxy_buffering off",
        ),
    ] {
        let proxy = ReverseProxy::nginx(app.path(), |port| {
            format!("listen 127.0.0.1:{port}; location / {{ {lines} }}")
        });
        let found = problems(&examine_url(
            &format!("http://{}", proxy.address()),
            arguments,
        ));
        only(&found).assert_is(level, check, what, help);
    }
}

#[test]
fn the_delay_of_haproxy_is_named_with_its_option() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let proxy = ReverseProxy::haproxy(app.path(), server.address(), "");
    let found = timed_saves(&app, &proxy);
    of_check(&found, "saves")[0].assert_is("note", "saves", "one by one", "option http-no-delay");
    drop(proxy);
    let proxy = ReverseProxy::haproxy(app.path(), server.address(), " option http-no-delay");
    attempts("no event is held back", || {
        let found = timed_saves(&app, &proxy);
        let saves = of_check(&found, "saves")[0];
        (saves.level == "ok").then(|| saves.assert_is("ok", "saves", "one by one", ""))
    });
}

#[test]
fn apache_that_compresses_each_event_at_once_is_a_note() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let proxy = ReverseProxy::apache(app.path(), server.address(), "SetOutputFilter DEFLATE");
    let found = timed_saves(&app, &proxy);
    assert!(!found.iter().any(Finding::is_problem), "{found:#?}");
    assert_in_time(&found);
    let note = *of_check(&found, "headers").last().unwrap();
    note.assert_is(
        "note",
        "headers",
        "compressed (gzip), but its events arrive at once",
        "CPU",
    );
}

#[test]
fn nginx_that_compresses_without_buffering_is_a_note() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let proxy = ReverseProxy::nginx(app.path(), |port| {
        format!(
            "listen 127.0.0.1:{port}; gzip on; gzip_types text/event-stream; gzip_proxied any;
            gzip_min_length 0; location / {{
                proxy_pass http://{}; proxy_http_version 1.1; proxy_hide_header Content-Encoding;
            }}",
            server.address()
        )
    });
    let found = timed_saves(&app, &proxy);
    assert!(!found.iter().any(Finding::is_problem), "{found:#?}");
    let note = *of_check(&found, "headers").last().unwrap();
    note.assert_is(
        "note",
        "headers",
        "compressed (gzip), but its events arrive at once",
        "gzip_types",
    );
}
