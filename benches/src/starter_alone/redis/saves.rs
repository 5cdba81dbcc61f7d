//! How fast the threads of one process save on Redis, beside `XADD` alone.

use std::{io, path::Path, time::Duration};

use crate::{
    clock,
    report::Results,
    servers::{Fsync, Publisher, RedisServer, StarterSettings, VALUE_BYTES, connect, prepare},
    system,
};

use super::threads;

/// Threads that save at the same time. For `XADD`, each has a connection of its own.
const THREADS: [usize; 3] = [1, 16, 64];

/// Both are measured in turn, so that other load on the machine affects both.
const TURNS: usize = 10;

/// A single thread saves a quarter of `saves`.
pub(in crate::starter_alone) fn measure(
    saves: usize,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let redis = RedisServer::start(&dir.join("redis"), Fsync::EverySecond)?;
    let url = redis.url();
    let settings = StarterSettings {
        redis: Some(&url),
        ..StarterSettings::default()
    };
    prepare(dir, &settings)?;
    let publisher = Publisher::into_journal(dir)?;
    // Creates the journal before the measurement.
    publisher.share()?.publish(1)?;
    for threads in THREADS {
        let saves = if threads == 1 { saves / 4 } else { saves };
        let [mut ours, mut bare] = [Cost::default(); 2];
        for _ in 0..TURNS {
            ours.add(redis.id()?, || save(&publisher, threads, saves / TURNS))?;
            bare.add(redis.id()?, || add(&url, threads, saves / TURNS))?;
        }
        let label = match threads {
            1 => "one thread".to_owned(),
            _ => format!("{threads} threads"),
        };
        for (name, cost) in [("saves on Redis", &ours), ("`XADD`", &bare)] {
            let micros = |time: Duration| time.as_secs_f64() * 1e6 / saves as f64;
            let rate = saves as f64 / cost.time.as_secs_f64();
            let all = micros(cost.process + cost.redis);
            let name = format!("{name}, {label}");
            results.add_single(&name, "per second", rate);
            results.add_single(format!("{name}: CPU for each"), "µs", all);
            results.add_single(format!("{name}: of it in Redis"), "µs", micros(cost.redis));
        }
        results.add_single(
            format!("saves on Redis beside `XADD`, {label}"),
            "times",
            bare.time.as_secs_f64() / ours.time.as_secs_f64(),
        );
    }
    Ok(())
}

/// What many saves needed.
#[derive(Clone, Copy, Default)]
struct Cost {
    time: Duration,
    /// The CPU time of this process.
    process: Duration,
    /// The CPU time of Redis.
    redis: Duration,
}

impl Cost {
    fn add(&mut self, redis: u32, work: impl FnOnce() -> io::Result<Duration>) -> io::Result<()> {
        let before = (system::process_cpu_time(), system::usage(redis)?);
        self.time += work()?;
        self.process += system::process_cpu_time() - before.0;
        self.redis += (system::usage(redis)? - before.1).total;
        Ok(())
    }
}

fn save(publisher: &Publisher, threads: usize, count: usize) -> io::Result<Duration> {
    threads::run(
        threads,
        count,
        || publisher.share(),
        |publisher, _| publisher.publish(1),
    )
}

/// Adds entries as long as those of the journal to a stream of their own.
fn add(url: &str, threads: usize, count: usize) -> io::Result<Duration> {
    threads::run(
        threads,
        count,
        || connect(url),
        |connection, _| {
            let value = clock::value(VALUE_BYTES);
            let document = format!(
                r#"{{"key":"order","timestamp":"2026-01-01T00:00:00.000Z","ttl":60,"value":{value}}}"#
            );
            let mut command = redis::cmd("XADD");
            command.arg("bare").arg("*").arg("d").arg(document);
            command.exec(connection).map_err(io::Error::other)
        },
    )
}
