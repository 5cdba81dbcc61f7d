//! Streams, from their requests to their ends.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    CloseReason, Observations, RefusalReason, StreamKind,
    instruments::{CounterBy, Gauge, Histogram},
    metric::{
        STREAM_DURATION, STREAM_OPEN_TIME, STREAMS, STREAMS_CLOSED, STREAMS_OPENED, STREAMS_REFUSED,
    },
};
use crate::{gap::Gap, runtime::lock};

pub(super) struct StreamCounts {
    pub(super) open: Gauge,
    /// Of the open streams, those with audiences.
    pub(super) private: AtomicU64,
    /// Open streams that have not asked for certain events.
    pub(super) all_events: Mutex<StreamCount>,
    /// The other open streams, by each event that they have asked for.
    pub(super) by_event: Mutex<HashMap<Box<str>, StreamCount>>,
    pub(super) opened: CounterBy<StreamKind>,
    pub(super) closed: CounterBy<CloseReason>,
    pub(super) refused: CounterBy<RefusalReason>,
    pub(super) open_time: Histogram,
    pub(super) duration: Histogram,
}

impl StreamCounts {
    pub(super) fn new() -> Self {
        Self {
            open: Gauge::new(&STREAMS),
            private: AtomicU64::new(0),
            all_events: Mutex::default(),
            by_event: Mutex::default(),
            opened: CounterBy::new(&STREAMS_OPENED),
            closed: CounterBy::new(&STREAMS_CLOSED),
            refused: CounterBy::new(&STREAMS_REFUSED),
            open_time: Histogram::new(&STREAM_OPEN_TIME),
            duration: Histogram::new(&STREAM_DURATION),
        }
    }
}

/// How many streams there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamCount {
    pub(super) all: u64,
    /// Those with audiences.
    pub(super) private: u64,
}

impl StreamCount {
    fn add(&mut self, topics: &StreamTopics<'_>) {
        self.all += 1;
        self.private += u64::from(topics.is_private);
    }

    fn remove(&mut self, topics: &StreamTopics<'_>) {
        self.all -= 1;
        self.private -= u64::from(topics.is_private);
    }
}

/// What an open stream receives. It is the same when the stream opens and when it closes.
pub(crate) struct StreamTopics<'a> {
    pub(crate) is_private: bool,
    /// `None` for all.
    pub(crate) events: Option<&'a HashSet<String>>,
}

impl StreamCounts {
    fn add_topics(&self, topics: &StreamTopics<'_>) {
        if topics.is_private {
            self.private.fetch_add(1, Ordering::Relaxed);
        }
        let Some(events) = topics.events else {
            lock(&self.all_events).add(topics);
            return;
        };
        let mut by_event = lock(&self.by_event);
        for event in events {
            let count = by_event.entry(event.as_str().into()).or_default();
            count.add(topics);
        }
    }

    fn remove_topics(&self, topics: &StreamTopics<'_>) {
        if topics.is_private {
            self.private.fetch_sub(1, Ordering::Relaxed);
        }
        let Some(events) = topics.events else {
            lock(&self.all_events).remove(topics);
            return;
        };
        let mut by_event = lock(&self.by_event);
        for event in events {
            if let Some(count) = by_event.get_mut(event.as_str()) {
                count.remove(topics);
                if count.all == 0 {
                    by_event.remove(event.as_str());
                }
            }
        }
    }
}

/// One stream, from its first bytes to its end: a response to HEAD sends none. It is small, because there is one for each
/// client.
pub(crate) struct StreamObservation {
    observations: Observations,
    /// From the request to the opening, an hour at most.
    micros_before: u32,
    kind: StreamKind,
    /// The gap that it begins with.
    first_gap: Option<Gap>,
    is_open: bool,
    end_reason: Option<CloseReason>,
}

impl StreamObservation {
    /// Whether the stream has sent something.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The stream sends its first bytes, at this age.
    #[cold]
    pub(crate) fn open(&mut self, age: Duration, topics: &StreamTopics<'_>) {
        self.is_open = true;
        let streams = &self.observations.0.streams;
        streams.open.add(1.0);
        streams.add_topics(topics);
        streams.opened.add(self.kind, 1);
        let time = Duration::from_micros(self.micros_before.into()) + age;
        streams.open_time.record(time.as_secs_f64());
        if let Some(gap) = self.first_gap {
            self.observations.gap_sent(gap, 1);
        }
    }

    /// The stream ends, and closes when its client has taken the rest. The first of several reasons counts.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        self.end_reason.get_or_insert(reason);
    }

    /// The stream is dropped at this age: for this reason, unless it has ended before.
    pub(crate) fn close(&self, reason: CloseReason, age: Duration, topics: &StreamTopics<'_>) {
        if self.is_open {
            let streams = &self.observations.0.streams;
            streams.open.add(-1.0);
            streams.remove_topics(topics);
            streams.closed.add(self.end_reason.unwrap_or(reason), 1);
            streams.duration.record(age.as_secs_f64());
        }
    }
}

impl Observations {
    /// A stream that opens so long after its request.
    pub(crate) fn stream(
        &self,
        time_before: Duration,
        kind: StreamKind,
        first_gap: Option<Gap>,
    ) -> StreamObservation {
        StreamObservation {
            observations: self.clone(),
            micros_before: u32::try_from(time_before.as_micros()).unwrap_or(u32::MAX),
            kind,
            first_gap,
            is_open: false,
            end_reason: None,
        }
    }

    /// A request for a stream was refused.
    pub(crate) fn stream_refused(&self, reason: RefusalReason) {
        self.0.streams.refused.add(reason, 1);
    }
}
