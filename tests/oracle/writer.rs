//! The writers: processes that save, and note what they were told is saved.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use actix_web_sse::{Cache, Config};
use fastrand::Rng;

use crate::{
    clock::{Clock, now_in_process},
    model::{At, KEYS, SSE_EVENTS},
    process::{self, Process},
};

/// As many as it takes until what was the newest folder has been swept.
const FLOOD: u64 = 4_500;

/// Not a test by itself: what a writer process runs, until its input ends.
#[test]
#[ignore = "run by the oracle as a process of its own"]
fn writer() {
    let variable = |name| std::env::var(name).unwrap();
    let name: u64 = variable("ORACLE_WRITER").parse().unwrap();
    let mut rng = Rng::with_seed(variable("ORACLE_SEED").parse().unwrap());
    env_logger::init();
    let config = Config::new(variable("ORACLE_APP"), SSE_EVENTS).unwrap();
    let mut saved = File::create(variable("ORACLE_SAVED")).unwrap();
    let cache = Cache::open(&config).unwrap();

    let done = Arc::new(AtomicBool::new(false));
    thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let _ = std::io::stdin().read(&mut [0]);
            done.store(true, Ordering::SeqCst);
        }
    });
    match variable("ORACLE_PART").as_str() {
        "Flood" => {
            for save in 0..FLOOD {
                let began = now_in_process();
                let number = cache.save_blocking("k6", [name, save]).unwrap();
                note(&mut saved, number, save, began);
                if save.is_multiple_of(20) {
                    // Others get their turn, and the one who copies everything keeps up.
                    pause(&done, Duration::from_millis(1));
                }
            }
            return;
        }
        "Last" => {
            for (save, (key, ..)) in (0..).zip(KEYS) {
                let began = now_in_process();
                let number = cache.save_blocking(key, [name, save]).unwrap();
                note(&mut saved, number, save, began);
            }
            return;
        }
        _ => {}
    }
    let mut save = 0;
    while !done.load(Ordering::SeqCst) {
        for _ in 0..rng.u32(1..50) {
            let began = now_in_process();
            let number = cache
                .save(key(&mut rng), value(&mut rng, name, save))
                .ttl(ttl(&mut rng))
                .blocking()
                .unwrap();
            note(&mut saved, number, save, began);
            save += 1;
            if number % 1_000 == 999 && rng.bool() {
                // Full: what this writer knows of the next folder will be old when it goes on.
                pause(&done, Duration::from_millis(rng.u64(2_000..5_000)));
            }
        }
        pause(&done, Duration::from_millis(rng.u64(0..400)));
    }
}

/// One write for one line, so that a kill leaves the line whole or not at all.
fn note(saved: &mut File, number: u64, save: u64, began: At) {
    let (began, returned) = (began.as_micros(), now_in_process().as_micros());
    saved
        .write_all(format!("{number} {save} {began} {returned}\n").as_bytes())
        .unwrap();
}

fn pause(done: &AtomicBool, time: Duration) {
    let step = Duration::from_millis(20);
    let mut left = time;
    while !left.is_zero() && !done.load(Ordering::SeqCst) {
        thread::sleep(left.min(step));
        left = left.saturating_sub(step);
    }
}

fn key(rng: &mut Rng) -> &'static str {
    let all: u32 = KEYS.iter().map(|(_, _, often)| often).sum();
    let mut at = rng.u32(..all);
    for (key, _, often) in KEYS {
        match at.checked_sub(often) {
            None => return key,
            Some(left) => at = left,
        }
    }
    unreachable!("the number is below the sum")
}

fn value(rng: &mut Rng, writer: u64, save: u64) -> serde_json::Value {
    if rng.u32(..20) == 0 {
        // Some fill a socket's buffer soon.
        let filling = "\u{2028}\\n\n\"".repeat(rng.usize(1..500));
        serde_json::json!([writer, save, filling])
    } else {
        serde_json::json!([writer, save])
    }
}

/// Some live for ever, some for as long as a run, some for no longer than a client is away.
fn ttl(rng: &mut Rng) -> Duration {
    let milliseconds = [0, 0, 60_000, 60_000, 2_500, 400];
    Duration::from_millis(milliseconds[rng.usize(..milliseconds.len())])
}

/// What a writer does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// Saves by chance until it is told to end.
    Usual,
    /// Saves as much as fills and sweeps several folders.
    Flood,
    /// Saves once under each key.
    Last,
}

/// A save that a writer was told is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saved {
    pub(crate) number: u64,
    /// The writer's own number of it.
    pub(crate) save: u64,
    pub(crate) began: At,
    pub(crate) returned: At,
}

/// One writer process.
pub(crate) struct Writer {
    pub(crate) name: u64,
    pub(crate) process: Process,
    /// What it was told is saved.
    saved: PathBuf,
    pub(crate) log: PathBuf,
}

impl Writer {
    pub(crate) fn start(name: u64, seed: u64, part: Part, app: &Path, clock: &Clock) -> Self {
        let saved = app.join(format!("saved-{name}"));
        let log = app.join(format!("writer-{name}.log"));
        let child = process::command("writer::writer", clock)
            .env("ORACLE_APP", app)
            .env("ORACLE_WRITER", name.to_string())
            .env("ORACLE_SEED", (seed ^ (name << 32)).to_string())
            .env("ORACLE_SAVED", &saved)
            .env("ORACLE_PART", format!("{part:?}"))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            name,
            process: Process::of(child),
            saved,
            log,
        }
    }

    /// Asks it to end.
    pub(crate) fn finish(&mut self) {
        self.process.child().stdin.take();
    }

    pub(crate) fn saved(&self) -> Vec<Saved> {
        // One that was killed at once has not made it.
        let text = fs::read_to_string(&self.saved).unwrap_or_default();
        text.lines().map(parse).collect()
    }
}

fn parse(line: &str) -> Saved {
    let mut numbers = line.split(' ').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    Saved {
        number: next(),
        save: next(),
        began: At::from_micros(next()),
        returned: At::from_micros(next()),
    }
}
