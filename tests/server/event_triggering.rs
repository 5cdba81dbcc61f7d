//! Every way to trigger an event.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use serde_json::{Value, json};
use support::{App, Backend, Server, Stream, best_of_three, get, http, on_every_backend, until};

/// What people perceive as "at once".
const A_SECOND: Duration = Duration::from_secs(1);

/// A stream without an id begins with the events of this time.
const LOOKBACK: Duration = Duration::from_secs(5);

/// Nothing that is saved is found by polling.
const WITHOUT_POLLS: &str =
    "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=3600\nSSE_EVENTS=event_name1:event_cache_key1\n";

const QUIET: Duration = Duration::from_millis(500);

on_every_backend! {
    a_save_by_command_arrives_within_a_second
    a_shells_echo_arrives_within_a_second
    a_codeigniter_record_arrives_within_a_second
    a_save_by_another_rust_process_arrives
    every_client_of_every_worker_gets_every_event_once
    a_page_gets_an_event_saved_while_it_was_served_and_later_pages_do_not
    a_slowly_written_file_arrives_once_and_complete
    two_servers_on_one_cache_each_send_a_drop_in_once
    a_deletion_triggers_no_event_and_revokes_none
    files_that_are_not_cache_keys_of_the_app_stay
    a_broken_record_is_reported_and_set_aside
    the_startup_message_shows_commands_that_work
}

/// Opens a stream and waits for its first block.
fn listen(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    stream
}

fn a_save_by_command_arrives_within_a_second(backend: Backend) {
    let app = App::with_env(WITHOUT_POLLS).on(backend);
    let server = app.start();
    let stream = listen(&server);
    best_of_three(A_SECOND, || {
        app.save("event_cache_key1", "{\"order\": 42}");
        let saved = Instant::now();
        assert_eq!(stream.next_event().value()["order"], 42);
        saved.elapsed()
    });
}

fn a_shells_echo_arrives_within_a_second(backend: Backend) {
    let app = App::with_env(WITHOUT_POLLS).on(backend);
    let server = app.start();
    let stream = listen(&server);
    for (content, value) in [
        ("1", Value::from(1)),
        ("hello", Value::from("hello")),
        ("'{\"a\":[]}'", json!({"a": []})),
    ] {
        let command = format!("echo {content} > writable/cache/event_cache_key1");
        best_of_three(A_SECOND, || {
            let saved = Instant::now();
            assert!(
                Command::new("sh")
                    .args(["-c", &command])
                    .current_dir(app.path())
                    .status()
                    .unwrap()
                    .success()
            );
            assert_eq!(stream.next_event().value(), value);
            saved.elapsed()
        });
    }
    until("the drop-in is gone", || {
        (!app.cache().join("event_cache_key1").exists()).then_some(())
    });
}

fn a_codeigniter_record_arrives_within_a_second(backend: Backend) {
    let app = App::with_env(WITHOUT_POLLS).on(backend);
    let server = app.start();
    let stream = listen(&server);
    // CodeIgniter's file cache writes the file in place, and sets its permissions afterwards.
    best_of_three(A_SECOND, || {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let record =
            format!("a:3:{{s:4:\"time\";i:{now};s:3:\"ttl\";i:60;s:4:\"data\";s:2:\"\u{e9}\";}}");
        let saved = Instant::now();
        fs::write(app.cache().join("event_cache_key1"), record).unwrap();
        assert_eq!(stream.next_event().value(), "\u{e9}");
        saved.elapsed()
    });
}

fn a_save_by_another_rust_process_arrives(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let stream = listen(&server);
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    cache
        .save_blocking("event_cache_key2", "from here")
        .unwrap();
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("event_name2", "from here".into())
    );
}

