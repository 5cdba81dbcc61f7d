//! `TestStream`: the stream of one client.

use std::{
    fmt,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_web::{HttpResponse, test::TestRequest};
use serde::de::DeserializeOwned;

use super::{
    connect::request_after,
    connection::{Connection, Wait},
    event::Event,
    test_sse::{TestSse, expect},
};
use crate::hub::EventId;

/// Sends a request of the stream's client.
pub(super) type Connect<'a> =
    Box<dyn Fn(TestRequest) -> Pin<Box<dyn Future<Output = HttpResponse> + 'a>> + 'a>;

/// The stream of one client. [`TestSse::connect`], [`TestUser::connect`] and [`TestSse::connect_through`] open it.
///
/// Heartbeats are skipped, except by [`next_block`](Self::next_block). If what the test expects does not
/// arrive within the [deadline](TestSse::with_deadline), the test fails, with a message that begins with
/// the line of the test.
///
/// [`TestUser::connect`]: super::TestUser::connect
pub struct TestStream<'a> {
    pub(super) test: &'a TestSse,
    pub(super) connect: Connect<'a>,
    pub(super) connection: Connection,
    /// The id of the last block that the test has taken.
    pub(super) last_event_id: Option<String>,
}

impl fmt::Debug for TestStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStream").finish_non_exhaustive()
    }
}

