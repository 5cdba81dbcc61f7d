//! One client's stream: the body of its response.
//!
//! A *frame* is one encoded event. The hub joins frames to a *chunk*. The stream passes a large chunk
//! to actix-web in *slices*.

mod pending_replay;
mod reader;
mod schedule;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use self::{
    reader::StreamReader,
    schedule::{DueAction, Schedule},
};
use super::{
    lazy_stream_state::SharedStreamState, reservation::ReservedPlace, subscription::Subscription,
};
use crate::{
    error::Error,
    hub::{Filter, Selection, encode_heartbeat},
    observe::{CloseReason, StreamKind, StreamObservation, StreamTopics},
    spans,
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

/// Precedes the identity of the user, in a comment.
const IDENTITY_PREFIX: &str = ": identity ";

/// How much longer than configured a client waits after a planned end, at most: many streams end at the
/// same time if a change of the configuration shortens them.
const PLANNED_END_SPREAD: f32 = 0.1;

/// The same after a shutdown, at which all streams end, and after a revocation.
const SHUTDOWN_SPREAD: f32 = 1.0;

/// The events of one client, encoded as `text/event-stream`: a body for your own response.
///
/// It starts with a comment that names the events in `SSE_EVENTS`, or those that
/// [`only`](Subscription::only) allows, a comment with the user's [identity](Subscription::identify) if the stream
/// has one, and a heartbeat that contains the client's position. It sends another heartbeat whenever it was silent
/// for a while. It ends after `SSE_STREAM_DURATION`, and earlier if the app has to authorize the client again; the
/// client then reconnects and receives the events after that position.
///
/// ```no_run
/// use actix_web::{HttpResponse, get, http::header, web::Data};
/// use actix_web_sse::{Error, Sse, Subscription};
///
/// #[get("/my/stream")]
/// async fn stream(sse: Data<Sse>, subscription: Subscription) -> Result<HttpResponse, Error> {
///     let events = sse.subscribe(subscription)?;
///     Ok(HttpResponse::Ok()
///         .content_type("text/event-stream")
///         .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
///         .body(events))
/// }
/// ```
///
/// [`Sse::respond`](crate::Sse::respond) builds the whole response, and is right in more cases. For example, it sends
/// `no-store` if the stream holds audiences.
///
/// It yields an error, so that actix-web drops the connection, if it is polled 10,000 times between two
/// heartbeats with nothing to send: actix-web does that if the client sends further requests meanwhile.
pub struct EventStream {
    reader: StreamReader,
    /// The events that the client may know.
    allowed: Filter,
    /// Bytes to send before anything else: the beginning of the stream, or the rest of a large chunk.
    unsent: Bytes,
    schedule: Schedule,
    observation: StreamObservation,
    _place: ReservedPlace,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("position", &self.reader.position)
            .field("filter", &self.reader.selection.filter)
            .finish_non_exhaustive()
    }
}

impl EventStream {
    pub(crate) fn open(
        state: &SharedStreamState,
        subscription: Subscription,
    ) -> Result<Self, Error> {
        let span = spans::stream(subscription.last_event_id.is_some());
        let result = span.in_scope(|| Self::set_up(state, subscription));
        spans::record_error(&span, &result);
        result
    }

    fn set_up(state: &SharedStreamState, mut subscription: Subscription) -> Result<Self, Error> {
        let hub = Arc::clone(&state.hub);
        let config = hub.config();
        subscription.check(config.events())?;
        subscription.access.check(config.allowed_origins())?;
        let place = match subscription.place.take() {
            Some(place) => place,
            None => ReservedPlace::acquire(state, &subscription)?,
        };
        state.close_on_signals();
        let allowed = subscription.allowed.clone();
        let identity = identity_comment(subscription.access.identity());
        let ends_at = subscription.access.ends_at();
        let requested_at = subscription.requested_at;
        let kind = match subscription.last_event_id {
            None => StreamKind::New,
            Some(_) => StreamKind::Resumed,
        };
        let (reader, gap, id) = StreamReader::open(hub, subscription);
        let observation = (reader.hub.observations()).stream(requested_at.elapsed(), kind, gap);
        let schedule = Schedule::new(&reader.hub, ends_at);
        let interval = schedule.heartbeat_interval();
        let names = reader.hub.event_names(&allowed);
        let gap = gap.map_or_else(Bytes::new, |gap| reader.gap_frame(gap));
        let heartbeat = encode_heartbeat(id, interval, Some(config.retry()));
        Ok(Self {
            reader,
            allowed,
            unsent: [names.as_bytes(), identity.as_bytes(), &gap, &heartbeat]
                .concat()
                .into(),
            schedule,
            observation,
            _place: place,
        })
    }

    /// Whether the app has granted this stream audiences.
    pub(super) fn is_private(&self) -> bool {
        !self.reader.selection.authorization.is_public()
    }

    fn heartbeat(&self, retry_delay: Option<Duration>) -> Bytes {
        let interval = self.schedule.heartbeat_interval();
        encode_heartbeat(self.reader.id(), interval, retry_delay)
    }

