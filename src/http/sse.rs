//! The handle that an app holds.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, body,
    http::{Method, header},
};

use tokio::time::timeout;

use super::{
    host_check::Target,
    shutdown_signal::ShutdownSignal,
    signals::{exit_at_next_signal, shutdown_requested},
    stream::EventStream,
    stream_server::StreamServer,
    subscription::Subscription,
};
use crate::{cache::Cache, config::Config, error::Error};

/// How long a server waits for its streams to end before it stops. Clients that do not read are
/// disconnected by then. actix-web looks once a second whether there is something left to wait for, so
/// a stop at this time can end the process within two seconds.
const STREAMS_END_WITHIN: Duration = Duration::from_millis(500);

/// Follows a cache, and serves what is saved there to any number of clients.
///
/// Cheap to clone; all clones share one reader of the cache. Make it once, outside the closure
/// that builds the app: actix-web runs that closure on every worker.
///
/// Most apps need [`routes`](crate::routes()) only.
#[derive(Clone)]
pub struct Sse {
    pub(crate) server: Arc<StreamServer>,
}

/// Figures of an [`Sse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Streams that are open now.
    pub connections: usize,
}

/// The end of all streams, which has begun; awaited, it waits for the last of them.
pub struct Closing(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl Sse {
    /// Follows the cache of the app in [`app_dir()`](crate::app_dir).
    ///
    /// # Errors
    ///
    /// When the configuration or the cache cannot be used; the error says what to do.
    pub fn from_env() -> Result<Self, Error> {
        Self::start(&Config::from_env()?)
    }

    /// Follows the cache that `config` describes.
    ///
    /// # Errors
    ///
    /// When the cache cannot be used.
    pub fn start(config: &Config) -> Result<Self, Error> {
        Self::follow(&Cache::open(config)?)
    }

    /// Follows a cache that is open already.
    ///
    /// # Errors
    ///
    /// When the cache cannot be used.
    pub fn follow(cache: &Cache) -> Result<Self, Error> {
        Ok(Self {
            server: Arc::new(StreamServer::start(cache.journal()?)?),
        })
    }

    /// The body of a stream, for a response of your own. To be called in a handler: it belongs to
    /// the worker that it was made on.
    ///
    /// # Errors
    ///
    /// When the request is for a host that is not allowed (421, see
    /// [`check_host`](Sse::check_host)), the client asks for an event that does not exist (400), or too
    /// many streams are open (503).
    pub fn open(&self, subscription: Subscription) -> Result<EventStream, Error> {
        subscription
            .target
            .check(self.server.hub.config().allowed_hosts())?;
        EventStream::open(&self.server, subscription)
    }

    /// The whole answer to a request for a stream. To HEAD it is the head of it, and nothing opens.
    ///
    /// # Errors
    ///
    /// As [`open`](Sse::open), and [`refusal`](Sse::refusal) makes an answer of it.
    pub fn stream(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let subscription = Subscription::from_request(request)?;
        if request.method() == Method::HEAD {
            let config = self.server.hub.config();
            subscription.target.check(config.allowed_hosts())?;
            subscription.check(config.events())?;
            // Without a length: that of a stream is not known.
            return Ok(self.response(request).body(body::None::new()));
        }
        let events = self.open(subscription)?;
        Ok(self.response(request).body(events))
    }

    /// The head of the answer to a request for a stream: status 200, and the headers that bring its
    /// events to the browser one by one. The body that [`open`](Sse::open) gives belongs to it.
    #[must_use]
    pub fn response(&self, request: &HttpRequest) -> HttpResponseBuilder {
        let mut response = HttpResponse::Ok();
        response
            // "MIME type text/event-stream", and no parameter: browsers refuse some charsets.
            .insert_header((header::CONTENT_TYPE, "text/event-stream"))
            // Nobody on the way keeps it, or holds it back to compress it.
            .insert_header((header::CACHE_CONTROL, "no-cache, no-transform, private"))
            .insert_header((header::CONTENT_ENCODING, "identity"))
            .insert_header(("X-Accel-Buffering", "no"));
        for header in self.for_origin(request) {
            response.insert_header(header);
        }
        response
    }

    /// Whether a request is for a host that this server answers for: a loopback name, one of
    /// `SSE_ALLOWED_HOSTS`, or any if that is empty and the request did not arrive on a loopback
    /// address. The stream is checked without it; for the rest of an app, see the middleware
    /// [`check_host`](crate::check_host()).
    ///
    /// # Errors
    ///
    /// When it is not; the error is a response with status 421 that says what to do.
    pub fn check_host(&self, request: &HttpRequest) -> Result<(), Error> {
        Target::of(request).check(self.server.hub.config().allowed_hosts())
    }

    /// The whole answer of a route, whatever comes: the stream to GET, its head to HEAD, the answer to
    /// a browser's preflight request to OPTIONS, or why there is none. Pages of `SSE_ALLOWED_ORIGINS` can
    /// read all of them.
    ///
    /// ```no_run
    /// use actix_web::{HttpRequest, HttpResponse, route, web::Data};
    /// use actix_web_sse::Sse;
    ///
    /// #[route("/my/stream", method = "GET", method = "HEAD", method = "OPTIONS")]
    /// async fn stream(request: HttpRequest, sse: Data<Sse>) -> HttpResponse {
    ///     sse.respond(&request)
    /// }
    /// ```
    #[must_use]
    pub fn respond(&self, request: &HttpRequest) -> HttpResponse {
        if request.method() == Method::OPTIONS {
            return self.preflight(request);
        }
        let stream = self.stream(request);
        stream.unwrap_or_else(|error| self.refusal(request, &error))
    }

    /// The configuration in force now; an edit of `.env` makes another one.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.server.hub.config()
    }

    /// Figures of this moment.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.server.open_streams(),
        }
    }

    /// Ends every stream, at once, and those that are opened later. Clients return to whichever
    /// server is there then, and miss nothing. To wait until all have ended, await what this
    /// returns.
    ///
    /// A stream ends when its client takes its last bytes. A client that takes nothing is disconnected
    /// after 300 ms, and one that is too slow to take all that waits for it after 800 ms. Streams over
    /// HTTP/2 or a Unix socket are left to
    /// [`shutdown_timeout`](actix_web::HttpServer::shutdown_timeout); for them, limit how long you wait.
    ///
    /// It is called for you at SIGTERM and SIGINT, unless
    /// [`with_signal_handling`](Config::with_signal_handling) says otherwise.
    pub fn close(&self) -> Closing {
        self.server.hub.close();
        let server = Arc::clone(&self.server);
        Closing(Box::pin(async move { server.all_ended().await }))
    }

    /// For `HttpServer::shutdown_signal`: returns when all streams have ended after a SIGTERM or
    /// SIGINT, but 500 ms after the signal at the latest.
    /// Then the server stops, and completes the other requests as ever.
    ///
    /// With it,
    ///
    /// - a process whose other requests are done ends within two seconds;
    /// - streams end in order at Ctrl-C, too, where actix-web's own signal handling cuts them off;
    /// - a second signal ends the process at once, whatever it waits for.
    ///
    /// Without it, streams end while the server stops already, and it takes up to a second more to
    /// notice that there is nothing left to wait for.
    ///
    /// An app that has its streams from [`routes`](crate::routes()) calls
    /// [`shutdown_signal`](crate::shutdown_signal()).
    ///
    /// ```no_run
    /// # use actix_web::{App, HttpServer};
    /// # #[actix_web::main] async fn main() -> std::io::Result<()> {
    /// # let sse = actix_web_sse::Sse::from_env().unwrap();
    /// let told_to_end = sse.shutdown_signal();
    /// HttpServer::new(move || App::new().configure(|app| sse.configure(app)))
    ///     .shutdown_signal(told_to_end)
    ///     .bind(("127.0.0.1", 8080))?
    ///     .run()
    ///     .await
    /// # }
    /// ```
    pub fn shutdown_signal(&self) -> impl Future<Output = ()> + Send + use<> {
        let sse = self.clone();
        async move { end_streams(shutdown_requested().await, Some(sse)).await }
    }
}

