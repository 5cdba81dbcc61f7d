//! `Sse`: opens streams and responds to requests for them.

use std::{
    fmt,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use actix_web::HttpRequest;
use tokio::time::timeout;

use super::{
    close_at_signal::{exit_at_next_signal, shutdown_requested},
    cors::CorsHeaders,
    host_check::public_reason,
    lazy_stream_state::{LazyStreamState, SharedStreamState},
    refusal_count::count_refusal_of_host,
    requested_host::RequestedHost,
    signal_receiver::ShutdownSignals,
    stream::EventStream,
    subscription::Subscription,
};
use crate::{
    cache::{Cache, cache},
    config::Config,
    error::{Error, ErrorKind},
    event_id::EventId,
    hub::Hub,
    observe::Observations,
};

/// How long a server waits for its streams to end before it stops. Clients that do not read are
/// disconnected by then. While it stops, actix-web checks once a second whether connections are left,
/// so the process can still end within two seconds.
const STREAM_END_TIMEOUT: Duration = Duration::from_millis(500);

/// The `Sse` that [`Sse::from_env`] returns.
static FROM_ENV: OnceLock<Sse> = OnceLock::new();

/// Follows a cache and serves the saved values as Server-Sent Events, to any number of clients.
///
/// Most apps need only [`routes`](crate::routes()). Use an `Sse` for a stream controller of your own, or
/// for a configuration from code:
///
/// ```no_run
/// use actix_web::{App, HttpServer, Responder, web};
/// use actix_web_sse::{Sse, Subscription};
///
/// async fn stream(sse: web::Data<Sse>, subscription: Subscription) -> impl Responder {
///     sse.respond(subscription)
/// }
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     let sse = Sse::from_env();
///     HttpServer::new(move || {
///         App::new()
///             .app_data(web::Data::new(sse.clone()))
///             .service(web::resource("/my/stream").to(stream))
///     })
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await
/// }
/// ```
///
/// An `Sse` is cheap to clone, and all clones share one reader of the cache. Create it once, outside
/// the closure that builds the app: actix-web runs that closure on every worker.
///
/// **If the cache cannot be used** when an `Sse` is created by [`from_env`](Sse::from_env) or
/// [`from_cache`](Sse::from_cache), for example because `.env` has a mistake, the app starts anyway. The
/// log (standard error, if the app has no logger) shows the reason, and requests for the stream get it
/// with status 503. A thread tries again every two seconds until the mistake is corrected.
#[derive(Clone)]
pub struct Sse {
    pub(crate) state: Arc<LazyStreamState>,
    pub(crate) cache: Cache,
}

/// The current figures of an [`Sse`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Stats {
    /// The number of open streams.
    pub connections: usize,
    /// `None` before the streams have started.
    hub: Option<Arc<Hub>>,
}

