//! The starter's admin pages, which have an address of their own.

use support::{App, Server, Stream, get, http, until};

use crate::configuration::BareStarter;

const ANY_ADDRESS: (&str, &str) = ("ADMIN_LISTEN", "127.0.0.1:0");

#[test]
fn metrics_and_health_are_at_the_admin_address_alone() {
    let app = App::with_lasting_streams();
    let server = Server::start(app.path(), &[ANY_ADDRESS]);
    let admin = server.admin_address();
    let _stream = Stream::open(server.address(), "/sse/stream", None);
    until("the stream is counted", || {
        let metrics = &get(&admin, "/metrics").body;
        metrics
            .lines()
            .any(|line| line == "sse_streams 1")
            .then_some(())
    });
    let metrics = get(&admin, "/metrics");
    assert!(
        metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"),
        "what Prometheus reads: {:?}",
        metrics.headers
    );
    assert_eq!(metrics.headers["cache-control"], "no-store");
    assert!(
        metrics.body.contains("sse_stream_open_seconds_bucket{"),
        "a histogram has buckets: {}",
        metrics.body
    );
    for (path, text) in [("/health/live", "ok\n"), ("/health/ready", "ready\n")] {
        let answer = get(&admin, path);
        assert_eq!((answer.status, &*answer.body), (200, text));
    }
    let page = get(&admin, "/");
    assert!(page.body.contains("<title>Live notifications</title>"));
    let snapshot = &get(&admin, "/snapshot").body;
    assert!(snapshot.contains("\"allowsTestEvents\":true"), "{snapshot}");
    assert!(snapshot.contains("\"showsValues\":false"), "{snapshot}");
    assert_eq!(get(server.address(), "/snapshot").status, 404);
    assert_eq!(get(server.address(), "/metrics").status, 404);
    assert_eq!(get(&admin, "/sse/stream").status, 404);
    let other_host = [("Host", "evil.example")];
    let refused = http::request(&admin, "GET /metrics", &other_host, "");
    assert_eq!(refused.status, 421);
    refusals_are_logged(&server, &admin);
    let refused = http::request(server.address(), "GET /sse/stream", &other_host, "");
    assert_eq!(refused.status, 421);
    let metrics = &get(&admin, "/metrics").body;
    let count = "sse_streams_refused_total{reason=\"host\"} 1";
    assert!(metrics.lines().any(|line| line == count), "{metrics}");
    assert!(server.terminate().success());
}

fn refusals_are_logged(server: &Server, admin: &str) {
    let json = ("Content-Type", "application/json");
    let cross_site = [json, ("Sec-Fetch-Site", "cross-site")];
    let refused = http::request(admin, "POST /test-events", &cross_site, "{}");
    assert_eq!(refused.status, 403);
    server.wait_for_log("POST /test-events: pages of other origins may not send events");
    let invalid_host = [("Host", "a b")];
    let refused = http::request(admin, "GET /snapshot", &invalid_host, "");
    assert_eq!(refused.status, 400);
    server.wait_for_log("400: the request's Host header is not valid");
}

#[test]
fn the_shipped_settings_have_admin_pages_on_this_machine_alone() {
    let env = std::fs::read_to_string(App::new().path().join(".env")).unwrap();
    assert!(env.contains("\nADMIN_LISTEN=127.0.0.1:"), "{env}");
}

#[test]
fn an_app_without_the_setting_has_no_admin_pages() {
    let app = App::with_env("SSE_EVENTS=event_name1:event_cache_key1\n");
    for settings in [&[][..], &[("ADMIN_LISTEN", "")], &[("ADMIN_LISTEN", "off")]] {
        let mut starter = BareStarter::start(&app, &[settings, &[("PORT", "0")]].concat());
        let greeting = starter.printed_until("sse -C");
        assert!(!greeting.contains("Admin pages"), "{greeting}");
    }
}

#[test]
fn a_second_copy_on_another_port_says_that_the_admin_address_is_in_use() {
    let app = App::new();
    let first = Server::start(app.path(), &[ANY_ADDRESS]);
    let address = first.admin_address();
    let settings = [("PORT", "0"), ("ADMIN_LISTEN", &*address)];
    let (code, error) = BareStarter::start(&app, &settings).end();
    assert_eq!(code, Some(1));
    let expected = format!("error: {address}, which ADMIN_LISTEN names, is in use");
    assert!(error.contains(&expected), "{error}");
    assert!(error.contains("help: choose an address"), "{error}");
    assert!(error.contains("ADMIN_LISTEN=off"), "{error}");
}

#[test]
fn an_admin_address_that_cannot_be_used_is_reported() {
    for (address, expected) in [
        ("8081", "neither HOST:PORT nor `off`: `8081`"),
        ("on", "neither HOST:PORT nor `off`: `on`"),
        ("127.0.0.1:65536", "neither HOST:PORT nor `off`"),
        ("no.such.host.invalid:0", "cannot listen on no.such.host"),
    ] {
        let settings = [("PORT", "0"), ("ADMIN_LISTEN", address)];
        let (code, error) = BareStarter::start(&App::new(), &settings).end();
        assert_eq!(code, Some(1), "{address}");
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("\nhelp: choose an address"), "{error}");
    }
}
