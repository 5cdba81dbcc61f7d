//! From the journal to every stream of this process: one thread reads, everybody else shares.
//!
//! The tail reads each entry once, encodes each of its events once, and puts the frames into the
//! ring. A stream is a cursor into the ring. It has no queue, so a slow one costs nothing and
//! delays nobody; one that falls off the ring is served from the journal.

mod alarms;
mod bell;
mod chunk;
mod cursor;
mod disconnect;
mod frame;
mod place;
mod replay;
mod ring;
mod slot;
mod tail;
mod waiters;
mod worker;

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Instant,
};

pub(crate) use self::worker::Worker;
use self::{bell::Bells, ring::Ring};
pub(crate) use self::{
    cursor::{Cursor, EventId},
    disconnect::Endpoints,
    frame::{Filter, Gap, gap, heartbeat},
    place::{Opening, Place},
    replay::{Replayed, Request as ReplayRequest, replay},
    ring::Taken,
    slot::Wanted,
    worker::Member,
};
#[cfg(feature = "__internals")]
pub(crate) use self::{slot::Slot, tail::read_what_is_there};
use crate::{
    cache::JournalHandle,
    config::Config,
    error::Error,
    runtime::{BackgroundThread, ThreadWaker},
};

/// What all streams of one cache share.
pub(crate) struct Hub {
    feed: Arc<Feed>,
    store: Arc<JournalHandle>,
    /// Counts the configurations, so that a stream sees whether its times are still right.
    version: Arc<AtomicU32>,
    /// End the threads when the hub goes.
    _tail: BackgroundThread,
    _configuration: BackgroundThread,
}

/// What the tail fills and the streams read.
pub(crate) struct Feed {
    pub(crate) ring: Ring,
    bells: Bells,
    closing: AtomicBool,
}

impl Hub {
    pub(crate) fn start(store: Arc<JournalHandle>) -> Result<Self, Error> {
        let feed = Arc::new(Feed::new(&store.config()));
        let version = Arc::<AtomicU32>::default();
        let tail = tail::start(Arc::clone(&store), Arc::clone(&feed))?;
        let configuration = follow_configuration(&store, &feed, &version, tail.waker())?;
        Ok(Self {
            feed,
            store,
            version,
            _tail: tail,
            _configuration: configuration,
        })
    }

    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        self.store.config()
    }

    /// Another number each time that the configuration has changed.
    pub(crate) fn config_version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn store(&self) -> &Arc<JournalHandle> {
        &self.store
    }

    /// Where a client begins that brings no id: what was saved in the last few seconds is for it.
    pub(crate) fn opening(&self) -> Opening {
        self.feed
            .ring
            .opening(Instant::now().checked_sub(self.config().lookback()))
    }

    /// Ends every stream. Clients that do not read are disconnected a moment later.
    pub(crate) fn close(&self) {
        self.feed.closing.store(true, Ordering::SeqCst);
        self.feed.bells.ring_for_all();
    }
}

impl Feed {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            ring: Ring::new(config.in_memory()),
            bells: Bells::default(),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// A place among the streams on this thread; called on a worker.
    pub(crate) fn join(self: &Arc<Self>, filter: &Filter, connection: Option<Endpoints>) -> Member {
        self.on_this_thread().join(filter, connection)
    }

    /// What the streams of this thread share.
    pub(crate) fn on_this_thread(self: &Arc<Self>) -> Rc<Worker> {
        self.bells.on_this_thread(self)
    }
}

/// Looks at `.env` for as long as the returned handle lives, and tells everybody of a change.
fn follow_configuration(
    store: &Arc<JournalHandle>,
    feed: &Arc<Feed>,
    version: &Arc<AtomicU32>,
    tail: ThreadWaker,
) -> Result<BackgroundThread, Error> {
    let (store, feed, version) = (Arc::clone(store), Arc::clone(feed), Arc::clone(version));
    let folder = store.config().app_dir().to_owned();
    BackgroundThread::start("sse-config", move |interrupt| {
        while !interrupt.is_raised() {
            interrupt.wait(store.config_watcher().time_to_next_check());
            if store.config_watcher().reload_if_due() {
                version.fetch_add(1, Ordering::Release);
                tail.wake();
                feed.bells.ring_for_all();
            }
        }
    })
    .map_err(|error| Error::io("follow the configuration", &folder, error))
}

/// A factor that varies a duration by up to 10 %, so that what began together does not end
/// together.
pub(crate) fn variation() -> f32 {
    0.9 + 0.2 * fastrand::f32()
}

/// What the fuzz targets need of this module.
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing {
    use bytes::Bytes;

    use super::frame::frames;
    use crate::{config::Events, entry::Entry};

    /// The encoded events of one entry.
    pub(crate) fn frames_of(entry: &Entry, events: &Events) -> Vec<Bytes> {
        let frames = frames(entry, events).expect("names that are allowed can be encoded");
        frames.into_iter().map(|frame| frame.bytes).collect()
    }
}
