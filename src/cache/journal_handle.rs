//! The journal in the configured folder, even if that folder is removed or replaced.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    config::{Config, ConfigPoller},
    entry::Entry,
    error::Error,
    event_id::{Cursor, EventId},
    ingest,
    journal::{Backend, CacheAddress, Journal, MAX_REPLACEMENT_RETRIES, OpenedJournal, Slot},
    runtime::{BackgroundThread, lock},
};

/// How long followers stay with the former folder after `SSE_CACHE` was changed: other processes notice
/// the edit up to 2.1 seconds later than this one, and save in the former folder until then.
pub(crate) const FORMER_FOLDER_TIME: Duration = Duration::from_secs(3);

/// Opens the journal, and opens it again after its folder was deleted or replaced, or after
/// `SSE_CACHE` was changed.
pub(crate) struct JournalHandle {
    backend: Backend,
    config_poller: Arc<ConfigPoller>,
    current: Mutex<OpenedJournal>,
    /// When `SSE_CACHE` was changed last; `None` before the first time.
    folder_changed_at: Mutex<Option<Instant>>,
}

/// A journal that this process follows. Drop-ins are ingested into it until this is dropped.
pub(crate) struct FollowedJournal {
    pub(crate) opened: OpenedJournal,
    /// `None` if this journal has no folder for drop-ins.
    ingest_thread: Option<BackgroundThread>,
}

impl FollowedJournal {
    /// Whether this is still the journal in its folder and still has the entry `last_read`.
    ///
    /// If it lacks that entry, its newest entries were removed, and their numbers would be assigned
    /// again and skipped by every reader. Then the journal is discarded.
    pub(crate) fn is_current(&self, last_read: u64) -> Result<bool, Error> {
        if self.opened.journal.is_replaced() {
            return Ok(false);
        }
        if !self.opened.journal.is_intact_up_to(last_read)? {
            self.opened.journal.discard()?;
        }
        Ok(!self.opened.journal.is_replaced())
    }

    /// Has the ingest thread check the cache folder now, after the configuration has changed.
    #[cfg_attr(
        not(feature = "actix"),
        expect(
            dead_code,
            reason = "only the hub is notified of a changed configuration"
        )
    )]
    pub(crate) fn rescan_drop_ins(&self) {
        if let Some(ingest_thread) = &self.ingest_thread {
            ingest_thread.wake();
        }
    }
}

impl JournalHandle {
    /// The journal in the configured folder.
    pub(crate) fn open(config: Config) -> Result<Self, Error> {
        Self::open_in(Backend::Folder, config)
    }

    /// A journal in memory.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn in_memory(config: Config) -> Result<Self, Error> {
        Self::open_in(Backend::Memory(Default::default()), config)
    }

    fn open_in(backend: Backend, config: Config) -> Result<Self, Error> {
        let current = Mutex::new(backend.open(&config)?);
        Ok(Self {
            backend,
            config_poller: Arc::new(ConfigPoller::new(config)),
            current,
            folder_changed_at: Mutex::new(None),
        })
    }

    /// The current configuration.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config_poller.current()
    }

    /// How often the configuration has changed.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only the hub and its streams wait for changes")
    )]
    pub(crate) fn config_version(&self) -> u32 {
        self.config_poller.version()
    }

    /// Reads `.env` on this thread if that is due. An edit takes effect only if the cache folder that
    /// it names can be used.
    pub(crate) fn reload_config_if_due(&self) {
        self.config_poller
            .reload_if_due(|config| self.open_if_changed(config));
    }

    /// How long until `.env` is to be read again. Until then, the configuration does not change.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only the hub has a thread that polls")
    )]
    pub(crate) fn time_to_config_check(&self) -> Duration {
        self.config_poller.time_to_next_check()
    }

    fn open_if_changed(&self, config: &Config) -> Result<(), Error> {
        if self.backend.address(config) != self.address() {
            let opened = self.backend.open_changed(config)?;
            // A save that still has the former configuration opens the former folder again. That does
            // no harm: `opened` compares the folder with the configuration each time.
            *lock(&self.current) = opened;
            *lock(&self.folder_changed_at) = Some(Instant::now());
        }
        Ok(())
    }

    /// Appends an entry and returns the id of its event.
    pub(crate) fn append(&self, entry: &[u8]) -> Result<EventId, Error> {
        self.retry_if_replaced(|journal| {
            let number = journal.append(entry)?;
            Ok(Cursor::before(number + 1).event_id(&journal.epochs()))
        })
    }

    /// Runs `work` with the current journal. If it fails because the journal was replaced meanwhile, runs
    /// it again with the next one. Only proof of that counts: repeating a save that has succeeded would
    /// double it.
    pub(crate) fn retry_if_replaced<T>(
        &self,
        work: impl Fn(&Arc<dyn Journal>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut retries = 0..MAX_REPLACEMENT_RETRIES;
        loop {
            let journal = self.current()?;
            match work(&journal) {
                Err(_) if journal.is_replaced() && retries.next().is_some() => {}
                result => return result,
            }
        }
    }

    /// The newest entry of a slot; `None` if it has expired, or was deleted or swept.
    pub(crate) fn get(&self, slot: &Slot<'_>) -> Result<Option<Entry>, Error> {
        self.retry_if_replaced(|journal| journal.latest(slot))
    }

    /// Where the configured journal is, for logs and errors.
    pub(crate) fn address(&self) -> CacheAddress {
        self.backend.address(&self.config())
    }

    /// The configured journal.
    pub(crate) fn current(&self) -> Result<Arc<dyn Journal>, Error> {
        Ok(self.opened()?.journal)
    }

    /// Follows the configured journal, and ingests drop-ins into it until the result is dropped.
    pub(crate) fn follow(&self) -> Result<FollowedJournal, Error> {
        let opened = self.opened()?;
        let start = |folder| {
            let journal = Arc::clone(&opened.journal);
            ingest::start(journal, folder, Arc::clone(&self.config_poller))
        };
        let drop_in_folder = opened.drop_in_folder.clone();
        let ingest_thread = drop_in_folder.map(start).transpose()?;
        Ok(FollowedJournal {
            opened,
            ingest_thread,
        })
    }

    /// How long `followed` is still to be read although another folder is configured now; `None` if its
    /// folder is the configured one.
    pub(crate) fn time_to_leave(&self, followed: &FollowedJournal) -> Option<Duration> {
        if followed.opened.is_configured(&self.config()) {
            return None;
        }
        let changed_at = *lock(&self.folder_changed_at);
        let elapsed = changed_at.map_or(FORMER_FOLDER_TIME, |time| time.elapsed());
        Some(FORMER_FOLDER_TIME.saturating_sub(elapsed))
    }

    fn opened(&self) -> Result<OpenedJournal, Error> {
        let mut current = lock(&self.current);
        let config = self.config();
        // Certainly in place: an entry that is saved elsewhere would reach no reader.
        if !current.journal.is_in_place() || !current.is_configured(&config) {
            *current = self.backend.open(&config)?;
        }
        Ok(current.clone())
    }
}

#[cfg(test)]
mod tests;
