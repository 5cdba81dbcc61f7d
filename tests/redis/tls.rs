//! Connections with TLS.

use std::{fs, path::Path};

use support::redis::{RedisOptions, RedisServer};

use crate::app::{app_at, cache, listen, receive, try_cache};

fn url(redis: &RedisServer, host: &str, ca: &Path) -> String {
    format!("rediss://{host}:{}?ca={}", redis.port(), ca.display())
}

#[test]
fn values_are_saved_and_received_over_tls() {
    let redis = RedisServer::start(RedisOptions::new().tls());
    for host in ["localhost", "127.0.0.1"] {
        let app = app_at(&url(&redis, host, &redis.dir().join("ca.pem")));
        let server = app.start();
        let stream = listen(&server);
        app.save("key", "1");
        receive(&stream, [1]);
        redis.run(&["FLUSHALL"]);
    }
}

/// What is saved on one machine reaches the streams of the other one over a connection that was cut.
#[test]
fn a_cut_connection_is_opened_again_with_tls() {
    let redis = RedisServer::start(RedisOptions::new().tls());
    let app = app_at(&url(&redis, "localhost", &redis.dir().join("ca.pem")));
    let server = app.start();
    let stream = listen(&server);
    let cache = cache(&app);
    for value in 1..=3 {
        redis.cut_connections();
        cache.save_blocking("key", value).unwrap();
        receive(&stream, [value]);
    }
}

/// The error of an app with this cache, with its help.
fn error(url: &str) -> String {
    let app = app_at(url);
    let error = try_cache(&app).err().unwrap();
    // The command reports the same.
    let output = app.sse().args(["save", "key", "1"]).output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains(&error.to_string()), "{printed}");
    format!("{error}; {}", error.help().unwrap())
}

#[test]
fn a_connection_that_cannot_be_trusted_is_an_error_that_says_why() {
    let options = RedisOptions::new().tls().set("bind", "127.0.0.1 127.0.0.2");
    let redis = RedisServer::start(options);
    let ca = redis.dir().join("ca.pem");
    let other = RedisServer::start(RedisOptions::new().tls());
    let broken = redis.dir().join("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!\n").unwrap();
    for (url, expected) in [
        (
            url(&redis, "127.0.0.1", &other.dir().join("ca.pem")),
            "invalid peer certificate",
        ),
        (
            format!("rediss://127.0.0.1:{}", redis.port()),
            "invalid peer certificate",
        ),
        (url(&redis, "127.0.0.2", &ca), "not valid for name"),
        (
            url(&redis, "127.0.0.1", &redis.dir().join("missing.pem")),
            "missing.pem",
        ),
        (url(&redis, "127.0.0.1", &broken), "`?ca=`"),
    ] {
        let error = error(&url);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn tls_at_a_port_without_it_and_the_reverse_are_errors_that_say_so() {
    let plain = RedisServer::start(RedisOptions::new());
    let tls = RedisServer::start(RedisOptions::new().tls());
    let to_plain = error(&url(&plain, "127.0.0.1", &tls.dir().join("ca.pem")));
    assert!(to_plain.contains("a port without TLS"), "{to_plain}");
    let to_tls = error(&format!("redis://127.0.0.1:{}", tls.port()));
    assert!(to_tls.contains("a port with TLS"), "{to_tls}");
}
