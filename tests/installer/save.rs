//! `sse save`.

use serde_json::json;
use support::{App, Event, Stream, attempts, until};

use crate::{
    hello::{Ran, sse_in, sse_reads},
    listen::Listener,
};

fn save(app: &App, arguments: &[&str]) -> Ran {
    Ran::from_output(&app.sse().arg("save").args(arguments).output().unwrap())
}

/// Whether this is the line about a save, with the id of the event.
fn is_confirmation(line: &str, key: &str, event: &str) -> bool {
    let id = line
        .strip_prefix(&format!("saved {key} ("))
        .and_then(|rest| rest.strip_suffix(&format!("); triggers {event}\n")));
    id.is_some_and(|id| id.parse::<actix_web_sse::EventId>().is_ok())
}

#[test]
fn a_value_is_json_or_text_and_may_be_piped() {
    let app = App::new();
    let listener = Listener::start(&app, &["--json", "--count", "8"]);
    let key = "event_cache_key1";
    for arguments in [
        &[key][..],
        &[key, "{\"order\": 42}"],
        &[key, "shipped"],
        &[key, "-1.5"],
        &["--text", key, "42"],
        &["-C", ".", key, "--", "--text"],
    ] {
        let ran = save(&app, arguments);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (0, ""),
            "{arguments:?}: {}",
            ran.err
        );
        assert!(
            is_confirmation(&ran.err, "event_cache_key1", "event_name1"),
            "{}",
            ran.err
        );
    }
    assert_eq!(
        sse_reads(app.path(), &["save", key, "-"], b"[\"piped\"]\n").code,
        0
    );
    assert_eq!(
        sse_reads(app.path(), &["save", key, "-", "--text"], b"[1]\r\n").code,
        0
    );
    assert_eq!(
        listener.values(),
        [
            json!(1),
            json!({"order": 42}),
            json!("shipped"),
            json!(-1.5),
            json!("42"),
            json!("--text"),
            json!(["piped"]),
            json!("[1]"),
        ]
    );
}

#[test]
fn a_key_without_an_event_is_saved_with_a_warning_and_a_suggestion() {
    let app = App::new();
    for (key, warning) in [
        (
            "event_name1",
            "SSE_EVENTS has no event for `event_name1`; `event_name1` is an event; its key is `event_cache_key1`",
        ),
        (
            "event_cache_kye2",
            "SSE_EVENTS has no event for `event_cache_kye2`; did you mean `event_cache_key2`?",
        ),
        (
            "event_cache_key",
            "SSE_EVENTS has no event for `event_cache_key`; did you mean `event_cache_key1`?",
        ),
        (
            "zzz",
            "SSE_EVENTS has no event for `zzz`; its keys are event_cache_key1, event_cache_key2",
        ),
    ] {
        let ran = save(&app, &[key]);
        assert_eq!(ran.code, 0);
        assert!(
            ran.err
                .starts_with(&format!("warning: {warning}\nsaved {key} ")),
            "{}",
            ran.err
        );
        // `--quiet` keeps warnings.
        assert_eq!(
            save(&app, &["--quiet", key]).err,
            format!("warning: {warning}\n")
        );
    }
}

#[test]
fn the_ttl_limits_how_long_a_value_is_replayed() {
    let app = App::new();
    let server = app.start();
    let replayed = |since: &str| {
        let stream = Stream::open(server.address(), "/sse/stream", Some(since));
        let tells = |event: &Event| event.is_from_app() || event.name() == "sse.gap";
        std::iter::repeat_with(|| stream.next())
            .find(tells)
            .unwrap()
    };
    // On a busy machine the first may expire before it is requested.
    let before = attempts("a value is replayed until it expires", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        let before = stream.next().id.unwrap();
        app.run_sse(&["save", "event_cache_key1", "first", "--ttl", "1.5"]);
        app.run_sse(&["save", "event_cache_key1", "second"]);
        let event = replayed(&before);
        event.is_from_app().then(|| {
            assert_eq!(event.value(), json!("first"));
            before
        })
    });
    until("the first has expired", || {
        (replayed(&before).name() == "sse.gap").then_some(())
    });
    let stream = Stream::open(server.address(), "/sse/stream", Some(&before));
    assert_eq!(stream.next_event().value(), json!("second"));
    assert_eq!(save(&app, &["event_cache_key1", "--ttl", "5m"]).code, 2);
}

#[test]
fn an_invalid_key_is_refused() {
    let app = App::new();
    for key in ["", "../x", ".x", "a/b", "a:b", "a\nb"] {
        save(&app, &[key]).fails(1, "the cache key `");
    }
    assert!(!app.path().join("writable/x").exists());
}

#[test]
fn an_invalid_value_is_refused() {
    let app = App::new();
    sse_reads(app.path(), &["save", "event_cache_key1", "-"], b"\xff\xfe")
        .fails(1, "not valid UTF-8");
    let large = vec![b'a'; 70_000];
    sse_reads(app.path(), &["save", "event_cache_key1", "-"], &large).fails(1, "65536 are allowed");
    let mut endless = app.sse();
    endless.args(["save", "event_cache_key1", "-"]);
    endless.stdin(std::fs::File::open("/dev/zero").unwrap());
    let ran = Ran::from_output(&endless.output().unwrap());
    ran.fails(1, "a value has at most 65536");
}

#[test]
fn a_broken_configuration_is_reported_with_file_and_line() {
    for (env, line, what) in [
        ("A=1\nSSE_EVENTS=\n", 2, "SSE_EVENTS is empty"),
        ("SSE_EVENTS=a:../k\n", 1, "the cache key"),
        (
            "SSE_EVENTS=a:k\n\nSSE_TTL=long\n",
            3,
            "SSE_TTL must be a number of seconds, not `long`",
        ),
        (
            "SSE_EVENTS=a:k\nTITLE='it\nSSE_TTL=1\n",
            2,
            "this line is not valid",
        ),
    ] {
        let app = App::with_env(env);
        for command in [&["save", "k"][..], &["listen", "--timeout", "0"]] {
            let ran = Ran::from_output(&app.sse().args(command).output().unwrap());
            ran.fails(1, what);
            let place = format!("{}:{line})\nhelp: ", app.path().join(".env").display());
            assert!(ran.err.contains(&place), "{place}: {}", ran.err);
        }
    }
}

#[test]
fn without_an_app_nothing_is_saved() {
    let nothing = tempfile::tempdir().unwrap();
    for command in [&["save", "k"][..], &["listen", "--timeout", "5"]] {
        sse_in(nothing.path(), command).fails(1, ".env does not exist");
    }
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 0);
}
