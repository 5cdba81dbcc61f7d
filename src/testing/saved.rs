//! What was saved, and assertions about it.

use std::fmt::Write;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::entry::Entry;

/// A message of this many lines can still be read.
const MAX_LISTED_ENTRIES: usize = 100;

/// What was saved in a [`TestSse`](super::TestSse), in order. Deletions are not part of it.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Saved {
    pub(super) entries: Vec<Entry>,
    /// What was saved at the same time in the cache of tests without a `TestSse`: by a thread of this test
    /// that does not belong to it, or by another test.
    pub(super) elsewhere: Vec<Entry>,
}

impl Saved {
    /// The saved entries.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The values saved under `key`.
    ///
    /// # Panics
    ///
    /// Panics if a value has another type.
    #[track_caller]
    #[must_use]
    pub fn values<T: DeserializeOwned>(&self, key: &str) -> Vec<T> {
        let mut values = Vec::new();
        // Not in a closure: the panic would not show the caller's line.
        for entry in self.entries.iter().filter(|entry| entry.key() == key) {
            let (value, name) = (entry.value(), std::any::type_name::<T>());
            match serde_json::from_str(value) {
                Ok(value) => values.push(value),
                Err(error) => panic!("{key}: {value} is not a `{name}`: {error}"),
            }
        }
        values
    }

    /// Asserts that `value` was saved under `key`, at least once, for everyone or for some audiences.
    ///
    /// # Panics
    ///
    /// Panics if it was not. The message lists what was saved.
    #[track_caller]
    pub fn assert_saved(&self, key: &str, value: impl Serialize) {
        let value = to_json(value);
        assert!(
            self.values::<Value>(key).contains(&value),
            "expected {value} to be saved under `{key}`, but {}",
            self.describe()
        );
    }

    /// Asserts that `value` was saved under `key` for this audience, perhaps among others.
    ///
    /// # Panics
    ///
    /// Panics if it was not. The message lists what was saved.
    #[track_caller]
    pub fn assert_saved_to(&self, audience: &str, key: &str, value: impl Serialize) {
        let is_for_it = |entry: &&Entry| entry.audiences().any(|name| name == audience);
        let its_own = Self {
            entries: self.entries.iter().filter(is_for_it).cloned().collect(),
            elsewhere: Vec::new(),
        };
        let value = to_json(value);
        assert!(
            its_own.values::<Value>(key).contains(&value),
            "expected {value} to be saved under `{key}` for `{audience}`, but {}",
            self.describe()
        );
    }

    /// Asserts that nothing was saved.
    ///
    /// # Panics
    ///
    /// Panics if something was. The message lists it.
    #[track_caller]
    pub fn assert_nothing_saved(&self) {
        let is_empty = self.entries.is_empty();
        assert!(
            is_empty,
            "expected that nothing is saved, but {}",
            self.describe()
        );
    }

    /// Asserts that nothing was saved under `key`.
    ///
    /// # Panics
    ///
    /// Panics if something was. The message lists what was saved.
    #[track_caller]
    pub fn assert_nothing_saved_under(&self, key: &str) {
        assert!(
            self.entries.iter().all(|entry| entry.key() != key),
            "expected that nothing is saved under `{key}`, but {}",
            self.describe()
        );
    }

    /// As messages of failed assertions show it.
    pub(super) fn describe(&self) -> String {
        let mut text = match &*self.entries {
            [] => "nothing was saved".into(),
            entries => format!("this was saved:{}", list(entries)),
        };
        if !self.elsewhere.is_empty() {
            text += "\non threads that belong to no `TestSse`, of this test or another, this was saved:";
            text += &list(&self.elsewhere);
        }
        text
    }
}

#[track_caller]
fn to_json(value: impl Serialize) -> Value {
    match serde_json::to_value(value) {
        Ok(value) => value,
        Err(error) => panic!("the expected value cannot be written as JSON: {error}"),
    }
}

fn list(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries.iter().take(MAX_LISTED_ENTRIES) {
        let _ = write!(text, "\n  {}: {}", entry.key(), entry.value());
        let audiences: Vec<&str> = entry.audiences().collect();
        if !audiences.is_empty() {
            let _ = write!(text, " (for {})", audiences.join(", "));
        }
    }
    let left = entries.len().saturating_sub(MAX_LISTED_ENTRIES);
    if left > 0 {
        let _ = write!(text, "\n  and {left} more");
    }
    text
}
