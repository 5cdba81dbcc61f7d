//! When the streams of one thread have to be woken although nothing was saved.
//!
//! A timer for each stream would take more memory than everything else that is kept for it, and
//! each heartbeat would wake the thread. So the deadlines of all streams are in one list, one timer
//! waits for the earliest, and all streams that are due by then are woken together.

use std::{
    collections::VecDeque,
    task::Waker,
    time::{Duration, Instant},
};

/// The least time between two scans of the deadlines, unless a stream sets an earlier deadline. So a
/// stream may be woken up to this much late, which is short beside heartbeats and stream durations:
/// they are seconds.
const TIMER_RESOLUTION: Duration = Duration::from_millis(50);

/// A deadline that is not set.
const NEVER: u64 = u64::MAX;

/// The deadlines of the streams of one thread, each under its stream's index.
pub(super) struct Timers {
    origin: Instant,
    /// In milliseconds since `origin`: scanning a few thousand numbers takes microseconds.
    deadlines: Vec<u64>,
    wakers: Vec<Option<Waker>>,
    free_indices: Vec<usize>,
    /// When the deadlines are scanned next, in milliseconds since `origin`; nothing is due before.
    next_scan_millis: u64,
}

impl Timers {
    pub(super) fn new(origin: Instant) -> Self {
        Self {
            origin,
            deadlines: Vec::new(),
            wakers: Vec::new(),
            free_indices: Vec::new(),
            next_scan_millis: NEVER,
        }
    }

    /// Adds a stream and returns its index.
    pub(super) fn add(&mut self) -> usize {
        self.free_indices.pop().unwrap_or_else(|| {
            self.deadlines.push(NEVER);
            self.wakers.push(None);
            self.deadlines.len() - 1
        })
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.deadlines[index] = NEVER;
        self.wakers[index] = None;
        self.free_indices.push(index);
    }

    /// Replaces the stream's deadline. `true` if it is before the next scan, so that the scan has
    /// to be planned anew.
    #[must_use]
    pub(super) fn set(&mut self, index: usize, deadline: Instant, waker: &Waker) -> bool {
        let deadline = self.millis_since_origin(deadline);
        self.deadlines[index] = deadline;
        match &mut self.wakers[index] {
            Some(waiting) => waiting.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let is_before_scan = deadline < self.next_scan_millis;
        if is_before_scan {
            self.next_scan_millis = 0;
        }
        is_before_scan
    }

    /// Takes the wakers of the streams that are due, and returns when to call this again. Calls
    /// before that time, as after each event, do not scan.
    pub(super) fn take_due(
        &mut self,
        now: Instant,
        wakers: &mut VecDeque<Waker>,
    ) -> Option<Instant> {
        let elapsed = millis(now.saturating_duration_since(self.origin));
        if elapsed >= self.next_scan_millis {
            self.next_scan_millis = self.scan(elapsed, wakers);
        }
        (self.next_scan_millis != NEVER)
            .then(|| self.origin + Duration::from_millis(self.next_scan_millis))
    }

    fn scan(&mut self, elapsed: u64, wakers: &mut VecDeque<Waker>) -> u64 {
        let mut earliest = NEVER;
        for (deadline, waker) in self.deadlines.iter_mut().zip(&mut self.wakers) {
            if *deadline <= elapsed {
                *deadline = NEVER;
                wakers.extend(waker.take());
            } else {
                earliest = earliest.min(*deadline);
            }
        }
        if earliest == NEVER {
            NEVER
        } else {
            earliest.max(elapsed + millis(TIMER_RESOLUTION))
        }
    }

    /// Rounded up, so that no stream is woken before its deadline.
    fn millis_since_origin(&self, deadline: Instant) -> u64 {
        let time = deadline.saturating_duration_since(self.origin);
        millis(time.saturating_add(Duration::from_nanos(999_999))).min(NEVER - 1)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many streams are due after these milliseconds, and when the next scan is.
    fn take_due(timers: &mut Timers, after: u64) -> (usize, Option<u64>) {
        let mut wakers = VecDeque::new();
        let now = timers.origin + Duration::from_millis(after);
        let next = timers.take_due(now, &mut wakers);
        let next = next.map(|next| millis(next - timers.origin));
        (wakers.len(), next)
    }

    fn set(timers: &mut Timers, index: usize, after: Duration) -> bool {
        timers.set(index, timers.origin + after, Waker::noop())
    }

    #[test]
    fn due_streams_are_woken_together_and_once() {
        let mut timers = Timers::new(Instant::now());
        let indices = [timers.add(), timers.add(), timers.add()];
        assert!(set(&mut timers, indices[0], Duration::from_millis(100)));
        // A scan is already planned.
        assert!(!set(&mut timers, indices[1], Duration::from_millis(110)));
        assert!(!set(&mut timers, indices[2], Duration::from_secs(1)));
        assert_eq!(take_due(&mut timers, 99), (0, Some(149)));
        assert_eq!(take_due(&mut timers, 149), (2, Some(1_000)));
        assert_eq!(take_due(&mut timers, 1_000), (1, None));
        assert_eq!(take_due(&mut timers, 9_000), (0, None));
    }

    #[test]
    fn a_deadline_between_two_milliseconds_does_not_fire_early() {
        for (scanned_after, woken) in [(100, 0), (101, 1)] {
            let mut timers = Timers::new(Instant::now());
            let index = timers.add();
            assert!(set(&mut timers, index, Duration::from_micros(100_001)));
            assert_eq!(take_due(&mut timers, scanned_after).0, woken);
        }
    }

    #[test]
    fn a_call_before_the_next_scan_does_not_scan_and_loses_nothing() {
        let mut timers = Timers::new(Instant::now());
        let index = timers.add();
        assert!(set(&mut timers, index, Duration::from_millis(60)));
        assert_eq!(take_due(&mut timers, 20), (0, Some(70)));
        assert_eq!(take_due(&mut timers, 69), (0, Some(70)));
        assert_eq!(take_due(&mut timers, 70), (1, None));
    }

    #[test]
    fn only_a_deadline_before_the_next_scan_plans_it_anew() {
        let mut timers = Timers::new(Instant::now());
        let index = timers.add();
        assert!(set(&mut timers, index, Duration::from_secs(1)));
        assert_eq!(take_due(&mut timers, 0), (0, Some(1_000)));
        assert!(!set(&mut timers, index, Duration::from_secs(2)));
        assert!(set(&mut timers, index, Duration::from_millis(500)));
        timers.remove(index);
        assert_eq!(take_due(&mut timers, 5_000), (0, None));
    }
}
