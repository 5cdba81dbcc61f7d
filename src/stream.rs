//! One client's stream: the body of its response.

#[cfg(test)]
mod tests;

use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::body::{BodySize, MessageBody};
use bytes::{Bytes, BytesMut};
use tokio::{
    task::{JoinError, JoinHandle},
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    epoch::Epoch,
    error::Error,
    hub::{
        Filter, Gap, Hub, Permit, Place, ReplayRequest, Replayed, Taken, Waiters, Wanted, gap,
        heartbeat, replay, variation,
    },
    subscription::{LastEventId, Subscription},
};

/// As many bytes are given to actix-web at once.
const PIECE: usize = 8 * 1024;

/// How long after a heartbeat a connection is tried once more.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// A comment, which no client tells anybody of.
const PROBE: &[u8] = b":\n";

/// The events of one client, encoded as `text/event-stream`: a body for your own response.
///
/// It begins at once with a heartbeat that carries the client's place, sends one whenever it was
/// silent for a while, and ends after `SSE_STREAM_DURATION`; the client then returns and goes on
/// where it was.
pub struct EventStream {
    hub: Arc<Hub>,
    filter: Arc<Filter>,
    place: Place,
    /// Bytes that are due before anything else.
    due: BytesMut,
    /// What is left of a large chunk. Before it, nothing is due.
    rest: Bytes,
    /// An answer from the journal that is on its way.
    from_journal: Option<JoinHandle<Result<Replayed, Error>>>,
    /// The client's number lies beyond the ring, but the journal knows it.
    ahead_is_known: bool,
    /// The journal that the ring still shows, although the client's own is in force: the tail has
    /// not noticed yet that the folder was replaced.
    outdated: Option<Epoch>,
    waiting: Waiting,
    timer: Pin<Box<Sleep>>,
    heartbeat: Duration,
    heartbeat_at: Instant,
    lifetime: Lifetime,
    /// A client that has closed its connection answers the next block by a reset, and actix-web
    /// notices a reset when it writes again. Without this, that would be a heartbeat later.
    probe_at: Option<Instant>,
    ended: bool,
    _permit: Permit,
}

/// How long the stream lasts, by the configuration in force.
struct Lifetime {
    opened: Instant,
    /// The stream's own share of the configured duration.
    variation: f64,
    ends_at: Option<Instant>,
    /// The configuration that says so.
    version: usize,
}

/// A place in this thread's list of waiting streams.
struct Waiting {
    waiters: Rc<Waiters>,
    place: usize,
}

/// What came of asking the journal.
enum Answer {
    Chunk(Bytes),
    /// Nothing for this client, which is further now.
    Further,
    /// Nothing until the tail has noticed what the journal says.
    Wait,
    End,
}

impl EventStream {
    pub(crate) fn open(hub: Arc<Hub>, subscription: Subscription) -> Result<Self, Error> {
        subscription.check(hub.config().events())?;
        let permit = hub.permit(subscription.address)?;
        hub.close_with_the_process();
        let now = Instant::now();
        let config = hub.config();
        let (heartbeat, retry) = (config.heartbeat(), config.retry());
        let waiters = hub.feed().waiters();
        let mut stream = Self {
            filter: Arc::new(subscription.filter),
            place: Place::of_a_new_client(hub.opening()),
            due: BytesMut::new(),
            rest: Bytes::new(),
            from_journal: None,
            ahead_is_known: false,
            outdated: None,
            waiting: Waiting {
                place: waiters.join(),
                waiters,
            },
            timer: Box::pin(sleep_until(now + heartbeat)),
            heartbeat,
            heartbeat_at: now + heartbeat,
            lifetime: Lifetime::new(&hub, now),
            probe_at: None,
            ended: false,
            _permit: permit,
            hub,
        };
        match subscription.last_event_id {
            None => {}
            // Whether it is of another journal decides the one on the disk, which may be newer than
            // what the tail follows.
            Some(LastEventId::Ours(id)) => {
                stream.place.epoch = id.epoch;
                stream.place.cursor = id.cursor;
                stream.place.returning = true;
            }
            Some(LastEventId::Unknown) => stream.gap(Gap::UnknownId),
        }
        stream.heartbeat(Some(retry));
        Ok(stream)
    }

