//! The journal: every saved value once, in one order that all processes agree on.
//!
//! [`Journal`] is the whole contract between the processes that save and those that deliver. Code
//! above this module does not know how entries are stored; [`file`] stores them as numbered files.

mod contract;
pub(crate) mod file;
mod index;
mod reader;

pub(crate) use self::{
    contract::{EntryWatcher, Journal, StoredEntry},
    index::{ClockReadings, KeyIndex},
    reader::{JournalReader, ReadOutcome},
};

/// How often a read or save is repeated because the journal was replaced meanwhile. One repetition is
/// enough for one replacement, so only a program that replaces the cache folder in a loop needs more
/// than 20.
pub(crate) const MAX_REPLACEMENT_RETRIES: u32 = 20;
