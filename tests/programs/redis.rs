//! The Redis servers of other tests do what those tests rely on.

use std::time::Duration;

use support::{
    App, Stream, get,
    redis::{Forwarder, RedisOptions, RedisServer, Sentinel, Traffic},
    until,
};

fn value(server: &RedisServer) -> Option<String> {
    server.command(&["GET", "key"]).unwrap()
}

#[test]
fn a_killed_server_restarts_with_its_data_without_it_or_with_older_data() {
    let mut server = RedisServer::start(RedisOptions::new().append_only("always"));
    server.run(&["SET", "key", "old"]);
    let snapshot = server.snapshot();
    server.run(&["SET", "key", "new"]);
    server.kill();
    server.restart();
    assert_eq!(value(&server).as_deref(), Some("new"));
    server.restart_from(&snapshot);
    assert_eq!(value(&server).as_deref(), Some("old"));
    server.restart_empty();
    assert_eq!(value(&server), None);
}

#[test]
fn a_password_and_tls_are_required() {
    let options = RedisOptions::new().password("secret").tls();
    let server = RedisServer::start(options.user("reader", "on >other ~* +@read"));
    server.run(&["SET", "key", "1"]);
    let plain = redis::Client::open(format!("redis://{}", server.address())).unwrap();
    assert!(plain.get_connection().is_err(), "without TLS");
    let url = |login: &str| format!("redis+unix://{}?{login}", server.socket().display());
    let write = |login: &str| {
        let mut connection = redis::Client::open(url(login))?.get_connection()?;
        redis::cmd("SET").arg("key").arg(2).exec(&mut connection)
    };
    assert!(write("").is_err(), "without a password");
    assert!(write("user=reader&pass=other").is_err(), "as a reader");
    assert!(write("pass=secret").is_ok());
}

#[test]
fn a_sentinel_promotes_the_replica_of_a_killed_master() {
    let start = || RedisServer::start(RedisOptions::new().append_only("no"));
    let (mut master, replica) = (start(), start());
    replica.replicate(master.port());
    // Long enough that a busy machine does not make the master look dead before it is killed.
    let patience = format!(
        "sentinel down-after-milliseconds {} 3000",
        Sentinel::SERVICE
    );
    let sentinel = Sentinel::start_with(&master, &patience);
    sentinel.wait_for_replicas(1);
    master.run(&["SET", "key", "1"]);
    until("the replica has the value", || {
        (value(&replica).as_deref() == Some("1")).then_some(())
    });
    master.kill();
    until("the replica is the master", || {
        (sentinel.master().ok()? == replica.port()).then_some(())
    });
    assert_eq!(value(&replica).as_deref(), Some("1"));
}

#[test]
fn a_forwarder_can_lose_answers() {
    let server = RedisServer::start(RedisOptions::new());
    let forwarder = Forwarder::to(server.port());
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", forwarder.port())).unwrap();
    let mut connection = client.get_connection().unwrap();
    let timeout = Duration::from_millis(200);
    connection.set_read_timeout(Some(timeout)).unwrap();
    forwarder.set_traffic(Traffic::WithoutAnswers);
    let lost = redis::cmd("SET").arg("key").arg(1).exec(&mut connection);
    assert!(lost.is_err(), "{lost:?}");
    until("the request reaches the server", || {
        (value(&server).as_deref() == Some("1")).then_some(())
    });
}

#[test]
fn a_client_that_connects_while_redis_is_away_gets_its_gap_before_the_latest_values() {
    let mut redis = RedisServer::start(RedisOptions::new().append_only("no"));
    let app = App::new().in_redis(format!("redis://{}", redis.address()));
    app.save("event_cache_key1", "1");
    let server = app.start();
    let is_ready = || get(server.address(), "/health/ready").status == 200;
    until("the server delivers", || is_ready().then_some(()));
    redis.kill();
    until("the server has noticed the outage", || {
        (!is_ready()).then_some(())
    });
    let stream = Stream::open(server.address(), "/sse/stream?latest=true", Some("invalid"));
    // Long enough for the first attempt to read the latest values.
    stream.expect_silence(Duration::from_millis(500));
    redis.restart();
    assert_eq!(stream.next_but_heartbeats().name(), "sse.gap");
    assert_eq!(stream.next_event().name(), "event_name1");
}
