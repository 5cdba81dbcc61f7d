//! The responses to `GET /sse/stream`.

use std::{fs, time::Duration};

use support::{App, Backend, Stream, event_part, get, http, on_every_backend, until};

const QUIET: Duration = Duration::from_millis(500);

on_every_backend! {
    an_event_carries_its_id_its_name_and_the_saved_value_with_its_time
    a_stream_ends_after_its_duration_and_its_last_block_carries_the_id
    a_client_that_reconnects_gets_the_events_it_missed
    a_connection_shared_by_old_and_new_pages_replays_the_lookback
    a_client_without_lookback_receives_only_what_is_saved_from_then_on
    the_header_takes_precedence_over_the_id_in_the_query
    an_unknown_id_is_a_gap
    an_expired_value_is_a_gap_only_for_reconnecting_clients_that_wanted_it
    a_client_chooses_its_events
    a_client_may_disconnect_between_two_events_of_one_key
    line_ends_in_a_value_cannot_forge_fields
}

#[test]
fn the_headers_keep_proxies_from_buffering_the_stream() {
    let app = App::new();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    assert_eq!(stream.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform, private"),
        ("content-encoding", "identity"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(
            stream.headers.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
}

#[test]
fn a_head_request_gets_the_same_headers_and_opens_no_stream() {
    let app = App::new();
    let server = app.start();
    for (path, kind) in [
        ("/sse/stream", "text/event-stream"),
        ("/js/sse.js", "text/javascript; charset=utf-8"),
    ] {
        let mut response = http::request(server.address(), &format!("HEAD {path}"), &[], "");
        let text = response.read_text();
        assert_eq!(response.status, 200, "{text}");
        assert_eq!(response.header("content-type"), Some(kind));
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }
}

#[test]
fn the_first_block_arrives_at_once_and_carries_the_id() {
    let app = App::new();
    let server = app.start();
    let first = Stream::open(server.address(), "/sse/stream", None).next();
    assert_eq!(first.number(), 0);
    assert_eq!(first.retry, Some(1_000));
    assert_eq!(
        (first.name(), first.data.as_deref()),
        ("sse.heartbeat", Some("15"))
    );
}

fn an_event_carries_its_id_its_name_and_the_saved_value_with_its_time(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let before = stream.next();
    app.save("event_cache_key1", "{\"order\": 42}");
    let event = stream.next_event();
    assert_eq!(event.name(), "event_name1");
    assert_eq!(event.number(), 1);
    assert_eq!(
        event.id.as_ref().unwrap()[..16],
        before.id.unwrap()[..16],
        "one epoch"
    );
    let json = event.json();
    assert_eq!(json["value"]["order"], 42);
    let timestamp = json["timestamp"].as_str().unwrap();
    assert_eq!(
        (timestamp.len(), &timestamp[10..11], &timestamp[23..]),
        (24, "T", "Z"),
        "RFC 3339: {timestamp}"
    );
    assert_eq!(json.as_object().unwrap().len(), 2);
}

fn a_stream_ends_after_its_duration_and_its_last_block_carries_the_id(backend: Backend) {
    let app =
        App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=1\nSSE_POLL_INTERVAL=2\n").on(backend);
    let server = app.start();
    // On a busy machine, a stream may end before the value is saved.
    let (event, last, stream) = until("a value arrives before the stream ends", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        stream.next();
        app.save("k", "1");
        let event = stream.next();
        event.is_from_app().then(|| (event, stream.next(), stream))
    });
    let number = event.number();
    assert_eq!((last.name(), last.number()), ("sse.heartbeat", number));
    // A plain EventSource keeps it until it is connected again, even if the server is gone by then.
    assert!(
        (1_000..=1_100).contains(&last.retry.unwrap()),
        "at most one request per second: {last:?}"
    );
    assert!(last.is_planned_end, "the browser client reconnects at once");
    assert!(stream.has_ended());
}

fn a_client_that_reconnects_gets_the_events_it_missed(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    for value in ["1", "2", "3", "4"] {
        app.save("event_cache_key1", value);
    }
    let second = [stream.next_event(), stream.next_event()][1].clone();
    let id = second.id.unwrap();
    drop(stream);

    let path = format!("/sse/stream?last_event_id={id}");
    for again in [
        Stream::open(server.address(), "/sse/stream", Some(&id)),
        Stream::open(server.address(), &path, None),
    ] {
        assert_eq!(
            again.next().id.as_deref(),
            Some(id.as_str()),
            "the stream continues where it ended"
        );
        assert_eq!(
            [again.next_event().value(), again.next_event().value()],
            [3, 4]
        );
        again.expect_silence(QUIET);
    }
}

fn a_connection_shared_by_old_and_new_pages_replays_the_lookback(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    for value in ["1", "2"] {
        app.save("event_cache_key1", value);
    }
    stream.next_event();
    let id = stream.next_event().id.unwrap();

    let path = format!("/sse/stream?last_event_id={id}&lookback=true");
    let shared = Stream::open(server.address(), &path, None);
    assert_eq!(shared.next().number(), 0, "it starts before both");
    assert_eq!(
        [shared.next_event().value(), shared.next_event().value()],
        [1, 2]
    );

    let beyond = id.replace("-2", "-9");
    let path = format!("/sse/stream?last_event_id={beyond}&lookback=true");
    let unknown = Stream::open(server.address(), &path, None);
    let blocks = [unknown.next(), unknown.next()];
    assert_eq!(
        blocks[1].name(),
        "sse.gap",
        "an unknown id stays unknown: {blocks:?}"
    );
}

fn a_client_without_lookback_receives_only_what_is_saved_from_then_on(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("event_cache_key1", "1");
    let id = stream.next_event().id.unwrap();
    let path = "/sse/stream?lookback=false";
    let new = Stream::open(server.address(), path, None);
    assert_eq!(new.next().id.unwrap(), id, "it starts after the event");
    app.save("event_cache_key1", "2");
    assert_eq!(new.next_event().value(), 2);
    let resumed = Stream::open(server.address(), path, Some(&id));
    assert_eq!(resumed.next_event().value(), 2);
}

fn the_header_takes_precedence_over_the_id_in_the_query(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("event_cache_key1", "1");
    app.save("event_cache_key1", "2");
    let (first, second) = (
        stream.next_event().id.unwrap(),
        stream.next_event().id.unwrap(),
    );
    let path = format!("/sse/stream?last_event_id={first}");
    let again = Stream::open(server.address(), &path, Some(&second));
    again.expect_silence(QUIET);
}

fn an_unknown_id_is_a_gap(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    app.save("event_cache_key1", "1");
    let epoch = Stream::open(server.address(), "/sse/stream", None)
        .next()
        .id
        .unwrap()[..16]
        .to_owned();
    for (id, reason) in [
        ("42".to_owned(), "unknown-id"),
        (format!("{epoch}-99999"), "unknown-id"),
        (format!("{epoch}-99999.7"), "unknown-id"),
        ("0123456789abcdef-1".to_owned(), "other-epoch"),
        ("\u{2026}".to_owned(), "unknown-id"),
    ] {
        let stream = Stream::open(server.address(), "/sse/stream", Some(&id));
        let gap = std::iter::repeat_with(|| stream.next())
            .find(|event| event.name() == "sse.gap")
            .unwrap();
        assert_eq!(gap.json()["reason"], reason, "{id}");
        assert!(
            gap.id.unwrap().starts_with(&epoch),
            "the gap carries an id of this epoch"
        );
    }
}

fn an_expired_value_is_a_gap_only_for_reconnecting_clients_that_wanted_it(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let start = stream.next().id.unwrap();
    app.run_sse(&["save", "--quiet", "--ttl", "0.1", "event_cache_key1", "1"]);
    assert_eq!(
        stream.next_event().value(),
        1,
        "delivered at once, whatever its time to live"
    );
    std::thread::sleep(Duration::from_millis(150));

    let again = Stream::open(server.address(), "/sse/stream", Some(&start));
    assert_eq!(again.next().name(), "sse.heartbeat");
    let gap = again.next();
    assert_eq!(
        (gap.name(), &gap.json()["reason"]),
        ("sse.gap", &"expired".into())
    );
    let other = Stream::open(
        server.address(),
        "/sse/stream?events=event_name2",
        Some(&start),
    );
    assert_eq!(other.next().name(), "sse.heartbeat");
    assert!(
        other.next_within(QUIET).is_none(),
        "this client has missed nothing"
    );
}

fn a_client_chooses_its_events(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let only = Stream::open(server.address(), "/sse/stream?events=event_name2", None);
    app.save("event_cache_key1", "1");
    app.save("event_cache_key2", "2");
    assert_eq!(only.next_event().value(), 2);

    let refused = get(server.address(), "/sse/stream?events=event_name1,typo");
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body,
        "error: the event `typo` does not exist\nhelp: the events in SSE_EVENTS are event_name1, event_name2\n"
    );
}

fn a_client_may_disconnect_between_two_events_of_one_key(backend: Backend) {
    let app = App::with_env("SSE_EVENTS=a:k,b:k\nSSE_STREAM_DURATION=15\nSSE_POLL_INTERVAL=2\n")
        .on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("k", "1");
    let (a, b) = (stream.next_event(), stream.next_event());
    assert_eq!((a.name(), b.name()), ("a", "b"));
    assert!(
        a.id.as_ref()
            .unwrap()
            .ends_with(&format!("-1.{:08x}", event_part("a")))
            && b.id.as_ref().unwrap().ends_with("-1")
    );
    let again = Stream::open(server.address(), "/sse/stream", a.id.as_deref());
    assert_eq!(again.next_event().name(), "b");
}

fn line_ends_in_a_value_cannot_forge_fields(backend: Backend) {
    let app = App::new().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let text = "1\r\n\r\nevent: event_name2\ndata: forged\n\nid: 9\r\u{2028}\u{0}";
    fs::write(
        app.cache().join("event_cache_key1"),
        serde_json::to_string(text).unwrap(),
    )
    .unwrap();
    assert_eq!(stream.next_event().value(), text);
    fs::write(app.cache().join("event_cache_key1"), "{\r\"n\":\n\n1}").unwrap();
    let event = stream.next_event();
    assert_eq!(
        (event.name(), &event.value()["n"]),
        ("event_name1", &1.into())
    );
    stream.expect_silence(QUIET);
}

#[test]
fn only_listed_origins_may_read_the_stream() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    for (origin, allowed) in [
        (None, false),
        (Some("https://app.example"), true),
        (Some("https://app.example.evil.example"), false),
        (Some("null"), false),
    ] {
        let header = origin.map(|origin| ("Origin", origin));
        let stream = Stream::request(server.address(), "/sse/stream", header.as_slice());
        let allow = |name: &str| {
            stream
                .headers
                .get(&format!("access-control-allow-{name}"))
                .map(String::as_str)
        };
        assert_eq!(allow("origin"), origin.filter(|_| allowed));
        assert_eq!(allow("credentials"), allowed.then_some("true"));
        assert_eq!(
            stream.headers.get("vary").map(String::as_str),
            Some("Origin")
        );
    }
}

