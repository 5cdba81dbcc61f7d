//! The journal of the configured cache, even if it is removed or replaced.

#[cfg(feature = "actix")]
use std::sync::Weak;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

#[cfg(feature = "actix")]
use super::hand_over::{EntryReceiver, HandOver, SavedEntry};
use crate::{
    config::{Config, ConfigPoller},
    entry::Entry,
    error::Error,
    event_id::{Cursor, EventId},
    ingest,
    journal::{
        Backend, CacheAddress, DropInSource, Journal, KeyedAppend, MAX_REPLACEMENT_RETRIES,
        OpenedJournal, Slot, file::CacheFolder,
    },
    observe::Observations,
    runtime::{BackgroundThread, lock},
};

/// How long followers stay with the former cache after `SSE_CACHE` was changed: other processes notice
/// the edit up to 2.1 seconds later than this one, and save in the former cache until then.
pub(crate) const FORMER_CACHE_TIME: Duration = Duration::from_secs(3);

/// Opens the journal, and opens it again after it was deleted or replaced, or after `SSE_CACHE` was changed.
pub(crate) struct JournalHandle {
    backend: Backend,
    config_poller: Arc<ConfigPoller>,
    current: Mutex<OpenedJournal>,
    /// When `SSE_CACHE` was changed last; `None` before the first time.
    cache_changed_at: Mutex<Option<Instant>>,
    observations: Observations,
    #[cfg(feature = "actix")]
    hand_over: HandOver,
}

/// A journal that this process follows. Drop-ins are ingested into it until this is dropped.
pub(crate) struct FollowedJournal {
    pub(crate) opened: OpenedJournal,
    /// `None` if this journal has no drop-in folder.
    ingest_thread: Option<BackgroundThread>,
}

impl FollowedJournal {
    /// Whether this is still the journal of its cache and still has the entry `last_read`.
    ///
    /// If it lacks that entry, its newest entries were removed, and their numbers would be assigned
    /// again and skipped by every reader. Then the journal is discarded.
    pub(crate) fn is_current(&self, last_read: u64) -> Result<bool, Error> {
        if self.opened.journal.is_replaced() {
            return Ok(false);
        }
        if self.opened.journal.is_intact_up_to(last_read)? {
            return Ok(true);
        }
        self.opened.journal.discard()?;
        Ok(!self.opened.journal.is_replaced())
    }

    /// Has the ingest thread check the drop-in folder now, after the configuration has changed.
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

/// What [`JournalHandle::append_keyed`] has done.
pub(crate) enum KeyedAppended {
    /// The entry has this id.
    Now(EventId),
    /// An earlier save with this key has made this entry.
    Earlier(Entry),
}

impl JournalHandle {
    /// The journal that the configuration names.
    pub(crate) fn open(config: Config, observations: Observations) -> Result<Self, Error> {
        Self::open_in(Backend::Configured, config, observations)
    }

    /// A journal in memory.
    #[cfg(any(test, feature = "actix", feature = "testing"))]
    pub(crate) fn in_memory(config: Config, observations: Observations) -> Result<Self, Error> {
        Self::open_in(Backend::Memory(Default::default()), config, observations)
    }

    fn open_in(
        backend: Backend,
        config: Config,
        observations: Observations,
    ) -> Result<Self, Error> {
        let current = Mutex::new(backend.open(&config, &observations)?);
        Ok(Self {
            backend,
            config_poller: Arc::new(ConfigPoller::new(config)),
            current,
            cache_changed_at: Mutex::new(None),
            observations,
            #[cfg(feature = "actix")]
            hand_over: HandOver::default(),
        })
    }

    pub(crate) fn observations(&self) -> &Observations {
        &self.observations
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

    /// Why the last edit of `.env` has no effect.
    #[cfg(feature = "actix")]
    pub(crate) fn config_problem(&self) -> Option<Error> {
        self.config_poller.problem()
    }

    /// Reads `.env` on this thread if that is due. An edit takes effect only if the cache that
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
        if !lock(&self.current).is_configured(config) {
            let opened = self.backend.open_changed(config, &self.observations)?;
            // A save that still has the former configuration opens the former cache again. That does
            // no harm: `opened` compares the cache with the configuration each time.
            *lock(&self.current) = opened;
            *lock(&self.cache_changed_at) = Some(Instant::now());
        }
        Ok(())
    }

    /// Appends an entry and returns the id of its event. While a server that keeps the journal is away, tries until the
    /// deadline.
    pub(crate) fn append(&self, entry: &[u8], deadline: Instant) -> Result<EventId, Error> {
        self.retry_if_replaced(|journal| {
            let number = journal.append_until(entry, deadline)?;
            Ok(self.note_appended(&**journal, number, entry))
        })
    }

