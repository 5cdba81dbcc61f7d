//! The figures of the last minutes, from which rates are computed.

use std::{
    collections::VecDeque,
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{event_id::EventId, observe::Figures};

/// The charts show so much.
const MAX_AGE: Duration = Duration::from_secs(180);

/// As many as there are in that time while somebody watches.
const MAX_SAMPLES: usize = 200;

/// What happened in this time is "recent".
const RECENT: Duration = Duration::from_secs(60);

/// The time between two points of a chart. Less than a second, so that a page shows what happens within a second.
pub(super) const POINT_INTERVAL: Duration = Duration::from_millis(900);

/// The rates that the page shows as text are of this time.
const STEADY: Duration = Duration::from_secs(10);

/// The newest rates are of at least this time: what happens in a shorter one says little.
const MIN_RATE_TIME: Duration = Duration::from_millis(500);

/// The figures at one time.
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) figures: Figures,
    /// What the tail has read.
    pub(super) position: EventId,
}

/// The samples of the last minutes, the newest last.
pub(super) struct History(VecDeque<Sample>);

/// A count since the start, and within the last minute.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Count {
    pub(super) name: String,
    pub(super) total: u64,
    pub(super) recent: u64,
}

/// What the charts show of one time. As an array, because there are hundreds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Point(
    /// Open streams.
    pub(super) u64,
    /// Entries saved per second.
    pub(super) f64,
    /// Events delivered per second.
    pub(super) f64,
    /// Bytes sent per second.
    pub(super) f64,
    /// The 99th percentile of the lag in seconds, if something was delivered.
    pub(super) Option<f64>,
);

impl History {
    /// The history of counts that began with zero at this time. If that was long ago, the history begins now.
    pub(super) fn since(start: Instant, now: Sample) -> Self {
        let is_young = now.at.saturating_duration_since(start) < RECENT;
        let first = match is_young {
            true => Sample {
                at: start,
                figures: now.figures.at_start(),
                position: now.position,
            },
            false => now,
        };
        Self(VecDeque::from([first]))
    }

    pub(super) fn add(&mut self, mut sample: Sample) {
        // Only the newest counts of open streams are shown, and those are not from here.
        sample.figures.open.forget_events();
        let is_old = |former: &Sample| sample.at.saturating_duration_since(former.at) > MAX_AGE;
        while self.0.len() >= MAX_SAMPLES || self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    /// How old the newest sample is.
    pub(super) fn age(&self, now: Instant) -> Duration {
        let newest = self.0.back().map(|sample| sample.at);
        newest.map_or(Duration::MAX, |at| now.saturating_duration_since(at))
    }

    /// The sample from which on something is recent.
    pub(super) fn recent(&self, now: &Sample) -> Option<&Sample> {
        self.before(now, RECENT)
    }

    /// The newest sample that is at least this old, or else the oldest.
    fn before(&self, now: &Sample, age: Duration) -> Option<&Sample> {
        let is_old = |sample: &&Sample| now.at.saturating_duration_since(sample.at) >= age;
        self.0.iter().rev().find(is_old).or(self.0.front())
    }

    /// The points at regular times. There are fewer samples while nobody watches, so one may be several points.
    pub(super) fn points(&self, now: &Sample) -> Vec<Point> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1).chain([now]));
        let points = pairs.flat_map(|(before, sample)| {
            let time = sample.at.saturating_duration_since(before.at);
            let count = (time + POINT_INTERVAL / 2).as_millis() / POINT_INTERVAL.as_millis();
            let count = usize::try_from(count).unwrap_or(MAX_SAMPLES);
            iter::repeat_n(Point::between(before, sample), count.min(MAX_SAMPLES))
        });
        points.collect()
    }

    pub(super) fn saves_per_second(&self, now: &Sample) -> f64 {
        let Some(first) = self.before(now, STEADY) else {
            return 0.0;
        };
        // Step by step, because the numbers begin again where the journal was replaced.
        let samples = self.0.iter().skip_while(|sample| sample.at < first.at);
        let later = samples.clone().skip(1).chain([now]);
        let saved: u64 = samples.zip(later).map(|(a, b)| b.saved_since(a)).sum();
        now.rate_since(first, saved)
    }

    pub(super) fn deliveries_per_second(&self, now: &Sample) -> f64 {
        self.before(now, STEADY).map_or(0.0, |first| {
            let delivered = now.delivered().saturating_sub(first.delivered());
            now.rate_since(first, delivered)
        })
    }

    pub(super) fn newest_point(&self, now: &Sample) -> Option<Point> {
        let before = self.before(now, MIN_RATE_TIME)?;
        Some(Point::between(before, now))
    }
}

