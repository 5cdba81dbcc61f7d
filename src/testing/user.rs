//! `TestUser`: a client whom the app would grant audiences.

use std::fmt;

use super::{
    connect::{PATH, uri_for_events},
    stream::TestStream,
    test_sse::TestSse,
};
use crate::http::Grant;

/// A client that holds audiences, without the app's own stream controller. [`TestSse::as_user`] creates it.
#[derive(Clone)]
#[must_use]
pub struct TestUser<'a> {
    test: &'a TestSse,
    grants: Vec<Grant>,
}

impl fmt::Debug for TestUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestUser")
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl TestSse {
    /// A client whose streams hold this audience, as if the app had [granted](crate::Subscription::grant) it. To
    /// test which audiences the app grants, use [`connect_through`](Self::connect_through).
    ///
    /// ```
    /// # use actix_web_sse::{cache, testing::TestSse};
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let sse = TestSse::in_memory("invoice:invoices:private");
    /// let mut anne = sse.as_user("user:4").connect();
    /// let mut bob = sse.as_user("user:5").connect();
    /// cache().save("invoices", 42).to("user:4").await.unwrap();
    /// assert_eq!(anne.next::<u64>("invoice").await, 42);
    /// bob.expect_nothing().await;
    /// # }
    /// ```
    pub fn as_user(&self, audience: impl Into<Grant>) -> TestUser<'_> {
        TestUser {
            test: self,
            grants: vec![audience.into()],
        }
    }
}

impl<'a> TestUser<'a> {
    /// Adds an audience, also one with [`Grant::prefix`] or [`Grant::since`].
    pub fn grant(mut self, audience: impl Into<Grant>) -> Self {
        self.grants.push(audience.into());
        self
    }

    /// Opens a stream of all events, as a page does. Every revocation before this call is over: the user has
    /// logged in again.
    #[track_caller]
    #[must_use]
    pub fn connect(&self) -> TestStream<'a> {
        self.test
            .connect_to_uri(PATH.to_owned(), None, self.grants.clone())
    }

    /// Opens a stream of these events.
    #[track_caller]
    #[must_use]
    pub fn connect_to<'e>(&self, events: impl IntoIterator<Item = &'e str>) -> TestStream<'a> {
        self.test
            .connect_to_uri(uri_for_events(events), None, self.grants.clone())
    }

    /// Opens the stream of a client whose last event had this id.
    #[track_caller]
    #[must_use]
    pub fn resume(&self, last_event_id: &str) -> TestStream<'a> {
        self.test
            .connect_to_uri(PATH.to_owned(), Some(last_event_id), self.grants.clone())
    }
}