    /// Appends an entry with this idempotency key, unless the journal has one. Tries until the deadline.
    pub(crate) fn append_keyed(
        &self,
        idempotency_key: &str,
        entry: &[u8],
        deadline: Instant,
    ) -> Result<KeyedAppended, Error> {
        self.retry_if_replaced(|journal| {
            Ok(
                match journal.append_keyed(idempotency_key, entry, deadline)? {
                    KeyedAppend::Found(entry) => KeyedAppended::Earlier(entry),
                    KeyedAppend::Appended(number) => {
                        KeyedAppended::Now(self.note_appended(&**journal, number, entry))
                    }
                },
            )
        })
    }

    /// Hands an entry that was appended just now to the receivers of this process, then prepares the next append.
    /// Returns the id of the entry's event.
    #[cfg_attr(
        not(feature = "actix"),
        expect(
            unused_variables,
            clippy::unused_self,
            reason = "only servers are receivers"
        )
    )]
    fn note_appended(&self, journal: &dyn Journal, number: u64, document: &[u8]) -> EventId {
        let epochs = &journal.epochs();
        #[cfg(feature = "actix")]
        if journal.may_hand_over() {
            let entry = SavedEntry {
                epochs,
                number,
                document,
            };
            self.hand_over.hand_over(&entry, &self.config());
        }
        journal.prepare_append();
        Cursor::before(number + 1).event_id(epochs)
    }

    /// Hands all entries that are saved from now on to this receiver, as long as it lives.
    #[cfg(feature = "actix")]
    pub(crate) fn add_receiver(&self, receiver: Weak<dyn EntryReceiver>) {
        self.hand_over.add(receiver);
    }

    /// Runs `work` with the current journal. If it fails because the journal was replaced meanwhile, runs
    /// it again with the next one. Only proof of that counts: repeating a save that has succeeded would
    /// double it. It may have been done before the journal was replaced.
    pub(crate) fn retry_if_replaced<T>(
        &self,
        work: impl Fn(&Arc<dyn Journal>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut retries = 0..MAX_REPLACEMENT_RETRIES;
        loop {
            let journal = self.current()?;
            match work(&journal) {
                Err(error)
                    if journal.is_replaced()
                        && !error.must_not_be_repeated()
                        && retries.next().is_some() => {}
                result => return result,
            }
        }
    }

    /// The time of a save, by the clock that all writers of the cache share.
    pub(crate) fn now(&self) -> Result<SystemTime, Error> {
        Ok(self.current()?.now())
    }

    /// The newest entry of a slot; `None` if it has expired, or was deleted or swept.
    pub(crate) fn get(&self, slot: &Slot<'_>) -> Result<Option<Entry>, Error> {
        self.retry_if_replaced(|journal| journal.latest(slot))
    }

    /// Fails if this process cannot use the configured journal now. Changes nothing.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only servers are asked whether they are ready")
    )]
    pub(crate) fn check_usable(&self) -> Result<(), Error> {
        self.current()?.check_usable()
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
        let folder: Option<ingest::OpenFolder> = match &opened.drop_ins {
            DropInSource::Nowhere => None,
            DropInSource::CacheFolder(folder) => {
                let folder = Arc::clone(folder);
                Some(Box::new(move |_| Ok(Arc::clone(&folder))))
            }
            DropInSource::OwnFolder => Some(Box::new(|config| {
                CacheFolder::prepare(config).map(Arc::new)
            })),
        };
        let start = |folder| {
            let journal = Arc::clone(&opened.journal);
            let config_poller = Arc::clone(&self.config_poller);
            ingest::start(journal, folder, config_poller, self.observations.clone())
        };
        let ingest_thread = folder.map(start).transpose()?;
        Ok(FollowedJournal {
            opened,
            ingest_thread,
        })
    }

    /// How long `followed` is still to be read although another cache is configured now; `None` if its
    /// cache is the configured one.
    pub(crate) fn time_to_leave(&self, followed: &FollowedJournal) -> Option<Duration> {
        if followed.opened.is_configured(&self.config()) {
            return None;
        }
        let changed_at = *lock(&self.cache_changed_at);
        let elapsed = changed_at.map_or(FORMER_CACHE_TIME, |time| time.elapsed());
        Some(FORMER_CACHE_TIME.saturating_sub(elapsed))
    }

    fn opened(&self) -> Result<OpenedJournal, Error> {
        let mut current = lock(&self.current);
        let config = self.config();
        // Certainly in place: an entry that is saved elsewhere would reach no reader.
        if !current.journal.is_in_place() || !current.is_configured(&config) {
            *current = self.backend.open(&config, &self.observations)?;
        }
        Ok(current.clone())
    }
}

#[cfg(test)]
mod tests;
