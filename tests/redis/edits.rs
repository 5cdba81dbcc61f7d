//! Edits of `SSE_CACHE` while streams are open.

use std::fs;

use support::{
    App, Server, Stream,
    redis::{RedisOptions, RedisServer},
};

use crate::app::{ENV, FAULT, QUIET, RESOLVED, app_at, listen, receive, receive_gap};

fn edit(app: &App, cache: &str) {
    fs::write(app.path().join(".env"), format!("{ENV}SSE_CACHE={cache}\n")).unwrap();
}

/// Waits until the server has followed its `count`th edit.
#[track_caller]
fn wait_for_edit(server: &Server, count: usize) {
    support::until("the server follows the edited cache", || {
        let log = server.log();
        (log.matches("following this cache now").count() == count).then_some(())
    });
}

#[test]
fn streams_follow_an_app_from_a_folder_to_redis_and_back() {
    let redis = RedisServer::start(RedisOptions::new());
    let url = format!("redis://{}", redis.address());
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = listen(&server);
    app.save("key", "1");
    receive(&stream, [1]);
    edit(&app, &url);
    wait_for_edit(&server, 1);
    app.save("key", "2");
    receive_gap(&stream, "other-epoch");
    let id = receive(&stream, [2]).id;
    // Drop-ins are read from the former cache folder, which is the default drop-in folder.
    fs::write(app.cache().join("key"), "20").unwrap();
    receive(&stream, [20]);
    edit(&app, "writable/cache");
    wait_for_edit(&server, 2);
    app.save("key", "3");
    receive_gap(&stream, "other-epoch");
    // The folder still has its first value, and a gap ends what is known about earlier ones.
    receive(&stream, [1, 3]);
    // Ids of the journal in Redis mean nothing in the folder.
    let returned = Stream::open(server.address(), "/sse/stream", id.as_deref());
    receive_gap(&returned, "other-epoch");
}

#[test]
fn an_edit_to_a_redis_that_is_away_changes_nothing_until_it_is_there() {
    let mut redis = RedisServer::start(RedisOptions::new());
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = listen(&server);
    redis.kill();
    edit(&app, &format!("redis://{}", redis.address()));
    server.wait_for_log("SSE_CACHE cannot be used");
    fs::write(app.cache().join("key"), "1").unwrap();
    receive(&stream, [1]);
    redis.restart();
    wait_for_edit(&server, 1);
    app.save("key", "2");
    receive_gap(&stream, "other-epoch");
    receive(&stream, [2]);
    let log = server.log();
    assert_eq!(log.matches("SSE_CACHE cannot be used").count(), 1, "{log}");
}

#[test]
fn a_changed_password_costs_no_event() {
    let redis = RedisServer::start(RedisOptions::new().user("web", "on >former ~* +@all"));
    let url = |password: &str| format!("redis://web:{password}@{}", redis.address());
    let app = app_at(&url("former"));
    let server = app.start();
    let stream = listen(&server);
    app.save("key", "1");
    let id = receive(&stream, [1]).id;
    redis.run(&["ACL", "SETUSER", "web", "resetpass", ">changed"]);
    redis.cut_connections();
    let log = server.wait_for_log(FAULT);
    assert!(
        log.contains("does not accept this user and password"),
        "{log}"
    );

    edit(&app, &url("changed"));
    app.save("key", "2");
    receive(&stream, [2]);
    let log = server.wait_for_log(RESOLVED);
    assert!(
        !log.contains("former") && !log.contains(">changed"),
        "{log}"
    );
    let returned = Stream::open(server.address(), "/sse/stream", id.as_deref());
    receive(&returned, [2]);
    for stream in [&stream, &returned] {
        stream.expect_silence(QUIET);
    }
}
