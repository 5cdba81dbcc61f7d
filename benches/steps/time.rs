//! The time of each step of a delivery: `cargo bench -p sse-steps --bench time`.
//!
//! The journals are in the folder for temporary files (`TMPDIR`), whose file system affects the times.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot continue has failed"
)]

use std::{hint::black_box, path::Path};

use actix_web::rt::System;
use actix_web_sse::bench_support::{Streams, read_journal};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sse_steps::{App, config, document, private_document, user_name, value};

fn save(c: &mut Criterion) {
    let app = App::new();
    let value = value();
    c.bench_function("save", |b| {
        b.iter(|| app.cache.save_blocking("order", &value).unwrap());
    });
}

fn tail(c: &mut Criterion) {
    const ENTRIES: u64 = 1_000;
    let app = App::with_entries(ENTRIES);
    assert_eq!(read_journal(&app.cache).unwrap(), ENTRIES);
    let mut group = c.benchmark_group("tail");
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("1,000 entries", |b| {
        b.iter(|| read_journal(&app.cache).unwrap());
    });
    group.finish();
}

fn encode(c: &mut Criterion) {
    let config = config(Path::new(""));
    let document = document();
    c.bench_function("encode", |b| {
        b.iter(|| black_box(&document).encode(config.events()));
    });
}

fn streams(c: &mut Criterion) {
    let app = App::new();
    let document = document();
    let runtime = System::new();
    let mut group = c.benchmark_group("wake and deliver");
    for count in [1, 100, 10_000] {
        let open = async { Streams::open(&app.cache, count).unwrap() };
        let mut streams = runtime.block_on(open);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} streams"), |b| {
            b.iter(|| {
                assert_eq!(streams.wake(&document), count);
                streams.deliver()
            });
        });
    }
    group.finish();
}

fn one_user(c: &mut Criterion) {
    let app = App::new();
    let document = private_document(0);
    let runtime = System::new();
    let mut group = c.benchmark_group("deliver to one user");
    for count in [10, 10_000] {
        let open = async {
            Streams::open_with(&app.cache, count, |user, subscription| {
                subscription.grant(user_name(user))
            })
        };
        let mut streams = runtime.block_on(open).unwrap();
        assert_eq!(streams.wake(&document), 1);
        group.bench_function(format!("of {count} users"), |b| {
            b.iter(|| {
                streams.publish(&document);
                streams.deliver_to(0)
            });
        });
    }
    group.finish();
}

criterion_group!(steps, save, tail, encode, streams, one_user);
criterion_main!(steps);
