//! The test kit: a cache for each test, assertions about what was saved, and streams in the test's own
//! process, without a server or a socket.
//!
//! It is in the feature `testing`, which belongs into the `dev-dependencies`:
//!
//! ```toml
//! [dev-dependencies]
//! actix-web-sse = { version = "0.1", features = ["testing"] }
//! ```
//!
//! Begin with [`TestSse`].

#[cfg(feature = "actix")]
mod connect;
#[cfg(feature = "actix")]
mod connection;
#[cfg(feature = "actix")]
mod event;
mod saved;
#[cfg(feature = "actix")]
mod stream;
mod test_sse;
#[cfg(test)]
mod tests;

#[cfg(feature = "actix")]
pub use self::{
    event::{Event, EventParser},
    stream::TestStream,
};
pub use self::{saved::Saved, test_sse::TestSse};
