//! Finds saves that are already in the journal by their tokens.

use std::collections::HashMap;

use super::file_journal::FileJournal;
use crate::{entry, error::Error, journal::batch::StoredEntry, runtime::lock};

/// The numbers of the entries that have a token, up to the last that was read.
pub(super) struct TokenIndex {
    next_number: u64,
    numbers: HashMap<String, u64>,
}

impl TokenIndex {
    /// Of the entries with a higher number than `after`.
    fn after(after: u64) -> Self {
        Self {
            next_number: after + 1,
            numbers: HashMap::new(),
        }
    }

    /// Reads the entries that are not indexed yet, up to the one that is searched.
    fn find(&mut self, journal: &FileJournal, token: &str) -> Result<Option<u64>, Error> {
        loop {
            if let Some(number) = self.numbers.get(token) {
                return Ok(Some(*number));
            }
            let number = self.next_number;
            match journal.look_up(number)? {
                StoredEntry::NotYet => return Ok(None),
                StoredEntry::Swept { oldest } => self.next_number = oldest.max(number + 1),
                StoredEntry::Unreadable(_) => self.next_number += 1,
                StoredEntry::Entry(bytes) => {
                    self.next_number += 1;
                    if let Some(token) = entry::token(&bytes) {
                        self.numbers.insert(token, number);
                    }
                }
            }
        }
    }
}

impl FileJournal {
    /// The number of the entry that has this token and a higher number than `after`.
    pub(super) fn find_token(&self, token: &str, after: u64) -> Result<Option<u64>, Error> {
        if after > 0 {
            return TokenIndex::after(after).find(self, token);
        }
        // A killed process may have left many saves, so the whole journal is read only once for them.
        lock(&self.token_index)
            .get_or_insert_with(|| TokenIndex::after(0))
            .find(self, token)
    }
}
