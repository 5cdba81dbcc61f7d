//! What one response has sent.

use std::{
    collections::VecDeque,
    fmt::Display,
    future::poll_fn,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    body::{BoxBody, MessageBody},
    http::{StatusCode, header},
};
use tokio::time::timeout;

use super::event::{Event, EventParser};

/// Longer than any test runs, and not too long to be added to a time.
const MAX_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A line of the test, which waits for something, but not for ever.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    caller: &'static Location<'static>,
    end: Instant,
}

impl Wait {
    pub(super) fn new(caller: &'static Location<'static>, time: Duration) -> Self {
        let end = Instant::now() + time.min(MAX_WAIT);
        Self { caller, end }
    }

    fn time_left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Fails the test. A panic shows the line of the kit, so the message begins with the line of the test:
    /// `track_caller` does not reach into async code.
    pub(super) fn fail(&self, message: impl Display) -> ! {
        fail(self.caller, message)
    }
}

fn fail(caller: &Location<'_>, message: impl Display) -> ! {
    panic!("{caller}: {message}")
}

/// Without a parameter: browsers refuse some charsets.
const STREAM_TYPE: &str = "text/event-stream";

pub(super) struct Connection {
    body: Pin<Box<BoxBody>>,
    parser: EventParser,
    /// Blocks that the test has not taken.
    received: VecDeque<Event>,
}

impl Connection {
    #[track_caller]
    pub(super) fn new(caller: &Location<'_>, response: HttpResponse) -> Self {
        let status = response.status();
        let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
        let body = response.into_body();
        if status != StatusCode::OK {
            let text = body.try_into_bytes().unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            fail(
                caller,
                format!("the response is not a stream: {status}: {text}"),
            );
        }
        if content_type
            .as_ref()
            .is_none_or(|found| found != STREAM_TYPE)
        {
            let found = content_type.map_or("missing".into(), |found| format!("{found:?}"));
            fail(
                caller,
                format!(
                    "the response is not a stream: its Content-Type is {found}, not {STREAM_TYPE:?}"
                ),
            );
        }
        Self {
            body: Box::pin(body),
            parser: EventParser::default(),
            received: VecDeque::new(),
        }
    }

    /// The next block that has arrived; `None` at the end of the stream.
    pub(super) fn poll_block(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(block) = self.received.pop_front() {
                return Poll::Ready(Some(block));
            }
            match self.body.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => self.received.extend(self.parser.feed(&bytes)),
                Poll::Ready(Some(Err(error))) => panic!("the stream has failed: {error}"),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Like [`Self::poll_block`], within the time of `wait`.
    pub(super) async fn block_within(&mut self, wait: Wait) -> Option<Option<Event>> {
        let block = poll_fn(|context| self.poll_block(context));
        timeout(wait.time_left(), block).await.ok()
    }
}