impl Stats {
    /// Returns how many open streams of this server hold the audience `name`. A user may have several, and none
    /// while the client connects again. Grants of a prefix do not count, and neither do the streams of other
    /// servers.
    ///
    /// ```no_run
    /// # let sse = actix_web_sse::Sse::from_env();
    /// let is_here = sse.stats().audience("user:42") > 0;
    /// ```
    #[must_use]
    pub fn audience(&self, name: &str) -> usize {
        self.hub.as_ref().map_or(0, |hub| hub.count_holders(name))
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// A future that waits until all streams have ended. [`Sse::close`] returns it.
pub struct Closing(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}

impl fmt::Debug for Sse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse")
            .field("config", &self.config())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Sse {
    /// Returns the `Sse` for the cache of the app in [`app_dir()`](crate::app_dir), as its `.env`
    /// describes it. It is the one of [`routes`](crate::routes()), and the same at each call.
    #[must_use]
    pub fn from_env() -> Self {
        // Each test has streams of its own.
        #[cfg(any(test, feature = "testing"))]
        if crate::cache::is_installed() {
            return Self::from_cache(cache());
        }
        FROM_ENV.get_or_init(|| Self::from_cache(cache())).clone()
    }

    /// Follows a cache, such as the one that [`cache()`](crate::cache()) returns.
    #[must_use]
    pub fn from_cache(cache: &Cache) -> Self {
        Self {
            state: Arc::new(LazyStreamState::start_or_retry(cache)),
            cache: cache.clone(),
        }
    }

    /// Follows the cache that `config` describes:
    ///
    /// ```no_run
    /// use actix_web::{App, HttpServer};
    /// use actix_web_sse::{Config, Sse};
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::from_env()?.with_max_connections_per_address(20);
    /// let sse = Sse::new(&config)?;
    /// HttpServer::new(move || App::new().configure(|app| sse.configure(app)))
    ///     .bind(("127.0.0.1", 8080))?
    ///     .run()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be used. The error says what to do.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let cache = Cache::open(config)?;
        Ok(Self {
            state: Arc::new(LazyStreamState::start(&cache)?),
            cache,
        })
    }

    pub(crate) fn observations(&self) -> &Observations {
        self.cache.observations()
    }

    /// The folder of the app.
    pub(super) fn app_dir(&self) -> PathBuf {
        self.cache.app_dir()
    }

    /// For pages of the allowed origins. Before the streams start, these are the ones in `.env`.
    pub(super) fn cors_headers(&self, request: &HttpRequest) -> CorsHeaders {
        match self.config() {
            Ok(config) => CorsHeaders::new(config.allowed_origins(), request),
            Err(_) => CorsHeaders::new(&self.state.origins_before_start(), request),
        }
    }

    /// The state of the streams, or why there are none.
    pub(crate) fn state(&self) -> Result<&SharedStreamState, Error> {
        self.state.get()
    }

    /// Opens a stream, as the body of a response of your own. Call it in a handler: the stream belongs to
    /// the worker that it was opened on. [`respond`](Sse::respond) also sets the headers that browsers and
    /// proxies need.
    ///
    /// # Errors
    ///
    /// Fails if the request is for a host that is not allowed (421, see
    /// [`check_host`](Sse::check_host)), if its query cannot be parsed or asks for an event that does not
    /// exist (400), if the client asks for audiences that the app has not granted, or may not have the stream for
    /// another reason (403), if a granted name is not valid (422), or if too many streams are open or the cache
    /// cannot be used (503).
    pub fn subscribe(&self, subscription: Subscription) -> Result<EventStream, Error> {
        let count = subscription.refusal_count.clone();
        let refused = |error: &Error| count.add(self.observations(), error.kind().into());
        self.open(subscription).inspect_err(refused)
    }

    fn open(&self, subscription: Subscription) -> Result<EventStream, Error> {
        match self.state() {
            Ok(state) => {
                let config = state.hub.config();
                subscription.host.check(config.allowed_authorities())?;
                EventStream::open(state, subscription)
            }
            Err(error) => Err(public_reason(&subscription.host, error)),
        }
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
    /// Also fails if the configuration cannot be used (503).
    pub fn check_host(&self, request: &HttpRequest) -> Result<(), Error> {
        let host = RequestedHost::new(request);
        let result = match self.config() {
            Ok(config) => host.check(config.allowed_authorities()),
            Err(error) => Err(public_reason(&host, error)),
        };
        result.inspect_err(|error| count_refusal_of_host(request, error, || &self.cache))
    }

    /// Returns the current configuration. An edit of `.env` replaces it.
    ///
    /// # Errors
    ///
    /// Fails with the error of the last attempt to start the streams, until one succeeds.
    pub fn config(&self) -> Result<Arc<Config>, Error> {
        Ok(self.state()?.hub.config())
    }

    /// Returns the current figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.state().ok();
        Stats {
            connections: state.map_or(0, |state| state.limits.open_streams()),
            hub: state.map(|state| Arc::clone(&state.hub)),
        }
    }

    /// Returns the position that this server has reached in the cache. Call this before you authenticate a request,
    /// and pass the result to [`Subscription::authorized_at`](crate::Subscription::authorized_at). Before the
    /// streams have started, the result counts as no position.
    #[must_use]
    pub fn position(&self) -> EventId {
        (self.state()).map_or_else(|_| EventId::default(), |state| state.hub.ring().end())
    }

    /// The position of [`from_env`](Self::from_env), if the app uses that.
    pub(super) fn position_from_env() -> Option<EventId> {
        FROM_ENV.get().map(Self::position)
    }

    /// Checks whether this server delivers saved values now and can save some, for the readiness check of a load
    /// balancer. It returns what threads have found out, so a handler may call it as often as it likes. Whether the
    /// cache can be written is checked once per poll interval while somebody asks, and every ten seconds otherwise.
    ///
    /// # Errors
    ///
    /// Fails with the reason: the streams have not started, they are closing, or the cache cannot be read or
    /// written, for example because the disk is full or hangs, or Redis is away. Do not end the process for
    /// it: its streams stay open.
    pub fn check_ready(&self) -> Result<(), Error> {
        let hub = &self.state()?.hub;
        if hub.is_closing() {
            return Err(Error::new(ErrorKind::Busy, "this server is shutting down"));
        }
        hub.problem().map_or(Ok(()), Err)
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
        self.state.close();
        let sse = self.clone();
        Closing(Box::pin(async move {
            if let Ok(state) = sse.state() {
                state.limits.all_ended().await;
            }
        }))
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
    /// An app that uses [`routes`](crate::routes()) or [`Sse::from_env`] can call
    /// [`shutdown_signal`](crate::shutdown_signal()) instead.
    ///
    /// ```no_run
    /// # use actix_web::{App, HttpServer};
    /// # #[actix_web::main] async fn main() -> std::io::Result<()> {
    /// # let sse = actix_web_sse::Sse::from_env();
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
        async move { end_streams(shutdown_requested().await, Some(&sse)).await }
    }
}

/// Waits for a shutdown signal and ends the streams, for
/// [`HttpServer::shutdown_signal`](actix_web::HttpServer::shutdown_signal) in an app that uses
/// [`routes`](crate::routes()) or [`Sse::from_env`]. See [`Sse::shutdown_signal`] for the details.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// HttpServer::new(|| App::new().configure(actix_web_sse::routes))
///     .shutdown_signal(actix_web_sse::shutdown_signal())
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await
/// # }
/// ```
pub async fn shutdown_signal() {
    let signals = shutdown_requested().await;
    end_streams(signals, FROM_ENV.get()).await;
}

/// Ends the streams after a first signal, and lets the next signal end the process at once.
async fn end_streams(signals: ShutdownSignals, sse: Option<&Sse>) {
    exit_at_next_signal(signals);
    if let Some(sse) = sse {
        // Streams that have not ended by then are left to actix-web's own timeout.
        let _ = timeout(STREAM_END_TIMEOUT, sse.close()).await;
    }
}

#[cfg(test)]
mod tests;
