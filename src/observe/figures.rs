//! All counts at one time, for the dashboard. They take as long to read as there are events and reasons, however many
//! streams are open.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{Observations, streams::StreamCount};
use crate::runtime::lock;

/// The counts of one cache and its streams. A label has its values in the same order each time.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) open: OpenStreams,
    pub(crate) opened: Vec<(&'static str, u64)>,
    pub(crate) closed: Vec<(&'static str, u64)>,
    pub(crate) refused: Vec<(&'static str, u64)>,
    pub(crate) saves: Vec<(&'static str, u64)>,
    pub(crate) gaps: Vec<(&'static str, u64)>,
    pub(crate) journal_errors: Vec<(&'static str, u64)>,
    /// By event.
    pub(crate) deliveries: Vec<(Arc<str>, u64)>,
    pub(crate) sent_bytes: u64,
    pub(crate) replayed: u64,
    pub(crate) lag: BucketCounts,
    /// Entries that the slowest stream has not read yet.
    pub(crate) slowest_stream: u64,
    /// `None` before the journal was read.
    pub(crate) tail_age: Option<Duration>,
    pub(crate) epoch_changes: u64,
    pub(crate) redis_reconnects: u64,
}

/// The streams that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenStreams {
    pub(crate) count: u64,
    /// Those with audiences.
    pub(crate) private: u64,
    /// Those that have not asked for certain events.
    all_events: StreamCount,
    /// The others, by each event that they have asked for.
    by_event: HashMap<Box<str>, StreamCount>,
}

impl Figures {
    /// The counts before anything happened, with the labels of these.
    pub(crate) fn at_start(&self) -> Self {
        let zero =
            |counts: &[(&'static str, u64)]| counts.iter().map(|(name, _)| (*name, 0)).collect();
        Self {
            open: OpenStreams::default(),
            opened: zero(&self.opened),
            closed: zero(&self.closed),
            refused: zero(&self.refused),
            saves: zero(&self.saves),
            gaps: zero(&self.gaps),
            journal_errors: zero(&self.journal_errors),
            deliveries: Vec::new(),
            sent_bytes: 0,
            replayed: 0,
            lag: BucketCounts {
                bounds: self.lag.bounds,
                counts: self.lag.counts.iter().map(|_| 0).collect(),
            },
            slowest_stream: 0,
            tail_age: None,
            epoch_changes: 0,
            redis_reconnects: 0,
        }
    }
}

impl OpenStreams {
    /// Drops what takes memory for each name that clients ask for.
    pub(crate) fn forget_events(&mut self) {
        self.by_event = HashMap::new();
    }

    /// How many may receive this event. One whose values are all private reaches only streams with audiences.
    pub(crate) fn of_event(&self, event: &str, is_private: bool) -> u64 {
        let asked = self.by_event.get(event).copied().unwrap_or_default();
        let count = |of: StreamCount| if is_private { of.private } else { of.all };
        count(self.all_events) + count(asked)
    }
}

/// How many values a histogram has recorded, by bucket.
#[derive(Debug, Clone)]
pub(crate) struct BucketCounts {
    /// The upper bound of each bucket but the last, which has none.
    pub(super) bounds: &'static [f64],
    pub(super) counts: Box<[u64]>,
}

impl BucketCounts {
    /// What was recorded after `former`.
    pub(crate) fn since(&self, former: &Self) -> Self {
        let pairs = self.counts.iter().zip(&former.counts);
        Self {
            bounds: self.bounds,
            counts: pairs.map(|(now, then)| now.saturating_sub(*then)).collect(),
        }
    }

    /// The value below which this share of the recorded values is, as if each bucket had its values at regular
    /// distances. Above the last bound, it is that bound. `None` without values.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        // Rounding begins at 2^53 values.
        let rank = share * total as f64;
        let (mut below, mut lower) = (0.0, 0.0);
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            let count = *count as f64;
            if count > 0.0 && below + count >= rank {
                return Some(lower + (bound - lower) * (rank - below) / count);
            }
            below += count;
            lower = *bound;
        }
        (total > 0).then_some(lower)
    }
}

impl Observations {
    pub(crate) fn figures(&self) -> Figures {
        let (streams, deliveries) = (&self.0.streams, &self.0.deliveries);
        let journal = &self.0.journal;
        Figures {
            open: OpenStreams {
                count: streams.open.count(),
                private: streams.private.load(Ordering::Relaxed),
                all_events: *lock(&streams.all_events),
                by_event: lock(&streams.by_event).clone(),
            },
            opened: streams.opened.totals(),
            closed: streams.closed.totals(),
            refused: streams.refused.totals(),
            saves: self.0.saves.saves.totals(),
            gaps: deliveries.gaps.totals(),
            journal_errors: journal.errors.totals(),
            deliveries: deliveries.totals(),
            sent_bytes: deliveries.sent_bytes.total(),
            replayed: deliveries.replayed.total(),
            lag: deliveries.lag.buckets(),
            slowest_stream: deliveries.slowest_stream.count(),
            tail_age: self.tail_age(),
            epoch_changes: journal.epoch_changes.total(),
            redis_reconnects: journal.redis_reconnects.total(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{StreamKind, StreamTopics};

    fn buckets(counts: &[u64]) -> BucketCounts {
        BucketCounts {
            bounds: &[1.0, 2.0, 4.0],
            counts: counts.into(),
        }
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_of_its_value() {
        assert_eq!(buckets(&[0, 0, 0, 0]).quantile(0.5), None);
        assert_eq!(buckets(&[0, 4, 0, 0]).quantile(0.5), Some(1.5));
        assert_eq!(buckets(&[2, 0, 2, 0]).quantile(0.5), Some(1.0));
        assert_eq!(buckets(&[2, 0, 2, 0]).quantile(0.75), Some(3.0));
        assert_eq!(buckets(&[1, 0, 0, 3]).quantile(0.99), Some(4.0));
    }

    #[test]
    fn only_what_was_recorded_since_counts() {
        let since = buckets(&[5, 7, 0, 1]).since(&buckets(&[5, 3, 0, 1]));
        assert_eq!(*since.counts, [0, 4, 0, 0]);
    }

    #[test]
    fn open_streams_count_for_the_events_that_they_receive() {
        let observations = Observations::unrecorded();
        let open = |topics: &StreamTopics<'_>| {
            let mut stream = observations.stream(Duration::ZERO, StreamKind::New, None);
            stream.open(Duration::ZERO, topics);
            stream
        };
        let asked = ["a".to_owned(), "b".to_owned()].into();
        let all = StreamTopics {
            is_private: false,
            events: None,
        };
        let some = StreamTopics {
            is_private: true,
            events: Some(&asked),
        };
        let streams = [open(&all), open(&some), open(&some)];
        let counts = || {
            let open = observations.figures().open;
            let by_event =
                |is_private| ["a", "b", "c"].map(|event| open.of_event(event, is_private));
            (open.count, open.private, by_event(false), by_event(true))
        };
        assert_eq!(counts(), (3, 2, [3, 3, 1], [2, 2, 0]));
        for (stream, topics) in streams.iter().zip([&all, &some, &some]) {
            stream.close(crate::observe::CloseReason::Client, Duration::ZERO, topics);
        }
        assert_eq!(counts(), (0, 0, [0, 0, 0], [0, 0, 0]));
        let by_event = observations.figures().open.by_event;
        assert!(by_event.is_empty(), "a name that nobody asks for is kept");
    }
}
