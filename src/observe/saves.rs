//! What is saved.

use std::time::Duration;

use super::{
    Observations,
    instruments::{CounterBy, Histogram},
    labels::SaveResult,
    metric::{SAVE_DURATION, SAVES},
};

pub(super) struct SaveCounts {
    pub(super) saves: CounterBy<SaveResult>,
    pub(super) duration: Histogram,
}

impl SaveCounts {
    pub(super) fn new() -> Self {
        Self {
            saves: CounterBy::new(&SAVES),
            duration: Histogram::new(&SAVE_DURATION),
        }
    }
}

impl Observations {
    /// A save of this process has ended.
    pub(crate) fn saved(&self, result: SaveResult, duration: Duration) {
        self.0.saves.saves.add(result, 1);
        self.0.saves.duration.record(duration.as_secs_f64());
    }

    /// A drop-in is in the journal.
    pub(crate) fn ingested(&self) {
        self.0.saves.saves.add(SaveResult::Ingested, 1);
    }
}
