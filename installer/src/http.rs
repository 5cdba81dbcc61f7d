//! The HTTP client of `sse listen` and `sse doctor`: HTTP/1.1 and HTTP/2, with and without TLS, also through
//! the proxy that the environment names.
//!
//! A command waits for one response at a time, so each response has its own runtime on the command's
//! thread, and every wait has a time limit.

mod client;
mod connection;
mod decoder;
mod error;
mod head;
mod request_headers;
mod response;
mod tls;
mod verifier;

pub(crate) use self::client::{Client, Timeouts};
pub(crate) use self::connection::is_loopback;
#[cfg(feature = "serve")]
pub(crate) use self::connection::open_transport;
#[cfg(feature = "serve")]
pub(crate) use self::error::with_causes;
pub(crate) use self::error::{ErrorKind, RequestError};
pub(crate) use self::head::{ResponseHead, ServerError};
pub(crate) use self::response::{Chunk, Response};
#[cfg(feature = "serve")]
pub(crate) use self::tls::tls_for_http1;
