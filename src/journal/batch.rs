//! Several entries from one read.

use crate::{
    entry::{Entry, UnreadableEntry},
    epoch::Epochs,
    error::Error,
};

/// A batch ends after this many bytes, so that large values do not fill the memory. Usual entries have
/// some 100 bytes, so 256 of them, the longest batch that is requested, fit.
const MAX_BATCH_BYTES: usize = 256 * 1024;

/// Consecutive entries.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The first one has the requested number.
    pub(crate) entries: Vec<Result<Entry, UnreadableEntry>>,
    pub(crate) end: BatchEnd,
}

/// What follows the entries of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// No further entry exists yet; or, backward, no older one any more.
    CaughtUp,
    /// There may be more. The batch has at least one entry.
    More,
    /// The next entries were swept.
    Swept {
        /// The number that the oldest remaining entry has, or will have. It is higher than the numbers of
        /// the batch and the requested one, even if a damaged journal has none so high.
        oldest: u64,
    },
}

/// What a journal that is read entry by entry has for a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StoredEntry {
    /// A saved value.
    Entry(Vec<u8>),
    /// The number is not assigned yet.
    NotYet,
    /// The entry was removed with the oldest ones.
    Swept {
        /// The number that the oldest remaining entry has, or will have.
        oldest: u64,
    },
    /// The entry was saved but cannot be read, for this reason.
    Unreadable(String),
}

/// The entries from `number` on, `limit` at most. Numbers start at 1, so 0 counts as swept.
pub(super) fn forward(
    epochs: &Epochs,
    number: u64,
    limit: u64,
    read: impl Fn(u64) -> Result<StoredEntry, Error>,
) -> Result<Batch, Error> {
    let read = |number| match number {
        0 => Ok(StoredEntry::Swept { oldest: 1 }),
        number => read(number),
    };
    // Inclusive: an open range overflows at its last number.
    collect(epochs, number..=u64::MAX, limit, read)
}

/// The entries before `number`, the newest first, `limit` at most.
pub(super) fn backward(
    epochs: &Epochs,
    number: u64,
    limit: u64,
    read: impl Fn(u64) -> Result<StoredEntry, Error>,
) -> Result<Batch, Error> {
    let read = |number| {
        Ok(match read(number)? {
            StoredEntry::NotYet => StoredEntry::Unreadable("it is missing".into()),
            // Every older one was swept, too.
            StoredEntry::Swept { .. } => StoredEntry::NotYet,
            stored => stored,
        })
    };
    let mut batch = collect(epochs, (1..number).rev(), limit, read)?;
    if batch.entries.len() as u64 + 1 >= number {
        batch.end = BatchEnd::CaughtUp;
    }
    Ok(batch)
}

/// The entries with these numbers, `limit` at most.
fn collect(
    epochs: &Epochs,
    numbers: impl Iterator<Item = u64>,
    limit: u64,
    read: impl Fn(u64) -> Result<StoredEntry, Error>,
) -> Result<Batch, Error> {
    let (mut entries, mut byte_count) = (Vec::new(), 0);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut end = BatchEnd::More;
    for number in numbers.take(limit) {
        let stored = match read(number) {
            // The next read begins there, and fails.
            Err(_) if !entries.is_empty() => break,
            stored => stored?,
        };
        entries.push(match stored {
            StoredEntry::Entry(bytes) => {
                byte_count += bytes.len();
                Entry::parse(epochs.epoch_of(number), number, &bytes)
            }
            StoredEntry::Unreadable(reason) => Err(UnreadableEntry { reason, key: None }),
            StoredEntry::NotYet => {
                end = BatchEnd::CaughtUp;
                break;
            }
            StoredEntry::Swept { oldest } => {
                let oldest = oldest.max(number.saturating_add(1));
                end = BatchEnd::Swept { oldest };
                break;
            }
        });
        if byte_count >= MAX_BATCH_BYTES {
            break;
        }
    }
    Ok(Batch { entries, end })
}
