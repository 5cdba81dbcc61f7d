//! Clients that open a stream and do not read.

use std::time::{Duration, Instant};

use actix_web_sse::{Cache, Config};
use support::{App, Server};
use tokio::net::TcpStream;

use crate::{
    client::audience,
    latency::{Readers, median, p99},
    process::{comes_true, memory, unsent, wait_for_connections},
    scale::{alone, figure, is_full, run, scale},
};

const ENV: &str = "SSE_EVENTS=tick:tick,flood:flood\nSSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=2\n";

/// `actix_web_sse::on_connect` promises 30 seconds, and the system checks its timers with some delay.
const MAX_STALL: Duration = Duration::from_secs(30 + 5);

/// Limits for one stalled stream, in the process and in the kernel.
const MAX_PROCESS_BYTES: u64 = 64 * 1024;
const MAX_KERNEL_BYTES: u64 = 192 * 1024;

/// Near the system's minimum, so that it is full at once.
const RECEIVE_BUFFER: Option<u32> = Some(4 * 1024);

pub(crate) fn cache(app: &App) -> Cache {
    Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap()
}

/// Saves more than all buffers on the way to one client hold, in values of this size.
fn flood(cache: &Cache, bytes: usize) {
    let value = "x".repeat(bytes);
    for _ in 0..(768 * 1024 / bytes) {
        cache.save_blocking("flood", &value).unwrap();
    }
}

/// Opens this many streams whose clients do not read, with all buffers full.
pub(crate) async fn stalled(
    count: usize,
    server: &Server,
    cache: &Cache,
    bytes: usize,
) -> Vec<TcpStream> {
    let path = "/sse/stream?events=flood";
    let clients = audience(count, server.address(), path, RECEIVE_BUFFER).await;
    flood(cache, bytes);
    let mut before = Vec::new();
    let all_full = comes_true(Duration::from_secs(20), || {
        let mut queued = unsent(server.port());
        queued.retain(|bytes| *bytes > 0);
        queued.sort_unstable();
        let is_steady = queued == before && queued.len() == count;
        before = queued;
        is_steady
    })
    .await;
    assert!(all_full, "{} of {count} are stalled", before.len());
    clients
}

#[test]
fn stalled_clients_do_not_delay_others() {
    let _alone = alone();
    let (good, bad) = (scale(1_000, 300), scale(1_000, 300));
    let (rounds, saves, pace) = (scale(9, 3), scale(100, 40), Duration::from_millis(50));
    // Of the few saves of a short run, another program may delay more than one in a hundred.
    let (name, latency) = scale(
        ("p99", (|times| p99(&times)) as fn(Vec<u32>) -> u32),
        ("median", median),
    );
    let app = App::with_env(ENV);
    let server = app.start();
    let cache = cache(&app);
    let (without, with): (Vec<u32>, Vec<u32>) = run(async {
        let path = "/sse/stream?events=tick";
        let readers = Readers::new(audience(good, server.address(), path, None).await);
        let mut times = Vec::new();
        readers.measure(&cache, "tick", 20, pace).await;
        for _ in 0..rounds {
            let without = latency(readers.measure(&cache, "tick", saves, pace).await);
            let clients = stalled(bad, &server, &cache, 4 * 1024).await;
            let with = latency(readers.measure(&cache, "tick", saves, pace).await);
            let still = unsent(server.port())
                .iter()
                .filter(|bytes| **bytes > 0)
                .count();
            assert!(still >= bad, "{still} of {bad} were still connected");
            times.push((without, with));
            drop(clients);
            wait_for_connections(&server, good);
        }
        times.into_iter().unzip()
    });
    let rounds = format!("{without:?} and {with:?}");
    let (without, with) = (median(without), median(with));
    figure(
        &format!(
            "{name} latency of {good} clients without and with {bad} stalled ones, medians of the rounds"
        ),
        format!("{without} and {with} µs"),
    );
    println!("each round: {rounds}");
    // On a machine with other work, fractions of a second cannot be compared to within a tenth.
    let limit = if is_full() {
        without + without / 10
    } else {
        without * 3 + 50_000
    };
    assert!(
        with <= limit,
        "{with} µs with, {without} µs without: {rounds}"
    );
}

#[test]
fn stalled_clients_use_bounded_memory_and_are_disconnected() {
    let _alone = alone();
    let count = scale(1_000, 300);
    // Many values in one chunk, and each value in several.
    for bytes in scale(&[4 * 1024, 60 * 1024][..], &[60 * 1024])
        .iter()
        .copied()
    {
        let app = App::with_env(ENV);
        let server = app.start();
        let cache = cache(&app);
        run(async {
            // The memory that all streams share is not the cost of one.
            flood(&cache, bytes);
            let reader = audience(1, server.address(), "/sse/stream", None).await;
            flood(&cache, bytes);
            drop(reader);
            wait_for_connections(&server, 0);
            let before = memory(&server);

            let clients = stalled(count, &server, &cache, bytes).await;
            let since = Instant::now();
            let per_stream = memory(&server).saturating_sub(before) / count as u64;
            let in_kernel = unsent(server.port()).iter().sum::<u64>() / count as u64;
            figure(
                &format!("memory of one of {count} streams stalled at values of {bytes} bytes"),
                format!("{per_stream} bytes, and {in_kernel} in the kernel"),
            );
            assert!(per_stream < MAX_PROCESS_BYTES, "{per_stream} bytes each");
            assert!(
                in_kernel < MAX_KERNEL_BYTES,
                "{in_kernel} bytes each in the kernel"
            );

            let ended = comes_true(MAX_STALL, || unsent(server.port()).is_empty()).await;
            let left = unsent(server.port()).len();
            assert!(ended, "{left} of {count} are connected after {MAX_STALL:?}");
            figure(
                &format!("{count} stalled streams ended after"),
                format!("{:.1} s", since.elapsed().as_secs_f64()),
            );
            drop(clients);
        });
    }
}
