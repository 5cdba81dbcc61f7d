//! Apps whose cache is in a Redis server of the test.

use std::time::Duration;

use actix_web_sse::{Cache, Config, Error};
use serde_json::Value;
use support::{App, Event, Server, Stream, redis::RedisServer, until};

/// What the servers of these tests have in common. Streams end only with their server.
pub(crate) const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=1\nSSE_EVENTS=event:key\n";

/// A repeated event would have arrived after this time.
pub(crate) const QUIET: Duration = Duration::from_millis(500);

/// What the log of a server says when it cannot read the journal, and when it can again.
pub(crate) const FAULT: &str = "saved values are not delivered";
pub(crate) const RESOLVED: &str = "the delivery of saved values has resumed";

/// An app with this cache.
pub(crate) fn app_at(url: &str) -> App {
    App::with_env(ENV).in_redis(url.to_owned())
}

/// An app with its cache in this server.
pub(crate) fn app_in(redis: &RedisServer) -> App {
    app_at(&format!("redis://{}", redis.address()))
}

/// The cache of an app, as another process opens it.
pub(crate) fn try_cache(app: &App) -> Result<Cache, Error> {
    Cache::open(&Config::from_dir(app.path()).unwrap())
}

pub(crate) fn cache(app: &App) -> Cache {
    try_cache(app).unwrap()
}

/// Opens a stream, and waits for its first block.
#[track_caller]
pub(crate) fn listen(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    assert_eq!(stream.status, 200, "{}", stream.body);
    stream.next();
    stream
}

/// Expects these values next, without a gap. Returns the last event.
#[track_caller]
pub(crate) fn receive<const N: usize>(stream: &Stream, values: [u64; N]) -> Event {
    let events = values.map(|value| {
        let event = stream.next_but_heartbeats();
        assert_eq!(
            (event.name(), event.value()),
            ("event", Value::from(value)),
            "{event:?}"
        );
        event
    });
    events.into_iter().next_back().unwrap()
}

/// Expects `sse.gap` for this reason next.
#[track_caller]
pub(crate) fn receive_gap(stream: &Stream, reason: &str) {
    let gap = stream.next_but_heartbeats();
    assert_eq!(gap.name(), "sse.gap", "{gap:?}");
    assert_eq!(gap.json()["reason"], reason);
}

/// Saves a value, and tries again until that succeeds.
#[track_caller]
pub(crate) fn save_when_possible(cache: &Cache, value: u64) {
    until("a save succeeds", || cache.save_blocking("key", value).ok());
}
