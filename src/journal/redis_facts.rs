//! What the `sse` command can learn about a Redis server.

use std::{collections::BTreeMap, time::Duration};

use crate::error::Error;

/// What a Redis server has told about itself.
#[derive(Debug)]
pub struct RedisFacts {
    /// The fields of `INFO`.
    pub info: BTreeMap<String, String>,
    /// The directive `save`; `None` if it may not be read.
    pub snapshots: Option<String>,
    /// The commands of the journal that this user may not run, as rules of an ACL name them.
    pub refused_commands: Vec<&'static str>,
    /// Whether this user may not use all keys of the journal.
    pub refuses_keys: bool,
    /// What the keys contain; an error if they cannot be read.
    pub journal: Result<StoredJournal, Error>,
    /// How far the server's clock is ahead of this machine's if the second value is true, otherwise behind it.
    pub clock_offset: Option<(Duration, bool)>,
    /// Those that did not name the master.
    pub silent_sentinels: Vec<String>,
}

/// What the keys of a journal contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredJournal {
    /// Nothing.
    None,
    /// Entries with their hash.
    Complete {
        /// The number of the newest entry.
        newest: u64,
    },
    /// Entries, but not the hash that belongs to them.
    WithoutHead,
}