    /// The client takes this for no sign of life, so it postpones no heartbeat.
    fn event_names(&self) -> Bytes {
        let names = self.reader.hub.event_names(&self.allowed);
        Bytes::copy_from_slice(names.as_bytes())
    }

    fn next_slice(&mut self) -> Bytes {
        self.unsent.split_to(self.unsent.len().min(MAX_SLICE_BYTES))
    }

    /// The last frame of a stream that ends as planned or in a shutdown. Its retry delay differs for
    /// each stream, so that not all clients reconnect at once, and is never shorter than configured: a
    /// client keeps it until it is connected again. The first heartbeat of the next stream sets the
    /// configured delay again.
    fn final_heartbeat(&mut self) -> Bytes {
        let is_shutdown = self.reader.hub.is_closing();
        let spread = if is_shutdown {
            SHUTDOWN_SPREAD
        } else {
            PLANNED_END_SPREAD
        };
        let heartbeat = self.heartbeat_with_retry_spread(spread);
        let is_expired = self.schedule.is_authorization_over(Instant::now());
        self.end(match (is_shutdown, is_expired) {
            (true, _) => CloseReason::Drain,
            (_, true) => CloseReason::Expired,
            _ => CloseReason::Duration,
        });
        if is_shutdown {
            self.reader.handle.end_in_shutdown();
            return heartbeat;
        }
        [PLANNED_END_COMMENT, &heartbeat].concat().into()
    }

    /// The last frame of a stream that ends so that the app authorizes it again. Many streams may end together.
    fn reauthorization_heartbeat(&mut self) -> Bytes {
        let heartbeat = self.heartbeat_with_retry_spread(SHUTDOWN_SPREAD);
        self.end(CloseReason::Revoked);
        heartbeat
    }

    fn end(&mut self, reason: CloseReason) {
        self.reader.end();
        self.observation.end(reason);
    }

    fn heartbeat_with_retry_spread(&self, spread: f32) -> Bytes {
        let factor = 1.0 + spread * fastrand::f32();
        self.heartbeat(Some(self.reader.hub.config().retry().mul_f32(factor)))
    }

    fn must_end(&self, now: Option<Instant>) -> bool {
        self.reader.hub.is_closing() || now.is_some_and(|now| self.schedule.is_over(now))
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if !self.unsent.is_empty() {
            return Poll::Ready(Some(Ok(self.next_slice())));
        }
        if self.reader.has_ended() {
            return Poll::Ready(None);
        }
        if self.schedule.apply_config(&self.reader.hub) {
            return Poll::Ready(Some(Ok(self.event_names())));
        }
        let now = self.schedule.time_to_check();
        if self.must_end(now) {
            return Poll::Ready(Some(Ok(self.final_heartbeat())));
        }
        match self.reader.poll(context) {
            Poll::Ready(Some(bytes)) => {
                self.schedule.note_chunk_read(now);
                self.unsent = bytes;
                return Poll::Ready(Some(Ok(self.next_slice())));
            }
            Poll::Ready(None) if self.reader.must_reauthorize() => {
                return Poll::Ready(Some(Ok(self.reauthorization_heartbeat())));
            }
            // Nobody could read the journal.
            Poll::Ready(None) => {
                self.end(CloseReason::Error);
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        if let Some(bytes) = now.and_then(|now| self.take_scheduled(now)) {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if let Err(error) = self.schedule.count_idle_poll() {
            self.end(CloseReason::Requests);
            return Poll::Ready(Some(Err(error)));
        }
        self.reader
            .handle
            .wake_at(self.schedule.next_deadline(), context);
        Poll::Pending
    }

    fn take_scheduled(&mut self, now: Instant) -> Option<Bytes> {
        Some(match self.schedule.take_due(now)? {
            DueAction::End => self.final_heartbeat(),
            DueAction::Heartbeat => self.heartbeat(None),
            DueAction::Probe => Bytes::from_static(PROBE_COMMENT),
        })
    }
}

/// What the stream counts for while it is open.
fn topics_of(selection: &Selection) -> StreamTopics<'_> {
    StreamTopics {
        is_private: !selection.authorization.is_public(),
        events: selection.filter.names(),
    }
}

/// The comment that identifies the user to the page.
fn identity_comment(identity: Option<String>) -> String {
    identity.map_or_else(String::new, |identity| {
        format!("{IDENTITY_PREFIX}{identity}\n")
    })
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
        let polled = this.poll_bytes(context);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            if !this.observation.is_open() {
                let topics = topics_of(&this.reader.selection);
                let age = this.schedule.age(Instant::now());
                this.observation.open(age, &topics);
            }
            this.reader.handle.note_sent(bytes.len());
        }
        polled
    }
}

impl Drop for EventStream {
    /// Unless the stream has ended before, its connection has.
    fn drop(&mut self) {
        let now = Instant::now();
        let reason = match self.reader.hub.is_closing() || self.schedule.is_overdue(now) {
            true => CloseReason::Stalled,
            false => CloseReason::Client,
        };
        let topics = topics_of(&self.reader.selection);
        self.observation
            .close(reason, self.schedule.age(now), &topics);
    }
}
