//! The steps of a delivery one by one, for the measurements in `benches/`: no part of the
//! interface, and in no build without the feature `__internals`.
#![allow(missing_docs, reason = "this is not for users")]

use std::{
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime},
};

use actix_web::{body::MessageBody, test::TestRequest};
use serde_json::value::RawValue;

use crate::{
    Cache, Error, EventStream, Sse, Subscription,
    config::Events,
    entry::{self, Entry},
    epoch::Epoch,
    hub::{Feed, Slot, Worker, read_what_is_there},
};

/// A journal's entry as it lies in its file.
pub struct Document(Vec<u8>);

impl Document {
    /// # Panics
    ///
    /// When `value` is no JSON.
    #[must_use]
    pub fn new(key: &str, value: &str) -> Self {
        let value = RawValue::from_string(value.to_owned()).expect("the value is JSON");
        let time = SystemTime::UNIX_EPOCH;
        Self(entry::document(key, value, Duration::ZERO, time))
    }

    /// Makes of it what lies in the ring.
    fn slot(&self, epoch: Epoch, events: &Events) -> Slot {
        let entry = Entry::parse(epoch, 1, &self.0).expect("what we wrote we can read");
        Slot::of(&entry, events, SystemTime::UNIX_EPOCH)
    }

    /// From its bytes to those that browsers get, of which there are so many.
    #[must_use]
    pub fn encode(&self, events: &Events) -> usize {
        self.slot(Epoch(1), events).content.bytes()
    }
}

/// Reads all that the ring has room for, as a server does that starts, and says how much it was.
///
/// # Errors
///
/// When the cache cannot be read.
pub fn read_journal(cache: &Cache) -> Result<u64, Error> {
    let store = cache.journal()?;
    let feed = Arc::new(Feed::new(&store.config()));
    read_what_is_there(&store, &feed)
}

/// Streams of one thread, which nobody but the caller polls. What is published here is in no
/// journal.
pub struct Streams {
    sse: Sse,
    worker: Rc<Worker>,
    open: Vec<(Pin<Box<EventStream>>, Arc<Woken>)>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Streams {
    /// Opens them; to be called where actix-web runs.
    ///
    /// # Errors
    ///
    /// When the cache cannot be used, or not for so many streams.
    pub fn open(cache: &Cache, count: usize) -> Result<Self, Error> {
        let sse = Sse::follow(cache)?;
        let open = || {
            let request = TestRequest::default().to_http_request();
            let stream = sse.open(Subscription::from_request(&request)?)?;
            Ok((Box::pin(stream), Arc::default()))
        };
        let open = (0..count).map(|_| open()).collect::<Result<_, Error>>()?;
        let feed = sse.server.hub.feed();
        let worker = feed.on_this_thread();
        let mut streams = Self { sse, worker, open };
        for (_, woken) in &streams.open {
            woken.0.store(true, Ordering::Relaxed);
        }
        streams.deliver();
        Ok(streams)
    }

    /// Has the event of this document for all of them, and says how many it wakes.
    pub fn wake(&self, document: &Document) -> usize {
        let hub = &self.sse.server.hub;
        let ring = &hub.feed().ring;
        ring.push([document.slot(ring.end().epoch, hub.config().events())]);
        self.worker.hear(ring);
        let is_woken = |woken: &Woken| woken.0.load(Ordering::Relaxed);
        self.open
            .iter()
            .filter(|(_, woken)| is_woken(woken))
            .count()
    }

    /// Polls those that were woken until each waits again, and says how many bytes they had.
    pub fn deliver(&mut self) -> usize {
        let mut bytes = 0;
        for (stream, woken) in &mut self.open {
            if woken.0.swap(false, Ordering::Relaxed) {
                let waker = Waker::from(Arc::clone(woken));
                let mut context = Context::from_waker(&waker);
                while let Poll::Ready(Some(Ok(chunk))) = stream.as_mut().poll_next(&mut context) {
                    bytes += chunk.len();
                }
            }
        }
        bytes
    }
}
