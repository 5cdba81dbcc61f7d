//! How long entries stay in Redis.

use std::{thread, time::Duration};

use support::{
    App, Stream,
    redis::{RedisOptions, RedisServer},
    until,
};

use crate::app::{app_in, cache, listen, receive, receive_gap};

/// The default history.
const HISTORY: u64 = 10_000;

/// A server sweeps each time this many entries were saved.
const SWEEP_INTERVAL: u64 = 1_000;

#[test]
fn servers_remove_what_is_older_than_the_history_and_clients_are_told() {
    const THREADS: u64 = 8;
    let redis = RedisServer::start(RedisOptions::new());
    let app = app_in(&redis);
    let servers = [app.start(), app.start()];
    let cache = cache(&app);
    let stream = listen(&servers[0]);
    cache.save_blocking("key", 0).unwrap();
    let id = receive(&stream, [0]).id;
    drop(stream);
    let saves = HISTORY + 2 * SWEEP_INTERVAL;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for value in 0..saves / THREADS {
                    cache.save_blocking("key", value).unwrap();
                }
            });
        }
    });
    let length = || redis.command::<u64>(&["XLEN", "{sse}:s"]).unwrap();
    until("the stream is swept", || {
        (length() < HISTORY + SWEEP_INTERVAL + 100).then_some(())
    });
    assert!(length() >= HISTORY, "{}", length());
    for server in &servers {
        let returned = Stream::open(server.address(), "/sse/stream", id.as_deref());
        receive_gap(&returned, "swept");
        assert_eq!(returned.next_event().name(), "event");
    }
}

#[test]
fn an_expired_value_is_a_gap_at_every_server() {
    let redis = RedisServer::start(RedisOptions::new());
    let machines = [(); 2].map(|()| app_in(&redis));
    let servers = machines.each_ref().map(App::start);
    let streams = servers.each_ref().map(listen);
    let cache = cache(&machines[0]);
    cache.save_blocking("key", 1).unwrap();
    let id = streams.each_ref().map(|stream| receive(stream, [1]).id)[0].clone();
    let ttl = Duration::from_millis(200);
    cache.save("key", 2).ttl(ttl).blocking().unwrap();
    for stream in &streams {
        receive(stream, [2]);
    }
    thread::sleep(2 * ttl);
    assert!(cache.get_blocking("key").unwrap().is_none());
    cache.save_blocking("key", 3).unwrap();
    for server in &servers {
        let returned = Stream::open(server.address(), "/sse/stream", id.as_deref());
        receive_gap(&returned, "expired");
        receive(&returned, [3]);
    }
}
