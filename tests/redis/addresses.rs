//! Every form of the address, and servers that cannot have a journal.

use support::redis::{RedisOptions, RedisServer};

use crate::app::{QUIET, app_at, app_in, cache, listen, receive, try_cache};

#[test]
fn apps_with_other_prefixes_or_databases_do_not_hear_each_other() {
    let redis = RedisServer::start(RedisOptions::new());
    let (address, socket) = (redis.address(), redis.socket());
    let socket = socket.display();
    // The two of a line are one cache.
    let urls = [
        [
            format!("redis://{address}"),
            format!("redis://{address}/0?prefix=sse"),
        ],
        [
            format!("redis://{address}?prefix=shop"),
            format!("redis+unix://{socket}?prefix=shop"),
        ],
        [
            format!("redis://{address}/3?prefix=shop"),
            format!("redis+unix://{socket}?db=3&prefix=shop"),
        ],
    ];
    let apps = urls
        .each_ref()
        .map(|urls| urls.each_ref().map(|url| app_at(url)));
    let servers = apps.each_ref().map(|[app, _]| app.start());
    let streams = servers.each_ref().map(listen);
    for (value, [_, writer]) in (1..).zip(&apps) {
        writer.save("key", &value.to_string());
    }
    for (value, stream) in (1..).zip(&streams) {
        assert_eq!(receive(stream, [value]).number(), 1);
        stream.expect_silence(QUIET);
    }
}

/// The error of an app whose cache is in this server.
fn refused(redis: &RedisServer) -> String {
    let error = try_cache(&app_in(redis)).err().unwrap();
    format!("{error}; {}", error.help().unwrap())
}

#[test]
fn a_server_of_a_cluster_is_refused_with_the_reason() {
    let redis = RedisServer::start(RedisOptions::new().set("cluster-enabled", "yes"));
    let error = refused(&redis);
    assert!(
        error.contains("this server belongs to a cluster"),
        "{error}"
    );
    assert!(error.contains("use a single master"), "{error}");
}

#[test]
fn a_replica_is_refused_until_it_is_the_master() {
    let master = RedisServer::start(RedisOptions::new());
    let replica = RedisServer::start(RedisOptions::new());
    replica.replicate(master.port());
    let error = refused(&replica);
    assert!(error.contains("this server is a replica"), "{error}");
    assert!(error.contains("must lead to the master"), "{error}");
    replica.promote();
    let app = app_in(&replica);
    let server = app.start();
    let stream = listen(&server);
    cache(&app).save_blocking("key", 1).unwrap();
    receive(&stream, [1]);
}