    fn gap(&mut self, why: Gap) {
        self.due.extend_from_slice(&gap(self.place.id(), why));
    }

    fn heartbeat(&mut self, retry: Option<Duration>) {
        // An id that only the journal can confirm is not repeated to the client before it has.
        let id = self.is_confirmed().then(|| self.place.id());
        self.due
            .extend_from_slice(&heartbeat(id, self.heartbeat, retry));
    }

    fn is_confirmed(&self) -> bool {
        let ring = &self.hub.feed().ring;
        self.place.epoch == ring.epoch() && (self.ahead_is_known || self.place.cursor <= ring.end())
    }

    /// Goes on elsewhere, and says so.
    fn begin_again(&mut self, place: Place, why: Gap) -> Bytes {
        self.place = place;
        self.ahead_is_known = false;
        self.outdated = None;
        self.gap(why);
        self.due.split().freeze()
    }

    /// All that is new, from wherever it is to be had. Ready with nothing: wait for more.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(answer) = &mut self.from_journal {
                let answer = ready!(Pin::new(answer).poll(context));
                self.from_journal = None;
                match self.answered(answer) {
                    Answer::Chunk(bytes) => return Poll::Ready(Some(bytes)),
                    Answer::Further => {}
                    Answer::Wait => return Poll::Ready(None),
                    Answer::End => {
                        self.ended = true;
                        return Poll::Ready(None);
                    }
                }
            }
            if self.outdated.is_some() {
                self.arrive();
            }
            let taken = self.hub.feed().ring.take(&Wanted {
                place: self.place,
                filter: &self.filter,
            });
            match taken {
                Taken::Frames(bytes, cursor) => {
                    self.place.cursor = cursor;
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(bytes));
                    }
                }
                Taken::CaughtUp => return Poll::Ready(None),
                Taken::Ahead if self.ahead_is_known => return Poll::Ready(None),
                Taken::OtherEpoch(ring) if self.outdated == Some(ring) => return Poll::Ready(None),
                Taken::Ahead | Taken::Behind | Taken::OtherEpoch(_) => self.ask_journal(),
            }
        }
    }

    /// The tail may follow the client's journal by now.
    fn arrive(&mut self) {
        if self.hub.feed().ring.epoch() == self.place.epoch {
            self.outdated = None;
        }
    }

    /// Files are read on a thread that may wait for them, never on this one.
    fn ask_journal(&mut self) {
        let store = Arc::clone(self.hub.store());
        let opening = self.hub.opening();
        let request = ReplayRequest {
            place: self.place,
            filter: Arc::clone(&self.filter),
            ring: opening.epoch,
            until: opening.first,
        };
        self.from_journal = Some(tokio::task::spawn_blocking(move || {
            replay(&store, &request)
        }));
    }

    fn answered(&mut self, answer: Result<Result<Replayed, Error>, JoinError>) -> Answer {
        let failed = match answer {
            Ok(Ok(Replayed::Frames(bytes, cursor))) => {
                self.place.cursor = cursor;
                return if bytes.is_empty() {
                    Answer::Further
                } else {
                    Answer::Chunk(bytes)
                };
            }
            // While the journal was asked, the ring may have come so far: look again.
            Ok(Ok(Replayed::Ahead)) => {
                self.ahead_is_known = true;
                return Answer::Further;
            }
            Ok(Ok(Replayed::InForce { outdated, newest })) => {
                // What is saved from now on is delivered as it comes, however late the tail is.
                if self.outdated.replace(outdated).is_none() {
                    self.place.replay_until = newest;
                }
                return Answer::Further;
            }
            Ok(Ok(Replayed::Unknown)) => {
                let place = Place::of_a_new_client(self.hub.opening());
                return Answer::Chunk(self.begin_again(place, Gap::UnknownId));
            }
            Ok(Ok(Replayed::OtherEpoch)) => {
                let opening = self.hub.opening();
                return if opening.epoch == self.place.epoch {
                    Answer::Wait
                } else {
                    let place = Place::in_another_journal(opening);
                    Answer::Chunk(self.begin_again(place, Gap::OtherEpoch))
                };
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        // The client keeps its place, and comes back for what it could not get now.
        log::error!("a stream ends early, its client will return: {failed}");
        Answer::End
    }

    /// The next part of a chunk. actix-web copies what it is given, and takes more as long as it has
    /// less than 32 KiB to write: whole, a large frame would be copied for each client that does
    /// not read.
    fn piece(&mut self) -> Bytes {
        self.rest.split_to(self.rest.len().min(PIECE))
    }

    /// The last block of a stream that ends as planned: the client returns after a moment that is
    /// not the same for all. The next stream's first block sets the usual time again.
    fn farewell(&mut self) -> Bytes {
        self.ended = true;
        let retry = if self.hub.feed().is_closing() {
            self.hub.config().retry().mul_f64(variation())
        } else {
            Duration::from_millis(fastrand::u64(10..100))
        };
        self.heartbeat(Some(retry));
        self.due.split().freeze()
    }

    fn is_over(&self, now: Instant) -> bool {
        self.hub.feed().is_closing() || self.lifetime.ends_at.is_some_and(|end| now >= end)
    }

    fn due_at(&self) -> Instant {
        let others = [self.lifetime.ends_at, self.probe_at];
        others
            .into_iter()
            .flatten()
            .fold(self.heartbeat_at, Instant::min)
    }

    /// The next planned block.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            let due_at = self.due_at();
            // Every event puts the heartbeat off. The timer is not moved each time, but fires at
            // the old time and is set anew then.
            if due_at < self.timer.deadline() {
                self.timer.as_mut().reset(due_at);
            }
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if self.is_over(now) {
                return Poll::Ready(self.farewell());
            }
            if now >= self.heartbeat_at {
                self.heartbeat_at = now + self.heartbeat;
                self.probe_at = Some(now + PROBE_AFTER.min(self.heartbeat / 2));
                let due_at = self.due_at();
                self.timer.as_mut().reset(due_at);
                self.heartbeat(None);
                return Poll::Ready(self.due.split().freeze());
            }
            if self.probe_at.take_if(|at| now >= *at).is_some() {
                return Poll::Ready(Bytes::from_static(PROBE));
            }
            self.timer.as_mut().reset(due_at);
        }
    }
}

