//! Programs that start while Redis is away.

use std::{thread, time::Duration};

use support::{
    Running, Server, Stream, get,
    redis::{RedisOptions, RedisServer},
    until,
};

use crate::app::{app_in, cache, receive};

/// Answers 503 with the reason until Redis is there, and streams then.
fn check_start(begin: impl FnOnce(&mut RedisServer), end: impl FnOnce(&mut RedisServer)) {
    let mut redis = RedisServer::start(RedisOptions::new().append_only("always"));
    let app = app_in(&redis);
    let cache = cache(&app);
    cache.save_blocking("key", 1).unwrap();
    begin(&mut redis);
    let server = app.start();
    let refused = get(server.address(), "/sse/stream");
    assert_eq!(refused.status, 503);
    assert!(
        refused.body.contains("cannot open the journal in redis://"),
        "{}",
        refused.body
    );
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(get(server.address(), "/health").status, 503);

    end(&mut redis);
    let stream = until("the server streams", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        (stream.status == 200).then_some(stream)
    });
    until("the server is healthy", || {
        (get(server.address(), "/health").status == 200).then_some(())
    });
    cache.save_blocking("key", 2).unwrap();
    // The first value may be recent enough for a new client.
    let event = std::iter::repeat_with(|| stream.next_event()).find(|event| event.value() == 2);
    assert_eq!(event.unwrap().number(), 2);
    assert_one_line(&server);
    cache.save_blocking("key", 3).unwrap();
    receive(&stream, [3]);
}

#[track_caller]
fn assert_one_line(server: &Server) {
    let log = server.log();
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
}

#[test]
fn a_server_that_starts_before_redis_recovers() {
    check_start(RedisServer::kill, RedisServer::restart);
}

#[test]
fn a_server_that_starts_while_redis_is_stopped_recovers() {
    check_start(|redis| redis.suspend(), |redis| redis.resume());
}

#[test]
fn sse_save_waits_for_redis() {
    let mut redis = RedisServer::start(RedisOptions::new());
    let app = app_in(&redis);
    for arguments in [
        &["save", "--quiet", "key", "1"][..],
        &["revoke", "--quiet", "user:4"],
    ] {
        redis.kill();
        let mut sse = Running(app.sse().args(arguments).spawn().unwrap());
        // Much longer than a failure takes that does not wait.
        thread::sleep(Duration::from_millis(500));
        assert_eq!(sse.try_wait().unwrap(), None, "{arguments:?}");
        redis.restart();
        assert!(sse.wait().unwrap().success(), "{arguments:?}");
    }
}
