//! Edits of `.env` while the app runs, and their effect on open streams.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use support::{App, Server, Stream, get, http, until};

const LASTING: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=first:key1\n";

/// Longer than an edit takes to take effect.
const EDIT_TIMEOUT: Duration = Duration::from_secs(10);

fn edit(app: &App, env: &str) {
    fs::write(app.path().join(".env"), env).unwrap();
}

/// Expects this event next.
#[track_caller]
fn receives(stream: &Stream, name: &str, value: u64) {
    let event = stream.next_event();
    assert_eq!((event.name(), event.value()), (name, value.into()));
}

#[test]
fn an_open_stream_gets_added_events_and_no_removed_ones() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("key1", "1");
    receives(&stream, "first", 1);

    edit(&app, "SSE_STREAM_DURATION=0\nSSE_EVENTS=second:key2\n");
    server.wait_for_log("its new values are in effect");
    app.save("key1", "2");
    app.save("key2", "3");
    receives(&stream, "second", 3);
    // Only files named like a key are drop-ins, and `key2` is a key now.
    fs::write(app.cache().join("key2"), "4").unwrap();
    receives(&stream, "second", 4);
    assert_eq!(
        get(server.address(), "/sse/stream?events=first").status,
        400
    );
}

#[test]
fn a_prefix_of_drop_ins_is_set_and_removed() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    edit(&app, &format!("{LASTING}SSE_DROP_IN_PREFIX=shop_\n"));
    server.wait_for_log("its new values are in effect");
    let file = app.cache().join("shop_key1");
    let info = get(server.address(), "/info").body.clone();
    assert!(info.contains(&file.display().to_string()), "{info}");
    fs::write(app.cache().join("key1"), "2").unwrap();
    fs::write(file, "1").unwrap();
    receives(&stream, "first", 1);
    // Now the other file is the drop-in.
    edit(&app, LASTING);
    receives(&stream, "first", 2);
}

#[test]
fn the_listeners_come_from_the_public_folder_in_force() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let script = || get(server.address(), "/js/sse-client.js");
    assert!(script().body.contains("event_name1"));
    let other = app.path().join("web/js");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("sse-client.js"), "// other").unwrap();
    edit(&app, &format!("{LASTING}SSE_PUBLIC=web\n"));
    until("the other script is served", || {
        (script().body == "// other").then_some(())
    });
}

#[test]
fn a_key_becomes_private_and_public_again() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let trigger = |value: &str| {
        let json = [("Content-Type", "application/json")];
        let mut response = http::request(server.address(), "POST /trigger/key1", &json, value);
        (response.status, response.read_text())
    };
    assert_eq!(trigger("1").0, 204);
    receives(&stream, "first", 1);

    edit(
        &app,
        "SSE_STREAM_DURATION=0\nSSE_EVENTS=first:key1:private\n",
    );
    server.wait_for_log("its new values are in effect");
    let (status, answer) = trigger("2");
    assert_eq!(status, 422);
    assert!(answer.contains("`key1` is private"), "{answer}");
    fs::write(app.cache().join("key1"), "3").unwrap();
    server.wait_for_log("its cache key is private");
    let kept = fs::read_to_string(app.cache().join(".sse/broken/key1"));
    assert_eq!(kept.unwrap(), "3");

    edit(&app, LASTING);
    until("the key is public again", || {
        (trigger("4").0 == 204).then_some(())
    });
    receives(&stream, "first", 4);
}

#[test]
fn an_edit_takes_effect_although_the_app_copied_the_file_into_its_environment() {
    // The starter copies it; a real environment variable would take precedence over the file.
    let app = App::with_env(LASTING);
    let server = Server::start(app.path(), &[("SSE_TTL", "7")]);
    edit(&app, "SSE_EVENTS=first:key1,second:key1\nSSE_TTL=9\n");
    server.wait_for_log("its new values are in effect");
    let info = get(server.address(), "/info");
    assert!(info.body.contains("second"), "{}", info.body);
}

#[test]
fn an_edit_corrects_a_file_that_the_app_copied_up_to_a_broken_line() {
    let app = App::with_env("SSE_TTL=7\nSSE_EVENTS=first:key1, second:key2\n");
    let server = app.start();
    edit(&app, "SSE_EVENTS=first:key1\nSSE_TTL=soon\n");
    server.wait_for_log("SSE_TTL must be a number");
}

