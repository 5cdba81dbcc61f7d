//! Commands while Redis does not answer.

use std::time::{Duration, Instant};

use support::redis::RedisServer;

use super::{app_with_cache, durable, url};
use crate::hello::{Hello, Ran, command};

/// Connecting takes two seconds at most, and a save five. The rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// What bash receives at TAB.
fn complete(hello: &Hello, words: &[&str]) -> Ran {
    let mut command = command(hello.path());
    command
        .env("_SSE_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", " ")
        .arg("--")
        .args(words);
    Ran::from_output(&command.output().unwrap())
}

/// How many connections the server has accepted.
fn connections(server: &RedisServer) -> u64 {
    let info: String = server.command(&["INFO", "stats"]).unwrap();
    let field = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    field.unwrap().parse().unwrap()
}

#[test]
fn completion_and_status_do_not_ask_redis() {
    let server = RedisServer::start(durable());
    let hello = app_with_cache(&url(&server));
    let before = connections(&server);
    let keys = complete(&hello, &["sse", "save", ""]);
    assert_eq!(keys.out, "event_cache_key1 event_cache_key2");
    assert_eq!(hello.sse(&["status"]).code, 0);
    assert_eq!(connections(&server), before + 1, "this test's own is one");
    assert_eq!(hello.sse(&["get", "event_cache_key1"]).code, 1);
    assert!(connections(&server) > before + 2);
}

#[test]
fn no_command_waits_for_redis_for_long() {
    let server = RedisServer::start(durable());
    server.suspend();
    let hello = app_with_cache(&url(&server));
    let within_limit = |arguments: &[&str]| {
        let start = Instant::now();
        let ran = hello.sse(arguments);
        assert!(start.elapsed() < LIMIT, "{arguments:?}: {}", ran.err);
        ran
    };
    for arguments in [
        &["save", "event_cache_key1", "1"][..],
        &["get", "event_cache_key1"],
        &["listen", "--timeout", "60"],
    ] {
        within_limit(arguments).fails(1, "no answer in time");
    }
    let ran = within_limit(&["doctor"]);
    assert_eq!(ran.code, 4);
    assert!(ran.out.contains("error    redis: "), "{}", ran.out);
}
