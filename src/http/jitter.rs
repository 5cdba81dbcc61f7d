//! Varies how long streams last, so that streams that open together do not end together.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Fewer connects per second than this never count as a thundering herd, because any server handles
/// them.
const MIN_HERD_PER_SECOND: f64 = 50.0;

/// If streams end evenly, the busiest second has about this many times the mean by chance. More
/// connects than that are a thundering herd.
const RANDOM_PEAK: f64 = 1.25;

const SECOND: Duration = Duration::from_secs(1);

/// Counts the streams that opened in the current second and in the one before.
pub(super) struct LifetimeJitter(Mutex<Seconds>);

struct Seconds {
    start: Instant,
    previous: u32,
    current: u32,
}

impl LifetimeJitter {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Seconds {
            start: now,
            previous: 0,
            current: 0,
        }))
    }

    /// Counts a stream that opens now, and returns the factor for its configured duration.
    ///
    /// Usually that is 0.9 to 1.1. If all clients connect at once, for example after a restart, that
    /// range is too narrow: they would keep returning in waves. So each stream of such a herd gets
    /// 0.4 to 1.1.
    pub(super) fn factor(&self, now: Instant, open_streams: usize, duration: Duration) -> f32 {
        let per_second = f64::from(self.count(now));
        let even_rate = open_streams as f64 / duration.as_secs_f64();
        if per_second > MIN_HERD_PER_SECOND.max(RANDOM_PEAK * even_rate) {
            0.4 + 0.7 * fastrand::f32()
        } else {
            random_variation()
        }
    }

    /// The number of streams opened in this second or the one before, whichever is larger.
    fn count(&self, now: Instant) -> u32 {
        let mut seconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(seconds.start);
        if passed >= SECOND {
            *seconds = Seconds {
                start: now,
                previous: if passed < 2 * SECOND {
                    seconds.current
                } else {
                    0
                },
                current: 0,
            };
        }
        seconds.current = seconds.current.saturating_add(1);
        seconds.current.max(seconds.previous)
    }
}

/// A random factor that varies a duration by up to 10 %, so that what starts together does not end
/// together.
pub(super) fn random_variation() -> f32 {
    0.9 + 0.2 * fastrand::f32()
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    /// How many of the streams return in each of 60 seconds, if all connect in the first.
    fn returns(streams: usize, factor: impl Fn(Instant) -> f32) -> Vec<usize> {
        let start = Instant::now();
        let step = SECOND / u32::try_from(streams).unwrap();
        let mut connects: BinaryHeap<Reverse<Instant>> = (0..u32::try_from(streams).unwrap())
            .map(|number| Reverse(start + step * number))
            .collect();
        let mut returns = vec![0; 61];
        while let Some(Reverse(now)) = connects.pop() {
            let second = usize::try_from((now - start).as_secs()).unwrap();
            let Some(returned) = returns.get_mut(second) else {
                continue;
            };
            *returned += 1;
            connects.push(Reverse(now + DURATION.mul_f32(factor(now))));
        }
        returns.split_off(1)
    }

    fn busiest_beside_mean(returns: &[usize]) -> f64 {
        let mean = returns.iter().sum::<usize>() as f64 / returns.len() as f64;
        *returns.iter().max().unwrap() as f64 / mean
    }

    #[test]
    fn a_herd_does_not_return_as_a_herd() {
        let jitter = LifetimeJitter::new(Instant::now());
        let spread = returns(10_000, |now| jitter.factor(now, 10_000, DURATION));
        assert!(busiest_beside_mean(&spread) < 2.0, "{spread:?}");
        let waves = returns(10_000, |_| random_variation());
        assert!(busiest_beside_mean(&waves) > 4.0, "{waves:?}");
    }

    #[test]
    fn a_few_streams_last_as_long_as_configured() {
        let jitter = LifetimeJitter::new(Instant::now());
        for _ in 0..50 {
            let factor = jitter.factor(Instant::now(), 50, DURATION);
            assert!((0.9..=1.1).contains(&factor));
        }
    }
}
