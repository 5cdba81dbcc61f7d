//! What the thread that ingests drop-ins does for the cache folder besides.

use std::time::{Duration, Instant};

use crate::{journal::Journal, runtime::RepeatedError};

/// What killed processes leave only occupies disk space, so it is not urgent to remove it.
const ORPHAN_SWEEP_INTERVAL: Duration = Duration::from_secs(600);

/// Keeps programs that remove old files from removing the journal, and removes what killed processes
/// have left. Several servers may do both at once.
pub(super) struct Housekeeping {
    last_sweep: Option<Instant>,
    sweep_error: RepeatedError,
}

impl Housekeeping {
    pub(super) fn new() -> Self {
        Self {
            last_sweep: None,
            sweep_error: RepeatedError::new(
                "unfinished files of killed programs are not removed",
                "the removal of unfinished files has resumed",
            ),
        }
    }

    pub(super) fn run_if_due(&mut self, journal: &dyn Journal) {
        let is_due = self
            .last_sweep
            .is_none_or(|last| last.elapsed() >= ORPHAN_SWEEP_INTERVAL);
        if !is_due {
            return;
        }
        self.last_sweep = Some(Instant::now());
        match journal.maintain() {
            Ok(()) => self.sweep_error.note_success(),
            Err(error) => self.sweep_error.report(&error),
        }
    }
}