/// Otherwise its client could not know that a retry cannot succeed.
#[test]
fn a_page_of_an_allowed_origin_can_read_why_its_stream_was_refused() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://app.example\n");
    let server = app.start();
    for (origin, readable) in [
        ("https://app.example", Some("Retry-After")),
        ("https://evil.example", None),
    ] {
        let refused = Stream::request(
            server.address(),
            "/sse/stream?events=b",
            &[("Origin", origin)],
        );
        assert_eq!(refused.status, 400);
        let header = |name: &str| refused.headers.get(name).map(String::as_str);
        assert_eq!(
            header("access-control-allow-origin"),
            readable.map(|_| origin)
        );
        assert_eq!(header("access-control-expose-headers"), readable);
        assert_eq!(header("vary"), Some("Origin"));
    }
}

#[test]
fn beyond_the_connection_limit_streams_get_503_and_pages_still_load() {
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS=2\n");
    let server = app.start();
    let streams = [(), ()].map(|()| Stream::open(server.address(), "/sse/stream", None));
    let refused = get(server.address(), "/sse/stream");
    assert_eq!(
        (refused.status, refused.headers.contains_key("retry-after")),
        (503, true)
    );
    assert!(refused.body.contains("2 streams"), "{}", refused.body);
    assert_eq!(get(server.address(), "/").status, 200);
    assert!(streams.iter().all(|stream| stream.status == 200));
}
