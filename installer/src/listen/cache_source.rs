//! The cache on this machine, without a server.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web_sse::{Cache, Config, Entry, Events, Follow, Next};
use serde_json::value::RawValue;

use super::{Heard, News, Source};
use crate::exit::Failure;

/// The app's cache, from now on.
pub(crate) struct Journal {
    follow: Follow,
    events: Events,
    /// The events to tell of; all when there is none.
    wanted: Vec<String>,
    /// One saved value may fire several events.
    ready: VecDeque<News>,
}

impl Journal {
    pub(crate) fn open(config: &Config, wanted: Vec<String>) -> Result<Self, Failure> {
        let follow = Cache::open(config)?.follow()?;
        let ready = VecDeque::from([News::Listening]);
        Ok(Self {
            follow,
            events: config.events().clone(),
            wanted,
            ready,
        })
    }

    fn heard(&self, entry: &Entry) -> Result<Vec<News>, Failure> {
        let wants = |event: &&str| {
            self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == event)
        };
        let mut news = Vec::new();
        for event in self.events.of_key(entry.key()).filter(wants) {
            let value = RawValue::from_string(entry.value().to_owned()).map_err(|error| {
                Failure::error(format!(
                    "the saved value {} is broken: {error}",
                    entry.number()
                ))
            })?;
            news.push(News::Event(Heard {
                id: Some(entry.id()),
                event: event.to_owned(),
                key: Some(entry.key().to_owned()),
                timestamp: Some(entry.timestamp().to_string()),
                value,
            }));
        }
        Ok(news)
    }
}

impl Source for Journal {
    fn next(&mut self, timeout: Duration) -> Result<Option<News>, Failure> {
        if let Some(news) = self.ready.pop_front() {
            return Ok(Some(news));
        }
        match self.follow.next_timeout(timeout)? {
            Some(Next::Entry(entry)) => {
                let news = self.heard(&entry)?;
                self.ready.extend(news);
            }
            Some(_) => {
                let what = "something may have been missed: the cache was made anew, or is damaged";
                self.ready.push_back(News::Warning(what.into()));
            }
            None => {}
        }
        Ok(self.ready.pop_front())
    }
}