#[cfg(test)]
impl History {
    pub(super) fn delay(&mut self, time: Duration) {
        for sample in &mut self.0 {
            sample.at -= time;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Sample {
    /// The entries that were saved after another sample.
    fn saved_since(&self, before: &Self) -> u64 {
        match before.position.epoch == self.position.epoch {
            true => (self.position.cursor.next).saturating_sub(before.position.cursor.next),
            // The numbers begin again.
            false => 0,
        }
    }

    fn delivered(&self) -> u64 {
        self.figures.deliveries.iter().map(|(_, count)| count).sum()
    }

    /// How often per second something has happened that happened so often after another sample.
    fn rate_since(&self, before: &Self, count: u64) -> f64 {
        let time = self.at.saturating_duration_since(before.at);
        count as f64 / time.max(MIN_RATE_TIME).as_secs_f64()
    }
}

impl Point {
    fn between(before: &Sample, sample: &Sample) -> Self {
        let (former, now) = (&before.figures, &sample.figures);
        let rate = |from: u64, to: u64| sample.rate_since(before, to.saturating_sub(from));
        Self(
            now.open.count,
            sample.rate_since(before, sample.saved_since(before)),
            rate(before.delivered(), sample.delivered()),
            rate(former.sent_bytes, now.sent_bytes),
            now.lag.since(&former.lag).quantile(0.99),
        )
    }
}

/// Counts with the names of their labels, which have the same order in both.
pub(super) fn counts(
    now: &[(&'static str, u64)],
    former: Option<&[(&'static str, u64)]>,
) -> Vec<Count> {
    let former = former.unwrap_or(now);
    let pairs = now.iter().zip(former);
    pairs
        .map(|((name, total), (_, then))| Count {
            name: (*name).to_owned(),
            total: *total,
            recent: total.saturating_sub(*then),
        })
        .collect()
}

/// The same by event. An event may be new.
pub(super) fn counts_by_event(
    now: &[(Arc<str>, u64)],
    former: Option<&[(Arc<str>, u64)]>,
) -> Vec<Count> {
    let then = |name: &Arc<str>| {
        let found = former?.iter().find(|(former, _)| former == name);
        Some(found.map_or(0, |(_, count)| *count))
    };
    let mut counts: Vec<_> = now
        .iter()
        .map(|(name, total)| Count {
            name: name.to_string(),
            total: *total,
            recent: total.saturating_sub(then(name).unwrap_or(*total)),
        })
        .collect();
    counts.sort_by(|a, b| a.name.cmp(&b.name));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Observations, SaveResult};

    fn sample(observations: &Observations, at: Instant, next: u64) -> Sample {
        let mut position = EventId::default();
        position.cursor.next = next;
        Sample {
            at,
            figures: observations.figures(),
            position,
        }
    }

    #[test]
    fn rates_are_per_second_and_recent_counts_of_the_last_minute() {
        let observations = Observations::unrecorded();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs_f64(seconds);
        let mut history = History::since(start, sample(&observations, start, 1));
        for (seconds, next) in [(1.8, 5), (2.7, 5)] {
            observations.saved(SaveResult::Saved, Duration::ZERO);
            history.add(sample(&observations, at(seconds), next));
        }
        observations.saved(SaveResult::Saved, Duration::ZERO);
        let now = sample(&observations, at(63.0), 65);
        let rates: Vec<_> = history.points(&now).iter().map(|point| point.1).collect();
        let expected = [4.0 / 1.8, 4.0 / 1.8, 0.0, 60.0 / 60.3];
        for (rate, expected) in rates.iter().zip(expected) {
            assert!((rate - expected).abs() < 0.001, "{rates:?}");
        }
        assert_eq!(rates.len(), 3 + 67, "a point for each 0.9 seconds");
        assert_eq!(history.newest_point(&now), history.points(&now).pop());
        let recent = history.recent(&now).unwrap();
        assert_eq!(recent.at, at(2.7));
        let counts = counts(&now.figures.saves, Some(&recent.figures.saves));
        let saved = counts.iter().find(|count| count.name == "saved").unwrap();
        assert_eq!((saved.total, saved.recent), (3, 1));
    }

    #[test]
    fn a_young_process_has_done_everything_recently_and_an_old_one_begins_now() {
        let observations = Observations::unrecorded();
        observations.saved(SaveResult::Saved, Duration::ZERO);
        let start = Instant::now();
        for (age, since, recent) in [(50, start, 1), (90, start + Duration::from_secs(90), 0)] {
            let now = || sample(&observations, start + Duration::from_secs(age), 5);
            let history = History::since(start, now());
            let former = history.recent(&now()).unwrap();
            assert_eq!(former.at, since);
            let saves = counts(&now().figures.saves, Some(&former.figures.saves));
            let saved = saves.iter().find(|count| count.name == "saved").unwrap();
            assert_eq!((saved.total, saved.recent), (1, recent));
        }
    }

    #[test]
    fn the_history_is_bounded() {
        let observations = Observations::unrecorded();
        let start = Instant::now();
        let mut history = History::since(start, sample(&observations, start, 1));
        for seconds in 1..=100 {
            history.add(sample(
                &observations,
                start + Duration::from_secs(5 * seconds),
                1,
            ));
        }
        assert_eq!(history.0.len(), 37, "three minutes");
        for _ in 0..300 {
            history.add(sample(&observations, start + Duration::from_secs(500), 1));
        }
        assert_eq!(history.0.len(), MAX_SAMPLES);
    }

    #[test]
    fn an_event_that_is_new_was_delivered_recently() {
        let name: Arc<str> = "a".into();
        let now = [(Arc::clone(&name), 3)];
        let recent = |former: Option<&[_]>| counts_by_event(&now, former)[0].recent;
        assert_eq!(recent(Some(&[])), 3);
        let former = [(name, 1)];
        assert_eq!(recent(Some(&former)), 2);
        assert_eq!(recent(None), 0);
    }

    #[test]
    fn a_replaced_journal_has_no_rate_of_saves() {
        let observations = Observations::unrecorded();
        let start = Instant::now();
        let mut history = History::since(start, sample(&observations, start, 1));
        let mut other = sample(&observations, start + Duration::from_secs(1), 900);
        other.position.epoch = crate::epoch::Epoch(7);
        assert_eq!(history.newest_point(&other).unwrap().1, 0.0);
        history.add(other);
        let mut later = sample(&observations, start + Duration::from_secs(10), 950);
        later.position.epoch = crate::epoch::Epoch(7);
        assert_eq!(history.saves_per_second(&later), 5.0);
    }
}
