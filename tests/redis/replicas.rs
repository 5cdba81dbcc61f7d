//! `SSE_REDIS_WAIT`.

use std::fs;

use support::{
    App,
    redis::{RedisOptions, RedisServer},
    until,
};

use crate::app::{QUIET, app_in, cache, listen, receive};

/// Its saves wait so many milliseconds for a replica.
fn app(redis: &RedisServer, wait: u32) -> App {
    let app = app_in(redis);
    let path = app.path().join(".env");
    let env = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{env}SSE_REDIS_WAIT=1:{wait}\n")).unwrap();
    app
}

#[test]
fn a_save_waits_for_its_replicas_and_says_that_it_is_saved_if_they_are_missing() {
    let redis = RedisServer::start(RedisOptions::new());
    // Where a replica confirms, it has the longest time that can be set, for a busy machine.
    let (app, patient_app) = (app(&redis, 500), app(&redis, 4_000));
    let server = app.start();
    let stream = listen(&server);
    let (cache, patient_cache) = (cache(&app), cache(&patient_app));
    let error = cache.save_blocking("key", 1).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("the value was saved") && text.contains("a failover may lose it"),
        "{text}"
    );
    assert!(error.help().unwrap().contains("do not save it again"));
    // It was saved once.
    assert_eq!(receive(&stream, [1]).number(), 1);

    let replica = RedisServer::start(RedisOptions::new());
    replica.replicate(redis.port());
    let mut connection = redis.connect().unwrap();
    until("the replica confirms writes", || {
        let write = ::redis::cmd("INCR")
            .arg("of-this-test")
            .exec(&mut connection);
        write.unwrap();
        let mut wait = ::redis::cmd("WAIT");
        let confirmed: u32 = wait.arg(1).arg(100).query(&mut connection).unwrap();
        (confirmed == 1).then_some(())
    });
    patient_cache.save_blocking("key", 2).unwrap();
    assert_eq!(receive(&stream, [2]).number(), 2);
    // The replica has what was confirmed.
    let newest: Option<String> = replica.command(&["HGET", "{sse}:m", "n"]).unwrap();
    assert_eq!(newest.as_deref(), Some("2"));

    replica.suspend();
    let error = cache.save_blocking("key", 3).unwrap_err().to_string();
    assert!(error.contains("0 of 1 replicas"), "{error}");
    replica.resume();
    patient_cache.save_blocking("key", 4).unwrap();
    receive(&stream, [3, 4]);
    stream.expect_silence(QUIET);
}
