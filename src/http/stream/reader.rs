//! Where a stream is, and what it sends next.

use std::{
    mem,
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::pending_replay::{PendingReplay, log_failure};
use crate::{
    error::Error,
    http::subscription::{LastEventId, Subscription},
    hub::{
        EventId, Gap, Hub, ReadFrames, ReadRequest, ReplayRange, ReplayRequest, ReplayResult,
        RingCheck, RingRead, Selection, StartPoints, StreamHandle, StreamPosition, encode_gap,
        encode_heartbeat,
    },
};

pub(super) struct StreamReader {
    pub(super) hub: Arc<Hub>,
    pub(super) handle: StreamHandle,
    pub(super) selection: Selection,
    pub(super) position: StreamPosition,
    /// Whether the client wants the latest values where it does not know what it has missed.
    wants_latest: bool,
    /// The gap that precedes the latest values, until they are read.
    unsent_gap: Option<Gap>,
    state: State,
}

/// docs/architecture.md has the table of the transitions.
enum State {
    /// The ring shows the position, or showed it a moment ago.
    Reading,
    /// Everything up to the end of the ring was sent.
    CaughtUp,
    /// The ring has dropped the next entry: another thread reads the journal.
    Replaying(PendingReplay),
    /// Another thread reads the latest values from before the position.
    ReadingLatest(PendingReplay),
    /// The position is not in the ring: the tail checks whether it is in the journal.
    Unconfirmed {
        check: RingCheck,
        wants_lookback: bool,
    },
    /// An audience of the stream was revoked, or may have been: the stream ends, and the app authorizes the
    /// client's next request.
    MustReauthorize {
        /// Whether the client may continue at the position. Otherwise it begins again, as it has begun.
        is_confirmed: bool,
    },
    Ended,
}

/// Breaks with the next chunk, and continues if the state has changed.
type Step = ControlFlow<Bytes>;

impl StreamReader {
    /// Also returns the gap that the stream starts with, and the id of its position, if that is confirmed.
    pub(super) fn open(
        hub: Arc<Hub>,
        subscription: Subscription,
    ) -> (Self, Option<Gap>, Option<EventId>) {
        let points = hub.start_points();
        let grants = subscription.access.grants(&points.epochs);
        let selection = Selection {
            filter: subscription.filter,
            format: subscription.format,
            authorization: hub.authorize(grants, subscription.access.position),
        };
        let is_new = subscription.last_event_id.is_none();
        let position = match is_new && !subscription.wants_lookback {
            true => points.without_lookback(),
            false => points.for_new_client(),
        };
        let mut reader = Self {
            handle: hub.add_stream(&selection, subscription.connection),
            selection,
            position,
            wants_latest: subscription.wants_latest,
            unsent_gap: None,
            state: State::Reading,
            hub,
        };
        let mut gap = match subscription.last_event_id {
            None => None,
            Some(LastEventId::Invalid) => Some(Gap::UnknownId),
            Some(LastEventId::Valid(id)) => {
                reader.position = points.for_reconnecting_client(id);
                reader.resume(&points, None, subscription.wants_lookback)
            }
        };
        if reader.is_confirmed() {
            let is_fresh = is_new || subscription.wants_lookback;
            gap = reader.begin_at_position(is_fresh, gap);
        }
        // Not from the ring: it may show another journal by now.
        let id = reader.is_confirmed().then(|| {
            let cursor = reader.position.at.cursor;
            cursor.event_id(&points.epochs)
        });
        (reader, gap, id)
    }

    /// The id of the position, unless only the tail can confirm it.
    pub(super) fn id(&self) -> Option<EventId> {
        let id = || self.hub.ring().event_id(self.position.at);
        self.is_confirmed().then(id).flatten()
    }

    fn is_confirmed(&self) -> bool {
        !matches!(
            self.state,
            State::Unconfirmed { .. }
                | State::ReadingLatest(_)
                | State::MustReauthorize {
                    is_confirmed: false
                }
        )
    }

    /// Whether the stream must end, so that the app authorizes it again.
    pub(super) fn must_reauthorize(&self) -> bool {
        matches!(self.state, State::MustReauthorize { .. })
    }

    pub(super) fn gap_frame(&self, gap: Gap) -> Bytes {
        // The current epoch, because the client may have ids of former epochs with higher numbers.
        encode_gap(self.position.at, gap)
    }

    /// Reads nothing more.
    pub(super) fn end(&mut self) {
        self.state = State::Ended;
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// The next chunk. Ready with `None` if the stream has ended.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if matches!(self.state, State::CaughtUp) {
            self.position.at.cursor = self.handle.first_unchecked(self.position.at);
            self.state = State::Reading;
        }
        loop {
            let step = match &mut self.state {
                State::Reading => self.read_ring(),
                State::CaughtUp => {
                    self.handle.wake_at_next_event(context);
                    return Poll::Pending;
                }
                State::Replaying(replay) | State::ReadingLatest(replay) => {
                    let result = ready!(replay.poll(context));
                    self.apply_replay(result)
                }
                State::Unconfirmed {
                    check,
                    wants_lookback,
                } => {
                    let wants_lookback = *wants_lookback;
                    let ring_end = ready!(check.as_mut().poll(context));
                    self.resume_and_report(Some(ring_end), wants_lookback)
                }
                State::MustReauthorize { .. } | State::Ended => return Poll::Ready(None),
            };
            if let ControlFlow::Break(bytes) = step {
                return Poll::Ready(Some(bytes));
            }
        }
    }

    fn read_ring(&mut self) -> Step {
        let request = ReadRequest {
            position: self.position,
            selection: &self.selection,
        };
        match self.handle.read(self.hub.ring(), &request) {
            RingRead::Frames(read) => return self.advance(read),
            RingRead::CaughtUp => self.state = State::CaughtUp,
            RingRead::Behind { ring_start } => {
                self.state = State::Replaying(self.replay(ReplayRange::UpTo(ring_start)));
            }
            RingRead::Elsewhere => return self.resume_and_report(None, false),
        }
        ControlFlow::Continue(())
    }

    fn replay(&self, range: ReplayRange) -> PendingReplay {
        let request = ReplayRequest {
            position: self.position,
            selection: self.selection.clone(),
            range,
        };
        PendingReplay::start(&self.hub, request)
    }

    fn advance(&mut self, read: ReadFrames) -> Step {
        self.position.at.cursor = read.cursor;
        if read.must_reauthorize {
            self.state = State::MustReauthorize { is_confirmed: true };
        }
        send(read.bytes)
    }

    /// The latest values are before the position, which stays where it is.
    fn advance_latest(&mut self, read: ReadFrames, numbers: Arc<[u64]>) -> Step {
        self.unsent_gap = None;
        if read.cursor < self.position.at.cursor {
            let rest = ReplayRange::RestOfLatest(read.cursor, numbers);
            self.state = State::ReadingLatest(self.replay(rest));
            return send(read.bytes);
        }
        // The client learns its position, as other clients do when their stream begins.
        let interval = self.hub.config().heartbeat();
        let heartbeat = encode_heartbeat(self.id(), interval, None);
        ControlFlow::Break([read.bytes, heartbeat].concat().into())
    }

    fn apply_replay(&mut self, result: Result<ReplayResult, Error>) -> Step {
        let former = mem::replace(&mut self.state, State::Reading);
        // A client that has not received all latest values yet begins again, as it has begun.
        let wants_lookback = matches!(former, State::ReadingLatest(_));
        match result {
            Ok(ReplayResult::Frames(read, sent)) => {
                self.handle.note_replayed(&sent);
                return self.advance(read);
            }
            Ok(ReplayResult::Latest(read, sent, numbers)) => {
                self.handle.note_replayed(&sent);
                return self.advance_latest(read, numbers);
            }
            Ok(ReplayResult::Replaced) => self.check_ring(wants_lookback),
            // Nobody can read the journal, so the client has no better place to wait. The tail answers when it can.
            Err(_) if self.hub.delivery_error().is_some() => self.check_ring(wants_lookback),
            Err(error) => {
                log_failure(&error);
                self.end();
            }
        }
        ControlFlow::Continue(())
    }

    /// Continues where the ring shows the position, and otherwise waits until the tail has checked the
    /// ring. `checked_end` was the end of the ring at such a check.
    fn resume(
        &mut self,
        points: &StartPoints,
        checked_end: Option<EventId>,
        wants_lookback: bool,
    ) -> Option<Gap> {
        let Some((position, gap)) = points.resume(self.position, checked_end) else {
            self.check_ring(wants_lookback);
            return None;
        };
        self.state = State::Reading;
        self.position = if wants_lookback {
            points.with_lookback(position)
        } else {
            position
        };
        gap
    }

    fn check_ring(&mut self, wants_lookback: bool) {
        self.state = State::Unconfirmed {
            check: self.hub.check_ring(),
            wants_lookback,
        };
    }

    fn resume_and_report(&mut self, checked_end: Option<EventId>, wants_lookback: bool) -> Step {
        let gap = self.resume(&self.hub.start_points(), checked_end, wants_lookback);
        let gap = match self.is_confirmed() {
            true => {
                // A read of the latest values that has failed has not sent it.
                let gap = gap.or(self.unsent_gap.take());
                self.begin_at_position(wants_lookback, gap)
            }
            false => gap,
        };
        match gap {
            Some(gap) => {
                self.hub.observations().gap_sent(gap, 1);
                ControlFlow::Break(self.gap_frame(gap))
            }
            None => ControlFlow::Continue(()),
        }
    }

    /// Checks whether the stream may begin at its position, and begins with the latest values if the client
    /// wants them. `is_fresh`: the client may have received nothing before. Returns the gap if that is to be
    /// sent now, rather than with the latest values, here or in the client's next stream.
    fn begin_at_position(&mut self, is_fresh: bool, gap: Option<Gap>) -> Option<Gap> {
        let EventId { epoch, cursor } = self.position.at;
        let authorization = &self.selection.authorization;
        let is_other_journal = !authorization.is_public() && authorization.epoch != epoch;
        let must_reauthorize =
            is_other_journal || self.hub.is_revoked_before(authorization, cursor);
        let needs_latest = self.wants_latest && (is_fresh || gap.is_some());
        if must_reauthorize {
            self.state = State::MustReauthorize {
                is_confirmed: !needs_latest,
            };
        } else if needs_latest {
            self.unsent_gap = gap;
            self.state = State::ReadingLatest(self.replay(ReplayRange::Latest { gap }));
        }
        gap.filter(|_| !needs_latest)
    }
}

fn send(bytes: Bytes) -> Step {
    if bytes.is_empty() {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(bytes)
    }
}
