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
//! Begin with [`TestSse`]. A test, benchmark or doctest without one does not write to the app's cache
//! either:
//!
//! ```
//! use actix_web_sse::{CacheAddress, cache};
//!
//! # fn main() -> Result<(), actix_web_sse::Error> {
//! assert_eq!(cache().address()?, CacheAddress::Memory);
//! # Ok(()) }
//! ```

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
#[cfg(feature = "actix")]
mod tests;
#[cfg(feature = "actix")]
mod user;

#[cfg(feature = "actix")]
pub use self::{
    event::{Event, EventParser},
    stream::TestStream,
    user::TestUser,
};
pub use self::{saved::Saved, test_sse::TestSse};
