//! Two clocks: the oracle's clock, and the wall clock of the processes under test, which jumps.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use support::oracle::{At, START, monotonic};

/// The wall clock of servers and writers, set by libfaketime, and a record of its jumps.
pub(crate) struct Clock {
    start: Duration,
    /// The wall clock at the start, in milliseconds since 1970.
    start_ms: i64,
    file: PathBuf,
    library: String,
    jumps: Mutex<Vec<Jump>>,
    /// Whether the processes correct their clock by another one, which never jumps.
    is_corrected: bool,
}

/// A process notices within this time that its clock has jumped.
const CORRECTION_DELAY: Duration = Duration::from_secs(10);

/// By how much two processes on a busy machine measure the other clock differently.
const CORRECTION_ERROR_MS: i64 = 200;

/// At a moment between two others, the clock was set to this offset.
#[derive(Debug, Clone, Copy)]
struct Jump {
    earliest: At,
    latest: At,
    seconds: i64,
}

impl Clock {
    pub(crate) fn start(file: PathBuf, is_corrected: bool) -> Self {
        let unix = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let clock = Self {
            start: monotonic(),
            start_ms: milliseconds(unix),
            file,
            library: library(),
            jumps: Mutex::default(),
            is_corrected,
        };
        clock.jump(0);
        clock
    }

    pub(crate) fn now(&self) -> At {
        monotonic() - self.start
    }

    /// Sets the wall clock of all processes under test.
    pub(crate) fn jump(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        let earliest = self.now();
        fs::rename(new, &self.file).unwrap();
        let latest = self.now();
        self.jumps().push(Jump {
            earliest,
            latest,
            seconds,
        });
    }

    /// Makes a process that will be started use this clock.
    pub(crate) fn apply_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
            .env(START, self.start.as_nanos().to_string());
    }

    /// The earliest and the latest that the wall clock can have shown between two moments, in
    /// milliseconds since 1970.
    pub(crate) fn wall(&self, from: At, to: At) -> (i64, i64) {
        match self.is_corrected {
            true => self.corrected_wall(from, to),
            false => self.own_wall(from, to),
        }
    }

    /// What a clock shows that is wrong for a while after each jump.
    fn corrected_wall(&self, from: At, to: At) -> (i64, i64) {
        let since = from.saturating_sub(CORRECTION_DELAY);
        let jumps = self.jumps();
        let ends = jumps
            .iter()
            .skip(1)
            .map(|next| next.latest)
            .chain([At::MAX]);
        let offsets = (jumps.iter().zip(ends))
            .filter(|(jump, end)| jump.earliest <= to && *end >= since)
            .map(|(jump, _)| jump.seconds);
        let (least, most) = offsets.fold((i64::MAX, i64::MIN), |(least, most), seconds| {
            (least.min(seconds), most.max(seconds))
        });
        let error = (most - least) * 1_000 + CORRECTION_ERROR_MS;
        let start = self.start_ms;
        (
            start + milliseconds(from) - error,
            start + milliseconds(to) + error,
        )
    }

    fn own_wall(&self, from: At, to: At) -> (i64, i64) {
        let jumps = self.jumps();
        let mut span = (i64::MAX, i64::MIN);
        for (at, jump) in jumps.iter().enumerate() {
            let end = jumps.get(at + 1).map_or(At::MAX, |next| next.latest);
            let (first, last) = (jump.earliest.max(from), end.min(to));
            if first <= last {
                let offset = self.start_ms + jump.seconds * 1_000;
                span.0 = span.0.min(offset + milliseconds(first));
                span.1 = span.1.max(offset + milliseconds(last) + 1);
            }
        }
        span
    }

    fn jumps(&self) -> std::sync::MutexGuard<'_, Vec<Jump>> {
        self.jumps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

/// The path of libfaketime, which its command prints.
fn library() -> String {
    let output = Command::new("faketime")
        .args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"])
        .output()
        .expect("faketime is missing: run `tests/setup`");
    let library = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert!(library.contains("faketime"), "faketime: {library:?}");
    library
}
