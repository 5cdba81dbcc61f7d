//! One client's stream: the body of its response.
//!
//! A *frame* is one encoded event. The hub joins frames to a *chunk*. The stream passes a large chunk
//! to actix-web in *slices*.

mod pending_replay;
mod schedule;
mod start;
#[cfg(test)]
mod tests;

use std::{
    mem,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use self::{
    pending_replay::PendingReplay,
    schedule::{DueAction, Schedule},
    start::Start,
};
use super::{
    limits::StreamGuard, shared_stream_state::SharedStreamState, subscription::Subscription,
};
use crate::{
    epoch::Epoch,
    error::Error,
    hub::{
        Cursor, EventId, Filter, Gap, Hub, ReadRequest, ReplayRequest, ReplayResult, RingRead,
        StreamHandle, StreamPosition, encode_gap, encode_heartbeat,
    },
};

/// Upper bound for the bytes that actix-web gets at once. actix-web copies each slice into its write
/// buffer, and takes the next while that holds less than its limit (`h1_write_buffer_size`, 32 KiB by
/// default). Without slices, a large frame would be copied completely for each client that does not
/// read. The buffer exceeds its limit by at most one slice: a quarter of the default.
const MAX_SLICE_BYTES: usize = 8 * 1024;

/// A comment, which clients ignore.
const PROBE_COMMENT: &[u8] = b":\n";

/// Precedes the last heartbeat of a stream that ends as planned. The browser client then reconnects at
/// once, and returns to the retry delay if that fails. A plain EventSource ignores comments. It would
/// keep a short retry delay for as long as the server is down, so it gets none.
const PLANNED_END_COMMENT: &[u8] = b": planned end\n";

/// How much longer than configured a client waits after a planned end, at most: many streams end at the
/// same time if a change of the configuration shortens them.
const PLANNED_END_SPREAD: f32 = 0.1;

/// The same after a shutdown, at which all streams end.
const SHUTDOWN_SPREAD: f32 = 1.0;

/// The events of one client, encoded as `text/event-stream`: a body for your own response.
///
/// It starts with a heartbeat that contains the client's position, and sends another whenever it was
/// silent for a while. It ends after `SSE_STREAM_DURATION`; the client then reconnects and receives the
/// events after that position.
///
/// It yields an error, so that actix-web drops the connection, if it is polled 10,000 times between two
/// heartbeats with nothing to send: actix-web does that if the client sends further requests meanwhile.
pub struct EventStream {
    hub: Arc<Hub>,
    filter: Filter,
    position: StreamPosition,
    /// The stream has sent everything up to the end of the ring, and waits.
    is_caught_up: bool,
    /// Bytes to send before anything else: the first heartbeat, or the rest of a large chunk.
    unsent: Bytes,
    pending_replay: Option<PendingReplay>,
    /// The client's position is beyond the ring, and the journal has confirmed it.
    is_beyond_ring_confirmed: bool,
    /// The epoch of a former journal that the ring still shows, because the tail has not noticed yet
    /// that the cache folder was replaced. Set while this stream waits for that.
    outdated_ring_epoch: Option<Epoch>,
    wants_lookback: bool,
    handle: StreamHandle,
    schedule: Schedule,
    has_ended: bool,
    _guard: StreamGuard,
}

impl EventStream {
    pub(crate) fn open(
        state: &SharedStreamState,
        subscription: Subscription,
    ) -> Result<Self, Error> {
        let hub = Arc::clone(&state.hub);
        subscription.check(hub.config().events())?;
        let guard = state.count_stream(subscription.address)?;
        state.close_on_signals();
        let retry_delay = hub.config().retry_delay();
        let points = hub.start_points();
        let wants_lookback = subscription.wants_lookback;
        let start = Start::new(&points, subscription.last_event_id, wants_lookback);
        let filter = subscription.filter;
        let mut stream = Self {
            handle: hub.add_stream(&filter, subscription.connection),
            filter,
            position: start.position,
            is_caught_up: false,
            unsent: Bytes::new(),
            pending_replay: None,
            is_beyond_ring_confirmed: false,
            outdated_ring_epoch: None,
            wants_lookback,
            schedule: Schedule::new(state),
            has_ended: false,
            _guard: guard,
            hub,
        };
        // A new client's position is from the ring, and needs no confirmation, even if the ring shows
        // another journal by now.
        let id = (!start.is_reconnecting)
            .then(|| stream.position.cursor.event_id(&points.epochs))
            .or_else(|| stream.confirmed_id());
        let interval = stream.schedule.heartbeat_interval();
        let heartbeat = encode_heartbeat(id, interval, Some(retry_delay));
        stream.unsent = match start.gap {
            Some(gap) => [stream.gap_frame(gap), heartbeat].concat().into(),
            None => heartbeat,
        };
        Ok(stream)
    }

    fn gap_frame(&self, gap: Gap) -> Bytes {
        encode_gap(self.position.id_after_gap(), gap)
    }

    fn heartbeat(&self, retry_delay: Option<Duration>) -> Bytes {
        let interval = self.schedule.heartbeat_interval();
        encode_heartbeat(self.confirmed_id(), interval, retry_delay)
    }

    /// The id of the position. An id that only the journal can confirm is left out until the journal has
    /// confirmed it.
    fn confirmed_id(&self) -> Option<EventId> {
        let end = self.handle.ring_end(self.hub.ring());
        let is_reached = self.position.cursor <= Cursor::before(end.next);
        let is_confirmed = self.is_beyond_ring_confirmed || is_reached;
        (end.epoch == self.position.epoch && is_confirmed)
            .then(|| self.hub.ring().event_id(&self.position))
            .flatten()
    }

    /// Continues at another position, and reports to the client if it may have missed events.
    fn restart_at(
        &mut self,
        position: StreamPosition,
        gap: Option<Gap>,
    ) -> ControlFlow<Option<Bytes>> {
        self.position = position;
        self.is_caught_up = false;
        self.is_beyond_ring_confirmed = false;
        self.outdated_ring_epoch = None;
        match gap {
            Some(gap) => ControlFlow::Break(Some(self.gap_frame(gap))),
            None => ControlFlow::Continue(()),
        }
    }

    /// The next chunk, from the ring or the journal. `Ready(None)` means: wait for new entries.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if mem::take(&mut self.is_caught_up) {
            let next = self.handle.first_unchecked(self.position.ring_position());
            self.position.cursor = self.position.cursor.max(Cursor::before(next));
        }
        loop {
            let step = match &mut self.pending_replay {
                None => self.read_ring(),
                Some(pending) => {
                    let result = ready!(pending.poll(context));
                    self.pending_replay = None;
                    self.apply_replay(result)
                }
            };
            if let ControlFlow::Break(bytes) = step {
                return Poll::Ready(bytes);
            }
        }
    }

    /// Breaks with the next chunk, or with `None` to wait. Continues if the position has changed or
    /// a replay was started.
    fn read_ring(&mut self) -> ControlFlow<Option<Bytes>> {
        if self.outdated_ring_epoch.is_some() {
            self.check_outdated_ring();
        }
        let request = ReadRequest {
            position: self.position,
            filter: &self.filter,
        };
        match self.handle.read(self.hub.ring(), &request) {
            RingRead::Frames(bytes, cursor) => self.advance_to(cursor, bytes),
            RingRead::CaughtUp => self.wait_at_end(),
            RingRead::Ahead if self.is_beyond_ring_confirmed => self.wait_at_end(),
            RingRead::OtherEpoch(epoch) if self.outdated_ring_epoch == Some(epoch) => {
                ControlFlow::Break(None)
            }
            RingRead::Ahead | RingRead::Behind | RingRead::OtherEpoch(_) => {
                self.start_replay();
                ControlFlow::Continue(())
            }
        }
    }

    fn advance_to(&mut self, cursor: Cursor, bytes: Bytes) -> ControlFlow<Option<Bytes>> {
        self.position.cursor = cursor;
        if bytes.is_empty() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(Some(bytes))
        }
    }

    fn wait_at_end(&mut self) -> ControlFlow<Option<Bytes>> {
        self.is_caught_up = true;
        ControlFlow::Break(None)
    }

    /// The tail may have reached the client's journal by now.
    fn check_outdated_ring(&mut self) {
        if self.handle.ring_end(self.hub.ring()).epoch == self.position.epoch {
            self.outdated_ring_epoch = None;
        }
    }

    fn start_replay(&mut self) {
        let points = self.hub.start_points();
        let request = ReplayRequest {
            position: self.position,
            filter: self.filter.clone(),
            ring_epoch: points.epochs.current(),
            ring_start: points.ring_start,
        };
        self.pending_replay = Some(PendingReplay::start(&self.hub, request));
    }

    /// Breaks and continues as [`Self::read_ring`] does. `None` means that the journal could not be
    /// read.
    fn apply_replay(&mut self, result: Option<ReplayResult>) -> ControlFlow<Option<Bytes>> {
        match result {
            Some(ReplayResult::Frames(bytes, cursor)) => return self.advance_to(cursor, bytes),
            // The ring may have reached the position meanwhile: read it again.
            Some(ReplayResult::Ahead) => self.is_beyond_ring_confirmed = true,
            // The stream waits until the tail reaches the current journal. That may be the client's, or the
            // ring's former one, in which the client may have been before.
            Some(ReplayResult::RingOutdated { ring_epoch }) => {
                self.outdated_ring_epoch = Some(ring_epoch);
            }
            Some(ReplayResult::UnknownId) => {
                let position = StreamPosition::for_new_client(&self.hub.start_points());
                return self.restart_at(position, Some(Gap::UnknownId));
            }
            Some(ReplayResult::ClientOutdated) => return self.change_journal(),
            None => {
                self.has_ended = true;
                return ControlFlow::Break(None);
            }
        }
        ControlFlow::Continue(())
    }

    /// Continues in the ring's journal. Breaks with `None` to wait if the tail has not noticed yet that the
    /// client's journal was replaced.
    fn change_journal(&mut self) -> ControlFlow<Option<Bytes>> {
        let points = self.hub.start_points();
        let StreamPosition { epoch, cursor, .. } = self.position;
        if points.epochs.current() == epoch {
            return ControlFlow::Break(None);
        }
        let start = Start::resume(&points, EventId { epoch, cursor }, self.wants_lookback);
        if start.position.epoch != points.epochs.current() {
            let position = StreamPosition::for_client_of_another_journal(&points);
            return self.restart_at(position, Some(Gap::OtherEpoch));
        }
        self.restart_at(start.position, start.gap)
    }

    fn next_slice(&mut self) -> Bytes {
        self.unsent.split_to(self.unsent.len().min(MAX_SLICE_BYTES))
    }

    /// The last frame of a stream that ends as planned or in a shutdown. Its retry delay differs for
    /// each stream, so that not all clients reconnect at once, and is never shorter than configured: a
    /// client keeps it until it is connected again. The first heartbeat of the next stream sets the
    /// configured delay again.
    fn final_heartbeat(&mut self) -> Bytes {
        self.has_ended = true;
        self.pending_replay = None;
        if self.hub.is_closing() {
            self.handle.end_in_shutdown();
            return self.heartbeat_with_retry_spread(SHUTDOWN_SPREAD);
        }
        let heartbeat = self.heartbeat_with_retry_spread(PLANNED_END_SPREAD);
        [PLANNED_END_COMMENT, &heartbeat].concat().into()
    }

    fn heartbeat_with_retry_spread(&self, spread: f32) -> Bytes {
        let factor = 1.0 + spread * fastrand::f32();
        self.heartbeat(Some(self.hub.config().retry_delay().mul_f32(factor)))
    }

    fn must_end(&self, now: Instant) -> bool {
        self.hub.is_closing() || self.schedule.is_over(now)
    }

    fn take_scheduled(&mut self, now: Instant) -> Option<Bytes> {
        Some(match self.schedule.take_due(now)? {
            DueAction::End => self.final_heartbeat(),
            DueAction::Heartbeat => self.heartbeat(None),
            DueAction::Probe => Bytes::from_static(PROBE_COMMENT),
        })
    }
}

impl MessageBody for EventStream {
    type Error = Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    /// Never ready with an empty slice, because actix-web would end the response there.
    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let now = Instant::now();
        if !this.unsent.is_empty() {
            return Poll::Ready(Some(Ok(this.next_slice())));
        }
        if this.has_ended {
            return Poll::Ready(None);
        }
        this.schedule.apply_config(&this.hub);
        if this.must_end(now) {
            return Poll::Ready(Some(Ok(this.final_heartbeat())));
        }
        match this.poll_events(context) {
            Poll::Ready(Some(bytes)) => {
                this.schedule.note_chunk_sent(now);
                this.unsent = bytes;
                return Poll::Ready(Some(Ok(this.next_slice())));
            }
            Poll::Ready(None) if this.has_ended => return Poll::Ready(None),
            Poll::Ready(None) => this.handle.wake_at_next_event(context),
            Poll::Pending => {}
        }
        if let Some(bytes) = this.take_scheduled(now) {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if let Err(error) = this.schedule.count_idle_poll() {
            this.has_ended = true;
            return Poll::Ready(Some(Err(error)));
        }
        this.handle.wake_at(this.schedule.next_deadline(), context);
        Poll::Pending
    }
}
