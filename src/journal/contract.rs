//! What every journal must do, however it stores its entries.

#[cfg(feature = "actix")]
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant, SystemTime};

use super::{address::CacheAddress, batch::Batch, index::Slot};
use crate::{entry::Entry, epoch::Epochs, error::Error, runtime::Interrupt};

/// How long a save tries while the journal is away.
pub(crate) const SAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// When a save that begins now gives up.
pub(crate) fn save_deadline() -> Instant {
    Instant::now() + SAVE_TIMEOUT
}

/// Entries in a total order. Numbers start at 1 and have no gaps. An entry never changes, and the
/// oldest entries are swept first.
///
/// All methods may block on files or a network, so never call them from an async task.
pub(crate) trait Journal: Send + Sync + 'static {
    /// Where this journal is, for logs and errors.
    fn address(&self) -> CacheAddress;

    /// The epochs of this journal. Its numbers and those of other journals never have the same epoch,
    /// and neither have two entries with the same number, one of which was lost in a crash.
    fn epochs(&self) -> Epochs;

    /// Distinguishes this journal from every other, and from itself before a loss.
    #[cfg(any(feature = "actix", test))]
    fn epoch(&self) -> crate::epoch::Epoch {
        self.epochs().current()
    }

    /// The time by the clock that all writers of this journal share.
    fn now(&self) -> SystemTime {
        self.to_journal_time(SystemTime::now())
    }

    /// What that clock has shown when this machine's clock has shown `time`.
    fn to_journal_time(&self, time: SystemTime) -> SystemTime {
        time
    }

    /// Appends an entry and returns its number. Fails if the journal was certainly replaced meanwhile, so
    /// that its readers may not find the entry.
    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        self.append_until(entry, save_deadline())
    }

    /// Does the same. While a server that keeps the journal is away, tries until the deadline.
    fn append_until(&self, entry: &[u8], deadline: Instant) -> Result<u64, Error>;

    /// Prepares what the next append needs. Call it after an append, when readers were notified of the entry.
    fn prepare_append(&self) {}

    /// Appends an entry that contains `token`, unless an earlier call has appended one. Returns the
    /// number of that entry.
    ///
    /// So a save may be repeated by the process that has begun it, or by another one after that was
    /// killed, but not by two at once. `after` is a number that was the newest before the first call; 0 if
    /// it is not known. An entry that was swept since is appended again.
    fn append_once(&self, token: &str, after: u64, entry: &[u8]) -> Result<u64, Error>;

    /// Appends an entry that has this idempotency key, unless the journal has one, which is returned then. Of several
    /// calls at once, also of several processes, one appends. Each waits for the others until its deadline.
    fn append_keyed(
        &self,
        idempotency_key: &str,
        entry: &[u8],
        deadline: Instant,
    ) -> Result<KeyedAppend, Error>;

    /// Reads the entries from `number` on, `limit` at most. Entries that cannot be read are among them,
    /// each with the reason. Fails only if the first one cannot be read now.
    fn read_from(&self, number: u64, limit: u64) -> Result<Batch, Error>;

    /// Whether entries can be read without waiting.
    #[cfg(feature = "actix")]
    fn can_read_cached(&self) -> bool {
        false
    }

    /// The content of this entry, if that can be read without waiting. Call it only if
    /// [`can_read_cached`](Self::can_read_cached).
    #[cfg(feature = "actix")]
    fn read_cached(&self, _number: u64) -> Option<Vec<u8>> {
        None
    }

    /// Reads the entries before `number`, the newest first, `limit` at most.
    fn read_back(&self, number: u64, limit: u64) -> Result<Batch, Error>;

    /// The newest entry of a slot; `None` if it has expired, or was deleted or swept. An older entry never
    /// takes its place.
    fn latest(&self, slot: &Slot<'_>) -> Result<Option<Entry>, Error>;

    /// The numbers of the newest entries of these slots, in ascending order, each once. Slots without a value
    /// have none.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only streams begin with the latest values")
    )]
    fn latest_numbers(&self, slots: &[Slot<'_>]) -> Result<Vec<u64>, Error>;

    /// The number of the newest entry, or 0 before the first one.
    fn newest_number(&self) -> Result<u64, Error>;

    /// Removes some of the old entries, but none of the newest `keep`. Returns whether more can be
    /// removed now.
    #[cfg_attr(
        not(any(feature = "actix", test)),
        expect(dead_code, reason = "only servers sweep")
    )]
    fn sweep(&self, keep: u64) -> Result<bool, Error>;

    /// Whether this is certainly still the journal of its cache, that is, it was not deleted or
    /// replaced.
    fn is_in_place(&self) -> bool;

    /// Whether it certainly was deleted or replaced. Neither is certain while that cannot be checked.
    fn is_replaced(&self) -> bool;

    /// Whether the journal still has all numbers up to `number`, whose entry was read earlier.
    ///
    /// `false` if its newest entries were removed, so that their numbers would be assigned again, or
    /// if its order is broken.
    fn is_intact_up_to(&self, number: u64) -> Result<bool, Error>;

    /// Discards the journal, so that every process opens a new one. Clients receive `sse.gap`.
    fn discard(&self) -> Result<(), Error>;

    /// Keeps programs that remove old files from removing the journal, and removes what killed processes
    /// have left. Call it from time to time.
    fn maintain(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Fails if this process cannot read or save now. Changes nothing.
    fn check_usable(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Whether readers in this process may take an entry from the thread that has appended it. Otherwise, only a read
    /// of the journal shows whether the entry was lost again.
    #[cfg(feature = "actix")]
    fn may_hand_over(&self) -> bool {
        true
    }

    /// Starts to watch for new entries.
    fn watch(&self) -> Box<dyn EntryWatcher>;
}

/// What [`Journal::append_keyed`] has done.
#[derive(Debug)]
pub(crate) enum KeyedAppend {
    /// The entry has this number.
    Appended(u64),
    /// The entry of an earlier save with this key, whose content may differ.
    Found(Entry),
}

/// What a watcher was notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notified {
    /// Nothing: the wait has ended for another reason.
    Nothing,
    /// Entries alone, with numbers in this range.
    Entries { lowest: u64, highest: u64 },
    /// Perhaps new entries. If there are none, another journal may have taken the place of this one.
    Other,
}

/// Waits for new entries.
pub(crate) trait EntryWatcher: Send {
    /// Returns when the entry `next` may exist: after a notification, after `timeout`, when
    /// `interrupt` is raised, or spuriously. Notifications can get lost, so the caller reads again
    /// whatever the reason was.
    ///
    /// Returns what it was notified of.
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) -> Notified;

    /// A descriptor that becomes readable after a notification, for others that wait for it and read nothing from it.
    /// `None` if there is none.
    #[cfg(feature = "actix")]
    fn notifications(&self) -> Option<OwnedFd> {
        None
    }
}
