//! Live notifications for actix-web apps: save a value under a cache key, and every connected browser
//! receives a Server-Sent Event.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, post};
//! use actix_web_sse::cache;
//!
//! #[post("/order")]
//! async fn order() -> actix_web::Result<impl Responder> {
//!     cache().save("event_cache_key1", "1").await?;
//!     Ok("thank you")
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     HttpServer::new(|| App::new().configure(actix_web_sse::routes).service(order))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! `SSE_EVENTS` in the app's `.env` maps cache keys to the events that they trigger; see [`Config`].
//!
//! | to | see | in the repository |
//! |---|---|---|
//! | add live notifications to an app | [`routes()`] | `docs/getting-started.md` |
//! | save, read, delete and follow values | [`cache()`], [`Cache`] | `docs/guides/trigger-events.md` |
//! | save from a shell, PHP or another program | | `docs/guides/other-programs.md` |
//! | configure the app | [`Config`], [`Events`] | `docs/configuration.md` |
//! | decide which client receives which event | [`Sse`], [`Subscription`], [`Grant`], [`track_authorization()`], [`StreamResponse`], [`EventStream`] | `docs/guides/private-stream.md` |
//! | send events to one user, with login and logout | [`Subscription::grant`], [`Cache::revoke`], [`track_authorization()`] | `docs/guides/single-users.md` |
//! | authenticate streams with tokens | [`Subscription::until`] | `docs/guides/tokens.md` |
//! | send the events of one order to its page | [`Subscription::asked`], [`Grant`] | `docs/guides/orders.md` |
//! | receive events in the page | [`client_files()`] | `docs/guides/in-the-page.md` |
//! | update pages with htmx, Turbo or Datastar | [`Subscription::without_envelope`] | `docs/guides/html-front-ends.md` |
//! | test an app | the module `testing` | `docs/guides/testing.md` |
//! | run on several machines, with Redis | [`Config`] | `docs/guides/several-machines.md` |
//! | run in production | [`on_connect()`], [`shutdown_signal()`], [`check_host()`] | `docs/guides/production.md` |
//! | see open streams, rates of events and problems | [`Dashboard`] | `docs/guides/dashboard.md` |
//! | see what happens, with metrics | the function `metrics` | `docs/guides/metrics.md` |
//! | see what happens, with spans | | `docs/guides/tracing.md` |
//! | handle errors | [`Error`], [`ErrorKind`] | `docs/errors.md` |
//! | know what is delivered, and when | | `docs/delivery.md` |
//! | know who can receive what | | `docs/security.md` |
//! | read how it works | | `docs/architecture.md` |
//!
//! # Features
//!
//! - `actix` (default): the HTTP side, and `.await` on [`Save`](cache::Save), [`Get`](cache::Get),
//!   [`Delete`](cache::Delete) and [`Revoke`](cache::Revoke). Without it, any program can save, read, delete and
//!   follow values, and revoke audiences.
//! - `metrics`: what happens is recorded through the facade [`metrics`](https://docs.rs/metrics).
//! - `redis`: the cache in Redis (`SSE_CACHE=redis://…`), which servers on several machines share.
//! - `redis-tls`: the same, with TLS to Redis (`SSE_CACHE=rediss://…`). The first such connection installs the provider
//!   `ring` for the whole program, unless the program has installed one of rustls's providers before.
//! - `rustls-0_23`: [`on_connect()`] knows the TLS connections of actix-web's feature of the same name.
//! - `testing`: the test kit, for `dev-dependencies`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_debug_implementations)]
#![cfg_attr(
    not(feature = "actix"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "the documentation links to items of the HTTP side"
    )
)]

#[cfg(not(unix))]
compile_error!("actix-web-sse runs only on Linux and other Unix systems");

mod audience;
pub mod cache;
mod client_files;
mod config;
mod entry;
mod epoch;
mod error;
mod event_id;
#[cfg(feature = "actix")]
mod gap;
mod ingest;
mod journal;
mod key;
mod observe;
mod platform;
mod runtime;
mod spans;
mod trace_parent;

#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod bench_support;
#[doc(hidden)]
pub mod cli_support;
#[cfg(feature = "actix")]
mod dashboard;
#[cfg(all(any(fuzzing, test), feature = "actix"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "actix")]
mod http;
#[cfg(feature = "actix")]
mod hub;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(feature = "actix")]
pub use crate::dashboard::Dashboard;
#[cfg(feature = "actix")]
pub use crate::http::{
    Closing, EventStream, Grant, Sse, Stats, StreamRefusal, StreamResponse, Subscription,
    check_host, is_local, on_connect, request_line, routes, scripts, shutdown_signal,
    track_authorization, watch_connection,
};
#[cfg(feature = "metrics")]
pub use crate::observe::{Metric, MetricKind, metrics};
pub use crate::{
    cache::{Cache, cache},
    client_files::{ClientFile, client_files},
    config::{Config, Events, Origin, Setting, app_dir},
    entry::Entry,
    error::{Error, ErrorKind, Location},
    event_id::EventId,
    journal::CacheAddress,
};
