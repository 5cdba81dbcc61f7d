//! When the streams of one thread want to be woken although nothing is saved.
//!
//! A timer for each stream would cost more memory than all else that is kept for it, and a wake-up
//! of the thread for each heartbeat. So the times lie side by side, one timer waits for the
//! earliest, and what is due by then is woken in one go.

use std::{
    task::Waker,
    time::{Duration, Instant},
};

/// So long nothing is looked at again, and an alarm may be late by as much.
const REST: Duration = Duration::from_millis(50);

const NEVER: u64 = u64::MAX;

/// The alarms of one thread.
pub(super) struct Alarms {
    begin: Instant,
    /// In milliseconds from the beginning: a few thousand are looked through in no time.
    times: Vec<u64>,
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// When they are looked at next; before that nothing is due.
    planned: u64,
}

impl Alarms {
    pub(super) fn new(begin: Instant) -> Self {
        Self {
            begin,
            times: Vec::new(),
            wakers: Vec::new(),
            free: Vec::new(),
            planned: NEVER,
        }
    }

    /// A place for one stream.
    pub(super) fn join(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.times.push(NEVER);
            self.wakers.push(None);
            self.times.len() - 1
        })
    }

    pub(super) fn leave(&mut self, place: usize) {
        self.times[place] = NEVER;
        self.wakers[place] = None;
        self.free.push(place);
    }

    /// Has the stream woken at this time and at none that was set before; `true`: that is earlier
    /// than anybody looks.
    #[must_use]
    pub(super) fn set(&mut self, place: usize, at: Instant, waker: &Waker) -> bool {
        let time = self.time_of(at);
        self.times[place] = time;
        match &mut self.wakers[place] {
            Some(waiting) => waiting.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let is_news = time < self.planned;
        if is_news {
            self.planned = 0;
        }
        is_news
    }

    /// Takes the wakers that are due, and says when to look again. Who asks earlier than that, as after
    /// each event, costs no look.
    pub(super) fn due(&mut self, now: Instant, wakers: &mut Vec<Waker>) -> Option<Instant> {
        let passed = millis(now.saturating_duration_since(self.begin));
        if passed >= self.planned {
            self.planned = self.look(passed, wakers);
        }
        (self.planned != NEVER).then(|| self.begin + Duration::from_millis(self.planned))
    }

    fn look(&mut self, passed: u64, wakers: &mut Vec<Waker>) -> u64 {
        let mut earliest = NEVER;
        for (time, waker) in self.times.iter_mut().zip(&mut self.wakers) {
            if *time <= passed {
                *time = NEVER;
                wakers.extend(waker.take());
            } else {
                earliest = earliest.min(*time);
            }
        }
        if earliest == NEVER {
            NEVER
        } else {
            earliest.max(passed + millis(REST))
        }
    }

    /// Rounded up, so that what is due by it is due.
    fn time_of(&self, at: Instant) -> u64 {
        let time = at.saturating_duration_since(self.begin);
        millis(time.saturating_add(Duration::from_nanos(999_999))).min(NEVER - 1)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(alarms: &mut Alarms, after: u64) -> (usize, Option<u64>) {
        let mut wakers = Vec::new();
        let now = alarms.begin + Duration::from_millis(after);
        let next = alarms.due(now, &mut wakers);
        let next = next.map(|next| millis(next - alarms.begin));
        (wakers.len(), next)
    }

    fn set(alarms: &mut Alarms, place: usize, after: Duration) -> bool {
        alarms.set(place, alarms.begin + after, Waker::noop())
    }

    #[test]
    fn what_is_due_is_woken_together_and_once() {
        let mut alarms = Alarms::new(Instant::now());
        let places = [alarms.join(), alarms.join(), alarms.join()];
        assert!(set(&mut alarms, places[0], Duration::from_millis(100)));
        // The look is on its way.
        assert!(!set(&mut alarms, places[1], Duration::from_millis(110)));
        assert!(!set(&mut alarms, places[2], Duration::from_secs(1)));
        assert_eq!(due(&mut alarms, 99), (0, Some(149)));
        assert_eq!(due(&mut alarms, 149), (2, Some(1_000)));
        assert_eq!(due(&mut alarms, 1_000), (1, None));
        assert_eq!(due(&mut alarms, 9_000), (0, None));
    }

    #[test]
    fn a_time_between_two_milliseconds_is_not_rung_before_it() {
        for (looked_at, woken) in [(100, 0), (101, 1)] {
            let mut alarms = Alarms::new(Instant::now());
            let place = alarms.join();
            assert!(set(&mut alarms, place, Duration::from_micros(100_001)));
            assert_eq!(due(&mut alarms, looked_at).0, woken);
        }
    }

    #[test]
    fn an_early_question_costs_no_look_and_loses_nothing() {
        let mut alarms = Alarms::new(Instant::now());
        let place = alarms.join();
        assert!(set(&mut alarms, place, Duration::from_millis(60)));
        assert_eq!(due(&mut alarms, 20), (0, Some(70)));
        assert_eq!(due(&mut alarms, 69), (0, Some(70)));
        assert_eq!(due(&mut alarms, 70), (1, None));
    }

    #[test]
    fn only_a_time_before_the_planned_look_is_news() {
        let mut alarms = Alarms::new(Instant::now());
        let place = alarms.join();
        assert!(set(&mut alarms, place, Duration::from_secs(1)));
        assert_eq!(due(&mut alarms, 0), (0, Some(1_000)));
        assert!(!set(&mut alarms, place, Duration::from_secs(2)));
        assert!(set(&mut alarms, place, Duration::from_millis(500)));
        alarms.leave(place);
        assert_eq!(due(&mut alarms, 5_000), (0, None));
    }
}
