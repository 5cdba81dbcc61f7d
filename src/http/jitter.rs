//! How long streams last, so that those that come together do not end together.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Fewer in a second are no crowd, whatever the number of streams.
const FEW: f64 = 50.0;

/// With streams that end evenly, so many times their mean may come in a second by chance.
const CHANCE: f64 = 1.25;

const SECOND: Duration = Duration::from_secs(1);

/// The streams that came in this second and in the one before.
pub(crate) struct Arrivals(Mutex<Seconds>);

struct Seconds {
    begin: Instant,
    before: u32,
    now: u32,
}

impl Arrivals {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Seconds {
            begin: now,
            before: 0,
            now: 0,
        }))
    }

    /// Counts a stream that comes now, and gives its share of the configured duration.
    ///
    /// Usually that is the whole, give or take 10 %. When all clients return at once, as to a server
    /// that was restarted, they would end and return in waves from then on; so each stream of a
    /// crowd lasts from 0.4 to 1.1 of the duration.
    pub(super) fn share(&self, now: Instant, open: usize, duration: Duration) -> f32 {
        let came = self.count(now);
        let evenly = open as f64 / duration.as_secs_f64();
        if f64::from(came) > FEW.max(CHANCE * evenly) {
            0.4 + 0.7 * fastrand::f32()
        } else {
            crate::hub::variation()
        }
    }

    /// How many have come within a second, in this one or the one before.
    fn count(&self, now: Instant) -> u32 {
        let mut seconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(seconds.begin);
        if passed >= SECOND {
            *seconds = Seconds {
                begin: now,
                before: if passed < 2 * SECOND { seconds.now } else { 0 },
                now: 0,
            };
        }
        seconds.now = seconds.now.saturating_add(1);
        seconds.now.max(seconds.before)
    }
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    /// How many of so many streams return in each of 60 seconds, if all come in the first.
    fn returns(streams: usize, share: impl Fn(Instant) -> f32) -> Vec<usize> {
        let begin = Instant::now();
        let step = SECOND / u32::try_from(streams).unwrap();
        let mut comes: BinaryHeap<Reverse<Instant>> = (0..u32::try_from(streams).unwrap())
            .map(|number| Reverse(begin + step * number))
            .collect();
        let mut returns = vec![0; 61];
        while let Some(Reverse(now)) = comes.pop() {
            let second = usize::try_from((now - begin).as_secs()).unwrap();
            let Some(returned) = returns.get_mut(second) else {
                continue;
            };
            *returned += 1;
            comes.push(Reverse(now + DURATION.mul_f32(share(now))));
        }
        returns.split_off(1)
    }

    fn busiest_beside_mean(returns: &[usize]) -> f64 {
        let mean = returns.iter().sum::<usize>() as f64 / returns.len() as f64;
        *returns.iter().max().unwrap() as f64 / mean
    }

    #[test]
    fn a_crowd_does_not_come_back_as_a_crowd() {
        let arrivals = Arrivals::new(Instant::now());
        let spread = returns(10_000, |now| arrivals.share(now, 10_000, DURATION));
        assert!(busiest_beside_mean(&spread) < 2.0, "{spread:?}");
        let waves = returns(10_000, |_| crate::hub::variation());
        assert!(busiest_beside_mean(&waves) > 4.0, "{waves:?}");
    }

    #[test]
    fn a_few_streams_last_as_long_as_is_configured() {
        let arrivals = Arrivals::new(Instant::now());
        for _ in 0..50 {
            let share = arrivals.share(Instant::now(), 50, DURATION);
            assert!((0.9..=1.1).contains(&share));
        }
    }
}
