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

/// The app's cache, from a time on, or from now on. `event_filter` has the names of the events to report.
/// Empty: all.
pub(crate) fn follow_cache(
    config: &Config,
    event_filter: Vec<String>,
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
        let is_selected =
            |event: &&str| event_filter.is_empty() || event_filter.iter().any(|name| name == event);
        loop {
            match follow.next_timeout(WAIT)? {
                Some(Next::Entry(entry)) => {
                    for event in events.of_key(entry.key()).filter(is_selected) {
                        updates.send(update_of_entry(&entry, event)?)?;
                    }
                }
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
        timestamp: Some(entry.timestamp().to_string()),
        value,
    }))
}
