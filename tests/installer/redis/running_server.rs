//! `sse doctor URL` and `sse listen` with a cache in Redis.

use support::{App, redis::RedisServer};

use super::{durable, url};
use crate::doctor::findings::{Finding, assert_in_time, examine_app_and_url, findings, of_check};

fn app(cache: &str) -> App {
    App::with_env(&format!("SSE_EVENTS=order:orders\nSSE_CACHE={cache}\n"))
}

#[test]
fn a_server_on_the_same_prefix_is_recognised_and_another_is_an_error() {
    let redis = RedisServer::start(durable());
    let cache = |prefix: &str| format!("{}?prefix={prefix}", url(&redis));
    let app = app(&cache("shop"));
    let server = app.start();
    let stream = server.url("/sse/stream");
    let ran = examine_app_and_url(&app, &stream, &["--save", "orders"]);
    let found = findings(&ran);
    let about = of_check(&found, "redis");
    let last = about.last().unwrap();
    last.assert_is("ok", "redis", "the server follows redis://", "");
    assert!(!found.iter().any(Finding::is_problem), "{found:#?}");
    assert_in_time(&found);
    drop(server);

    // The environment of the server differs from `.env`.
    let other = cache("other");
    let server = support::Server::start(app.path(), &[("SSE_CACHE", &other)]);
    let stream = server.url("/sse/stream");
    let ran = examine_app_and_url(&app, &stream, &["--save", "orders"]);
    let found = findings(&ran);
    let last = *of_check(&found, "redis").last().unwrap();
    last.assert_is(
        "error",
        "redis",
        "follows another cache",
        "another prefix, database",
    );
    assert!(
        last.help.contains("writable/cache reach it nevertheless"),
        "{last:?}"
    );
    of_check(&found, "saves")[0].assert_is(
        "error",
        "saves",
        "(prefix shop), and none arrived",
        "another prefix",
    );
}

#[test]
fn listen_names_the_cache_without_the_password() {
    let redis = RedisServer::start(durable().password("se-cret"));
    let app = app(&format!(
        "redis://:se-cret@{}/0?prefix=shop",
        redis.address()
    ));
    let output = app
        .sse()
        .args(["listen", "--timeout", "0.2"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let address = format!("listening to redis://{}/0 (prefix shop)\n", redis.address());
    assert_eq!(text, address);
}