fn every_client_of_every_worker_gets_every_event_once(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let workers: u32 = {
        let log = server.wait_for_log(" workers");
        let (before, _) = log.split_once(" workers").unwrap();
        before.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(
        workers >= 2,
        "{workers} workers: this machine has too few processors for this test"
    );
    let streams: Vec<Stream> = (0..8).map(|_| listen(&server)).collect();
    for value in 1..=5 {
        app.save("event_cache_key1", &value.to_string());
    }
    for stream in &streams {
        let values: Vec<_> = (0..5).map(|_| stream.next_event().value()).collect();
        assert_eq!(values, [1, 2, 3, 4, 5]);
    }
    for stream in &streams {
        stream.expect_silence(Duration::from_millis(50));
    }
}

fn a_page_gets_an_event_saved_while_it_was_served_and_later_pages_do_not(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    // Placing an order triggers an event; opening the page does not.
    let page = get(server.address(), "/order");
    assert_eq!(page.status, 200);
    listen(&server).expect_silence(QUIET);
    // On a busy machine, the page's stream may open after the lookback.
    let (event, served) = until("the page's stream opens in time", || {
        let ordered = Instant::now();
        let order = http::request(server.address(), "POST /order", &[], "");
        assert_eq!(order.status, 303);
        assert_eq!(order.header("location"), Some("/order"));
        assert_eq!(order.header("cache-control"), Some("no-store"));
        assert_eq!(get(server.address(), "/order").body, page.body);
        let served = Instant::now();
        let stream = listen(&server);
        (ordered.elapsed() < LOOKBACK).then(|| (stream.next_event(), served))
    });
    assert_eq!(event.name(), "event_name1");
    // A little later than the lookback, the event is history.
    let history = LOOKBACK + Duration::from_millis(500);
    thread::sleep(history.saturating_sub(served.elapsed()));
    listen(&server).expect_silence(QUIET);
}

fn a_slowly_written_file_arrives_once_and_complete(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let stream = listen(&server);
    let path = app.cache().join("event_cache_key1");
    let mut file = File::create(&path).unwrap();
    for piece in ["{\"a\":", "1,", "\"b\":"] {
        file.write_all(piece.as_bytes()).unwrap();
        stream.expect_silence(A_SECOND);
    }
    file.write_all(b"2}").unwrap();
    drop(file);
    assert_eq!(stream.next_event().value(), json!({"a": 1, "b": 2}));
    stream.expect_silence(QUIET);
}

fn two_servers_on_one_cache_each_send_a_drop_in_once(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let servers = [app.start(), app.start()];
    let streams = [listen(&servers[0]), listen(&servers[1])];
    for value in 1..=10 {
        let path = app.cache().join("event_cache_key1");
        fs::write(&path, value.to_string()).unwrap();
        for stream in &streams {
            assert_eq!(stream.next_event().value(), value);
        }
    }
    streams
        .iter()
        .for_each(|stream| stream.expect_silence(QUIET));
    // One of the two takes the drop-ins. Whichever it is, the other one continues.
    let [first, second] = servers;
    first.kill();
    fs::write(app.cache().join("event_cache_key1"), "11").unwrap();
    assert_eq!(streams[1].next_event().value(), 11);
    drop(second);
}

fn a_deletion_triggers_no_event_and_revokes_none(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let before = stream.next().id.unwrap();
    app.save("event_cache_key1", "1");
    assert_eq!(stream.next_event().value(), 1);
    app.run_sse(&["delete", "event_cache_key1"]);
    app.save("event_cache_key2", "2");
    // Connected, returning and new clients get both values, and nothing between them.
    assert_eq!(stream.next().value(), 2);
    let returning = Stream::open(server.address(), "/sse/stream", Some(&before));
    let new = Stream::open(server.address(), "/sse/stream", None);
    for stream in [returning, new] {
        assert_eq!(stream.next().name(), "sse.heartbeat");
        assert_eq!(stream.next().value(), 1);
        assert_eq!(stream.next().value(), 2);
        stream.expect_silence(QUIET);
    }
    let value = app
        .sse()
        .args(["get", "event_cache_key1"])
        .output()
        .unwrap();
    assert_eq!(value.status.code(), Some(1));
}

fn files_that_are_not_cache_keys_of_the_app_stay(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let stream = listen(&server);
    fs::write(app.cache().join("another_program"), "1").unwrap();
    fs::create_dir(app.cache().join("event_cache_key2")).unwrap();
    app.save("event_cache_key1", "1");
    assert_eq!(stream.next_event().value(), 1);
    stream.expect_silence(QUIET);
    assert!(app.cache().join("another_program").exists());
    assert!(app.cache().join("event_cache_key2").exists());
}

#[test]
fn a_world_writable_cache_folder_is_reported() {
    let app = App::with_lasting_streams();
    fs::create_dir_all(app.cache()).unwrap();
    fs::set_permissions(app.cache(), fs::Permissions::from_mode(0o777)).unwrap();
    let server = app.start();
    let log = server.wait_for_log("every user of this machine can write to this folder");
    assert!(
        log.contains("writable/cache") && log.contains("chmod o-w"),
        "{log}"
    );
    app.save("event_cache_key1", "1");
    let saved = app
        .cache()
        .join(".sse/journal-2/000000000000/.00000000000000000001");
    assert_eq!(fs::metadata(saved).unwrap().permissions().mode() & 0o7, 0);
}

fn a_broken_record_is_reported_and_set_aside(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let stream = listen(&server);
    fs::write(
        app.cache().join("event_cache_key1"),
        "a:3:{s:4:\"time\";O:8:\"stdClass\":0:{}",
    )
    .unwrap();
    let log = server.wait_for_log("is skipped");
    assert!(
        log.contains("`event_cache_key1`") && log.contains(".sse/broken/event_cache_key1"),
        "{log}"
    );
    stream.expect_silence(QUIET);
    assert!(app.cache().join(".sse/broken/event_cache_key1").exists());
}

fn the_startup_message_shows_commands_that_work(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let env = fs::read_to_string(app.path().join(".env")).unwrap();
    fs::write(app.path().join(".env"), env + "SSE_DROP_IN_PREFIX=shop_\n").unwrap();
    let server = Server::start(app.path(), &[]);
    let stream = listen(&server);
    let echo = until("the server prints how to trigger an event", || {
        server
            .output()
            .lines()
            .find(|line| line.contains("echo 1 >"))
            .map(str::to_owned)
    });
    assert!(
        Command::new("sh")
            .args(["-c", &echo])
            .current_dir("/")
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(stream.next_event().value(), 1);
}
