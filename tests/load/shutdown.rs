//! A server at SIGTERM.

use std::time::{Duration, Instant};

use support::{App, ReverseProxy, Server, number_in_id};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    task::{JoinHandle, spawn_blocking, spawn_local},
};

use crate::{
    client::audience,
    scale::{alone, figure, run, scale},
    stalled::{cache, stalled},
};

/// From the signal to the exit of the process, whatever its clients do: what docs/delivery.md
/// promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(2);

/// A short run shares the machine with other programs. actix-web waits 30 seconds for responses.
const MAX_SHUTDOWN_OF_SHORT_RUN: Duration = Duration::from_secs(10);

#[test]
fn a_terminated_server_ends_all_streams_and_exits() {
    let _alone = alone();
    let count = scale(5_000, 1_000);
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n");
    let server = app.start();
    let address = server.address().to_owned();
    let (took, completed) = run(async {
        let streams = audience(count, &address, "/sse/stream", None).await;
        let readers = reading(streams);
        let took = terminated(server).await;
        (took, complete(readers, &[]).await)
    });
    figure(
        &format!("from SIGTERM to the end of a server with {count} streams"),
        format!("{} ms", took.as_millis()),
    );
    assert_eq!(completed, count, "streams that ended normally");
    let limit = scale(Duration::from_secs(1), MAX_SHUTDOWN_OF_SHORT_RUN);
    assert!(took < limit, "{took:?}");
}

#[test]
fn a_terminated_sse_serve_behind_nginx_ends_all_streams_and_exits() {
    let _alone = alone();
    let count = scale(9_000, 1_000);
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n");
    let server = Server::start_serve(app.path(), &[]);
    let lines = "worker_rlimit_nofile 40000; events { worker_connections 20000; }";
    let proxy = ReverseProxy::nginx_with(app.path(), lines, |port| {
        let backend = server.address();
        format!(
            "server {{
                listen 127.0.0.1:{port} backlog=4096;
                # The end of a response ends the connection.
                keepalive_timeout 0;
                location /sse/ {{
                    proxy_pass http://{backend}; proxy_http_version 1.1; proxy_set_header Connection \"\";
                }}
            }}"
        )
    });
    let (took, completed) = run(async {
        let streams = audience(count, proxy.address(), "/sse/stream", None).await;
        let readers = reading(streams);
        let took = terminated(server).await;
        (took, complete(readers, &[]).await)
    });
    figure(
        &format!("from SIGTERM to the end of `sse serve` with {count} streams through nginx"),
        format!("{} ms", took.as_millis()),
    );
    assert_eq!(completed, count, "streams that ended normally");
    let limit = scale(MAX_SHUTDOWN, MAX_SHUTDOWN_OF_SHORT_RUN);
    assert!(took < limit, "{took:?}");
}

#[test]
fn stalled_clients_delay_neither_shutdown_nor_other_clients() {
    let _alone = alone();
    let (good, bad) = (scale(5_000, 500), scale(1_000, 100));
    let env = "SSE_EVENTS=tick:tick,flood:flood\nSSE_STREAM_DURATION=0\n";
    let app = App::with_env(env);
    let server = app.start();
    let address = server.address().to_owned();
    let cache = cache(&app);
    let (took, completed) = run(async {
        let streams = audience(good, &address, "/sse/stream?events=tick", None).await;
        let readers = reading(streams);
        let clients = stalled(bad, &server, &cache, 4 * 1024).await;
        // Some of these are sent before the streams end, and some after the clients reconnect.
        let saved: Vec<u64> = (0..20)
            .map(|number| cache.save_blocking("tick", number).unwrap().to_string())
            .map(|id| number_in_id(&id))
            .collect();
        let took = terminated(server).await;
        drop(clients);
        (took, complete(readers, &saved).await)
    });
    figure(
        &format!("from SIGTERM to the end of a server with {good} streams and {bad} stalled ones"),
        format!("{} ms", took.as_millis()),
    );
    assert_eq!(
        completed, good,
        "streams that were complete and ended normally"
    );
    let limit = scale(MAX_SHUTDOWN, MAX_SHUTDOWN_OF_SHORT_RUN);
    assert!(took < limit, "{took:?}");
}

/// Everything that each of these clients receives until its connection ends.
fn reading(streams: Vec<TcpStream>) -> Vec<JoinHandle<Vec<u8>>> {
    let readers = streams.into_iter().map(|mut stream| {
        spawn_local(async move {
            let mut received = Vec::new();
            let _ = stream.read_to_end(&mut received).await;
            received
        })
    });
    readers.collect()
}

/// How long the server takes to end.
async fn terminated(server: Server) -> Duration {
    let ending = spawn_blocking(move || {
        let terminated = Instant::now();
        let status = server.terminate();
        assert!(status.success(), "{status}");
        terminated.elapsed()
    });
    ending.await.unwrap()
}

/// How many clients were not cut off, and will miss nothing when they reconnect: the body ends with the
/// last block, and the values in `saved` up to its id have arrived.
async fn complete(readers: Vec<JoinHandle<Vec<u8>>>, saved: &[u64]) -> usize {
    let mut count = 0;
    for reader in readers {
        let received = String::from_utf8(reader.await.unwrap()).unwrap();
        let last = received.rsplit_once("retry: ").and_then(|(_, block)| {
            let (_, id) = block.split_once("id: ")?;
            let (_, number) = id.lines().next()?.split_once('-')?;
            let is_complete = block.ends_with("\n\n\r\n0\r\n\r\n");
            is_complete.then(|| number.parse::<u64>().unwrap())
        });
        count += usize::from(last.is_some_and(|last| {
            let before = saved.iter().filter(|number| **number <= last).count();
            received.matches("event: tick").count() == before
        }));
    }
    count
}
