//! The steps of a delivery, one by one, for the measurements in `benches/`. This is not part of the
//! public API: only the feature `__internals` compiles it.
#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "users never see this module"
)]

use std::{
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant, SystemTime},
};

use actix_web::{body::MessageBody, test::TestRequest};
use serde_json::value::RawValue;

use crate::{
    Cache, Error, EventStream, Sse, Subscription,
    audience::Recipients,
    cache::IntoAudiences,
    config::Events,
    entry::{self, Entry},
    epoch::Epoch,
    hub::{LocalHub, RingEntry, SharedState, read_existing_entries},
    observe::{DELIVERIES_PER_LAG, DeliveryTally, SentEvents},
};

/// An entry's JSON document, as its file contains it.
pub struct EncodedDocument(Vec<u8>);

impl EncodedDocument {
    /// # Panics
    ///
    /// If `value` is not JSON.
    #[must_use]
    pub fn new(key: &str, value: &str) -> Self {
        let value = RawValue::from_string(value.to_owned()).expect("the value is JSON");
        let time = SystemTime::UNIX_EPOCH;
        Self(entry::encode_document(key, value, Duration::ZERO, time))
    }

    /// A value that was saved for these audiences.
    ///
    /// # Panics
    ///
    /// If `value` is not JSON, or a name is not valid.
    #[must_use]
    pub fn for_audiences(key: &str, value: &str, names: impl IntoAudiences) -> Self {
        let value = RawValue::from_string(value.to_owned()).expect("the value is JSON");
        let recipients =
            Recipients::new(Some(names.into_audiences())).expect("the names are valid");
        let time = SystemTime::UNIX_EPOCH;
        let ttl = Duration::ZERO;
        Self(entry::encode_document_for(
            &recipients,
            key,
            value,
            ttl,
            time,
            None,
            None,
        ))
    }

    /// Parses and encodes the entry as the tail does.
    fn to_ring_entry(&self, epoch: Epoch, events: &Events) -> RingEntry {
        let entry = Entry::parse(epoch, 1, &self.0).expect("a document that we wrote can be read");
        RingEntry::new(&entry, events, SystemTime::UNIX_EPOCH)
    }

    /// Encodes the frames that browsers get, and returns their size in bytes.
    #[must_use]
    pub fn encode(&self, events: &Events) -> usize {
        self.to_ring_entry(Epoch(1), events).byte_count()
    }
}

/// Reads the journal into a ring, as a server does at its start, and returns the number of the
/// newest entry.
///
/// # Errors
///
/// If the cache cannot be read.
pub fn read_journal(cache: &Cache) -> Result<u64, Error> {
    let journal_handle = cache.journal_handle()?;
    let observations = journal_handle.observations().clone();
    let shared = SharedState::new(&journal_handle.config(), observations);
    read_existing_entries(&journal_handle, &shared)
}

/// What one worker records beside its deliveries.
pub struct Recording {
    tally: DeliveryTally,
    sent: SentEvents,
}

impl Recording {
    /// Records what a server with this cache does.
    #[must_use]
    pub fn new(cache: &Cache) -> Self {
        let mut sent = SentEvents::default();
        sent.add(&"order".into(), false, Some(Instant::now()));
        let tally = DeliveryTally::new(cache.observations().clone());
        Self { tally, sent }
    }

    /// Records that an event was sent to this many streams in one turn.
    pub fn record(&mut self, streams: u32) {
        let mut left = streams;
        while left > 0 {
            let group = left.min(DELIVERIES_PER_LAG);
            self.tally.add(&self.sent, group);
            left -= group;
        }
        self.tally.report();
    }
}

/// Streams on one thread that only the caller polls. What is delivered to them is in no journal.
pub struct Streams {
    sse: Sse,
    local_hub: Rc<LocalHub>,
    streams: Vec<(Pin<Box<EventStream>>, Arc<WakeRecorder>)>,
}

/// All accesses are `Relaxed`, because they are on one thread.
#[derive(Default)]
struct WakeRecorder(AtomicBool);

impl Wake for WakeRecorder {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Streams {
    /// Opens `count` streams. Call it where actix-web runs.
    ///
    /// # Errors
    ///
    /// If the cache cannot be used, or its configuration allows fewer streams.
    pub fn open(cache: &Cache, count: usize) -> Result<Self, Error> {
        Self::open_with(cache, count, |_, subscription| subscription)
    }

    /// Opens `count` streams, to each of which `grant` grants audiences by its index.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(
        cache: &Cache,
        count: usize,
        grant: impl Fn(usize, Subscription) -> Subscription,
    ) -> Result<Self, Error> {
        let sse = Sse::from_cache(cache);
        let open_stream = |index| {
            let request = TestRequest::default().to_http_request();
            let stream = sse.subscribe(grant(index, Subscription::new(&request)))?;
            Ok((Box::pin(stream), Arc::default()))
        };
        let opened = (0..count).map(open_stream).collect::<Result<_, Error>>()?;
        let local_hub = sse.state()?.hub.local_hub();
        let mut streams = Self {
            sse,
            local_hub,
            streams: opened,
        };
        for (_, woken) in &streams.streams {
            Arc::clone(woken).wake();
        }
        streams.deliver();
        Ok(streams)
    }

    /// Adds the document's event to the ring, and returns how many streams it wakes.
    pub fn wake(&self, document: &EncodedDocument) -> usize {
        self.publish(document);
        self.streams
            .iter()
            .filter(|(_, woken)| woken.0.load(Ordering::Relaxed))
            .count()
    }

    /// Adds the document's event to the ring and wakes streams, at a cost that does not depend on their number.
    pub fn publish(&self, document: &EncodedDocument) {
        let hub = &self.sse.state().expect("the streams are open").hub;
        let ring = hub.ring();
        ring.push([document.to_ring_entry(ring.end().epoch, hub.config().events())]);
        self.local_hub.queue_for_new_entries(ring);
        while self.local_hub.wake_group() {}
    }

    /// Polls the woken streams until each waits again, and returns how many bytes they sent.
    pub fn deliver(&mut self) -> usize {
        let delivered = self.streams.iter_mut().map(poll_if_woken).sum();
        self.local_hub.report_deliveries();
        delivered
    }

    /// Polls the stream with this index until it waits again, if it is woken. Returns how many bytes it sent.
    pub fn deliver_to(&mut self, index: usize) -> usize {
        let delivered = poll_if_woken(&mut self.streams[index]);
        self.local_hub.report_deliveries();
        delivered
    }
}

fn poll_if_woken((stream, woken): &mut (Pin<Box<EventStream>>, Arc<WakeRecorder>)) -> usize {
    let mut bytes = 0;
    if woken.0.swap(false, Ordering::Relaxed) {
        let waker = Waker::from(Arc::clone(woken));
        let mut context = Context::from_waker(&waker);
        while let Poll::Ready(Some(Ok(chunk))) = stream.as_mut().poll_next(&mut context) {
            bytes += chunk.len();
        }
    }
    bytes
}
