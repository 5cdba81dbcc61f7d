//! What streams send. Each worker collects it, and adds it up when its turn is over: workers that count together would
//! move the cache line of each count between cores on every delivery.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{
    Observations,
    instruments::{Counter, CounterBy, Gauge, Histogram, unrecorded},
    metric::{DELIVERIES, DELIVERY_LAG, GAPS, REPLAYED, SENT_BYTES, SLOWEST_STREAM},
};
use crate::{gap::Gap, runtime::lock};

/// Upper bound for the names in a tally. Edits of `.env` leave names that are not used any more.
const MAX_TALLIED_EVENTS: usize = 256;

/// How many deliveries share one measurement of the lag. A measurement for each would take a tenth of its delivery.
pub(crate) const DELIVERIES_PER_LAG: u32 = 64;

pub(super) struct DeliveryCounts {
    /// By event.
    deliveries: Mutex<HashMap<Arc<str>, Arc<Counter>>>,
    is_recorded: bool,
    pub(super) sent_bytes: Counter,
    pub(super) lag: Histogram,
    pub(super) replayed: Counter,
    pub(super) gaps: CounterBy<Gap>,
    pub(super) slowest_stream: Gauge,
}

impl DeliveryCounts {
    pub(super) fn new(is_recorded: bool) -> Self {
        Self {
            deliveries: Mutex::default(),
            is_recorded,
            sent_bytes: Counter::new(&SENT_BYTES),
            lag: Histogram::new(&DELIVERY_LAG),
            replayed: Counter::new(&REPLAYED),
            gaps: CounterBy::new(&GAPS),
            slowest_stream: Gauge::new(&SLOWEST_STREAM),
        }
    }

    pub(super) fn of_event(&self, event: &Arc<str>) -> Arc<Counter> {
        let mut counters = lock(&self.deliveries);
        let counter = counters.entry(Arc::clone(event)).or_insert_with(|| {
            let new = || Counter::labelled(&DELIVERIES, event);
            Arc::new(if self.is_recorded {
                new()
            } else {
                unrecorded(new)
            })
        });
        Arc::clone(counter)
    }

    /// By event.
    pub(super) fn totals(&self) -> Vec<(Arc<str>, u64)> {
        let counters = lock(&self.deliveries);
        let totals = counters.iter();
        (totals.map(|(event, counter)| (Arc::clone(event), counter.total()))).collect()
    }
}

impl Observations {
    pub(crate) fn gap_sent(&self, gap: Gap, count: u64) {
        self.0.deliveries.gaps.add(gap, count);
    }

    /// How many entries the slowest stream has not read yet.
    pub(crate) fn slowest_stream(&self, entries: u64) {
        self.0.deliveries.slowest_stream.set(entries as f64);
    }
}

/// What one chunk contains.
#[derive(Debug, Default)]
pub(crate) struct SentEvents {
    /// Usually the only one.
    first: Option<EventCount>,
    others: Vec<EventCount>,
    replayed: u64,
    /// When the oldest event that was saved after the stream had opened was saved.
    oldest_live: Option<Instant>,
    gaps: Vec<Gap>,
}

#[derive(Debug)]
struct EventCount {
    event: Arc<str>,
    count: u64,
}

impl SentEvents {
    /// Adds an event that was saved at this time, as far as that is known.
    pub(crate) fn add(&mut self, event: &Arc<str>, is_replayed: bool, saved_at: Option<Instant>) {
        if is_replayed {
            self.replayed += 1;
        } else {
            self.oldest_live = earliest(self.oldest_live, saved_at);
        }
        let counts = self.first.iter_mut().chain(&mut self.others);
        for counted in counts {
            if Arc::ptr_eq(&counted.event, event) {
                counted.count += 1;
                return;
            }
        }
        let counted = EventCount {
            event: Arc::clone(event),
            count: 1,
        };
        match &self.first {
            None => self.first = Some(counted),
            Some(_) => self.others.push(counted),
        }
    }

    pub(crate) fn add_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    fn counts(&self) -> impl Iterator<Item = &EventCount> {
        self.first.iter().chain(&self.others)
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

/// What one worker has sent since it has last reported.
pub(crate) struct DeliveryTally {
    observations: Observations,
    /// The counts are 0 between reports; the counters stay.
    events: Vec<TalliedEvent>,
    replayed: u64,
    sent_bytes: u64,
    /// Of the deliveries since the last measurement of the lag.
    oldest_live: Option<Instant>,
    deliveries_since_lag: u32,
}

struct TalliedEvent {
    event: Arc<str>,
    counter: Arc<Counter>,
    count: u64,
}

impl DeliveryTally {
    pub(crate) fn new(observations: Observations) -> Self {
        Self {
            observations,
            events: Vec::new(),
            replayed: 0,
            sent_bytes: 0,
            oldest_live: None,
            deliveries_since_lag: 0,
        }
    }

    /// Adds bytes of any kind. Returns whether they are the first of a turn, so that the worker has to report after it.
    #[must_use]
    pub(crate) fn add_bytes(&mut self, count: usize) -> bool {
        let is_first = self.sent_bytes == 0;
        self.sent_bytes += count as u64;
        is_first
    }

    /// Adds a chunk that was sent to this many streams.
    pub(crate) fn add(&mut self, sent: &SentEvents, streams: u32) {
        let times = u64::from(streams);
        for EventCount { event, count } in sent.counts() {
            self.add_event(event, count * times);
        }
        self.replayed += sent.replayed * times;
        for gap in &sent.gaps {
            self.observations.gap_sent(*gap, times);
        }
        if sent.oldest_live.is_some() {
            self.oldest_live = earliest(self.oldest_live, sent.oldest_live);
            self.deliveries_since_lag += streams;
            if self.deliveries_since_lag >= DELIVERIES_PER_LAG {
                self.measure_lag();
            }
        }
    }

    fn add_event(&mut self, event: &Arc<str>, count: u64) {
        let mut tallied = self.events.iter_mut();
        if let Some(tallied) = tallied.find(|tallied| Arc::ptr_eq(&tallied.event, event)) {
            tallied.count += count;
            return;
        }
        self.events.push(TalliedEvent {
            event: Arc::clone(event),
            counter: self.observations.0.deliveries.of_event(event),
            count,
        });
    }

    fn measure_lag(&mut self) {
        self.deliveries_since_lag = 0;
        if let Some(saved_at) = self.oldest_live.take() {
            let lag = saved_at.elapsed().as_secs_f64();
            self.observations.0.deliveries.lag.record(lag);
        }
    }

    /// Whether there is something to report.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent_bytes > 0
    }

    /// Adds everything to the counts of all workers.
    pub(crate) fn report(&mut self) {
        self.measure_lag();
        for tallied in &mut self.events {
            if tallied.count > 0 {
                tallied.counter.add(std::mem::take(&mut tallied.count));
            }
        }
        if self.events.len() > MAX_TALLIED_EVENTS {
            self.events.clear();
        }
        let deliveries = &self.observations.0.deliveries;
        deliveries
            .sent_bytes
            .add(std::mem::take(&mut self.sent_bytes));
        if self.replayed > 0 {
            deliveries.replayed.add(std::mem::take(&mut self.replayed));
        }
    }
}
