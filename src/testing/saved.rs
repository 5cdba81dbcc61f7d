//! What was saved, and assertions about it.

use std::fmt::Write;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::entry::Entry;

/// What was saved in a [`TestSse`](super::TestSse), in order. Deletions are not part of it.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Saved(pub(super) Vec<Entry>);

impl Saved {
    /// The saved entries.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The values saved under `key`.
    ///
    /// # Panics
    ///
    /// Panics if a value has another type.
    #[track_caller]
    #[must_use]
    pub fn values<T: DeserializeOwned>(&self, key: &str) -> Vec<T> {
        let values = self.0.iter().filter(|entry| entry.key() == key);
        values
            .map(|entry| {
                let (value, name) = (entry.value(), std::any::type_name::<T>());
                serde_json::from_str(value)
                    .unwrap_or_else(|error| panic!("{key}: {value} is not a `{name}`: {error}"))
            })
            .collect()
    }

    /// Asserts that `value` was saved under `key`, at least once.
    ///
    /// # Panics
    ///
    /// Panics if it was not. The message lists what was saved.
    #[track_caller]
    pub fn assert_saved(&self, key: &str, value: impl Serialize) {
        let value = match serde_json::to_value(value) {
            Ok(value) => value,
            Err(error) => panic!("the expected value cannot be written as JSON: {error}"),
        };
        assert!(
            self.values::<Value>(key).contains(&value),
            "expected {value} to be saved under `{key}`, but {}",
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
        let is_empty = self.0.is_empty();
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
            self.0.iter().all(|entry| entry.key() != key),
            "expected that nothing is saved under `{key}`, but {}",
            self.describe()
        );
    }

    fn describe(&self) -> String {
        if self.0.is_empty() {
            return "nothing was saved".into();
        }
        let mut text = String::from("this was saved:");
        for entry in &self.0 {
            let _ = write!(text, "\n  {}: {}", entry.key(), entry.value());
        }
        text
    }
}
