//! The repository itself: its documents and manifests, and the template that it publishes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod code;
mod documents;
#[cfg(feature = "tools")]
mod first_use;
#[cfg(feature = "tools")]
mod generate;
mod links;
mod markdown;
mod metrics;
mod packages;
mod proofs;
mod settings;
