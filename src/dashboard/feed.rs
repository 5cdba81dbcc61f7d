//! The states of one `Sse`, live for the pages that watch.

use std::{
    fmt,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use actix_web::HttpRequest;

use super::{
    history::{History, POINT_INTERVAL},
    server::ServerIdentity,
    state,
};
use crate::{
    cache::Cache,
    config::Config,
    error::{Error, ErrorKind},
    http::Sse,
    observe::Observations,
    runtime::{BackgroundThread, Interrupt, lock},
};

/// How often the counts are read while nobody watches, so that a page that opens shows what happened before.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// How often the thread looks whether the streams of the app close, so that those of the dashboard do not keep the
/// server from stopping.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How long the states go on after the last page has left: a page that reconnects or is loaded again continues.
pub(super) const LINGER: Duration = Duration::from_secs(10);

/// After this time, the page connects again, and so the app's guard decides again.
const STREAM_DURATION: Duration = Duration::from_secs(60);

/// The states are in memory, so no program writes into this folder.
const NO_FOLDER: &str = "/dev/null/in-memory";

/// The cache key and the event of the states.
const STATE: &str = "state";

/// Entries that streams read from memory: a page needs only the newest.
const STATES_IN_MEMORY: usize = 4;

const MAX_WATCHING_PAGES: usize = 100;

/// The feeds of this process. actix-web builds the app on each worker, and all share one feed.
static FEEDS: Mutex<Vec<Weak<Feed>>> = Mutex::new(Vec::new());

pub(super) struct Feed {
    pub(super) sse: Sse,
    pub(super) shows_values: bool,
    pub(super) allows_test_events: bool,
    history: Mutex<History>,
    live: Mutex<Option<Live>>,
    /// Reads the counts, and publishes the states while somebody watches. `None` if it could not be started.
    thread: Mutex<Option<BackgroundThread>>,
}

/// What exists while somebody watches.
struct Live {
    states: Sse,
    /// When a page last opened the stream of the states.
    watched_at: Instant,
    /// When a state was last published.
    published_at: Option<Instant>,
}

impl Feed {
    /// The feed of this `Sse` with these options.
    pub(super) fn of(sse: &Sse, shows_values: bool, allows_test_events: bool) -> Arc<Self> {
        let mut feeds = lock(&FEEDS);
        feeds.retain(|feed| feed.strong_count() > 0);
        let is_it = |feed: &Arc<Self>| {
            Arc::ptr_eq(&feed.sse.state, &sse.state)
                && (feed.shows_values, feed.allows_test_events)
                    == (shows_values, allows_test_events)
        };
        if let Some(feed) = feeds.iter().filter_map(Weak::upgrade).find(is_it) {
            return feed;
        }
        ServerIdentity::of_this_process();
        let created_at = sse.observations().created_at();
        let feed = Arc::new(Self {
            sse: sse.clone(),
            shows_values,
            allows_test_events,
            history: Mutex::new(History::since(created_at, state::figures(sse))),
            live: Mutex::new(None),
            thread: Mutex::new(None),
        });
        // A page that opens tries again.
        let _ = feed.ensure_thread();
        feeds.push(Arc::downgrade(&feed));
        feed
    }

    /// Fails if the request is for a host that is not allowed. Without a configuration, the page says why there is none.
    pub(super) fn check_host(&self, request: &HttpRequest) -> Result<(), Error> {
        self.sse.check_host_without_config(request)
    }

    /// The `Sse` of the states, for a page that opens their stream now.
    pub(super) fn watch(self: &Arc<Self>) -> Result<Sse, Error> {
        self.ensure_thread()?;
        let mut live = lock(&self.live);
        if let Some(live) = &mut *live {
            live.watched_at = Instant::now();
            return Ok(live.states.clone());
        }
        let started = Live::start(&self.sse)?;
        let states = started.states.clone();
        *live = Some(started);
        drop(live);
        if let Some(thread) = &*lock(&self.thread) {
            thread.wake();
        }
        Ok(states)
    }

    /// Everything that the page shows, as JSON.
    pub(super) fn snapshot(&self) -> String {
        state::snapshot(self, &lock(&self.history))
    }

    /// The thread ends with the feed.
    fn ensure_thread(self: &Arc<Self>) -> Result<(), Error> {
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let feed = Arc::downgrade(self);
            let started = BackgroundThread::start("sse-dashboard", move |interrupt| {
                run(&feed, interrupt);
            });
            *thread = Some(started.map_err(|error| {
                let message = format!("the dashboard cannot start its thread: {error}");
                Error::new(ErrorKind::Busy, message)
            })?);
        }
        Ok(())
    }

    /// Does what is due, and returns the time until more may be.
    fn turn(&self) -> Duration {
        let live = lock(&self.live);
        let Some(Live {
            states,
            published_at,
            ..
        }) = &*live
        else {
            drop(live);
            return self.sample();
        };
        let (states, published_at) = (states.clone(), *published_at);
        drop(live);
        if self.is_closing() {
            drop(states.close());
        }
        if published_at.is_none_or(|at| at.elapsed() >= POINT_INTERVAL) {
            if self.end_if_unwatched() {
                return self.sample();
            }
            self.publish(&states);
        }
        CHECK_INTERVAL
    }

    /// Adds a sample if that is due, and returns the time until the next.
    fn sample(&self) -> Duration {
        let age = lock(&self.history).age(Instant::now());
        if age < SAMPLE_INTERVAL {
            return SAMPLE_INTERVAL.saturating_sub(age);
        }
        let sample = state::figures(&self.sse);
        lock(&self.history).add(sample);
        SAMPLE_INTERVAL
    }

    fn publish(&self, states: &Sse) {
        let state = {
            let sample = state::figures(&self.sse);
            let mut history = lock(&self.history);
            let state = state::state(self, &history, &sample);
            history.add(sample);
            state
        };
        if let Some(live) = &mut *lock(&self.live) {
            live.published_at = Some(Instant::now());
        }
        // It fails only if the state cannot be written as JSON, and then the page says that it has no connection.
        let _ = states.cache.save(STATE, state).blocking();
    }

    /// Whether the pages have left.
    fn end_if_unwatched(&self) -> bool {
        let mut live = lock(&self.live);
        let is_watched = live.as_ref().is_some_and(|live| {
            live.states.stats().connections > 0 || live.watched_at.elapsed() < LINGER
        });
        if !is_watched {
            *live = None;
        }
        !is_watched
    }
}

