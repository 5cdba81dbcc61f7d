//! Live notifications for actix-web apps: save a value under a cache key, and every browser that
//! listens gets a Server-Sent Event.
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
//! Which event a page hears for which key says `SSE_EVENTS` in the app's `.env`; see [`Config`].
//!
//! # Features
//!
//! - `actix` (default): everything about HTTP, and `.await` on what the cache does. Without it the
//!   crate saves, reads, deletes and follows values from any program.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("actix-web-sse runs on Linux and other Unix systems only");

mod cache;
mod client_files;
mod config;
mod entry;
mod epoch;
mod error;
mod ingest;
mod journal;
mod key;
mod platform;
mod runtime;

#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod bench_support;
#[cfg(all(any(fuzzing, test), feature = "actix"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "actix")]
mod http;
#[cfg(feature = "actix")]
mod hub;

#[cfg(feature = "actix")]
pub use crate::http::{
    Closing, EventStream, Sse, Stats, Subscription, check_host, is_local, on_connect, routes,
    scripts, shutdown_signal, watch_connection,
};
pub use crate::{
    cache::{Cache, Delete, Follow, Get, Next, Save, cache},
    client_files::{ClientFile, client_files},
    config::{Config, Events, app_dir},
    entry::Entry,
    error::{Error, ErrorKind, Location},
};
