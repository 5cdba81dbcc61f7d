//! The log lines for entries that cannot be read.

use log::Level;

use crate::runtime::LimitedLog;

/// Consecutive entries that cannot be read for the same reason: they make one line of the log.
#[derive(Default)]
pub(super) struct SkippedRange {
    /// The first and the last number.
    range: Option<(u64, u64)>,
    reason: String,
}

impl SkippedRange {
    /// Adds an entry. If it does not continue the range, logs the range and starts another.
    pub(super) fn add(&mut self, number: u64, reason: String) {
        match &mut self.range {
            Some((_, last)) if *last + 1 == number && self.reason == reason => *last = number,
            _ => {
                self.log();
                self.range = Some((number, number));
                self.reason = reason;
            }
        }
    }

    pub(super) fn log(&self) {
        static LOG: LimitedLog =
            LimitedLog::new(Level::Error, "reports of skipped journal entries");
        let reason = &self.reason;
        match self.range {
            None => {}
            Some((first, last)) if first == last => {
                LOG.log(|| format!("journal entry {first} is skipped: {reason}"));
            }
            Some((first, last)) => {
                LOG.log(|| format!("journal entries {first} to {last} are skipped: {reason}"));
            }
        }
    }
}
