//! Events from the cache on this machine. No server is needed.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web_sse::{
    Cache, Config, Entry, Events,
    cache::{Follow, Next},
};
use serde_json::value::RawValue;

use super::update::{ReceivedEvent, Update, UpdateSource};
use crate::exit::Failure;

/// The app's cache, from now on.
pub(crate) struct CacheSource {
    follow: Follow,
    events: Events,
    /// The names of the events to report. Empty: all.
    event_filter: Vec<String>,
    /// Updates not yet returned: one saved value may trigger several events.
    pending: VecDeque<Update>,
}

impl CacheSource {
    pub(crate) fn open(config: &Config, event_filter: Vec<String>) -> Result<Self, Failure> {
        Ok(Self {
            follow: Cache::open(config)?.follow()?,
            events: config.events().clone(),
            event_filter,
            pending: VecDeque::from([Update::Connected]),
        })
    }

    /// The events that the entry triggers, as far as the filter lets them through.
    fn triggered_events(&self, entry: &Entry) -> Result<Vec<Update>, Failure> {
        let is_selected = |event: &&str| {
            self.event_filter.is_empty() || self.event_filter.iter().any(|name| name == event)
        };
        let events = self.events.of_key(entry.key()).filter(is_selected);
        events.map(|event| update_of_entry(entry, event)).collect()
    }
}

impl UpdateSource for CacheSource {
    fn next_update(&mut self, timeout: Duration) -> Result<Option<Update>, Failure> {
        if let Some(update) = self.pending.pop_front() {
            return Ok(Some(update));
        }
        match self.follow.next_timeout(timeout)? {
            Some(Next::Entry(entry)) => {
                let events = self.triggered_events(&entry)?;
                self.pending.extend(events);
            }
            Some(_) => {
                let warning = "events may have been missed: entries were swept or are damaged, or \
                               the journal was replaced";
                self.pending.push_back(Update::Warning(warning.into()));
            }
            None => {}
        }
        Ok(self.pending.pop_front())
    }
}

fn update_of_entry(entry: &Entry, event: &str) -> Result<Update, Failure> {
    let value = RawValue::from_string(entry.value().to_owned()).map_err(|error| {
        let id = entry.id();
        Failure::error(format!("the journal entry {id} is not valid JSON: {error}"))
    })?;
    Ok(Update::Event(ReceivedEvent {
        id: Some(entry.id().to_string()),
        event: event.to_owned(),
        key: Some(entry.key().to_owned()),
        timestamp: Some(entry.timestamp().to_string()),
        value,
    }))
}
