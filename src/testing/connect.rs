//! Opens streams in the test's own process, without a server or a socket.

use std::{future::ready, panic::Location};

use actix_web::{
    HttpResponse, Responder,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    rt::System,
    test::TestRequest,
};

use super::{
    connection::Connection,
    stream::{Connect, TestStream},
    test_sse::{TestSse, expect},
};
use crate::{
    event_id::EventId,
    http::{Grant, Sse, Subscription},
};

/// Where the kit opens its own streams.
pub(super) const PATH: &str = "/sse/stream";

impl TestSse {
    /// The running server of this test, for `Data<Sse>`. It starts at the first call.
    #[track_caller]
    pub fn sse(&self) -> &Sse {
        self.sse.get_or_init(|| Sse::from_cache(self.cache()))
    }

    /// Opens a stream of all events, as a page does.
    ///
    /// ```
    /// # use actix_web_sse::{cache, testing::TestSse};
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let sse = TestSse::in_memory("order_placed:order");
    /// let mut stream = sse.connect();
    /// cache().save("order", 42).await.unwrap();
    /// assert_eq!(stream.next::<u64>("order_placed").await, 42);
    /// stream.expect_nothing().await;
    /// # }
    /// ```
    #[track_caller]
    #[must_use]
    pub fn connect(&self) -> TestStream<'_> {
        self.connect_to_uri(PATH.to_owned(), None, Vec::new())
    }

    /// Opens a stream of these events.
    #[track_caller]
    #[must_use]
    pub fn connect_to<'e>(&self, events: impl IntoIterator<Item = &'e str>) -> TestStream<'_> {
        self.connect_to_uri(uri_for_events(events), None, Vec::new())
    }

    /// Opens the stream of a client whose last event had this id.
    #[track_caller]
    #[must_use]
    pub fn resume(&self, last_event_id: &str) -> TestStream<'_> {
        self.connect_to_uri(PATH.to_owned(), Some(last_event_id), Vec::new())
    }

    #[track_caller]
    pub(super) fn connect_to_uri(
        &self,
        uri: String,
        id: Option<&str>,
        grants: Vec<Grant>,
    ) -> TestStream<'_> {
        expect_runtime();
        let respond = move |request: TestRequest| {
            let request = request.uri(&uri).to_http_request();
            let public = Subscription::new(&request).authorized_at(self.journal_end());
            let subscription = grants.iter().cloned().fold(public, Subscription::grant);
            self.sse().respond(subscription).respond_to(&request)
        };
        let response = respond(request_after(id));
        TestStream {
            test: self,
            connection: Connection::new(Location::caller(), response),
            connect: Box::new(move |request| Box::pin(ready(respond(request)))),
            last_event_id: id.map(str::to_owned),
        }
    }

    /// Further than the position of the server, which may not have read what the test has just saved.
    fn journal_end(&self) -> EventId {
        let journal = self.journal();
        let newest = expect(journal.newest_number());
        EventId::before(journal.epochs().current(), newest + 1)
    }

    /// Opens a stream through a handler of `app`, which [`init_service`](actix_web::test::init_service)
    /// has created. `request` adds to a request what the client sends, such as the path and cookies. It is
    /// called again when the client reconnects.
    ///
    /// ```
    /// # use actix_web::{App, test::init_service};
    /// # use actix_web_sse::{cache, testing::TestSse};
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let sse = TestSse::in_memory("order_placed:order");
    /// let app = init_service(App::new().configure(actix_web_sse::routes)).await;
    /// let mut stream = sse
    ///     .connect_through(&app, |request| request.uri("/sse/stream").to_request())
    ///     .await;
    /// cache().save("order", 42).await.unwrap();
    /// assert_eq!(stream.next::<u64>("order_placed").await, 42);
    /// # }
    /// ```
    #[track_caller]
    pub fn connect_through<'a, S, R, B>(
        &'a self,
        app: &'a S,
        request: impl Fn(TestRequest) -> R + 'a,
    ) -> impl Future<Output = TestStream<'a>>
    where
        S: Service<R, Response = ServiceResponse<B>>,
        S::Error: Into<actix_web::Error>,
        S::Future: 'a,
        B: MessageBody + 'static,
    {
        expect_runtime();
        let caller = Location::caller();
        let connect: Connect<'a> = Box::new(move |start| {
            let answer = app.call(request(start));
            Box::pin(async move {
                let answer = answer.await.map(ServiceResponse::map_into_boxed_body);
                answer.map_or_else(HttpResponse::from_error, HttpResponse::from)
            })
        });
        async move {
            let response = connect(TestRequest::default()).await;
            TestStream {
                test: self,
                connection: Connection::new(caller, response),
                connect,
                last_event_id: None,
            }
        }
    }
}

/// Where the kit opens a stream of these events.
pub(super) fn uri_for_events<'e>(events: impl IntoIterator<Item = &'e str>) -> String {
    let events: Vec<&str> = events.into_iter().collect();
    format!("{PATH}?events={}", events.join(","))
}

/// Streams need the runtime of an actix-web worker, which `#[tokio::test]` does not start.
#[track_caller]
fn expect_runtime() {
    assert!(
        System::is_registered(),
        "a stream needs the runtime of actix-web: write `#[actix_web::test]` above the test"
    );
}

/// A request of a client whose last event had this id.
pub(super) fn request_after(id: Option<&str>) -> TestRequest {
    let request = TestRequest::default();
    match id {
        Some(id) => request.insert_header(("Last-Event-ID", id)),
        None => request,
    }
}
