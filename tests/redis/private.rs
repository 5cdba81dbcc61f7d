//! Values for audiences, and latest values, on two machines.

use support::{
    App, Running, Stream,
    redis::{RedisOptions, RedisServer},
    serve,
};

use crate::app::{QUIET, app_in, cache, receive};

/// A server with a stream for each user, whose name is in the header `X-User`, and its address.
fn server(app: &App) -> (Running, String) {
    let helper = env!("CARGO_BIN_EXE_test-helper");
    serve(helper, app.path(), "users in a header")
}

fn listen(address: &str, user: &str, query: &str) -> Stream {
    let path = format!("/sse/stream{query}");
    let stream = Stream::request(address, &path, &[("X-User", user)]);
    assert_eq!(stream.status, 200);
    stream.next();
    stream
}

#[test]
fn grants_revocations_and_latest_values_hold_on_every_machine() {
    let redis = RedisServer::start(RedisOptions::new());
    let machines = [(); 2].map(|()| app_in(&redis));
    let servers = machines.each_ref().map(server);
    let of = |user| {
        let servers = servers.each_ref();
        servers.map(|(_, address)| listen(address, user, ""))
    };
    let (first, second) = (of("1"), of("2"));
    // Each machine saves with a process of its own.
    let [cache, other] = machines.each_ref().map(cache);
    cache.save("key", 1).to("user:1").blocking().unwrap();
    other.save("key", 2).to("user:2").blocking().unwrap();
    cache.save("key", 3).blocking().unwrap();
    for stream in &first {
        receive(stream, [1, 3]);
    }
    for stream in &second {
        receive(stream, [2, 3]);
    }

    for (_, address) in &servers {
        let latest = listen(address, "1", "?latest=true&lookback=false");
        receive(&latest, [1, 3]);
        latest.expect_silence(QUIET);
    }

    other.revoke_blocking("user:1").unwrap();
    cache.save("key", 4).to("user:1").blocking().unwrap();
    cache.save("key", 5).blocking().unwrap();
    for stream in &first {
        assert!(stream.has_ended());
    }
    for stream in &second {
        receive(stream, [5]);
    }
    let returned = listen(&servers[0].1, "1", "?lookback=false");
    cache.save("key", 6).to("user:1").blocking().unwrap();
    receive(&returned, [6]);
}
