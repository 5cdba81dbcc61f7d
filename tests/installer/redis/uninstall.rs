//! `sse install` and `sse uninstall` with a cache in Redis.

use std::fs;

use support::redis::RedisServer;

use super::{durable, url};
use crate::hello::Hello;

#[test]
fn saved_values_stay_in_redis_and_the_summary_names_their_keys() {
    let server = RedisServer::start(durable());
    let hello = Hello::with(&[(
        ".env",
        &format!("SSE_CACHE={}/0?prefix=shop\n", url(&server)),
    )]);
    hello.sse_succeeds(&["install"]);
    assert_eq!(hello.sse(&["save", "event_cache_key1", "1"]).code, 0);
    // As the server creates it for drop-ins.
    fs::create_dir_all(hello.path().join("writable/cache/.sse")).unwrap();
    let summary = hello.sse_succeeds(&["uninstall"]);
    assert!(!hello.has("writable"), "{summary}");
    let removed = "Removed writable/cache/.sse/ (drop-ins in transit)";
    assert!(summary.contains(removed), "{summary}");
    let port = server.port();
    let kept = format!(
        "redis://127.0.0.1:{port}/0 (prefix shop) (saved values, which other servers may share; to delete them: \
         redis-cli -h 127.0.0.1 -p {port} UNLINK '{{shop}}:s' '{{shop}}:m')"
    );
    assert!(summary.contains(&kept), "{summary}");
    let entries: u64 = server.command(&["XLEN", "{shop}:s"]).unwrap();
    assert_eq!(entries, 1);
    server.run(&["UNLINK", "{shop}:s", "{shop}:m"]);
    let keys: Vec<String> = server.command(&["KEYS", "*"]).unwrap();
    assert!(
        keys.iter().all(|key| key.starts_with("{shop}:i:")),
        "{keys:?}"
    );
}

#[test]
fn no_folder_is_expected_where_there_are_no_drop_ins() {
    let env = "SSE_CACHE=redis://127.0.0.1:1\nSSE_DROP_INS=off\n";
    let hello = Hello::with(&[(".env", env)]);
    let before = hello.tree();
    hello.sse_succeeds(&["install"]);
    assert!(
        !hello.read(".env").contains("writable"),
        "{}",
        hello.read(".env")
    );
    assert_eq!(hello.sse(&["status"]).code, 0);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.tree(), before);
}
