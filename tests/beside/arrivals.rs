//! The values of one writer that arrive.

use std::time::{Duration, SystemTime};

use serde_json::Value;

/// Values, as the burst and the number in the burst, and how long after its save each arrived.
#[derive(Default)]
pub(crate) struct Arrivals {
    values: Vec<((u64, u64), Duration)>,
    /// How many values had arrived before each gap.
    gaps: Vec<usize>,
}

impl Arrivals {
    pub(crate) fn add(&mut self, value: &Value) {
        let number = |name: &str| value[name].as_u64().unwrap();
        let next = (number("burst"), number("save"));
        assert_eq!(value["end"], format!("{}-{}", next.0, next.1), "torn");
        let last = self.values.last().map(|(value, _)| *value);
        assert!(last < Some(next), "{next:?} after {last:?}");
        let sent = Duration::from_secs_f64(value["sent"].as_f64().unwrap());
        let sent = SystemTime::UNIX_EPOCH + sent;
        self.values.push((next, sent.elapsed().unwrap_or_default()));
    }

    pub(crate) fn add_gap(&mut self) {
        self.gaps.push(self.values.len());
    }

    /// Whether a gap came instead of this value: before the next one that arrived.
    pub(crate) fn has_gap_for(&self, value: (u64, u64)) -> bool {
        let before = self.values.partition_point(|(found, _)| *found < value);
        self.gaps.contains(&before)
    }

    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// The burst of the newest value.
    pub(crate) fn burst(&self) -> u64 {
        self.values.last().map_or(0, |((burst, _), _)| *burst)
    }

    /// How late a value arrived, if it did.
    pub(crate) fn delay(&self, value: (u64, u64)) -> Option<Duration> {
        let found = self
            .values
            .binary_search_by_key(&value, |(value, _)| *value);
        Some(self.values[found.ok()?].1)
    }
}
