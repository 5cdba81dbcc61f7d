//! A recorder whose values a test reads at any time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, LocalRecorderGuard, Metadata, Recorder,
    SharedString, Unit, set_default_local_recorder,
};

use crate::runtime::lock;

/// On a busy machine.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// What this thread records, and what the caches record that it creates. Create it before the cache.
pub(crate) struct Recorded {
    recorder: &'static TestRecorder,
    _guard: LocalRecorderGuard<'static>,
}

/// By name and label, such as `sse_saves_total{saved}`.
type ByName<T> = Mutex<BTreeMap<String, T>>;

#[derive(Default)]
struct TestRecorder {
    counters: ByName<Arc<AtomicU64>>,
    /// The bits of an `f64`.
    gauges: ByName<Arc<AtomicU64>>,
    histograms: ByName<Arc<Observed>>,
    /// Unit and description.
    described: ByName<(String, String)>,
}

#[derive(Default)]
struct Observed(Mutex<Vec<f64>>);

impl HistogramFn for Observed {
    fn record(&self, value: f64) {
        lock(&self.0).push(value);
    }
}

impl Recorded {
    pub(crate) fn new() -> Self {
        let recorder: &'static TestRecorder = Box::leak(Box::default());
        Self {
            recorder,
            _guard: set_default_local_recorder(recorder),
        }
    }

    /// The values of counters and gauges.
    fn values(&self) -> BTreeMap<String, f64> {
        let counters = lock(&self.recorder.counters);
        let counters = counters
            .iter()
            .map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed) as f64));
        let gauges = lock(&self.recorder.gauges);
        let gauges = gauges.iter().map(|(name, bits)| {
            let value = f64::from_bits(bits.load(Ordering::Relaxed));
            (name.clone(), value)
        });
        counters.chain(gauges).collect()
    }

    /// The value of a counter or gauge.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> f64 {
        let values = self.values();
        let value = values.get(name).copied();
        value.unwrap_or_else(|| panic!("{name} is not in {values:#?}"))
    }

    /// The values of a histogram.
    pub(super) fn observed(&self, name: &str) -> Vec<f64> {
        lock(&lock(&self.recorder.histograms)[name].0).clone()
    }

    /// The labels of a counter that have counted something, each with its count.
    pub(super) fn counts(&self, name: &str) -> Vec<(String, f64)> {
        let prefix = format!("{name}{{");
        let values = self.values().into_iter();
        values
            .filter_map(|(name, count)| Some((name.strip_prefix(&prefix)?.to_owned(), count)))
            .map(|(label, count)| (label.trim_end_matches('}').to_owned(), count))
            .filter(|(_, count)| *count != 0.0)
            .collect()
    }

    pub(super) fn described(&self) -> BTreeMap<String, (String, String)> {
        lock(&self.recorder.described).clone()
    }

    /// Waits until the condition holds: a worker reports after its turn.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            let is_late = start.elapsed() >= DEADLINE;
            assert!(!is_late, "not {what}: {:#?}", self.values());
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn name_of(key: &Key) -> String {
    let labels = key.labels().map(|label| format!("{{{}}}", label.value()));
    format!("{}{}", key.name(), labels.collect::<String>())
}

fn get<T: Default + Clone>(all: &ByName<T>, key: &Key) -> T {
    lock(all).entry(name_of(key)).or_default().clone()
}

impl TestRecorder {
    fn describe(&self, name: &KeyName, unit: Option<Unit>, description: &str) {
        let unit = unit.map_or("none", |unit| unit.as_str()).to_owned();
        let description = description.to_owned();
        lock(&self.described).insert(name.as_str().to_owned(), (unit, description));
    }
}

impl Recorder for TestRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(get(&self.counters, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(get(&self.gauges, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(get(&self.histograms, key))
    }
}
