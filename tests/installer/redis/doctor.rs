//! `sse doctor` on a Redis server.

use support::redis::{RedisOptions, RedisServer, Sentinel};

use super::{app_with_cache, durable, url};
use crate::{
    doctor::findings::{Finding, examine, findings, of_check, only},
    hello::Hello,
};

/// What the journal needs, as the guide about several machines lists it.
const RULES: &str = "+info +evalsha +script|load +time +hmget +hset +get +set +expire +del +xadd +xrange +xrevrange \
                     +xread +xtrim";

fn of_redis(hello: &Hello) -> Vec<Finding> {
    let found = findings(&examine(hello));
    of_check(&found, "redis").into_iter().cloned().collect()
}

/// Expects a single finding about Redis.
#[track_caller]
fn assert_only(url: &str, level: &str, what: &str, help: &str) {
    let found = of_redis(&app_with_cache(url));
    only(&found).assert_is(level, "redis", what, help);
}

/// Expects that this is among the findings about Redis.
#[track_caller]
fn assert_found(hello: &Hello, level: &str, what: &str, help: &str) {
    let found = of_redis(hello);
    let about = found.iter().find(|found| found.what.contains(what));
    let about = about.unwrap_or_else(|| panic!("{what}: {found:#?}"));
    about.assert_is(level, "redis", what, help);
}

#[test]
fn a_server_that_keeps_its_data_has_no_problem_and_is_not_changed() {
    let server = RedisServer::start(durable());
    let hello = app_with_cache(&format!("{}/0?prefix=shop", url(&server)));
    let address = format!("redis://{}/0 (prefix shop)", server.address());
    let found = of_redis(&hello);
    let what = format!("{address} can be read and written (Redis 7.");
    only(&found).assert_is("ok", "redis", &what, "");
    assert!(
        found[0]
            .what
            .ends_with("no journal yet: the server will create it")
    );
    server.run(&["DEL", "{shop}:i:check"]);
    let keys: Vec<String> = server.command(&["KEYS", "*"]).unwrap();
    assert_eq!(keys, [""; 0]);

    assert_eq!(hello.sse(&["save", "event_cache_key1", "1"]).code, 0);
    let stored = || -> Vec<u8> { server.command(&["DUMP", "{shop}:m"]).unwrap() };
    let entries = || -> u64 { server.command(&["XLEN", "{shop}:s"]).unwrap() };
    let (before, tree) = (stored(), hello.tree());
    assert_found(&hello, "ok", "the journal's newest entry is number 1", "");
    assert_eq!((stored(), entries()), (before, 1));
    assert_eq!(hello.tree(), tree);
}

#[test]
fn a_server_that_may_lose_events_is_a_problem() {
    let memory = RedisServer::start(RedisOptions::new());
    assert_found(
        &app_with_cache(&url(&memory)),
        "warning",
        "only in memory",
        "appendonly yes",
    );
    memory.configure("save", "3600 1");
    assert_found(
        &app_with_cache(&url(&memory)),
        "note",
        "`save 3600 1`",
        "appendonly yes",
    );

    let server = RedisServer::start(durable());
    server.configure("maxmemory-policy", "allkeys-lru");
    assert_found(
        &app_with_cache(&url(&server)),
        "note",
        "`maxmemory`",
        "noeviction",
    );
    server.configure("maxmemory", "100mb");
    let hello = app_with_cache(&url(&server));
    assert_found(&hello, "warning", "whole journal", "noeviction");

    assert_eq!(hello.sse(&["save", "event_cache_key1", "1"]).code, 0);
    server.run(&["DEL", "{sse}:m"]);
    assert_found(&hello, "warning", "{sse}:m is missing", "noeviction");
}

#[test]
fn what_refuses_saves_now_is_an_error() {
    let server = RedisServer::start(durable());
    server.configure("maxmemory", "1");
    assert_only(&url(&server), "error", "OOM", "maxmemory");
    server.configure("maxmemory", "0");
    server.configure("min-replicas-to-write", "1");
    assert_only(
        &url(&server),
        "error",
        "NOREPLICAS",
        "min-replicas-to-write",
    );
    server.configure("min-replicas-to-write", "0");
    let hello = app_with_cache(&url(&server));
    let env = hello.read(".env");
    hello.write(".env", &format!("SSE_REDIS_WAIT=1:100\n{env}"));
    assert_found(&hello, "error", "requires 1 replica", "SSE_REDIS_WAIT");
    server.run(&["SET", "{sse}:m", "mine"]);
    assert_only(&url(&server), "error", "WRONGTYPE", "prefix");
}

