//! One journal in Redis, in one epoch.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};

use super::{
    appender::Appender,
    head::Head,
    look::{ClockOffset, Found, Look, MAX_NUMBER, Range},
    random::random_number,
    scripts,
    seen::SeenEntries,
    server::RedisServer,
    watcher::RedisWatcher,
    writer::{Appended, Writer},
};
use crate::{
    config::Config,
    entry::Entry,
    epoch::{Epoch, Epochs},
    error::Error,
    journal::{
        address::CacheAddress,
        batch::{self, Batch, BatchEnd},
        contract::{EntryWatcher, Journal, KeyedAppend, save_deadline},
        index::{SharedIndex, Slot},
        tokens::{DropInIndex, KeyedSaveIndex},
    },
    runtime::lock,
};

/// Entries that one step of a sweep removes: Redis serves nobody else meanwhile.
const MAX_TRIMMED: u64 = 10_000;

/// A journal in Redis, in one epoch. When another epoch begins, this journal [is
/// replaced](Journal::is_replaced), and another is opened.
pub(crate) struct RedisJournal {
    server: Arc<RedisServer>,
    epochs: Epochs,
    is_replaced: AtomicBool,
    clock_offset: Mutex<ClockOffset>,
    seen: Mutex<SeenEntries>,
    appender: Appender,
    writer: Writer,
    index: SharedIndex,
    drop_in_index: DropInIndex,
    keyed_saves: KeyedSaveIndex,
}

impl RedisJournal {
    /// Opens the journal, and creates it if there is none.
    pub(super) fn open(server: &Arc<RedisServer>, config: &Config) -> Result<Self, Error> {
        let candidate = Epoch(random_number("open the journal")?);
        let keys = &server.keys;
        let Head { epochs, .. } = server.run("open the journal", |connection| {
            Head::create(connection, keys, candidate)
        })?;
        let journal = Self {
            server: Arc::clone(server),
            epochs,
            is_replaced: AtomicBool::new(false),
            clock_offset: Mutex::default(),
            seen: Mutex::default(),
            appender: Appender::default(),
            writer: Writer::new(config)?,
            index: SharedIndex::default(),
            drop_in_index: DropInIndex::default(),
            keyed_saves: KeyedSaveIndex::default(),
        };
        // Sets the offset of the clock, which the first save needs.
        match journal.newest_number() {
            // The caller opens it again, as at any other moment.
            Err(_) if journal.is_replaced() => Ok(journal),
            result => result.map(|_| journal),
        }
    }

    fn look(&self, range: Range) -> Result<Found, Error> {
        let epoch = self.epochs.current();
        let look = self.server.run("read", |connection| {
            Look::read(connection, &self.server.keys, epoch, range)
        })?;
        let Look::Entries(found) = look else {
            return Err(self.replaced());
        };
        lock(&self.clock_offset).update(found.clock_offset);
        if !self.note_entries(&found, range) {
            self.discard()?;
            return Err(self.replaced());
        }
        Ok(found)
    }

    /// `false` if an entry that was read before is another one now, so that the data is from an older copy.
    fn note_entries(&self, found: &Found, range: Range) -> bool {
        let mut seen = lock(&self.seen);
        seen.note_newest(found.newest);
        let before = (range.from.saturating_sub(1), found.token_before.as_str());
        let mut entries = found.tokens().chain([before]);
        entries.all(|(number, token)| seen.note(number, token))
    }

    /// Another epoch has begun.
    fn replaced(&self) -> Error {
        // The flag alone is read, so nothing depends on its order.
        self.is_replaced.store(true, Ordering::Relaxed);
        self.address().replaced_error()
    }

    fn append_as(
        &self,
        writer: &Writer,
        entries: &[Vec<u8>],
        deadline: Instant,
    ) -> Result<Appended, Error> {
        let epoch = self.epochs.current();
        match writer.append(&self.server, epoch, entries, deadline)? {
            Some(appended) => Ok(appended),
            None => Err(self.replaced()),
        }
    }

    /// Redis knows the saves of the last minute, so none of those that arrive at the same time is a second one.
    pub(super) fn append_remembered(
        &self,
        idempotency_key: &str,
        entry: &[u8],
        deadline: Instant,
    ) -> Result<Appended, Error> {
        let writer = self.writer.of_idempotency_key(idempotency_key);
        self.append_as(&writer, &[entry.to_vec()], deadline)
    }

    fn correct_clocks(&self, mut batch: Batch) -> Batch {
        let ClockOffset { ahead, behind, .. } = *lock(&self.clock_offset);
        for entry in batch.entries.iter_mut().flatten() {
            entry.shift_time(behind, ahead);
        }
        batch
    }
}

impl Journal for RedisJournal {
    fn address(&self) -> CacheAddress {
        CacheAddress::Redis(self.server.address().to_owned())
    }

    fn epochs(&self) -> Epochs {
        self.epochs.clone()
    }