/// Ends the streams after a first signal, and lets the next one end the process at once.
pub(crate) async fn end_streams(signal: ShutdownSignal, sse: Option<Sse>) {
    exit_at_next_signal(signal);
    if let Some(sse) = sse {
        // Those that have not ended are left to actix-web's limit.
        let _ = timeout(STREAMS_END_WITHIN, sse.close()).await;
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, body::BodySize, body::MessageBody, http::Method, test};

    use super::*;

    #[actix_web::test]
    async fn head_is_answered_and_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let sse = Sse::start(&Config::new(dir.path(), "a:k").unwrap()).unwrap();
        let app = test::init_service(App::new().configure(|app| sse.configure(app))).await;
        for (path, status) in [
            ("/sse/stream", 200),
            ("/sse/stream?events=a,b", 400),
            ("/js/sse.js", 200),
        ] {
            let request = test::TestRequest::with_uri(path).method(Method::HEAD);
            let answer = test::call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), status, "{path}");
            if path == "/sse/stream" {
                assert_eq!(answer.response().body().size(), BodySize::None);
            }
            assert_eq!(sse.stats().connections, 0);
        }
    }

    #[actix_web::test]
    async fn a_preflight_is_answered_and_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "a:k").unwrap();
        let config = config
            .with_allowed_origins(["https://app.example"])
            .unwrap();
        let sse = Sse::start(&config).unwrap();
        let app = test::init_service(App::new().configure(|app| sse.configure(app))).await;
        for (origin, headers) in [
            ("https://app.example", Some("Last-Event-ID, Cache-Control")),
            ("https://evil.example", None),
        ] {
            let request = test::TestRequest::with_uri("/sse/stream")
                .method(Method::OPTIONS)
                .insert_header((header::ORIGIN, origin))
                .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "GET"));
            let answer = test::call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), 204);
            let allowed = answer.headers().get(header::ACCESS_CONTROL_ALLOW_HEADERS);
            assert_eq!(allowed.map(|value| value.to_str().unwrap()), headers);
            assert_eq!(sse.stats().connections, 0);
        }
    }

    /// Without a middleware, in the ready-made route and in a controller of the app's own.
    #[actix_web::test]
    async fn a_request_for_another_host_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "a:k").unwrap();
        let config = config.with_allowed_hosts(["app.example"]).unwrap();
        let sse = Sse::start(&config).unwrap();
        let own = {
            let sse = sse.clone();
            move |request: HttpRequest| {
                let stream = Subscription::from_request(&request).and_then(|it| sse.open(it));
                std::future::ready(stream.map(|stream| sse.response(&request).body(stream)))
            }
        };
        let app = App::new()
            .configure(|app| sse.configure(app))
            .route("/own", actix_web::web::get().to(own));
        let app = test::init_service(app).await;
        for (host, status) in [
            ("evil.example", 421),
            ("app.example", 200),
            ("localhost", 200),
        ] {
            for path in ["/sse/stream", "/own"] {
                let request = test::TestRequest::with_uri(path)
                    .peer_addr(([127, 0, 0, 1], 50_000).into())
                    .insert_header((header::HOST, host));
                let answer = test::call_service(&app, request.to_request()).await;
                assert_eq!(answer.status(), status, "{host}{path}");
            }
        }
    }
}
