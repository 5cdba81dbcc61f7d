//! Varies how long streams last, so that streams that open together do not end together.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Fewer connects per second than this never count as a thundering herd. Any server handles 50 in a
/// second, and a small app whose few clients connect at once is not affected.
const MIN_HERD_CONNECTS_PER_SECOND: f64 = 50.0;

/// If streams end evenly, the busiest second has about this many times the mean by chance. More
/// connects than that are a thundering herd.
const RANDOM_PEAK_FACTOR: f64 = 1.25;

/// The duration of a stream varies by up to 10 %: enough to separate streams that open together, and
/// little enough that a stream lasts about as long as configured.
const USUAL_FACTORS: Range<f32> = 0.9..1.1;

/// The duration of a stream in a herd. A range from well below half of the duration spreads the next
/// connects over more than half of it, so that the herd dissolves within a few rounds. Still shorter
/// streams would only cause more connects.
const HERD_FACTORS: Range<f32> = 0.4..1.1;

const SECOND: Duration = Duration::from_secs(1);

/// Chooses the factor by which each stream's duration varies, according to how many streams open per
/// second.
pub(super) struct LifetimeJitter(Mutex<OpenedCounts>);

/// How many streams opened in the current second and in the one before.
struct OpenedCounts {
    /// The start of the current second.
    start: Instant,
    previous: u32,
    current: u32,
}

impl LifetimeJitter {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(OpenedCounts {
            start: now,
            previous: 0,
            current: 0,
        }))
    }

    /// Counts a stream that opens now, and returns the factor for its configured duration.
    ///
    /// Usually that is one of [`USUAL_FACTORS`]. If all clients connect at once, for example after a
    /// restart, that range is too narrow: they would keep reconnecting in waves. So each stream of such
    /// a herd gets one of [`HERD_FACTORS`].
    pub(super) fn factor(&self, now: Instant, open_streams: usize, duration: Duration) -> f32 {
        let per_second = f64::from(self.count_opened(now));
        let even_rate = open_streams as f64 / duration.as_secs_f64();
        if per_second > MIN_HERD_CONNECTS_PER_SECOND.max(RANDOM_PEAK_FACTOR * even_rate) {
            random_factor(HERD_FACTORS)
        } else {
            random_variation()
        }
    }

    /// Counts a stream, and returns the number of streams opened in this second or in the one before,
    /// whichever is larger.
    fn count_opened(&self, now: Instant) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(counts.start);
        if passed >= SECOND {
            *counts = OpenedCounts {
                start: now,
                previous: if passed < 2 * SECOND {
                    counts.current
                } else {
                    0
                },
                current: 0,
            };
        }
        counts.current = counts.current.saturating_add(1);
        counts.current.max(counts.previous)
    }
}

/// A random factor that varies a duration by up to 10 %, so that what starts together does not end
/// together.
fn random_variation() -> f32 {
    random_factor(USUAL_FACTORS)
}

fn random_factor(factors: Range<f32>) -> f32 {
    factors.start + (factors.end - factors.start) * fastrand::f32()
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    /// How many of the clients reconnect in each of 60 seconds, if all connect in the first.
    fn reconnects(streams: usize, factor: impl Fn(Instant) -> f32) -> Vec<usize> {
        let start = Instant::now();
        let step = SECOND / u32::try_from(streams).unwrap();
        let mut connects: BinaryHeap<Reverse<Instant>> = (0..u32::try_from(streams).unwrap())
            .map(|number| Reverse(start + step * number))
            .collect();
        let mut reconnects = vec![0; 61];
        while let Some(Reverse(now)) = connects.pop() {
            let second = usize::try_from((now - start).as_secs()).unwrap();
            let Some(count) = reconnects.get_mut(second) else {
                continue;
            };
            *count += 1;
            connects.push(Reverse(now + DURATION.mul_f32(factor(now))));
        }
        reconnects.split_off(1)
    }

    fn busiest_beside_mean(reconnects: &[usize]) -> f64 {
        let mean = reconnects.iter().sum::<usize>() as f64 / reconnects.len() as f64;
        *reconnects.iter().max().unwrap() as f64 / mean
    }

    #[test]
    fn a_herd_does_not_reconnect_as_a_herd() {
        let jitter = LifetimeJitter::new(Instant::now());
        let spread = reconnects(10_000, |now| jitter.factor(now, 10_000, DURATION));
        assert!(busiest_beside_mean(&spread) < 2.0, "{spread:?}");
        let waves = reconnects(10_000, |_| random_variation());
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