#[test]
fn a_server_that_cannot_have_the_cache_is_an_error() {
    let server = RedisServer::start(durable().password("se-cret"));
    let with_password = |password: &str| format!("redis://:{password}@{}", server.address());
    assert_only(
        &with_password("se-cret"),
        "ok",
        "can be read and written",
        "",
    );
    assert_only(
        &with_password("wrong"),
        "error",
        "does not accept",
        "user and password in SSE_CACHE",
    );
    assert_only(
        &url(&server),
        "error",
        "NOAUTH",
        "SSE_CACHE needs a password",
    );

    let cluster = RedisServer::start(durable().set("cluster-enabled", "yes"));
    assert_only(&url(&cluster), "error", "cluster", "single master");
    let (master, replica) = (RedisServer::start(durable()), RedisServer::start(durable()));
    replica.replicate(master.port());
    assert_only(
        &url(&replica),
        "error",
        "replica",
        "name it, or the Sentinels",
    );
    let mut stopped = RedisServer::start(durable());
    stopped.kill();
    assert_only(&url(&stopped), "error", "refused", "start Redis");
}

#[test]
fn replicas_without_which_saves_succeed_are_a_note() {
    let master = RedisServer::start(durable());
    let replicas = [(); 2].map(|()| RedisServer::start(durable()));
    for replica in &replicas {
        replica.replicate(master.port());
    }
    support::until("the replicas are connected", || {
        (master.replication("connected_slaves").unwrap() == "2").then_some(())
    });
    let hello = app_with_cache(&url(&master));
    assert_found(
        &hello,
        "note",
        "min-replicas-to-write",
        "min-replicas-to-write 1",
    );
    master.configure("min-replicas-to-write", "1");
    support::until("the replicas have confirmed", || {
        (master.replication("min_slaves_good_slaves").unwrap() == "2").then_some(())
    });
    only(&of_redis(&hello)).assert_is("ok", "redis", "can be read and written", "");
}

#[test]
fn missing_permissions_are_named_and_the_documented_ones_suffice() {
    let user = |rules: &str| format!("on >se-cret {rules}");
    let documented = format!("~{{sse}}:* {RULES}");
    let options = durable()
        .user("shop", &user(&documented))
        .user(
            "few",
            &user(&documented.replace(" +xtrim", "").replace(" +time", "")),
        )
        .user("other", &user(&documented.replace("{sse}", "{other}")));
    let server = RedisServer::start(options);
    let hello =
        |name: &str| app_with_cache(&format!("redis://{name}:se-cret@{}", server.address()));
    assert_found(&hello("few"), "error", "time, xtrim", ": +time +xtrim");
    assert_found(&hello("other"), "error", "the keys {sse}:*", "~{sse}:*");

    let hello = hello("shop");
    only(&of_redis(&hello)).assert_is("ok", "redis", "can be read and written", "");
    assert_eq!(hello.sse(&["save", "event_cache_key1", "41"]).code, 0);
    assert_eq!(hello.sse(&["get", "event_cache_key1"]).out, "41\n");
    let listened = hello.sse(&["listen", "--since", "1m", "--count", "1", "--timeout", "20"]);
    assert!(listened.out.contains("41"), "{}", listened.err);
    // What it may not read is a note.
    server.configure("appendonly", "no");
    assert_found(&hello, "note", "may not read", "appendonly yes");
}

#[test]
fn a_sentinel_that_does_not_answer_is_a_warning() {
    let master = RedisServer::start(durable());
    let sentinel = Sentinel::start(&master);
    let sentinels = |list: &str| format!("redis+sentinel://{list}/{}", Sentinel::SERVICE);
    let address = sentinel.address();
    assert_only(&sentinels(&address), "ok", "can be read and written", "");
    let hello = app_with_cache(&sentinels(&format!("127.0.0.1:1,{address}")));
    assert_found(&hello, "warning", "master: 127.0.0.1:1", "SSE_CACHE");
}
