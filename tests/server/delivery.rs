//! Nothing lost, nothing twice, one order: with many writers, and with a server that is killed.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use support::{App, Event, Follower, Server};

const WRITERS: usize = 4;
const SAVES_OF_EACH: usize = 2_500;
const TIME: Duration = Duration::from_secs(120);

/// This test program, again, as one of the processes that save.
fn writer(app: &App, name: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "delivery::one_writer_of_many"])
        .env("WRITER", name.to_string())
        .env("APP", app.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what the writers run.
#[test]
#[ignore = "run by the other tests as a process of its own"]
fn one_writer_of_many() {
    let name: usize = std::env::var("WRITER").unwrap().parse().unwrap();
    let config = actix_web_sse::Config::from_dir(std::env::var("APP").unwrap()).unwrap();
    let cache = actix_web_sse::Cache::open(&config).unwrap();
    for save in 0..SAVES_OF_EACH {
        cache
            .save_blocking("event_cache_key1", [name, save])
            .unwrap();
    }
}

fn save_from_many_processes(app: &App) -> Vec<Child> {
    (0..WRITERS).map(|name| writer(app, name)).collect()
}

/// All saves in the order in which the journal has them: every writer's own order is kept, and the
/// numbers have no gap.
fn check(events: &[Event]) -> Vec<(u64, Value)> {
    let mut next_of = [0; WRITERS];
    for (at, event) in events.iter().enumerate() {
        assert_ne!(event.name(), "sse.gap", "after {at} events: {event:?}");
        assert_eq!(event.number(), at as u64 + 1);
        let value = event.value();
        let (writer, save) = (value[0].as_u64().unwrap(), value[1].as_u64().unwrap());
        let next = &mut next_of[usize::try_from(writer).unwrap()];
        assert_eq!(save, *next, "writer {writer}");
        *next += 1;
    }
    assert_eq!(next_of, [SAVES_OF_EACH as u64; WRITERS]);
    events
        .iter()
        .map(|event| (event.number(), event.value()))
        .collect()
}

fn all_hear_the_same(followers: &mut [Follower]) {
    let heard: Vec<_> = followers
        .iter_mut()
        .map(|follower| check(follower.wait_for(WRITERS * SAVES_OF_EACH, TIME)))
        .collect();
    assert!(heard.windows(2).all(|pair| pair[0] == pair[1]));
    for follower in followers {
        assert_eq!(follower.rest(Duration::from_millis(300)), []);
    }
}

#[test]
fn many_processes_save_at_once_and_every_stream_hears_all_in_one_order() {
    let app = App::new();
    let server = app.start();
    let mut followers = [(), (), ()].map(|()| Follower::start(server.address(), "/sse/stream"));
    let writers = save_from_many_processes(&app);
    all_hear_the_same(&mut followers);
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
}

#[test]
fn a_server_that_is_killed_among_the_saves_loses_and_repeats_nothing() {
    let app = App::new();
    let server = app.start();
    let (address, port) = (server.address().to_owned(), server.port().to_owned());
    let mut followers = [(), (), ()].map(|()| Follower::start(&address, "/sse/stream"));
    let writers = save_from_many_processes(&app);
    followers[0].wait_for(1_000, TIME);
    server.kill();
    let _server = Server::start(app.path(), &[("PORT", &port)]);
    all_hear_the_same(&mut followers);
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
}

#[test]
fn a_save_while_the_server_is_away_reaches_streams_that_had_heard_nothing_before() {
    let app = App::new();
    let server = app.start();
    let (address, port) = (server.address().to_owned(), server.port().to_owned());
    let mut followers = [(), ()].map(|()| Follower::start(&address, "/sse/stream"));
    server.kill();
    app.save("event_cache_key1", "\"while it was away\"");
    // Longer than the lookback: it is the client's place that brings the event, not luck.
    std::thread::sleep(Duration::from_secs(20));
    let _server = Server::start(app.path(), &[("PORT", &port)]);
    for follower in &mut followers {
        let heard = follower.wait_for(1, TIME);
        assert_eq!(heard[0].value(), "while it was away");
        assert_eq!(follower.rest(Duration::from_millis(300)), []);
    }
}
