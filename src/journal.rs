//! The journal: every saved value once, in one order that all processes agree on.
//!
//! [`Journal`] is the whole contract between the processes that save and those that deliver. Code
//! above this module does not know how entries are stored; [`file`] stores them as numbered files.

mod address;
mod backend;
mod batch;
#[cfg(test)]
pub(crate) mod conformance;
mod contract;
pub(crate) mod file;
mod index;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod recent;

pub use self::address::CacheAddress;
pub(crate) use self::{
    backend::{Backend, MAX_REPLACEMENT_RETRIES, OpenedJournal},
    batch::BatchEnd,
    contract::{EntryWatcher, Journal},
    file::check_existing,
    index::Slot,
    recent::{first_since, first_within},
};