    fn to_journal_time(&self, time: SystemTime) -> SystemTime {
        if lock(&self.clock_offset).is_outdated() {
            // If it fails, so will the save.
            let _ = self.newest_number();
        }
        lock(&self.clock_offset).to_other(time)
    }

    fn append_until(&self, entry: &[u8], deadline: Instant) -> Result<u64, Error> {
        self.appender.append(entry, deadline, |entries, deadline| {
            let appended = self.append_as(&self.writer, entries, deadline)?;
            Ok(appended.first)
        })
    }

    fn append_once(&self, token: &str, after: u64, entry: &[u8]) -> Result<u64, Error> {
        if let Some(number) = self.drop_in_index.find(self, token, after)? {
            return Ok(number);
        }
        let writer = self.writer.of_token(token);
        let appended = self.append_as(&writer, &[entry.to_vec()], save_deadline())?;
        Ok(appended.first)
    }

    fn append_keyed(
        &self,
        idempotency_key: &str,
        entry: &[u8],
        deadline: Instant,
    ) -> Result<KeyedAppend, Error> {
        let found = self.keyed_saves.find(self, idempotency_key, deadline)?;
        if let Some(found) = found {
            return Ok(KeyedAppend::Found(found));
        }
        let appended = self.append_remembered(idempotency_key, entry, deadline)?;
        if appended.is_repeated
            && let Some(Ok(found)) = self.read_from(appended.first, 1)?.entries.pop()
        {
            return Ok(KeyedAppend::Found(found));
        }
        Ok(KeyedAppend::Appended(appended.first))
    }

    fn read_from(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        if number > MAX_NUMBER {
            return Ok(Batch {
                entries: Vec::new(),
                end: BatchEnd::CaughtUp,
            });
        }
        let range = Range {
            from: number.max(1),
            limit,
            is_back: false,
        };
        let found = self.look(range)?;
        let limit = found.covered(range);
        let found = Mutex::new(found);
        let batch = batch::forward(&self.epochs, number, limit, |number| {
            Ok(lock(&found).take(number))
        });
        Ok(self.correct_clocks(batch?))
    }

    fn read_back(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let range = Range {
            from: number.saturating_sub(1).min(MAX_NUMBER),
            limit,
            is_back: true,
        };
        let found = self.look(range)?;
        let limit = found.covered(range);
        let found = Mutex::new(found);
        let batch = batch::backward(&self.epochs, number, limit, |number| {
            Ok(lock(&found).take(number))
        });
        Ok(self.correct_clocks(batch?))
    }

    fn latest(&self, slot: &Slot<'_>) -> Result<Option<Entry>, Error> {
        self.index.latest(self, slot)
    }

    fn latest_numbers(&self, slots: &[Slot<'_>]) -> Result<Vec<u64>, Error> {
        self.index.latest_numbers(self, slots)
    }

    fn newest_number(&self) -> Result<u64, Error> {
        let nothing = Range {
            from: 1,
            limit: 0,
            is_back: false,
        };
        Ok(self.look(nothing)?.newest)
    }

    fn sweep(&self, keep: u64) -> Result<bool, Error> {
        let keys = &self.server.keys;
        let is_unfinished: u64 = self.server.run("remove old entries", |connection| {
            scripts::TRIM
                .key(&keys.stream)
                .key(&keys.head)
                .arg(self.epochs.current().to_string())
                .arg(keep)
                .arg(MAX_TRIMMED)
                .invoke(connection)
        })?;
        Ok(is_unfinished == 1)
    }

    fn check_usable(&self) -> Result<(), Error> {
        super::check_server(&self.server)
    }

    fn is_in_place(&self) -> bool {
        !self.is_replaced()
    }

    fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }

    fn is_intact_up_to(&self, number: u64) -> Result<bool, Error> {
        let after = Range {
            from: number + 1,
            limit: 0,
            is_back: false,
        };
        match self.look(after) {
            Ok(found) => Ok(number <= found.newest),
            // Nothing is left to discard.
            Err(_) if self.is_replaced() => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn discard(&self) -> Result<(), Error> {
        let candidate = Epoch(random_number("open the journal")?);
        let keys = &self.server.keys;
        let mut invocation = scripts::RENEW.key(&keys.stream);
        invocation
            .key(&keys.head)
            .arg(self.epochs.current().to_string())
            .arg(candidate.to_string());
        {
            let seen = lock(&self.seen);
            invocation.arg(seen.newest());
            for (number, token) in seen.tokens() {
                invocation.arg(number).arg(token);
            }
        }
        self.server.run("begin a new epoch", |connection| {
            invocation.invoke::<String>(connection)
        })?;
        self.replaced();
        Ok(())
    }

    fn maintain(&self) -> Result<(), Error> {
        self.drop_in_index.forget();
        Ok(())
    }

    /// A failover may lose the entry, and only reads look for that.
    #[cfg(feature = "actix")]
    fn may_hand_over(&self) -> bool {
        false
    }

    fn watch(&self) -> Box<dyn EntryWatcher> {
        Box::new(RedisWatcher::start(Arc::clone(&self.server)))
    }
}
