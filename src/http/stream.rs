//! One client's stream: the body of its response.

mod schedule;
#[cfg(test)]
mod tests;

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle};

use self::schedule::{Due, Schedule};
use super::{
    limits::ConnectionGuard,
    stream_server::StreamServer,
    subscription::{LastEventId, Subscription},
};
use crate::{
    epoch::Epoch,
    error::Error,
    hub::{
        Cursor, Filter, Gap, Hub, Member, Opening, Place, ReplayRequest, Replayed, Taken, Wanted,
        gap, heartbeat, replay, variation,
    },
};

/// As many bytes are given to actix-web at once.
const PIECE: usize = 8 * 1024;

/// A comment, which no client tells anybody of.
const PROBE: &[u8] = b":\n";

/// The events of one client, encoded as `text/event-stream`: a body for your own response.
///
/// It begins at once with a heartbeat that carries the client's place, sends one whenever it was
/// silent for a while, and ends after `SSE_STREAM_DURATION`; the client then returns and goes on
/// where it was.
pub struct EventStream {
    hub: Arc<Hub>,
    filter: Filter,
    place: Place,
    /// It has had all that is in memory, and waits for more.
    is_caught_up: bool,
    /// Bytes that are due before anything else: how it begins, or what is left of a large chunk.
    due: Bytes,
    /// An answer from the journal that is on its way.
    from_journal: Option<JoinHandle<Result<Replayed, Error>>>,
    /// The client's number lies beyond the ring, but the journal knows it.
    ahead_is_known: bool,
    /// The journal that the ring still shows, although the client's own is in force: the tail has
    /// not noticed yet that the folder was replaced.
    outdated: Option<Epoch>,
    /// When the client came, the ring showed another journal than its own: which entries were saved
    /// before is not known yet.
    came_elsewhere: bool,
    /// Among the streams of this thread.
    member: Member,
    schedule: Schedule,
    ended: bool,
    _guard: ConnectionGuard,
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
    pub(crate) fn open(server: &StreamServer, subscription: Subscription) -> Result<Self, Error> {
        let hub = Arc::clone(&server.hub);
        subscription.check(hub.config().events())?;
        let guard = server.count_stream(subscription.address)?;
        server.close_on_signals();
        let retry = hub.config().retry();
        let filter = subscription.filter;
        let opening = hub.opening();
        let mut stream = Self {
            member: hub.feed().join(&filter, subscription.connection),
            filter,
            place: Place::of_a_new_client(opening),
            is_caught_up: false,
            due: Bytes::new(),
            from_journal: None,
            ahead_is_known: false,
            outdated: None,
            came_elsewhere: false,
            schedule: Schedule::new(server),
            ended: false,
            _guard: guard,
            hub,
        };
        let mut gap = None;
        let is_returning = matches!(subscription.last_event_id, Some(LastEventId::Ours(_)));
        match subscription.last_event_id {
            None => {}
            // Whether it is of another journal decides the one on the disk, which may be newer than
            // what the tail follows.
            Some(LastEventId::Ours(id)) => {
                stream.place = Place::of_a_returning_client(opening, id);
                if subscription.lookback {
                    stream.place = stream.place.looking_back(opening);
                }
                stream.came_elsewhere = id.epoch != opening.epoch;
            }
            Some(LastEventId::Unknown) => gap = Some(stream.gap(Gap::UnknownId)),
        }
        let heartbeat = stream.first_heartbeat(retry, is_returning);
        stream.due = match gap {
            Some(gap) => [gap, heartbeat].concat().into(),
            None => heartbeat,
        };
        Ok(stream)
    }

    fn gap(&self, why: Gap) -> Bytes {
        gap(self.place.id(), why)
    }

    /// The place of a new client was just given to it, and needs no confirmation, even if another
    /// journal is in force by now.
    fn first_heartbeat(&self, retry: Duration, is_returning: bool) -> Bytes {
        if is_returning {
            return self.heartbeat(Some(retry));
        }
        let id = Some(self.place.id());
        heartbeat(id, self.schedule.heartbeat(), Some(retry))
    }

    fn heartbeat(&self, retry: Option<Duration>) -> Bytes {
        // An id that only the journal can confirm is not repeated to the client before it has.
        let id = self.is_confirmed().then(|| self.place.id());
        heartbeat(id, self.schedule.heartbeat(), retry)
    }