impl Live {
    fn start(sse: &Sse) -> Result<Self, Error> {
        let config = Config::new(NO_FOLDER, &format!("{STATE}:{STATE}"))?
            .with_stream_duration(STREAM_DURATION)
            .with_max_connections(MAX_WATCHING_PAGES)
            .with_entries_in_memory(STATES_IN_MEMORY)
            .with_history(0)
            .with_max_value_bytes(usize::MAX)
            .with_lookback(Duration::ZERO);
        let config = match sse.config() {
            Ok(app) => config.with_signal_handling(app.signal_handling()),
            Err(_) => config,
        };
        let cache = Cache::observed_in_memory(&config, Observations::unrecorded())?;
        Ok(Self {
            states: Sse::from_cache(&cache),
            watched_at: Instant::now(),
            published_at: None,
        })
    }
}

/// The work of the thread, until nothing needs the feed.
fn run(feed: &Weak<Feed>, interrupt: &Interrupt) {
    while !interrupt.is_raised() {
        let Some(feed) = feed.upgrade() else { return };
        let time = feed.turn();
        drop(feed);
        interrupt.wait(time);
    }
}

impl Feed {
    fn is_closing(&self) -> bool {
        let state = self.sse.state();
        state.is_ok_and(|state| state.hub.is_closing())
    }
}

#[cfg(test)]
impl Feed {
    pub(super) fn is_live(&self) -> bool {
        lock(&self.live).is_some()
    }

    /// As if all samples were older by this time.
    fn delay(&self, time: Duration) {
        lock(&self.history).delay(time);
    }

    /// As if the last page had opened so long ago.
    pub(super) fn watched_before(&self, time: Duration) {
        if let Some(live) = &mut *lock(&self.live) {
            live.watched_at -= time;
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
