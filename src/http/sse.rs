//! `Sse`: opens streams and answers requests for them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, body,
    dev::ResponseHead,
    http::{
        ConnectionType, Method, Version,
        header::{self, HeaderValue},
    },
};
use tokio::time::timeout;

use super::{
    close_at_signal::{exit_at_next_signal, shutdown_requested},
    cors::{cors_headers, preflight},
    requested_host::RequestedHost,
    shared_stream_state::SharedStreamState,
    signal_receiver::ShutdownSignals,
    stream::EventStream,
    subscription::Subscription,
};
use crate::{
    cache::{Cache, cache},
    config::Config,
    error::Error,
};

/// How long a server waits for its streams to end before it stops. Clients that do not read are
/// disconnected by then. While it stops, actix-web checks once a second whether connections are left,
/// so the process can still end within two seconds.
const STREAM_END_TIMEOUT: Duration = Duration::from_millis(500);

/// Follows a cache and serves the saved values as Server-Sent Events, to any number of clients.
///
/// Most apps need only [`routes`](crate::routes()). Use an `Sse` for a configuration from code or for
/// a stream controller of your own:
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use actix_web_sse::{Config, Sse};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::from_env()?.with_max_connections_per_address(20);
/// let sse = Sse::start(&config)?;
/// HttpServer::new(move || App::new().configure(|app| sse.configure(app)))
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await?;
/// # Ok(()) }
/// ```
///
/// An `Sse` is cheap to clone, and all clones share one reader of the cache. Create it once, outside
/// the closure that builds the app: actix-web runs that closure on every worker.
#[derive(Clone)]
pub struct Sse {
    pub(crate) state: Arc<SharedStreamState>,
}

/// The current figures of an [`Sse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The number of open streams.
    pub connections: usize,
}

