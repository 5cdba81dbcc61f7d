//! Drop-ins that another program removed before a server read them, as a command that clears the app's cache may do.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use super::{
    claim::Surroundings,
    retries::{Retries, Shortage},
};
use crate::{entry, error::Error, observe::JournalOperation};

/// Each loss takes an entry. A program that writes and removes files in a loop would push everything else out of the
/// journal.
const RECORD_INTERVAL: Duration = Duration::from_secs(1);

/// The keys whose drop-ins were lost, until the journal says so.
///
/// A program may also remove a file because it has changed its mind. The two cannot be told apart, and a client that
/// fetches the app's state in vain is better off than one that waits for an event for ever.
pub(super) struct Losses {
    keys: BTreeSet<String>,
    records: Retries,
    /// When losses may be recorded again.
    not_before: Option<Instant>,
}

impl Losses {
    pub(super) fn new() -> Self {
        Self {
            keys: BTreeSet::new(),
            records: Retries::new(
                "clients are not told of a drop-in that was removed before it was read",
                "clients are told of drop-ins that were removed before they were read",
            ),
            not_before: None,
        }
    }

    pub(super) fn note(&mut self, key: &str) {
        self.keys.insert(key.to_owned());
    }

    /// Adds an entry for each key, for which the streams that want one of its events send `sse.gap`: at most once a
    /// second, and after an error later, because an append to a Redis that does not answer takes seconds, and drop-ins
    /// wait meanwhile.
    pub(super) fn record(
        &mut self,
        surroundings: &Surroundings<'_>,
        now: Instant,
        shortage: &mut Shortage,
    ) {
        let is_early = self.not_before.is_some_and(|time| now < time);
        if self.keys.is_empty() || is_early || !self.records.is_due(now) {
            return;
        }
        while let Some(key) = self.keys.first() {
            if let Err(error) = record(key, surroundings) {
                let observations = &surroundings.observations;
                observations.journal_failed(JournalOperation::Ingest);
                return self.records.failed(&error, now, shortage);
            }
            self.keys.pop_first();
        }
        self.records.succeeded();
        self.not_before = Some(now + RECORD_INTERVAL);
    }

    /// When to record what is not recorded yet. `None`: there is nothing.
    pub(super) fn next_record(&self) -> Option<Instant> {
        let retry_at = self.records.retry_at();
        (!self.keys.is_empty()).then(|| retry_at.max(self.not_before))?
    }

    pub(super) fn is_out_of_descriptors(&self) -> bool {
        self.records.is_out_of_descriptors()
    }
}

fn record(key: &str, surroundings: &Surroundings<'_>) -> Result<(), Error> {
    // A drop-in of a private key triggers no event.
    if surroundings.config.events().is_private(key) {
        return Ok(());
    }
    let journal = surroundings.journal;
    journal.append(&entry::encode_loss(key, SystemTime::now()))?;
    if journal.is_in_place() {
        Ok(())
    } else {
        // The entry may be in the journal that was replaced meanwhile.
        Err(journal.address().replaced_error())
    }
}
