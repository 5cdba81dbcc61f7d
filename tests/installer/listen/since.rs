//! `sse listen --since`.

use std::{fs, time::Duration};

use actix_web_sse::{Cache, Config};
use serde_json::json;
use support::App;

use super::{Listener, events};
use crate::hello::Ran;

#[test]
fn saved_events_are_printed_since_a_time() {
    let app = App::new();
    let since = |time: &str, count: &str| {
        let arguments = ["--json", "--since", time, "--count", count];
        let ran = Listener::start(&app, &arguments).end();
        assert_eq!(ran.code, 0, "{}", ran.err);
        events(&ran.out)
    };
    for value in 1..=3 {
        app.save("event_cache_key1", &value.to_string());
    }
    let all = since("10m", "3");
    let values: Vec<_> = all.iter().map(|event| &event["value"]).collect();
    assert_eq!(values, [&json!(1), &json!(2), &json!(3)]);
    // The time that it has printed, of the last event.
    let last = all[2]["timestamp"].as_str().unwrap();
    assert_eq!(since(last, "1").last().unwrap()["timestamp"], last);
    let listener = Listener::start(&app, &["--json", "--since", "1h", "--count", "4"]);
    app.save("event_cache_key2", "4");
    assert_eq!(listener.values(), [json!(1), json!(2), json!(3), json!(4)]);
    let only = [
        "--json",
        "--since",
        "1h",
        "--events",
        "event_name2",
        "--count",
        "1",
    ];
    assert_eq!(Listener::start(&app, &only).values(), [json!(4)]);

    let sse = |arguments: &[&str]| {
        Ran::from_output(&app.sse().arg("listen").args(arguments).output().unwrap())
    };
    sse(&["localhost:8080", "--since", "10m"]).fails(2, "--since does not work with a URL");
    for wrong in ["yesterday", "2999-01-01T00:00:00Z"] {
        let ran = sse(&["--since", wrong]);
        assert!(ran.code == 2 && ran.err.contains("--since"), "{}", ran.err);
    }
}

#[test]
fn a_time_whose_events_were_swept_is_answered_with_a_warning() {
    let app = App::new();
    app.save("event_cache_key1", "0");
    let listener = Listener::start(&app, &["--since", "1h", "--count", "1"]);
    let ran = listener.end();
    assert!(ran.code == 0 && !ran.err.contains("missed"), "{}", ran.err);

    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    for value in 1..2_000 {
        cache
            .save("event_cache_key1", value)
            .ttl(Duration::ZERO)
            .blocking()
            .unwrap();
    }
    // As a server sweeps: the oldest folder as a whole.
    fs::remove_dir_all(app.cache().join(".sse/journal-2/000000000000")).unwrap();
    let ran = Listener::start(&app, &["--since", "1h", "--count", "1"]).end();
    assert_eq!(
        (ran.code, ran.err.matches("warning: ").count()),
        (0, 1),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("events may have been missed: entries were swept"),
        "{}",
        ran.err
    );
}
