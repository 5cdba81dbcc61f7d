//! The journal: every saved value once, in one order that all processes agree on.
//!
//! This is the whole contract between those who save and those who deliver. Nothing above this
//! module knows how entries are kept; [`file`] keeps them as numbered files.

pub(crate) mod file;
mod index;
mod reader;

use std::time::Duration;

pub(crate) use self::{
    index::{Index, Now},
    reader::{Reader, Step},
};
use crate::{epoch::Epoch, error::Error, runtime::Interrupt};

/// Entries in a total order. Numbers begin at 1 and have no gaps; an entry never changes, and the
/// oldest leave first.
///
/// All calls may block on files or a network, so none is made from an async task.
pub(crate) trait Journal: Send + Sync + 'static {
    /// Tells this journal from any other, and from itself before a reboot, which may have lost
    /// the last entries.
    fn epoch(&self) -> Epoch;

    /// The first number that was given in this epoch, if that is known. A client of another epoch
    /// has had nothing from there on.
    fn first(&self) -> Option<u64>;

    /// Adds an entry behind all others and returns its number.
    fn append(&self, entry: &[u8]) -> Result<u64, Error>;

    /// The entry with this number.
    fn read(&self, number: u64) -> Result<Read, Error>;

    /// The number of the newest entry; 0 where there was none yet.
    fn newest(&self) -> Result<u64, Error>;

    /// Lets the oldest entries go, but keeps at least the newest `keep`.
    fn sweep(&self, keep: u64) -> Result<(), Error>;

    /// Whether this is still the journal at its address; `false` after it was deleted or replaced.
    fn is_current(&self) -> bool;

    /// Whether the journal is sound up to this entry, which was there. `false` if its newest entries
    /// were removed, so that their numbers would be given again, or if its order was broken.
    fn reaches(&self, number: u64) -> Result<bool, Error>;

    /// Puts the journal away, so that every process begins another. Clients are told of a gap.
    fn put_away(&self) -> Result<(), Error>;

    /// Begins to watch for new entries.
    fn watch(&self) -> Box<dyn Watch>;
}

/// What there is under a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A saved value.
    Entry(Vec<u8>),
    /// It has not been saved yet.
    NotYet,
    /// It is gone. The oldest entry that is left has, or will have, the number `oldest`.
    Swept {
        /// Where a reader can go on.
        oldest: u64,
    },
    /// It was saved, but cannot be used, for this reason.
    Broken(String),
}

/// Waits for new entries.
pub(crate) trait Watch: Send {
    /// Returns when the entry `next` may be there: after a notification, after `timeout`, when
    /// `interrupt` is raised, or for no reason at all. Notifications get lost, so the caller looks
    /// again whatever the reason was.
    ///
    /// `true` if there was a notification. If it brought no entry, it may have been of another
    /// journal in the place of this one.
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) -> bool;
}