/// A future that waits until all streams have ended. [`Sse::close`] returns it.
pub struct Closing(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl Sse {
    /// Follows the cache of the app in [`app_dir()`](crate::app_dir), as its `.env` describes it: the one
    /// that [`cache()`](crate::cache()) returns.
    ///
    /// # Errors
    ///
    /// Fails if the configuration or the cache cannot be used. The error says what to do.
    pub fn from_env() -> Result<Self, Error> {
        Self::follow(cache())
    }

    /// Follows the cache that `config` describes.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be used.
    pub fn start(config: &Config) -> Result<Self, Error> {
        Self::follow(&Cache::open(config)?)
    }

    /// Follows a cache that is already open.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be used.
    pub fn follow(cache: &Cache) -> Result<Self, Error> {
        Ok(Self {
            state: Arc::new(SharedStreamState::start(cache.journal_handle()?)?),
        })
    }

    /// Opens a stream, for [`response`](Sse::response). Call it in a handler: the stream belongs to the
    /// worker that it was opened on.
    ///
    /// # Errors
    ///
    /// Fails if the request is for a host that is not allowed (421, see
    /// [`check_host`](Sse::check_host)), if the client asks for an event that does not exist (400), or
    /// if too many streams are open (503).
    pub fn open(&self, subscription: Subscription) -> Result<EventStream, Error> {
        subscription.host.check(self.config().allowed_hosts())?;
        EventStream::open(&self.state, subscription)
    }

    /// Opens a stream and returns the complete response, or for HEAD its headers alone.
    ///
    /// # Errors
    ///
    /// Fails like [`open`](Sse::open). Turn the error into a response with
    /// [`refusal`](Sse::refusal).
    pub fn stream(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let events = self.open(Subscription::from_request(request)?)?;
        Ok(self.response(request, events))
    }

    /// Returns the response with this stream as its body: status 200, and the headers with which events
    /// reach the browser one by one. You can add headers of your own to it:
    ///
    /// ```no_run
    /// use actix_web::{HttpRequest, Responder, web::Data};
    /// use actix_web_sse::{Error, Sse, Subscription};
    ///
    /// async fn stream(request: HttpRequest, sse: Data<Sse>) -> Result<impl Responder, Error> {
    ///     let events = sse.open(Subscription::from_request(&request)?)?;
    ///     let response = sse.response(&request, events);
    ///     Ok(response.customize().insert_header(("X-Robots-Tag", "none")))
    /// }
    /// ```
    ///
    /// For HEAD, it has no body, and the stream ends at once. Over HTTP/1.0, the connection ends with
    /// the stream.
    #[must_use]
    pub fn response(&self, request: &HttpRequest, events: EventStream) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response
            // "MIME type text/event-stream", without a parameter: browsers refuse some charsets.
            .insert_header((header::CONTENT_TYPE, "text/event-stream"))
            // Proxies must neither store the stream nor delay it to compress it.
            .insert_header((header::CACHE_CONTROL, "no-cache, no-transform, private"))
            .insert_header((header::CONTENT_ENCODING, "identity"))
            .insert_header(("X-Accel-Buffering", "no"));
        for header in cors_headers(&self.config(), request) {
            response.insert_header(header);
        }
        if request.method() == Method::HEAD {
            // Without a length, because the length of a stream is not known.
            return response.body(body::None::new());
        }
        let mut response = response.body(events);
        if request.version() < Version::HTTP_11 {
            end_with_connection(response.head_mut());
        }
        response
    }

    /// Returns the response for a request that gets no stream, with the error's status and text.
    ///
    /// Pages of `SSE_ALLOWED_ORIGINS` can read it, as they could read the stream. Without the headers
    /// for that, a browser hides the status from the page, and the page would reconnect again and
    /// again.
    #[must_use]
    pub fn refusal(&self, request: &HttpRequest, error: &Error) -> HttpResponse {
        let mut response = error.error_response();
        let headers = response.headers_mut();
        for (name, value) in cors_headers(&self.config(), request) {
            headers.insert(name, value);
        }
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            let readable = HeaderValue::from_static("Retry-After");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        }
        response
    }

    /// Checks whether this server answers for the host that a request is for, according to this
    /// `Sse`'s configuration.
    ///
    /// Allowed are loopback names, IP addresses and the hosts in `SSE_ALLOWED_HOSTS` or
    /// [`with_allowed_hosts`](Config::with_allowed_hosts). If neither is set, every host is allowed for
    /// requests that did not arrive on a loopback address.
    ///
    /// The stream makes this check itself. For other pages of the app, use the middleware
    /// [`check_host`](crate::check_host()), which makes the same check with the hosts in `.env`.
    ///
    /// # Errors
    ///
    /// Fails if the host is not allowed. The error is a response with status 421 that says what to do.
    pub fn check_host(&self, request: &HttpRequest) -> Result<(), Error> {
        RequestedHost::new(request).check(self.config().allowed_hosts())
    }

    /// Returns the complete response of the stream's route to any request: the stream for GET,
    /// its headers for HEAD, the answer to a browser's preflight request for OPTIONS, or the reason why
    /// there is no stream. Pages of `SSE_ALLOWED_ORIGINS` can read all of them.
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
        let response = if request.method() == Method::OPTIONS {
            self.check_host(request)
                .map(|()| preflight(&self.config(), request))
        } else {
            self.stream(request)
        };
        response.unwrap_or_else(|error| self.refusal(request, &error))
    }

    /// Returns the current configuration. An edit of `.env` replaces it.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.state.hub.config()
    }

    /// Returns the current figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.state.open_streams(),
        }
    }

    /// Ends every open stream now, and later ones as soon as they open. Await the result to wait until
    /// all have ended. Clients then reconnect to the server that answers, and miss nothing.
    ///
    /// A stream ends when its client takes its last bytes. A client that takes nothing is disconnected
    /// after 300 ms, and one that is too slow to take everything that waits for it after 800 ms.
    /// Streams over HTTP/2 or a Unix socket are left to
    /// [`shutdown_timeout`](actix_web::HttpServer::shutdown_timeout); if you have some, limit how long
    /// you wait.
    ///
    /// At SIGTERM and SIGINT, the streams end without this call, unless
    /// [`with_signal_handling`](Config::with_signal_handling) turns that off.
    pub fn close(&self) -> Closing {
        self.state.hub.close();
        let state = Arc::clone(&self.state);
        Closing(Box::pin(async move { state.all_ended().await }))
    }

    /// Returns a future for `HttpServer::shutdown_signal`. After a SIGTERM or SIGINT, it ends the
    /// streams and completes when all have ended, but at most 500 ms after the signal. Then the server
    /// stops and completes the other requests as usual.
    ///
    /// With it,
    ///
    /// - a process whose other requests are completed ends within two seconds;
    /// - the streams end in order at Ctrl-C, too, where actix-web alone cuts the connections;
    /// - a second signal ends the process at once, even if it still waits for requests.
    ///
    /// Without it, the streams end while the server already stops, and actix-web takes up to a second
    /// longer to notice that no connection is left.
    ///
    /// An app that uses [`routes`](crate::routes()) calls
    /// [`shutdown_signal`](crate::shutdown_signal()) instead.
    ///
    /// ```no_run
    /// # use actix_web::{App, HttpServer};
    /// # #[actix_web::main] async fn main() -> std::io::Result<()> {
    /// # let sse = actix_web_sse::Sse::from_env().unwrap();
    /// let shutdown_signal = sse.shutdown_signal();
    /// HttpServer::new(move || App::new().configure(|app| sse.configure(app)))
    ///     .shutdown_signal(shutdown_signal)
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

/// Has the end of the connection end the body, instead of a last chunk.
///
/// "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request
/// indicates HTTP/1.1 (or later minor revisions)." (RFC 9112, 6.1) A client of HTTP/1.0 takes the lengths
/// of chunks for data, and so receives values that span chunks damaged. If the connection breaks, the
/// client cannot tell that from the planned end. It loses nothing: it drops an incomplete event, and
/// reconnects with the id of the last complete one.
fn end_with_connection(head: &mut ResponseHead) {
    head.no_chunking(true);
    head.set_connection_type(ConnectionType::Close);
}

/// Ends the streams after a first signal, and lets the next signal end the process at once.
pub(super) async fn end_streams(signals: ShutdownSignals, sse: Option<Sse>) {
    exit_at_next_signal(signals);
    if let Some(sse) = sse {
        // Streams that have not ended by then are left to actix-web's own timeout.
        let _ = timeout(STREAM_END_TIMEOUT, sse.close()).await;
    }
}

#[cfg(test)]
mod tests;
