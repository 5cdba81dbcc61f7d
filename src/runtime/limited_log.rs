//! Log lines that clients or other programs can cause, as often as they like. A line for each would fill
//! the disk.

use std::{
    mem,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use tracing::Level;

use super::lock::lock;

/// Lines beyond the limit are counted for this long. Short enough that the count is in the log when
/// somebody looks for the cause.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many lines are logged in each interval: enough to see different causes, and what a developer's own
/// browser does.
const MAX_LINES_PER_INTERVAL: u32 = 5;

/// The module in the records: that of the callers is not known here, and this one would tell users nothing.
const TARGET: &str = "actix_web_sse";

/// Lines of one kind. The first ones of each interval are logged at once, and the others are counted.
pub(crate) struct LimitedLog {
    level: Level,
    /// Continues "9800 more", as in "requests for streams were refused".
    summary: &'static str,
    counts: Mutex<Counts>,
}

struct Counts {
    /// When the first line of the interval was logged; `None` before the first.
    interval_start: Option<Instant>,
    logged: u32,
    omitted: u64,
    /// Whether a thread waits to report `omitted`: one at a time, however long the flood lasts.
    is_report_planned: bool,
}

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// `omitted` lines of the last interval are not reported yet.
    Log {
        omitted: u64,
    },
    /// Count it, and report the count after the interval.
    BeginToOmit,
    Omit,
}

impl LimitedLog {
    pub(crate) const fn new(level: Level, summary: &'static str) -> Self {
        Self {
            level,
            summary,
            counts: Mutex::new(Counts::NONE),
        }
    }

    /// Logs a line or counts it.
    pub(crate) fn log(&'static self, line: impl FnOnce() -> String) {
        let decision = lock(&self.counts).decide(Instant::now());
        match decision {
            Decision::Log { omitted } => {
                self.report(omitted);
                self.write(line);
            }
            Decision::BeginToOmit => self.report_later(),
            Decision::Omit => {}
        }
    }

    /// Reports the count after the interval, even if no other line follows. If the system has no thread
    /// left, the next line reports it.
    fn report_later(&'static self) {
        let report = move || {
            thread::sleep(INTERVAL);
            let omitted = lock(&self.counts).take_planned_report();
            self.report(omitted);
        };
        let thread = thread::Builder::new().name("sse-log".into()).spawn(report);
        if thread.is_err() {
            lock(&self.counts).is_report_planned = false;
        }
    }

    fn report(&self, omitted: u64) {
        if omitted > 0 {
            let (summary, seconds) = (self.summary, INTERVAL.as_secs());
            self.write(|| format!("{omitted} more {summary} within {seconds} seconds"));
        }
    }

    /// Each level needs an invocation of its own: tracing has one place in memory for each of them. `line` is called
    /// only if the level is enabled.
    fn write(&self, line: impl FnOnce() -> String) {
        match self.level {
            Level::ERROR => tracing::error!(target: TARGET, "{}", line()),
            Level::WARN => tracing::warn!(target: TARGET, "{}", line()),
            _ => tracing::info!(target: TARGET, "{}", line()),
        }
    }
}

impl Counts {
    const NONE: Self = Self {
        interval_start: None,
        logged: 0,
        omitted: 0,
        is_report_planned: false,
    };

    fn decide(&mut self, now: Instant) -> Decision {
        let is_over = |start: Instant| now.saturating_duration_since(start) >= INTERVAL;
        let mut omitted = 0;
        if self.interval_start.is_none_or(is_over) {
            self.interval_start = Some(now);
            self.logged = 0;
            if !self.is_report_planned {
                omitted = mem::take(&mut self.omitted);
            }
        }
        if self.logged < MAX_LINES_PER_INTERVAL {
            self.logged += 1;
            return Decision::Log { omitted };
        }
        self.omitted += 1;
        if self.omitted > 1 || self.is_report_planned {
            return Decision::Omit;
        }
        self.is_report_planned = true;
        Decision::BeginToOmit
    }

    /// The count, for the thread that reports it.
    fn take_planned_report(&mut self) -> u64 {
        self.is_report_planned = false;
        mem::take(&mut self.omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `lines`, one each millisecond, are logged one by one, and how many are counted.
    fn log(lines: u32) -> (u64, u64) {
        let (start, mut counts) = (Instant::now(), Counts::NONE);
        let (mut logged, mut reported) = (0, 0);
        for line in 0..lines {
            if let Decision::Log { omitted } =
                counts.decide(start + line * Duration::from_millis(1))
            {
                logged += 1;
                reported += omitted;
            }
        }
        (logged, reported + counts.omitted)
    }

    #[test]
    fn thousands_of_lines_become_a_handful_and_their_count() {
        assert_eq!(log(3), (3, 0));
        assert_eq!(log(10_000), (5, 9_995));
        assert_eq!(log(60_000), (30, 59_970));
    }

    /// Threads that wait for the end of an interval wake up a little late, so the next interval has begun.
    #[test]
    fn one_thread_at_a_time_reports_the_number_of_lines() {
        const MILLIS_LATE: u64 = 7;
        let (start, mut counts) = (Instant::now(), Counts::NONE);
        let mut reports: Vec<Instant> = Vec::new();
        let (mut logged, mut reported) = (0, 0);
        for line in 0..300_000 {
            let now = start + line * Duration::from_millis(1);
            while reports.first().is_some_and(|report_at| *report_at <= now) {
                reports.remove(0);
                reported += counts.take_planned_report();
            }
            match counts.decide(now) {
                Decision::Log { omitted } => {
                    logged += 1;
                    reported += omitted;
                }
                Decision::BeginToOmit => {
                    reports.push(now + INTERVAL + Duration::from_millis(MILLIS_LATE));
                }
                Decision::Omit => {}
            }
            assert!(
                reports.len() <= 1,
                "{} threads after {line} lines",
                reports.len()
            );
        }
        assert_eq!((logged, reported + counts.omitted), (150, 299_850));
    }

    #[test]
    fn rare_lines_are_all_logged() {
        let (start, mut counts) = (Instant::now(), Counts::NONE);
        for line in 0..1_000 {
            let decision = counts.decide(start + line * INTERVAL / MAX_LINES_PER_INTERVAL);
            assert_eq!(decision, Decision::Log { omitted: 0 });
        }
    }
}
