//! Publishing events: into the journal, or by POST.

use std::{io, net::SocketAddr, path::Path};

use actix_web_sse::{Cache, Config, EventId};
use serde_json::value::RawValue;

use super::post::{PostConnection, PostHandler};
use crate::clock;

/// The length of a value as JSON.
pub(crate) const VALUE_BYTES: usize = 200;

/// The key of saved values, unless another one is given.
const DEFAULT_KEY: &str = "order";

/// Publishes events on one server.
pub(crate) struct Publisher(Connection);

enum Connection {
    Journal(Cache),
    Post(PostConnection),
}

impl Publisher {
    pub(crate) fn into_journal(app: &Path) -> io::Result<Self> {
        let config = Config::from_dir(app).map_err(io::Error::other)?;
        let cache = Cache::open(&config).map_err(io::Error::other)?;
        Ok(Self(Connection::Journal(cache)))
    }

    /// A publisher for another thread, which uses the same cache. Only for this project's server.
    pub(crate) fn share(&self) -> io::Result<Self> {
        match &self.0 {
            Connection::Journal(cache) => Ok(Self(Connection::Journal(cache.clone()))),
            Connection::Post(_) => Err(journal_only()),
        }
    }

    pub(super) fn by_post(address: SocketAddr, handler: PostHandler) -> io::Result<Self> {
        let connection = PostConnection::open(address, handler)?;
        Ok(Self(Connection::Post(connection)))
    }

    /// Publishes `count` events, one directly after the other.
    pub(crate) fn publish(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            self.publish_value(clock::value(VALUE_BYTES))?;
        }
        Ok(())
    }

    /// Publishes one event, and returns the time in it once it is acknowledged.
    pub(crate) fn publish_recorded(&mut self) -> io::Result<u64> {
        let time = clock::nanos_since_start();
        self.publish_value(clock::value_at(time, VALUE_BYTES))?;
        Ok(time)
    }

    fn publish_value(&mut self, value: String) -> io::Result<()> {
        match &mut self.0 {
            Connection::Journal(cache) => save(cache, DEFAULT_KEY, value).map(drop),
            Connection::Post(connection) => connection.publish(DEFAULT_KEY, &value),
        }
    }

    /// Publishes one event for one user.
    pub(crate) fn publish_to(&mut self, user: &str) -> io::Result<()> {
        match &mut self.0 {
            Connection::Journal(cache) => {
                let value = raw_value(clock::value(VALUE_BYTES))?;
                let save = cache.save(DEFAULT_KEY, &value).to(user);
                save.blocking().map_err(io::Error::other)?;
                Ok(())
            }
            Connection::Post(connection) => connection.publish_to(user, &clock::value(VALUE_BYTES)),
        }
    }

    /// Publishes one event under another key. Only this project's server has keys.
    pub(crate) fn publish_under(&mut self, key: &str) -> io::Result<EventId> {
        match &mut self.0 {
            Connection::Journal(cache) => save(cache, key, clock::value(VALUE_BYTES)),
            Connection::Post(_) => Err(journal_only()),
        }
    }

    /// The id of the last published event. Only for this project's server.
    pub(crate) fn last_id(&self) -> io::Result<String> {
        let Connection::Journal(cache) = &self.0 else {
            return Err(journal_only());
        };
        let entry = cache.get_blocking(DEFAULT_KEY).map_err(io::Error::other)?;
        entry
            .map(|entry| entry.id().to_string())
            .ok_or_else(|| io::Error::other("the saved value is missing"))
    }
}

fn journal_only() -> io::Error {
    io::Error::other("only this project's server has keys and a journal")
}

fn save(cache: &Cache, key: &str, value: String) -> io::Result<EventId> {
    cache
        .save_blocking(key, &raw_value(value)?)
        .map_err(io::Error::other)
}

fn raw_value(value: String) -> io::Result<Box<RawValue>> {
    RawValue::from_string(value).map_err(io::Error::other)
}
