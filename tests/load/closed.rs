//! Clients that disconnect.

use std::time::{Duration, Instant};

use support::{App, DEADLINE, HalfClosed, LocalServer, best_of_three};

use crate::{
    client::{audience, listen},
    process::{comes_true, wait_for_connections},
    scale::{alone, figure, run},
};

#[test]
fn by_default_a_closed_connection_is_noticed_two_seconds_after_the_next_heartbeat() {
    let _alone = alone();
    let heartbeat = Duration::from_secs(3);
    best_of_three(heartbeat + Duration::from_secs(2), || {
        let server = LocalServer::start(
            HalfClosed::Stays,
            "event:key",
            |config, _| {
                config
                    .with_heartbeat(heartbeat)
                    .with_stream_duration(Duration::ZERO)
            },
            |app, sse| sse.configure(app),
        );
        run(async {
            let clients = audience(20, server.address(), "/sse/stream", None).await;
            assert_eq!(server.sse.stats().connections, 20);
            drop(clients);
            let closed = Instant::now();
            let noticed = comes_true(DEADLINE, || server.sse.stats().connections == 0).await;
            assert!(noticed, "{} are left", server.sse.stats().connections);
            let time = closed.elapsed();
            figure(
                "a closed connection is noticed on default settings with a heartbeat of 3 s after",
                format!("{:.1} s", time.as_secs_f64()),
            );
            time
        })
    });
}

/// Its heartbeat interval is 15 seconds, so a heartbeat is not what reveals it.
#[test]
fn the_starter_notices_a_closed_connection_at_once() {
    let _alone = alone();
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS=20\nSSE_STREAM_DURATION=0\n");
    let server = app.start();
    run(async {
        let clients = audience(20, server.address(), "/sse/stream", None).await;
        let refused = listen(server.address(), "/sse/stream", None).await;
        assert!(refused.is_err(), "all connections are in use");
        drop((clients, refused));
        let closed = Instant::now();
        wait_for_connections(&server, 0);
        let again = audience(20, server.address(), "/sse/stream", None).await;
        assert!(
            closed.elapsed() < Duration::from_secs(10),
            "{:?}",
            closed.elapsed()
        );
        assert_eq!(again.len(), 20);
    });
}
