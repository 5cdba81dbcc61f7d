//! Streams stay open while Redis is away.

use std::{
    thread,
    time::{Duration, Instant},
};

use support::{
    Server, Stream, best_of_three, get,
    redis::{RedisOptions, RedisServer},
    until,
};

use crate::app::{FAULT, QUIET, RESOLVED, app_in, cache, listen, receive, save_when_possible};

/// Much less than a server that asks Redis again and again needs in [`OUTAGE`].
const MAX_CPU_TIME: Duration = Duration::from_millis(150);
const OUTAGE: Duration = Duration::from_secs(3);

/// What docs/delivery.md promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(2);

fn redis() -> RedisServer {
    RedisServer::start(RedisOptions::new().append_only("always"))
}

/// Two servers with a stream each, which go through an outage. What was saved before, and after the first save that
/// succeeds, arrives once; one line of each log tells of the outage, and one of its end.
fn check_outage(begin: impl FnOnce(&mut RedisServer), end: impl FnOnce(&mut RedisServer)) {
    let mut redis = redis();
    let app = app_in(&redis);
    let cache = cache(&app);
    let servers = [app.start(), app.start()];
    let streams = servers.each_ref().map(listen);
    cache.save_blocking("key", 1).unwrap();
    let ids = streams.each_ref().map(|stream| receive(stream, [1]).id);
    cache.save_blocking("key", 2).unwrap();
    for stream in &streams {
        receive(stream, [2]);
    }

    begin(&mut redis);
    for server in &servers {
        server.wait_for_log(FAULT);
    }
    // Clients keep their place: at the same server, or at another one.
    let [first, second] = &servers;
    let [of_first, of_second] = &ids;
    let returned = [(first, of_second), (second, of_first)].map(|(server, id)| {
        let stream = Stream::open(server.address(), "/sse/stream", id.as_deref());
        assert_eq!(stream.status, 200, "{}", stream.body);
        stream
    });
    best_of_three(MAX_CPU_TIME, || {
        let before = servers.each_ref().map(Server::cpu_time);
        thread::sleep(OUTAGE);
        let used = servers.iter().zip(before);
        used.map(|(server, before)| server.cpu_time() - before)
            .max()
            .unwrap()
    });

    end(&mut redis);
    save_when_possible(&cache, 3);
    cache.save_blocking("key", 4).unwrap();
    for stream in &streams {
        receive(stream, [3, 4]);
    }
    for stream in &returned {
        receive(stream, [2, 3, 4]);
    }
    for stream in streams.iter().chain(&returned) {
        stream.expect_silence(QUIET);
    }
    for server in &servers {
        let log = server.wait_for_log(RESOLVED);
        assert_eq!(log.matches(FAULT).count(), 1, "{log}");
        assert_eq!(log.matches(RESOLVED).count(), 1, "{log}");
    }
}

#[test]
fn a_killed_redis_that_is_restarted_costs_no_event() {
    check_outage(RedisServer::kill, RedisServer::restart);
}

#[test]
fn a_stopped_redis_that_continues_costs_no_event() {
    check_outage(|redis| redis.suspend(), |redis| redis.resume());
}

/// No server logs anything, because the next connection works.
#[test]
fn a_cut_connection_costs_no_event() {
    let redis = redis();
    let app = app_in(&redis);
    let cache = cache(&app);
    let server = app.start();
    let stream = listen(&server);
    for value in 1..=10 {
        cache.save_blocking("key", value).unwrap();
        receive(&stream, [value]);
        // A server that is about to connect would log that it cannot.
        until("the server waits for the next entry", || {
            let clients: String = redis.command(&["CLIENT", "LIST"]).ok()?;
            let mut clients = clients.lines();
            let is_waiting =
                |client: &str| client.contains(" cmd=xread ") && client.contains(" flags=b ");
            clients.any(is_waiting).then_some(())
        });
        redis.cut_connections();
    }
    cache.save_blocking("key", 11).unwrap();
    receive(&stream, [11]);
    stream.expect_silence(QUIET);
    let log = server.log();
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

#[test]
fn a_quick_restart_costs_no_event() {
    let mut redis = redis();
    let app = app_in(&redis);
    let cache = cache(&app);
    let server = app.start();
    let stream = listen(&server);
    for value in 1..=5 {
        save_when_possible(&cache, value);
        receive(&stream, [value]);
        redis.restart();
    }
    stream.expect_silence(QUIET);
}

#[test]
fn a_server_shuts_down_in_time_while_redis_is_away() {
    for begin in [
        RedisServer::kill,
        (|redis| redis.suspend()) as fn(&mut RedisServer),
    ] {
        best_of_three(MAX_SHUTDOWN, || {
            let mut redis = redis();
            let app = app_in(&redis);
            let server = app.start();
            let stream = listen(&server);
            begin(&mut redis);
            server.wait_for_log(FAULT);
            let start = Instant::now();
            assert!(server.terminate().success());
            let elapsed = start.elapsed();
            assert!(stream.has_ended());
            elapsed
        });
    }
}

#[test]
fn a_server_whose_redis_refuses_writes_is_alive_and_not_ready() {
    let redis = redis();
    let app = app_in(&redis);
    let server = app.start();
    let status = |path| get(server.address(), path).status;
    let until_ready_is = |expected: u16| {
        until(&format!("ready is {expected}"), || {
            (status("/health/ready") == expected).then_some(())
        });
        assert_eq!(status("/health"), 200);
    };
    until_ready_is(200);
    redis.configure("maxmemory", "1");
    until_ready_is(503);
    redis.configure("maxmemory", "0");
    until_ready_is(200);
    redis.suspend();
    until_ready_is(503);
    redis.resume();
    until_ready_is(200);
}
