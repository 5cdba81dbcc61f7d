//! Logs a fault once, and once more when it is resolved.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::availability::Change;
use super::fault::Fault;

/// For this long, a fault must not have occurred before an answer counts as its end: the fault of some clients alternates
/// with the answers to others.
const QUIET_TIME: Duration = Duration::from_secs(10);

/// Faults that alternate must not fill the disk.
const MAX_LINES: u32 = 10;
const INTERVAL: Duration = Duration::from_secs(60);

/// The module would tell users nothing.
const TARGET: &str = "sse";

pub(super) struct FaultLog {
    /// What is asked.
    endpoint: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The text of the last fault, and when it occurred last.
    open: Option<(String, Instant)>,
    interval_start: Option<Instant>,
    lines: u32,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// Clients are refused without a question.
    Failing(String),
    /// The client of this question is refused.
    Fault(String),
    Resolved,
}

impl FaultLog {
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            inner: Mutex::default(),
        }
    }

    pub(super) fn note(&self, now: Instant, outcome: Result<(), &Fault>, change: Change) {
        let line = self.lock().decide(now, outcome, change);
        let endpoint = &self.endpoint;
        match line {
            None => {}
            Some(Line::Resolved) => {
                log::info!(target: TARGET, "resolved: {endpoint} answers again");
            }
            Some(Line::Fault(text)) => {
                log::error!(
                    target: TARGET,
                    "a client gets no stream (503), because {endpoint} does not say what it may receive: {text}"
                );
            }
            Some(Line::Failing(text)) => {
                log::error!(
                    target: TARGET,
                    "new clients get no stream (503), until {endpoint} says again what they may receive: {text}"
                );
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The figures are valid even if another thread has panicked.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn decide(
        &mut self,
        now: Instant,
        outcome: Result<(), &Fault>,
        change: Change,
    ) -> Option<Line> {
        let is_resolved = |last: Instant| {
            change == Change::Working || now.saturating_duration_since(last) >= QUIET_TIME
        };
        let line = match (outcome, &mut self.open) {
            (Ok(()), Some((_, last))) if is_resolved(*last) => {
                self.open = None;
                Line::Resolved
            }
            (Ok(()), _) => return None,
            (Err(fault), open) => {
                let text = format!("{fault}; help: {}", fault.help());
                let is_new = open.as_ref().is_none_or(|(last, _)| *last != text);
                *open = Some((text.clone(), now));
                match change {
                    Change::Failing => Line::Failing(text),
                    _ if is_new => Line::Fault(text),
                    _ => return None,
                }
            }
        };
        self.may_log(now).then_some(line)
    }

    fn may_log(&mut self, now: Instant) -> bool {
        let is_over = |start: Instant| now.saturating_duration_since(start) >= INTERVAL;
        if self.interval_start.is_none_or(is_over) {
            self.interval_start = Some(now);
            self.lines = 0;
        }
        self.lines += 1;
        self.lines <= MAX_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: Fault = Fault::NotConnected(String::new());
    const LOGIN_PAGE: Fault = Fault::NoAudiences(200);

    fn failing() -> Option<Line> {
        Some(Line::Failing(text(&DOWN)))
    }

    fn text(fault: &Fault) -> String {
        format!("{fault}; help: {}", fault.help())
    }

    #[test]
    fn an_outage_is_two_lines_however_many_clients_notice_it() {
        let (mut log, start) = (Inner::default(), Instant::now());
        assert_eq!(log.decide(start, Err(&DOWN), Change::Failing), failing());
        for seconds in 0..10_000 {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(log.decide(now, Err(&DOWN), Change::None), None);
        }
        let end = start + Duration::from_secs(10_000);
        assert_eq!(
            log.decide(end, Ok(()), Change::Working),
            Some(Line::Resolved)
        );
        assert_eq!(log.decide(end, Ok(()), Change::None), None);
        assert_eq!(
            log.decide(end, Err(&DOWN), Change::Failing),
            failing(),
            "another outage"
        );
    }

    #[test]
    fn a_fault_that_concerns_some_clients_is_one_line() {
        let (mut log, start) = (Inner::default(), Instant::now());
        let line = log.decide(start, Err(&LOGIN_PAGE), Change::None);
        assert_eq!(line, Some(Line::Fault(text(&LOGIN_PAGE))));
        let mut now = start;
        for _ in 0..10_000 {
            now += QUIET_TIME / 2;
            assert_eq!(log.decide(now, Err(&LOGIN_PAGE), Change::None), None);
            assert_eq!(log.decide(now, Ok(()), Change::None), None);
        }
        now += QUIET_TIME;
        assert_eq!(log.decide(now, Ok(()), Change::None), Some(Line::Resolved));
    }

    #[test]
    fn faults_that_alternate_do_not_fill_the_disk() {
        let (mut log, start) = (Inner::default(), Instant::now());
        let mut lines = 0;
        for millis in 0..600_000 {
            let fault = if millis % 2 == 0 { &DOWN } else { &LOGIN_PAGE };
            let now = start + Duration::from_millis(millis);
            lines += u32::from(log.decide(now, Err(fault), Change::None).is_some());
        }
        assert_eq!(lines, 10 * MAX_LINES);
    }
}