impl TestStream<'_> {
    /// The value of the next event, which must have this name.
    ///
    /// # Panics
    ///
    /// Panics if another event or a gap arrives, if nothing arrives, or if the value has another type.
    #[track_caller]
    pub fn next<T: DeserializeOwned>(&mut self, name: &str) -> impl Future<Output = T> {
        let wait = self.wait();
        self.expect_to_exist(wait, name);
        async move {
            let event = self.event(wait, &format!("`{name}`")).await;
            if event.name() != name {
                wait.fail(format!("expected `{name}`, but {event} arrived"));
            }
            let expected = std::any::type_name::<T>();
            let value = event.typed_value();
            value.unwrap_or_else(|error| {
                wait.fail(format!("{event} is not a `{expected}`: {error}"))
            })
        }
    }

    /// The next event of the app, or gap.
    ///
    /// # Panics
    ///
    /// Panics if nothing arrives.
    #[track_caller]
    pub fn next_event(&mut self) -> impl Future<Output = Event> {
        let wait = self.wait();
        self.event(wait, "an event")
    }

    /// The next block of any kind, also a heartbeat.
    ///
    /// # Panics
    ///
    /// Panics if nothing arrives.
    #[track_caller]
    pub fn next_block(&mut self) -> impl Future<Output = Event> {
        let wait = self.wait();
        self.block(wait, "a block")
    }

    /// Expects that the next event is a gap, and returns its reason, such as `expired`.
    ///
    /// # Panics
    ///
    /// Panics if an event of the app arrives, or nothing.
    #[track_caller]
    pub fn expect_gap(&mut self) -> impl Future<Output = String> {
        let wait = self.wait();
        async move {
            let event = self.event(wait, "a gap").await;
            if event.name() != "sse.gap" {
                wait.fail(format!("expected a gap, but {event} arrived"));
            }
            let reason = event.json()["reason"].take();
            reason.as_str().unwrap_or_default().to_owned()
        }
    }

    /// Expects that nothing arrives of what is saved by now. It returns as soon as the stream has passed
    /// all of that, usually within its next heartbeat, for which it waits in addition to the deadline.
    ///
    /// # Panics
    ///
    /// Panics if an event or a gap arrives.
    #[track_caller]
    pub fn expect_nothing(&mut self) -> impl Future<Output = ()> {
        let heartbeat = self.test.config().heartbeat();
        let time = self.test.deadline.saturating_add(heartbeat);
        let wait = Wait::new(Location::caller(), time);
        let journal = self.test.journal();
        let newest = expect(journal.newest_number());
        let has_passed = move |id: EventId| {
            let epochs = journal.epochs();
            id.cursor.next > newest && epochs.last_number_shared_with(id.epoch).is_some()
        };
        async move {
            loop {
                let block = self.block(wait, "a heartbeat after everything saved").await;
                expect_heartbeat(wait, &block);
                let id = block.id.as_deref().and_then(|id| id.parse().ok());
                if id.is_some_and(&has_passed) {
                    return;
                }
            }
        }
    }

    /// Expects that nothing arrives for this time. Use [`expect_nothing`](Self::expect_nothing) unless
    /// something other than a save may trigger an event.
    ///
    /// # Panics
    ///
    /// Panics if an event or a gap arrives, or the stream ends.
    #[track_caller]
    pub fn silent_for(&mut self, duration: Duration) -> impl Future<Output = ()> {
        let wait = Wait::new(Location::caller(), duration);
        async move {
            while let Some(block) = self.take(wait).await {
                match block {
                    Some(block) => expect_heartbeat(wait, &block),
                    None => wait.fail("the stream has ended"),
                }
            }
        }
    }

    /// Expects that the server ends the stream.
    ///
    /// # Panics
    ///
    /// Panics if an event or a gap arrives before, or the stream does not end.
    #[track_caller]
    pub fn expect_end(&mut self) -> impl Future<Output = ()> {
        let wait = self.wait();
        async move {
            loop {
                match self.take(wait).await {
                    Some(None) => return,
                    Some(Some(block)) => expect_heartbeat(wait, &block),
                    None => wait.fail("the stream does not end"),
                }
            }
        }
    }

    /// Closes the connection, and reconnects with the id of the last event that the test has taken, as a
    /// browser does. Events that have arrived since are lost with the connection: the server sends them
    /// again.
    ///
    /// ```
    /// # use actix_web_sse::{cache, testing::TestSse};
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let sse = TestSse::in_memory("order_placed:order");
    /// let mut stream = sse.connect();
    /// cache().save("order", 1).await.unwrap();
    /// assert_eq!(stream.next::<u64>("order_placed").await, 1);
    /// cache().save("order", 2).await.unwrap();
    /// stream.drop_and_resume().await;
    /// assert_eq!(stream.next::<u64>("order_placed").await, 2);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the server refuses the stream.
    #[track_caller]
    pub fn drop_and_resume(&mut self) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            self.take_heartbeats();
            let response = (self.connect)(request_after(self.last_event_id())).await;
            self.connection = Connection::new(caller, response);
        }
    }

    /// The id of the last block that the test has taken, which the client sends when it reconnects.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    #[track_caller]
    fn wait(&self) -> Wait {
        Wait::new(Location::caller(), self.test.deadline)
    }

    /// Without waiting for an event that cannot arrive. An edit of `.env` may still add it.
    fn expect_to_exist(&self, wait: Wait, name: &str) {
        let config = self.test.config();
        let events = config.events();
        if !events.contains(name) && !name.starts_with("sse.") && !config.is_from_env() {
            let names: Vec<&str> = events.names().collect();
            let names = names.join("`, `");
            wait.fail(format!(
                "the event `{name}` does not exist; the events are `{names}`"
            ));
        }
    }

    async fn event(&mut self, wait: Wait, expected: &str) -> Event {
        loop {
            let block = self.block(wait, expected).await;
            if !block.is_heartbeat() {
                return block;
            }
        }
    }

    async fn block(&mut self, wait: Wait, expected: &str) -> Event {
        match self.take(wait).await {
            Some(Some(block)) => block,
            Some(None) => wait.fail(format!("expected {expected}, but the stream has ended")),
            None => {
                let saved = self.test.saved();
                let saved = saved.describe();
                wait.fail(format!(
                    "expected {expected}, but nothing arrived in time; {saved}"
                ))
            }
        }
    }

    /// The next block, or `Some(None)` at the end of the stream. `None` if neither comes in time.
    async fn take(&mut self, wait: Wait) -> Option<Option<Event>> {
        let block = self.connection.block_within(wait).await?;
        self.note_id(block.as_ref());
        Some(block)
    }

    fn note_id(&mut self, block: Option<&Event>) {
        if let Some(id) = block.and_then(|block| block.id.clone()) {
            self.last_event_id = Some(id);
        }
    }

    /// Takes the heartbeats that have arrived before the next event.
    fn take_heartbeats(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(block)) = self.connection.poll_block(&mut context) {
            if !block.is_heartbeat() {
                return;
            }
            self.note_id(Some(&block));
        }
    }
}

#[track_caller]
fn expect_heartbeat(wait: Wait, block: &Event) {
    if !block.is_heartbeat() {
        wait.fail(format!("expected no event, but {block} arrived"));
    }
}