#[test]
fn open_streams_end_after_the_edited_duration() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let streams: Vec<Stream> = (0..3)
        .map(|_| Stream::open(server.address(), "/sse/stream", None))
        .collect();
    let start = Instant::now();
    edit(&app, "SSE_STREAM_DURATION=1\nSSE_EVENTS=first:key1\n");
    for stream in &streams {
        assert!(stream.has_ended());
    }
    assert!(start.elapsed() < EDIT_TIMEOUT, "{:?}", start.elapsed());
}

#[test]
fn an_edited_connection_limit_takes_effect() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let _stream = Stream::open(server.address(), "/sse/stream", None);
    edit(&app, &format!("{LASTING}SSE_MAX_CONNECTIONS=1\n"));
    server.wait_for_log("its new values are in effect");
    assert_eq!(get(server.address(), "/sse/stream").status, 503);
    edit(&app, &format!("{LASTING}SSE_MAX_CONNECTIONS=2\n"));
    until("another stream is let in", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        (stream.status == 200).then_some(())
    });
}

#[test]
fn a_broken_edit_is_reported_once_and_changes_nothing() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    edit(&app, "SSE_EVENTS=first:key1\nSSE_TTL=soon\n");
    server.wait_for_log(".env:2");
    fs::write(app.cache().join("key1"), "1").unwrap();
    receives(&stream, "first", 1);
    edit(&app, &format!("{LASTING}SSE_TTL=30\n"));
    let log = server.wait_for_log("its new values are in effect");
    assert_eq!(log.matches("SSE_TTL must be a number").count(), 1, "{log}");
    app.save("key1", "2");
    receives(&stream, "first", 2);
}

#[test]
fn an_edited_cache_folder_is_followed() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("key1", "1");
    receives(&stream, "first", 1);
    edit(&app, &format!("{LASTING}SSE_CACHE=other\n"));
    server.wait_for_log("following this cache now");
    app.save("key1", "2");
    assert_eq!(stream.next_but_heartbeats().name(), "sse.gap");
    receives(&stream, "first", 2);
    assert!(app.path().join("other/.sse/journal-2").is_dir());
}

#[test]
fn an_edit_whose_cache_folder_cannot_be_used_changes_nothing_until_it_can() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let blocked = app.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    edit(
        &app,
        "SSE_STREAM_DURATION=0\nSSE_EVENTS=second:key1\nSSE_CACHE=blocked\n",
    );
    let log = server.wait_for_log("SSE_CACHE cannot be used");
    assert!(log.contains(".env:3); help: "), "{log}");
    fs::write(app.cache().join("key1"), "1").unwrap();
    receives(&stream, "first", 1);

    fs::remove_file(&blocked).unwrap();
    let log = server.wait_for_log("following this cache now");
    assert_eq!(log.matches("SSE_CACHE cannot be used").count(), 1, "{log}");
    assert!(
        log.contains("resolved: changes of .env take effect"),
        "{log}"
    );
    app.save("key1", "2");
    assert_eq!(stream.next_but_heartbeats().name(), "sse.gap");
    receives(&stream, "second", 2);
}

#[test]
fn open_streams_follow_an_edit_although_the_app_saves_all_the_time() {
    let app = App::with_env("SSE_STREAM_DURATION=0\nSSE_EVENTS=first:key1\n");
    let server = app.start();
    let streams = [(); 5].map(|()| Stream::open(server.address(), "/sse/stream", None));
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !has_ended.load(Ordering::Relaxed) {
                    // Saves through `cache()`, under a key without an event here.
                    let order = http::request(server.address(), "POST /order", &[], "");
                    assert_eq!(order.status, 303);
                }
            });
        }
        edit(&app, "SSE_STREAM_DURATION=1\nSSE_EVENTS=first:key1\n");
        let start = Instant::now();
        let ended = streams.iter().all(Stream::has_ended);
        has_ended.store(true, Ordering::Relaxed);
        assert!(ended && start.elapsed() < EDIT_TIMEOUT);
    });
}
