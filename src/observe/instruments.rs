//! Counters, gauges and histograms: the library's own, each with its handle of the facade.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

#[cfg(feature = "actix")]
use super::figures::BucketCounts;
#[cfg(feature = "metrics")]
use super::metric::MetricKind;
use super::{labels::Label, metric::Metric};

/// All accesses are `Relaxed`: the numbers guard no other data.
pub(super) struct Counter {
    count: AtomicU64,
    #[cfg(feature = "metrics")]
    recorded: metrics::Counter,
}

impl Counter {
    pub(super) fn new(metric: &Metric) -> Self {
        Self::with_label(metric, None)
    }

    /// With a value of the metric's label that is known only now.
    #[cfg(feature = "actix")]
    pub(super) fn labelled(metric: &Metric, value: &str) -> Self {
        Self::with_label(metric, Some(value))
    }

    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, reason = "only the facade needs names")
    )]
    fn with_label(metric: &Metric, value: Option<&str>) -> Self {
        Self {
            count: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            recorded: register(metric, value, |recorder, key, metadata| {
                recorder.register_counter(key, metadata)
            }),
        }
    }

    pub(super) fn add(&self, count: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.recorded.increment(count);
    }

    #[cfg(feature = "actix")]
    pub(super) fn total(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// One counter for each value of a label.
pub(super) struct CounterBy<L> {
    counters: Box<[Counter]>,
    label: PhantomData<fn(L)>,
}

impl<L: Label> CounterBy<L> {
    pub(super) fn new(metric: &Metric) -> Self {
        let values = L::VALUES.iter();
        Self {
            counters: values
                .map(|value| Counter::with_label(metric, Some(value)))
                .collect(),
            label: PhantomData,
        }
    }

    pub(super) fn add(&self, value: L, count: u64) {
        self.counters[value.index()].add(count);
    }

    #[cfg(all(test, feature = "actix", feature = "metrics"))]
    pub(super) fn get(&self, value: L) -> u64 {
        self.counters[value.index()].total()
    }

    /// By the value of the label.
    #[cfg(feature = "actix")]
    pub(super) fn totals(&self) -> Vec<(&'static str, u64)> {
        let totals = self.counters.iter().map(Counter::total);
        L::VALUES.iter().copied().zip(totals).collect()
    }
}

#[cfg(feature = "actix")]
pub(super) struct Gauge {
    /// The bits of an `f64`.
    value: AtomicU64,
    #[cfg(feature = "metrics")]
    recorded: metrics::Gauge,
}

#[cfg(feature = "actix")]
impl Gauge {
    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, reason = "only the facade needs names")
    )]
    pub(super) fn new(metric: &Metric) -> Self {
        Self {
            value: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            recorded: register(metric, None, |recorder, key, metadata| {
                recorder.register_gauge(key, metadata)
            }),
        }
    }

    pub(super) fn set(&self, value: f64) {
        self.value.store(value.to_bits(), Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.recorded.set(value);
    }

    /// The value of a gauge that counts things.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is a whole number, and a negative one becomes 0"
    )]
    pub(super) fn count(&self) -> u64 {
        f64::from_bits(self.value.load(Ordering::Relaxed)) as u64
    }

    /// Several caches of one process add up with a recorder.
    pub(super) fn add(&self, change: f64) {
        let add = |bits| Some((f64::from_bits(bits) + change).to_bits());
        let _ = (self.value).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        #[cfg(feature = "metrics")]
        self.recorded.increment(change);
    }
}

pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    #[cfg(feature = "metrics")]
    recorded: metrics::Histogram,
}

impl Histogram {
    pub(super) fn new(metric: &Metric) -> Self {
        let counts = metric.buckets.iter().map(|_| AtomicU64::new(0));
        Self {
            bounds: metric.buckets,
            counts: counts.chain([AtomicU64::new(0)]).collect(),
            #[cfg(feature = "metrics")]
            recorded: register(metric, None, |recorder, key, metadata| {
                recorder.register_histogram(key, metadata)
            }),
        }
    }

    /// How many values each bucket has.
    #[cfg(feature = "actix")]
    pub(super) fn buckets(&self) -> BucketCounts {
        let counts = self.counts.iter();
        BucketCounts {
            bounds: self.bounds,
            counts: (counts.map(|count| count.load(Ordering::Relaxed))).collect(),
        }
    }

    pub(super) fn record(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.recorded.record(value);
    }
}

/// Makes instruments that only the library reads.
#[cfg(feature = "actix")]
pub(super) fn unrecorded<T>(make: impl FnOnce() -> T) -> T {
    #[cfg(feature = "metrics")]
    return metrics::with_local_recorder(&metrics::NoopRecorder, make);
    #[cfg(not(feature = "metrics"))]
    make()
}

/// A handle of the recorder that is installed now.
#[cfg(feature = "metrics")]
fn register<T>(
    metric: &Metric,
    value: Option<&str>,
    register: impl FnOnce(&dyn metrics::Recorder, &metrics::Key, &metrics::Metadata<'_>) -> T,
) -> T {
    let labels = metric.label().zip(value);
    let labels = labels.map(|(label, value)| metrics::Label::new(label, value.to_owned()));
    let key = metrics::Key::from_parts(metric.name, labels.into_iter().collect::<Vec<_>>());
    let target = module_path!();
    let metadata = metrics::Metadata::new(target, metrics::Level::INFO, Some(target));
    metrics::with_recorder(|recorder| register(recorder, &key, &metadata))
}

/// Tells the recorder the units and the descriptions.
#[cfg(feature = "metrics")]
pub(super) fn describe_all() {
    metrics::with_recorder(|recorder| {
        for metric in super::metric::metrics() {
            let unit = match metric.unit() {
                Some("seconds") => metrics::Unit::Seconds,
                Some("bytes") => metrics::Unit::Bytes,
                _ => metrics::Unit::Count,
            };
            let (name, text) = (metric.name.into(), metric.description().into());
            match metric.kind() {
                MetricKind::Counter => recorder.describe_counter(name, Some(unit), text),
                MetricKind::Gauge => recorder.describe_gauge(name, Some(unit), text),
                MetricKind::Histogram => recorder.describe_histogram(name, Some(unit), text),
            }
        }
    });
}
