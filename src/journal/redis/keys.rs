//! The names of an app's keys in Redis.

use crate::config::RedisLocation;

/// The keys of one app.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// The stream of the entries.
    pub(super) stream: String,
    /// The hash with the epochs and the newest number.
    pub(super) head: String,
    /// What the names of the keys of writers begin with.
    writers: String,
}

impl Keys {
    pub(super) fn new(location: &RedisLocation) -> Self {
        Self {
            stream: location.key("s"),
            head: location.key("m"),
            writers: location.key("i"),
        }
    }

    /// The key that remembers the last call of a writer.
    pub(super) fn of_writer(&self, token: &str) -> String {
        format!("{}:{token}", self.writers)
    }
}
