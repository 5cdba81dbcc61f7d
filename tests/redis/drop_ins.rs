//! Files that other programs write for servers whose cache is in Redis.

use std::{fs, path::Path};

use support::{
    App,
    redis::{RedisOptions, RedisServer},
    until,
};

use crate::app::{QUIET, app_in, cache, listen, receive};

/// Writes a drop-in, as soon as the server has created its folder.
#[track_caller]
fn write(drop_in: &Path, value: u64) {
    until("the drop-in folder exists", || {
        fs::write(drop_in, value.to_string()).ok()
    });
}

/// The same app on several machines: each has a folder of its own.
fn machines<const N: usize>(redis: &RedisServer) -> [App; N] {
    [(); N].map(|()| app_in(redis))
}

#[test]
fn drop_ins_of_each_machine_reach_the_streams_of_all_machines_once() {
    let redis = RedisServer::start(RedisOptions::new());
    let machines = machines::<3>(&redis);
    let servers = machines.each_ref().map(App::start);
    let streams = servers.each_ref().map(listen);
    let mut value = 0;
    for _ in 0..5 {
        for machine in &machines {
            value += 1;
            let drop_in = machine.cache().join("key");
            write(&drop_in, value);
            for stream in &streams {
                receive(stream, [value]);
            }
            until("the drop-in is removed", || {
                (!drop_in.exists()).then_some(())
            });
        }
    }
    for stream in &streams {
        stream.expect_silence(QUIET);
    }
}

#[test]
fn drop_ins_wait_until_redis_returns_and_arrive_once() {
    let mut redis = RedisServer::start(RedisOptions::new().append_only("always"));
    let machines = machines::<2>(&redis);
    let servers = machines.each_ref().map(App::start);
    let streams = servers.each_ref().map(listen);
    redis.kill();
    write(&machines[0].cache().join("key"), 1);
    servers[0].wait_for_log("ERROR");
    redis.restart();
    for stream in &streams {
        receive(stream, [1]);
        stream.expect_silence(QUIET);
    }
}

fn add_setting(app: &App, line: &str) {
    let path = app.path().join(".env");
    let env = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{env}{line}\n")).unwrap();
}

#[test]
fn without_drop_ins_no_folder_is_created_and_no_file_is_read() {
    let redis = RedisServer::start(RedisOptions::new());
    let app = app_in(&redis);
    add_setting(&app, "SSE_DROP_INS=off");
    let server = app.start();
    let stream = listen(&server);
    cache(&app).save_blocking("key", 1).unwrap();
    receive(&stream, [1]);
    assert!(!app.cache().exists());
    fs::create_dir_all(app.cache()).unwrap();
    fs::write(app.cache().join("key"), "2").unwrap();
    stream.expect_silence(QUIET);
    cache(&app).save_blocking("key", 3).unwrap();
    receive(&stream, [3]);
    assert!(app.cache().join("key").exists());
}

#[test]
fn a_folder_and_a_prefix_for_drop_ins_can_be_chosen() {
    let redis = RedisServer::start(RedisOptions::new());
    let app = app_in(&redis);
    add_setting(&app, "SSE_DROP_INS=drop\nSSE_DROP_IN_PREFIX=shop_");
    let server = app.start();
    let stream = listen(&server);
    write(&app.path().join("drop/shop_key"), 1);
    receive(&stream, [1]);
    assert!(!app.cache().exists());
}

#[test]
fn a_folder_that_cannot_be_created_stops_no_stream_and_is_used_as_soon_as_it_can() {
    let redis = RedisServer::start(RedisOptions::new());
    let app = app_in(&redis);
    let folder = app.path().join("drop");
    fs::write(&folder, "").unwrap();
    add_setting(&app, "SSE_DROP_INS=drop");
    let server = app.start();
    let stream = listen(&server);
    cache(&app).save_blocking("key", 1).unwrap();
    receive(&stream, [1]);
    let log = server.wait_for_log("ERROR");
    assert!(log.contains("drop"), "{log}");
    fs::remove_file(&folder).unwrap();
    server.wait_for_log("resolved: ");
    fs::write(folder.join("key"), "2").unwrap();
    receive(&stream, [2]);
    assert_eq!(server.log().matches("ERROR").count(), 1, "{}", server.log());
}
