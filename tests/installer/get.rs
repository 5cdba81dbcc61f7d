//! `sse get` and `sse delete`.

use serde_json::{Value, json};
use support::{App, until};

use crate::{
    hello::{Ran, sse_in},
    listen::Listener,
};

const KEY: &str = "event_cache_key1";

fn sse(app: &App, arguments: &[&str]) -> Ran {
    Ran::from_output(&app.sse().args(arguments).output().unwrap())
}

#[track_caller]
fn assert_prints(app: &App, arguments: &[&str], text: &str) {
    let ran = sse(app, arguments);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, text, ""),
        "{arguments:?}"
    );
}

/// Asserts that the key has no value, and the help text.
#[track_caller]
fn assert_missing(app: &App, key: &str, help: &str) {
    let ran = sse(app, &["get", key]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    let text = format!("error: `{key}` has no value\nhelp: {help}");
    assert!(ran.err.starts_with(&text), "{}", ran.err);
}

#[test]
fn the_newest_value_is_printed_as_json_until_it_is_deleted() {
    let app = App::new();
    let no_value = "it was never saved, or was deleted, or has expired";
    assert_missing(&app, KEY, no_value);
    app.save(KEY, "1");
    app.save(KEY, "{\"order\": 42}");
    app.save("event_cache_key2", "shipped");
    assert_prints(&app, &["get", KEY], "{\"order\": 42}\n");
    assert_prints(&app, &["get", "event_cache_key2", "-q"], "\"shipped\"\n");
    let ran = sse(&app, &["delete", KEY]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "", "deleted event_cache_key1\n")
    );
    assert_missing(&app, KEY, no_value);
    assert_missing(&app, KEY, no_value);
    assert_prints(&app, &["get", "event_cache_key2"], "\"shipped\"\n");
    app.save(KEY, "again");
    assert_prints(&app, &["get", KEY], "\"again\"\n");
    assert_prints(&app, &["delete", KEY, "--quiet"], "");
    assert_missing(&app, KEY, no_value);
}

#[test]
fn to_delete_a_key_without_a_value_succeeds_and_says_so() {
    let app = App::new();
    let nothing = format!("`{KEY}` has no value: nothing to delete\n");
    let ran = sse(&app, &["delete", KEY]);
    assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", &*nothing));
    assert_prints(&app, &["delete", KEY, "--quiet"], "");
    app.save(KEY, "1");
    assert_eq!(sse(&app, &["delete", KEY]).err, format!("deleted {KEY}\n"));
    assert_eq!(sse(&app, &["delete", KEY]).err, nothing);
}

#[test]
fn an_entry_is_one_json_object_on_one_line() {
    let app = App::new();
    let listener = Listener::start(&app, &["--json", "--count", "1"]);
    app.save(KEY, "{\n  \"order\": 42\n}");
    let received: Value = serde_json::from_str(&listener.end().out).unwrap();
    let ran = sse(&app, &["get", KEY, "--json"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 1), "{}", ran.out);
    let entry: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        entry,
        json!({
            "id": received["id"],
            "key": KEY,
            "timestamp": received["timestamp"],
            "value": {"order": 42},
        })
    );
    assert!(ran.out.starts_with("{\"id\":"), "{}", ran.out);
}

#[test]
fn an_expired_value_is_not_printed_nor_an_older_one() {
    let app = App::new();
    app.run_sse(&["save", KEY, "old", "--ttl", "0"]);
    app.run_sse(&["save", KEY, "new", "--ttl", "1"]);
    until("the new value is over", || {
        let ran = sse(&app, &["get", KEY]);
        if ran.code == 0 {
            assert_eq!(ran.out, "\"new\"\n");
        }
        (ran.code == 1).then_some(())
    });
}

#[test]
fn a_deletion_is_not_an_event() {
    let app = App::new();
    let listener = Listener::start(&app, &["--json", "--count", "2"]);
    app.save(KEY, "1");
    app.run_sse(&["delete", KEY]);
    app.save(KEY, "2");
    assert_eq!(listener.values(), [json!(1), json!(2)]);
}

#[test]
fn a_similar_key_is_suggested() {
    let app = App::new();
    for (key, meant) in [
        (
            "event_name1",
            "`event_name1` is an event; its key is `event_cache_key1`\n",
        ),
        ("event_cache_kye1", "did you mean `event_cache_key1`?\n"),
    ] {
        assert_missing(&app, key, meant);
        let ran = sse(&app, &["delete", key]);
        let warning = format!("warning: SSE_EVENTS has no event for `{key}`; {meant}");
        let note = format!("`{key}` has no value: nothing to delete\n");
        assert_eq!((ran.code, ran.err), (0, warning + &note));
    }
    // Deleting a key that is mapped to no event works like any other.
    app.run_sse(&["save", "settings", "1"]);
    assert_prints(&app, &["get", "settings"], "1\n");
}

#[test]
fn invalid_keys_and_folders_without_an_app_are_refused() {
    let app = App::new();
    let nothing = tempfile::tempdir().unwrap();
    for command in ["get", "delete"] {
        for key in ["", "../x", ".x", "a/b", "a:b", "a\nb"] {
            sse(&app, &[command, key]).fails(1, "the cache key `");
        }
        assert_eq!(sse(&app, &[command]).code, 2);
        sse_in(nothing.path(), &[command, "k"]).fails(1, ".env does not exist");
    }
}