    fn is_confirmed(&self) -> bool {
        let end = self.member.end(&self.hub.feed().ring);
        let is_there = self.place.cursor <= Cursor::before(end.next);
        self.place.epoch == end.epoch && (self.ahead_is_known || is_there)
    }

    /// Goes on elsewhere, and says so.
    fn begin_again(&mut self, place: Place, why: Gap) -> Bytes {
        self.place = place;
        self.is_caught_up = false;
        self.ahead_is_known = false;
        self.outdated = None;
        self.came_elsewhere = false;
        self.gap(why)
    }

    /// All that is new, from wherever it is to be had. Ready with nothing: wait for more.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if mem::take(&mut self.is_caught_up) {
            let next = self.member.slept_until(self.place.position());
            self.place.cursor = self.place.cursor.max(Cursor::before(next));
        }
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
            if self.came_elsewhere {
                self.count_replayed(self.hub.opening());
            }
            let wanted = Wanted {
                place: self.place,
                filter: &self.filter,
            };
            let taken = self.member.take(&self.hub.feed().ring, &wanted);
            match taken {
                Taken::Frames(bytes, cursor) => {
                    self.place.cursor = cursor;
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(bytes));
                    }
                }
                Taken::CaughtUp => {
                    self.is_caught_up = true;
                    return Poll::Ready(None);
                }
                Taken::Ahead if self.ahead_is_known => {
                    self.is_caught_up = true;
                    return Poll::Ready(None);
                }
                Taken::OtherEpoch(ring) if self.outdated == Some(ring) => return Poll::Ready(None),
                Taken::Ahead | Taken::Behind | Taken::OtherEpoch(_) => self.ask_journal(),
            }
        }
    }

    /// The tail may follow the client's journal by now.
    fn arrive(&mut self) {
        if self.member.end(&self.hub.feed().ring).epoch == self.place.epoch {
            self.outdated = None;
        }
    }

    /// If the tail has come to the client's journal before the journal was asked: numbers of the
    /// journal that it showed before say nothing here.
    fn count_replayed(&mut self, opening: Opening) {
        if opening.epoch == self.place.epoch {
            self.place.replay_until = opening.end - 1;
            self.came_elsewhere = false;
        }
    }

    /// Files are read on a thread that may wait for them, never on this one.
    fn ask_journal(&mut self) {
        let store = Arc::clone(self.hub.store());
        let opening = self.hub.opening();
        if self.came_elsewhere {
            self.count_replayed(opening);
        }
        let request = ReplayRequest {
            place: self.place,
            filter: self.filter.clone(),
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
                    self.came_elsewhere = false;
                }
                return Answer::Further;
            }
            // Where the ring is, the client may have been before: it goes on in the journal in
            // force, when the tail has come there.
            Ok(Ok(Replayed::Outdated(ring))) => {
                self.outdated = Some(ring);
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
        self.due.split_to(self.due.len().min(PIECE))
    }

    /// The last block of a stream that ends as planned: the client returns after a moment that is
    /// not the same for all. The next stream's first block sets the usual time again.
    fn farewell(&mut self) -> Bytes {
        self.ended = true;
        let retry = if self.hub.feed().is_closing() {
            self.member.end_with_all();
            self.hub.config().retry().mul_f32(variation())
        } else {
            Duration::from_millis(fastrand::u64(10..100))
        };
        self.heartbeat(Some(retry))
    }

    fn is_over(&self, now: Instant) -> bool {
        self.hub.feed().is_closing() || self.schedule.is_over(now)
    }

    /// The next planned block, if it is time for it.
    fn planned(&mut self, now: Instant) -> Option<Bytes> {
        Some(match self.schedule.due(now)? {
            Due::End => self.farewell(),
            Due::Heartbeat => self.heartbeat(None),
            Due::Probe => Bytes::from_static(PROBE),
        })
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
        if !this.due.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        this.schedule.follow(&this.hub);
        if this.is_over(now) {
            return Poll::Ready(Some(Ok(this.farewell())));
        }
        match this.poll_events(context) {
            Poll::Ready(Some(bytes)) => {
                this.schedule.was_heard(now);
                this.due = bytes;
                return Poll::Ready(Some(Ok(this.piece())));
            }
            Poll::Ready(None) if this.ended => return Poll::Ready(None),
            Poll::Ready(None) => this.member.wait(context),
            Poll::Pending => {}
        }
        if let Some(bytes) = this.planned(now) {
            return Poll::Ready(Some(Ok(bytes)));
        }
        this.member.wake_at(this.schedule.next(), context);
        Poll::Pending
    }
}
