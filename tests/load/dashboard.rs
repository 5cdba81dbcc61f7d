//! What the dashboard costs a server with many streams.

use std::time::Duration;

use support::{App, Server, Stream};

use crate::{
    client::audience,
    process::wait_until_idle,
    scale::{alone, figure, is_full, run, scale},
};

/// Of one core, in percent.
const MAX_COST: f64 = 2.0;

#[test]
fn a_watched_dashboard_costs_little_however_many_streams_are_open() {
    let _alone = alone();
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS=10000\nSSE_STREAM_DURATION=0\n");
    let server = Server::start(app.path(), &[("ADMIN_LISTEN", "127.0.0.1:0")]);
    let streams = scale(5_000, 500);
    // As long as the interval of the heartbeats, so that each stream sends as many in both times.
    let time = Duration::from_secs(scale(30, 2));
    // A small run may be beside other work.
    let max_silence = Duration::from_secs(scale(1, 10));
    run(async {
        let _clients = audience(streams, server.address(), "/sse/stream", None).await;
        wait_until_idle(&server);
        let before = server.cpu_time();
        tokio::time::sleep(time).await;
        let unwatched = server.cpu_time() - before;

        let page = Stream::open(&server.admin_address(), "/stream", None);
        page.next_but_heartbeats();
        let before = server.cpu_time();
        let watched = tokio::task::spawn_blocking(move || {
            let end = std::time::Instant::now() + time;
            while std::time::Instant::now() < end {
                let state = page.next_within(max_silence).expect("a state each second");
                let state = state.data.unwrap_or_default();
                let is_counted = state.contains(&format!("\"open\":{streams},"));
                // A heartbeat has no state.
                assert!(is_counted || !state.contains("open"), "{state}");
            }
        });
        watched.await.unwrap();
        let watched = server.cpu_time() - before;
        let cost = watched.saturating_sub(unwatched).as_secs_f64() / time.as_secs_f64() * 100.0;
        figure(
            &format!("a watched dashboard with {streams} streams takes, of one core"),
            format!("{cost:.2} %"),
        );
        assert!(!is_full() || cost < MAX_COST, "{cost:.2} %");
    });
}
