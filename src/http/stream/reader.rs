//! Where a stream is, and what it sends next.

use std::{
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::pending_replay::PendingReplay;
use crate::{
    http::subscription::{LastEventId, Subscription},
    hub::{
        Cursor, DataFormat, EventId, Filter, Gap, Hub, ReadRequest, ReplayRequest, ReplayResult,
        RingCheck, RingRead, StartPoints, StreamHandle, StreamPosition, encode_gap,
    },
};

pub(super) struct StreamReader {
    pub(super) hub: Arc<Hub>,
    pub(super) handle: StreamHandle,
    pub(super) filter: Filter,
    format: DataFormat,
    pub(super) position: StreamPosition,
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
    /// The position is not in the ring: the tail checks whether it is in the journal.
    Unconfirmed {
        check: RingCheck,
        wants_lookback: bool,
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
        let filter = subscription.filter;
        let is_new = subscription.last_event_id.is_none();
        let position = match is_new && !subscription.wants_lookback {
            true => points.without_lookback(),
            false => points.for_new_client(),
        };
        let mut reader = Self {
            handle: hub.add_stream(&filter, subscription.connection),
            filter,
            format: subscription.format,
            position,
            state: State::Reading,
            hub,
        };
        let gap = match subscription.last_event_id {
            None => None,
            Some(LastEventId::Invalid) => Some(Gap::UnknownId),
            Some(LastEventId::Valid(id)) => {
                reader.position = points.for_reconnecting_client(id);
                reader.resume(&points, None, subscription.wants_lookback)
            }
        };
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
        !matches!(self.state, State::Unconfirmed { .. })
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
                State::Replaying(replay) => {
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
                State::Ended => return Poll::Ready(None),
            };
            if let ControlFlow::Break(bytes) = step {
                return Poll::Ready(Some(bytes));
            }
        }
    }

    fn read_ring(&mut self) -> Step {
        let request = ReadRequest {
            position: self.position,
            filter: &self.filter,
            format: self.format,
        };
        match self.handle.read(self.hub.ring(), &request) {
            RingRead::Frames(bytes, cursor) => return self.advance_to(cursor, bytes),
            RingRead::CaughtUp => self.state = State::CaughtUp,
            RingRead::Behind { ring_start } => {
                let request = ReplayRequest {
                    position: self.position,
                    filter: self.filter.clone(),
                    format: self.format,
                    ring_start,
                };
                self.state = State::Replaying(PendingReplay::start(&self.hub, request));
            }
            RingRead::Elsewhere => return self.resume_and_report(None, false),
        }
        ControlFlow::Continue(())
    }

    fn advance_to(&mut self, cursor: Cursor, bytes: Bytes) -> Step {
        self.position.at.cursor = cursor;
        if bytes.is_empty() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(bytes)
        }
    }

    /// `None` means that the journal could not be read.
    fn apply_replay(&mut self, result: Option<ReplayResult>) -> Step {
        self.state = State::Reading;
        match result {
            Some(ReplayResult::Frames(bytes, cursor)) => return self.advance_to(cursor, bytes),
            Some(ReplayResult::Replaced) => self.check_ring(false),
            None => self.end(),
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
        match self.resume(&self.hub.start_points(), checked_end, wants_lookback) {
            Some(gap) => ControlFlow::Break(self.gap_frame(gap)),
            None => ControlFlow::Continue(()),
        }
    }
}
