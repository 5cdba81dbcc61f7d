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
#[cfg(any(test, feature = "actix", feature = "testing"))]
mod memory;
mod recent;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod redis_facts;
mod tokens;

#[cfg(feature = "actix")]
pub(crate) use self::contract::Notified;
#[cfg(feature = "redis")]
pub(crate) use self::redis::examine;
pub use self::{
    address::CacheAddress,
    redis_facts::{RedisFacts, StoredJournal},
};
pub(crate) use self::{
    backend::{
        Backend, DropInSource, MAX_REPLACEMENT_RETRIES, OpenedJournal, check_existing, may_be_at,
    },
    batch::BatchEnd,
    contract::{EntryWatcher, Journal, KeyedAppend, save_deadline},
    index::Slot,
    recent::{first_since, first_within},
};