impl MessageBody for EventStream {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    /// Never ready with an empty chunk: actix-web would end the response there.
    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let now = Instant::now();
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        if !this.due.is_empty() {
            return Poll::Ready(Some(Ok(this.due.split().freeze())));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        this.lifetime.follow(&this.hub);
        if this.is_over(now) {
            return Poll::Ready(Some(Ok(this.farewell())));
        }
        match this.poll_events(context) {
            Poll::Ready(Some(bytes)) => {
                this.heartbeat_at = now + this.heartbeat;
                this.probe_at = None;
                this.rest = bytes;
                return Poll::Ready(Some(Ok(this.piece())));
            }
            Poll::Ready(None) if this.ended => return Poll::Ready(None),
            Poll::Ready(None) => this.waiting.wait(context),
            Poll::Pending => {}
        }
        this.poll_timer(context).map(|bytes| Some(Ok(bytes)))
    }
}

impl Lifetime {
    fn new(hub: &Hub, opened: Instant) -> Self {
        let mut new = Self {
            opened,
            variation: variation(),
            ends_at: None,
            version: hub.config_version(),
        };
        new.plan(hub);
        new
    }

    /// Plans anew, if the configuration has changed.
    fn follow(&mut self, hub: &Hub) {
        let version = hub.config_version();
        if version != self.version {
            self.version = version;
            self.plan(hub);
        }
    }

    fn plan(&mut self, hub: &Hub) {
        let duration = hub.config().stream_duration();
        self.ends_at =
            (!duration.is_zero()).then(|| self.opened + duration.mul_f64(self.variation));
    }
}

impl Waiting {
    fn wait(&self, context: &Context<'_>) {
        self.waiters.wait(self.place, context.waker());
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiters.leave(self.place);
    }
}
