//! The list of all metrics.

#[cfg(feature = "actix")]
use super::labels::{CloseReason, RefusalReason, StreamKind};
use super::labels::{JournalOperation, Label, SaveResult};
#[cfg(feature = "actix")]
use crate::gap::Gap;

/// A metric that this library records, from [`metrics()`].
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub(super) name: &'static str,
    kind: MetricKind,
    unit: Option<&'static str>,
    label: Option<&'static str>,
    label_values: &'static [&'static str],
    description: &'static str,
    pub(super) buckets: &'static [f64],
}

/// What kind of metric a [`Metric`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// A number that only rises.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Metric {
    const fn new(kind: MetricKind, name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            kind,
            unit: None,
            label: None,
            label_values: &[],
            description,
            buckets: &[],
        }
    }

    const fn counter(name: &'static str, description: &'static str) -> Self {
        Self::new(MetricKind::Counter, name, description)
    }

    const fn gauge(name: &'static str, description: &'static str) -> Self {
        Self::new(MetricKind::Gauge, name, description)
    }

    const fn seconds(
        name: &'static str,
        buckets: &'static [f64],
        description: &'static str,
    ) -> Self {
        Self {
            buckets,
            ..Self::new(MetricKind::Histogram, name, description)
        }
        .in_unit("seconds")
    }

    const fn in_unit(self, unit: &'static str) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }

    const fn by(self, label: &'static str, label_values: &'static [&'static str]) -> Self {
        Self {
            label: Some(label),
            label_values,
            ..self
        }
    }

    /// Returns the name, such as `sse_streams`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// Returns the unit, `seconds` or `bytes`; `None` for a number of things.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        self.unit
    }

    /// Returns the name of its label, if it has one.
    #[must_use]
    pub fn label(&self) -> Option<&'static str> {
        self.label
    }

    /// Returns the values of the label. For the label `event`, they are the events in `SSE_EVENTS`, and this is empty.
    #[must_use]
    pub fn label_values(&self) -> &'static [&'static str] {
        self.label_values
    }

    /// Returns what it measures, in one sentence.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// Returns the upper bounds of suitable buckets for a histogram; of another metric, none.
    #[must_use]
    pub fn buckets(&self) -> &'static [f64] {
        self.buckets
    }
}

/// Returns all metrics that this library records through the facade `metrics`, with suitable buckets for its histograms.
///
/// ```
/// use actix_web_sse::metrics;
///
/// let lag = metrics().iter().find(|metric| metric.name() == "sse_delivery_lag_seconds");
/// assert!(!lag.expect("it is in the list").buckets().is_empty());
/// ```
///
/// `docs/guides/metrics.md` explains each, and how an app records them.
#[must_use]
pub fn metrics() -> &'static [Metric] {
    METRICS
}

/// From a local client to one on a slow network.
const SHORT_TIMES: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// From one event to a working day.
const LIFETIMES: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0,
];

macro_rules! metrics {
    ($($(#[$gate:meta])? $name:ident = $metric:expr;)*) => {
        $($(#[$gate])? pub(super) const $name: Metric = $metric;)*

        const METRICS: &[Metric] = &[$($(#[$gate])? $name),*];
    };
}

metrics! {
    #[cfg(feature = "actix")]
    STREAMS = Metric::gauge("sse_streams", "Open streams.");
    #[cfg(feature = "actix")]
    STREAMS_OPENED = Metric::counter("sse_streams_opened_total", "Streams that have sent their first bytes.")
        .by(StreamKind::KEY, StreamKind::VALUES);
    #[cfg(feature = "actix")]
    STREAMS_CLOSED = Metric::counter("sse_streams_closed_total", "Streams that have ended.")
        .by(CloseReason::KEY, CloseReason::VALUES);
    #[cfg(feature = "actix")]
    STREAMS_REFUSED = Metric::counter("sse_streams_refused_total", "Requests for a stream that were refused.")
        .by(RefusalReason::KEY, RefusalReason::VALUES);
    #[cfg(feature = "actix")]
    STREAM_OPEN_TIME = Metric::seconds(
        "sse_stream_open_seconds",
        SHORT_TIMES,
        "Time from a request for a stream to its first bytes."
    );
    #[cfg(feature = "actix")]
    STREAM_DURATION = Metric::seconds("sse_stream_duration_seconds", LIFETIMES, "How long a stream was open.");
    SAVES = Metric::counter("sse_saves_total", "Attempts of this process to save a value.")
        .by(SaveResult::KEY, SaveResult::VALUES);
    SAVE_DURATION = Metric::seconds(
        "sse_save_duration_seconds",
        SHORT_TIMES,
        "How long a save has taken, whatever its result."
    );
    #[cfg(feature = "actix")]
    DELIVERIES = Metric::counter("sse_deliveries_total", "Events that were sent, each counted for each stream.")
        .by("event", &[]);
    #[cfg(feature = "actix")]
    SENT_BYTES = Metric::counter("sse_sent_bytes_total", "Bytes that the streams have sent.").in_unit("bytes");
    #[cfg(feature = "actix")]
    DELIVERY_LAG = Metric::seconds(
        "sse_delivery_lag_seconds",
        SHORT_TIMES,
        "Time from a save to the write, the longest of up to 64 deliveries that a worker makes in one turn."
    );
    #[cfg(feature = "actix")]
    REPLAYED = Metric::counter("sse_replayed_total", "Events that were sent to a stream that opened after their save.");
    #[cfg(feature = "actix")]
    GAPS = Metric::counter("sse_gaps_total", "Gaps that were sent, each counted for each stream.")
        .by("reason", Gap::REASONS);
    #[cfg(feature = "actix")]
    SLOWEST_STREAM = Metric::gauge("sse_slowest_stream_entries", "Entries that the slowest stream has not read yet.");
    #[cfg(feature = "actix")]
    JOURNAL_NEWEST = Metric::gauge("sse_journal_newest", "Number of the newest entry that was read from the journal.");
    #[cfg(feature = "actix")]
    TAIL_AGE = Metric::gauge("sse_journal_tail_age_seconds", "Time since the journal was last read up to its end.")
        .in_unit("seconds");
    JOURNAL_ERRORS = Metric::counter("sse_journal_errors_total", "Operations on the journal that have failed.")
        .by(JournalOperation::KEY, JournalOperation::VALUES);
    REDIS_RECONNECTS = Metric::counter("sse_redis_reconnects_total", "Connections to Redis that replaced a lost one.");
    #[cfg(feature = "actix")]
    EPOCH_CHANGES = Metric::counter("sse_epoch_changes_total", "Times that the journal was replaced or has lost entries.");
}
