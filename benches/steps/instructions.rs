//! The number of instructions of each step of a delivery: `cargo bench -p sse-steps --bench
//! instructions`. It does not depend on the load of the machine, so it has limits: 20 % above the
//! number at the time when they were set. This needs valgrind and gungraun-runner.
#![allow(
    missing_docs,
    unused_qualifications,
    reason = "gungraun's macros write public functions"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot continue has failed"
)]

use std::{hint::black_box, path::Path};

use actix_web::rt::{System, SystemRunner};
use actix_web_sse::{
    Config, EventId, Subscription,
    bench_support::{EncodedDocument, Recording, Streams, read_journal},
};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use sse_steps::{App, config, document, private_document, user_name, value};

/// Enough that the work done once for all streams is negligible.
const STREAMS: usize = 1_000;

fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

struct OpenStreams {
    streams: Streams,
    document: EncodedDocument,
    _app: App,
    _runtime: SystemRunner,
}

impl OpenStreams {
    /// Opens streams with the audiences of their users as `grant` says, and gives them one event.
    fn new(
        count: usize,
        document: EncodedDocument,
        grant: impl Fn(usize, Subscription) -> Subscription,
    ) -> Self {
        let app = App::new();
        let runtime = System::new();
        let open = async { Streams::open_with(&app.cache, count, grant).unwrap() };
        let mut streams = runtime.block_on(open);
        // A warm-up, so that all lists have their capacity.
        streams.publish(&document);
        assert!(streams.deliver() > 0);
        Self {
            streams,
            document,
            _app: app,
            _runtime: runtime,
        }
    }
}

fn opened() -> OpenStreams {
    OpenStreams::new(STREAMS, document(), |_, subscription| subscription)
}

/// What `open` opens records its metrics with the recorder of Prometheus.
fn recorded<T>(open: impl FnOnce() -> T) -> T {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, open)
}

/// After a first turn, which makes what later turns use.
fn recording() -> Recording {
    let mut recording = Recording::new(&App::new().cache);
    recording.record(1);
    recording
}

fn grant_user(user: usize, subscription: Subscription) -> Subscription {
    subscription.grant(user_name(user))
}

/// One stream for each of `users`, and an event for the first.
fn private(users: usize) -> OpenStreams {
    OpenStreams::new(users, private_document(0), grant_user)
}

/// Half of the streams hold an audience, and are woken for a public event beside the others.
fn woken_beside_holders() -> OpenStreams {
    let opened = OpenStreams::new(STREAMS, document(), |index, subscription| match index % 2 {
        0 => grant_user(index, subscription),
        _ => subscription,
    });
    assert_eq!(opened.streams.wake(&opened.document), STREAMS);
    opened
}

fn woken() -> OpenStreams {
    let opened = opened();
    assert_eq!(opened.streams.wake(&opened.document), STREAMS);
    opened
}

// 1,000 streams are queued, and woken in groups.
#[library_benchmark(config = limit(100_000))]
#[bench::streams(opened())]
fn wake(opened: OpenStreams) -> (usize, OpenStreams) {
    (opened.streams.wake(&opened.document), opened)
}

// Each of 1,000 streams gets an event's chunk, and waits for the next. Two builds of the same code differed by 5 %, because
// other code of the library had changed between them.
#[library_benchmark(config = limit(1_040_000))]
#[bench::streams(woken())]
fn deliver(mut opened: OpenStreams) -> (usize, OpenStreams) {
    (opened.streams.deliver(), opened)
}

// The same, with a recorder.
#[library_benchmark(config = limit(1_040_000))]
#[bench::streams(recorded(woken))]
fn deliver_recorded(mut opened: OpenStreams) -> (usize, OpenStreams) {
    (opened.streams.deliver(), opened)
}

// The same, where every other stream holds an audience. All share the chunk, so it has the same limit.
#[library_benchmark(config = limit(1_040_000))]
#[bench::streams(woken_beside_holders())]
fn deliver_beside_holders(mut opened: OpenStreams) -> (usize, OpenStreams) {
    (opened.streams.deliver(), opened)
}

// An event for one user is encoded, and the user's stream gets it. The limit is 20 % above the number for 10 users,
// also for 10,000.
#[library_benchmark(config = limit(19_400))]
#[bench::of_10_users(private(10))]
#[bench::of_10_000_users(private(10_000))]
fn deliver_to_one_user(mut opened: OpenStreams) -> (usize, OpenStreams) {
    opened.streams.publish(&opened.document);
    (opened.streams.deliver_to(0), opened)
}

// The same, with a recorder.
#[library_benchmark(config = limit(19_400))]
#[bench::of_10_users(recorded(|| private(10)))]
fn deliver_to_one_user_recorded(mut opened: OpenStreams) -> (usize, OpenStreams) {
    opened.streams.publish(&opened.document);
    (opened.streams.deliver_to(0), opened)
}

// What a recorder adds to the delivery of an event to 1,000 streams: at most 2 % of the instructions of `deliver`.
#[library_benchmark(config = limit(20_000))]
#[bench::streams(recorded(recording))]
fn record(mut recording: Recording) -> Recording {
    recording.record(1_000);
    recording
}

// An entry of the journal is encoded as an event.
#[library_benchmark(config = limit(13_000))]
#[bench::value(document(), config(Path::new("")))]
fn encode(document: EncodedDocument, config: Config) -> usize {
    black_box(&document).encode(config.events())
}

// 1,000 entries are read from the journal into memory.
#[library_benchmark(config = limit(27_000_000))]
#[bench::entries(App::with_entries(1_000))]
fn tail(app: App) -> (u64, App) {
    (read_journal(&app.cache).unwrap(), app)
}

// A value of 200 bytes is saved.
#[library_benchmark(config = limit(24_200))]
#[bench::value(App::new(), value())]
fn save(app: App, value: String) -> (EventId, App) {
    (app.cache.save_blocking("order", value).unwrap(), app)
}

library_benchmark_group!(
    name = steps,
    benchmarks = [
        wake,
        deliver,
        deliver_recorded,
        deliver_beside_holders,
        deliver_to_one_user,
        deliver_to_one_user_recorded,
        record,
        encode,
        tail,
        save
    ]
);

main!(library_benchmark_groups = steps);
