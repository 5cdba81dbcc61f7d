//! Events from the cache on this machine. No server is needed.

use std::time::{Duration, SystemTime};

use actix_web_sse::{Cache, Config, Entry, cache::Next};
use serde_json::value::RawValue;

use super::update::{ReceivedEvent, Update, Updates, channel};
use crate::exit::Failure;

/// Nothing happens when it is over, so any long time will do.
const WAIT: Duration = Duration::from_secs(3600);

const GAP_WARNING: &str = "events may have been missed: entries were swept or are damaged, or the \
                           journal was replaced";

/// What to report of the cache.
pub(crate) struct EntryFilter {
    /// The names of the events. Empty: all.
    pub(crate) events: Vec<String>,
    /// Values for other audiences are left out, as in a stream that holds these. Empty: none is.
    pub(crate) audiences: Vec<String>,
}

impl EntryFilter {
    fn selects_event(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|name| name == event)
    }

    fn selects_entry(&self, entry: &Entry) -> bool {
        let mut recipients = entry.audiences().peekable();
        self.audiences.is_empty()
            || recipients.peek().is_none()
            || recipients.any(|recipient| self.audiences.iter().any(|name| name == recipient))
    }
}

/// The app's cache, from a time on, or from now on.
pub(crate) fn follow_cache(
    config: &Config,
    filter: EntryFilter,
    since: Option<SystemTime>,
) -> Result<Updates, Failure> {
    let cache = Cache::open(config)?;
    let mut follow = match since {
        Some(time) => cache.follow_since(time)?,
        None => cache.follow()?,
    };
    let events = config.events().clone();
    let (updates, receiver) = channel();
    updates.send(Update::Connected)?;
    updates.send_in_background(move |updates| {
        loop {
            match follow.next_timeout(WAIT)? {
                Some(Next::Entry(entry)) if filter.selects_entry(&entry) => {
                    let names = events.of_key(entry.key());
                    for event in names.filter(|event| filter.selects_event(event)) {
                        updates.send(update_of_entry(&entry, event)?)?;
                    }
                }
                Some(Next::Entry(_)) => {}
                Some(_) => updates.send(Update::Warning(GAP_WARNING.to_owned()))?,
                None => {}
            }
        }
    });
    Ok(receiver)
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
        audiences: entry.audiences().map(str::to_owned).collect(),
        timestamp: Some(entry.timestamp().to_string()),
        value,
    }))
}
