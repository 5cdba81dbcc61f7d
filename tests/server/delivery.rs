//! Each event arrives once and in one order: with many writers, and with a server that is killed.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use support::{App, Backend, Event, Follower, ReservedPort, Server, on_every_backend};

const WRITERS: usize = 4;
const SAVES_PER_WRITER: usize = 2_500;
/// Longer than all saves take on a busy machine.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);

on_every_backend! {
    every_stream_gets_the_saves_of_many_processes_in_one_order
    a_server_killed_between_saves_loses_and_repeats_nothing
    a_save_while_the_server_is_down_reaches_clients_that_had_no_event_yet
}

fn save_from_many_processes(app: &App) -> Vec<Child> {
    let writer = |name: usize| {
        Command::new(env!("CARGO_BIN_EXE_test-helper"))
            .arg("saver")
            .arg(app.path())
            .args([name.to_string(), SAVES_PER_WRITER.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    (0..WRITERS).map(writer).collect()
}

/// Expects all saves in the order of the journal: each writer's own order is kept, and the numbers
/// have no gap.
fn check(events: &[Event]) -> Vec<(u64, Value)> {
    let mut next_saves = [0; WRITERS];
    for (at, event) in events.iter().enumerate() {
        assert_ne!(event.name(), "sse.gap", "after {at} events: {event:?}");
        assert_eq!(event.number(), at as u64 + 1);
        let value = event.value();
        let (writer, save) = (value[0].as_u64().unwrap(), value[1].as_u64().unwrap());
        let next = &mut next_saves[usize::try_from(writer).unwrap()];
        assert_eq!(save, *next, "writer {writer}");
        *next += 1;
    }
    assert_eq!(next_saves, [SAVES_PER_WRITER as u64; WRITERS]);
    events
        .iter()
        .map(|event| (event.number(), event.value()))
        .collect()
}

fn assert_all_receive_the_same(followers: &mut [Follower]) {
    let received: Vec<_> = followers
        .iter_mut()
        .map(|follower| check(follower.wait_for(WRITERS * SAVES_PER_WRITER, DELIVERY_TIMEOUT)))
        .collect();
    assert!(received.windows(2).all(|pair| pair[0] == pair[1]));
    for follower in followers {
        assert_eq!(follower.receive_for(Duration::from_millis(300)), []);
    }
}

fn every_stream_gets_the_saves_of_many_processes_in_one_order(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let server = app.start();
    let mut followers = [(), (), ()].map(|()| Follower::start(server.address(), "/sse/stream"));
    let writers = save_from_many_processes(&app);
    assert_all_receive_the_same(&mut followers);
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
}

fn a_server_killed_between_saves_loses_and_repeats_nothing(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let port = ReservedPort::new();
    let (address, number) = (port.address(), port.number().to_string());
    let server = Server::start(app.path(), &[("PORT", &number)]);
    let mut followers = [(), (), ()].map(|()| Follower::start(&address, "/sse/stream"));
    let writers = save_from_many_processes(&app);
    followers[0].wait_for(1_000, DELIVERY_TIMEOUT);
    server.kill();
    let _server = Server::start(app.path(), &[("PORT", &number)]);
    assert_all_receive_the_same(&mut followers);
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
}

fn a_save_while_the_server_is_down_reaches_clients_that_had_no_event_yet(backend: Backend) {
    let app = App::with_lasting_streams().on(backend);
    let port = ReservedPort::new();
    let (address, number) = (port.address(), port.number().to_string());
    let server = Server::start(app.path(), &[("PORT", &number)]);
    let mut followers = [(), ()].map(|()| Follower::start(&address, "/sse/stream"));
    server.kill();
    app.save("event_cache_key1", "\"while it was down\"");
    // Longer than the lookback, so only the client's id can bring the event.
    std::thread::sleep(Duration::from_secs(20));
    let _server = Server::start(app.path(), &[("PORT", &number)]);
    for follower in &mut followers {
        let received = follower.wait_for(1, DELIVERY_TIMEOUT);
        assert_eq!(received[0].value(), "while it was down");
        assert_eq!(follower.receive_for(Duration::from_millis(300)), []);
    }
}
