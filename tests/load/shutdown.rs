//! A server that is told to end.

use std::time::{Duration, Instant};

use support::App;
use tokio::{io::AsyncReadExt, task::spawn_local};

use crate::{
    client::audience,
    scale::{alone, figure, is_full, run, scale},
};

#[test]
fn a_server_that_is_told_to_end_ends_all_its_streams_and_itself() {
    let _alone = alone();
    let count = scale(5_000, 1_000);
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n");
    let server = app.start();
    let address = server.address().to_owned();
    let (took, farewells) = run(async {
        let streams = audience(count, &address, "/sse/stream", None).await;
        let readers: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                spawn_local(async move {
                    let mut heard = Vec::new();
                    let _ = stream.read_to_end(&mut heard).await;
                    // The last block, and behind it the end of the body: it was not cut off.
                    heard.ends_with(b"\n\n\r\n0\r\n\r\n")
                })
            })
            .collect();
        let ending = tokio::task::spawn_blocking(move || {
            let told = Instant::now();
            let status = server.terminate();
            assert!(status.success(), "{status}");
            told.elapsed()
        });
        let mut farewells = 0;
        for reader in readers {
            farewells += usize::from(reader.await.unwrap());
        }
        (ending.await.unwrap(), farewells)
    });
    figure(
        &format!("from SIGTERM to the end of a server with {count} streams"),
        format!("{} ms", took.as_millis()),
    );
    assert_eq!(farewells, count, "streams that ended in order");
    let most = if is_full() {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(5)
    };
    assert!(took < most, "{took:?}");
}
