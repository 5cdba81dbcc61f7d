//! The setup of both kinds of measurement.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot continue has failed"
)]

use std::{path::Path, time::Duration};

use actix_web_sse::{Cache, Config, bench_support::EncodedDocument};
use tempfile::TempDir;

/// A value of 200 bytes as JSON.
#[must_use]
pub fn value() -> String {
    "x".repeat(198)
}

/// An entry with this value.
#[must_use]
pub fn document() -> EncodedDocument {
    EncodedDocument::new("order", &format!("\"{}\"", value()))
}

/// An entry with this value for the stream of one user.
#[must_use]
pub fn private_document(user: usize) -> EncodedDocument {
    EncodedDocument::for_audiences("order", &format!("\"{}\"", value()), user_name(user))
}

/// The audience of one user. It is as long for the last user as for the first.
#[must_use]
pub fn user_name(user: usize) -> String {
    format!("user:{user:06}")
}

/// The configuration of all caches here.
#[must_use]
pub fn config(dir: &Path) -> Config {
    let config = Config::new(dir, "order:order").unwrap();
    config
        .with_signal_handling(false)
        // The tail reads all entries, however long it took to save them.
        .with_lookback(Duration::from_secs(3600))
        .with_stream_duration(Duration::ZERO)
}

/// An empty cache in a temporary folder, which is removed on drop.
pub struct App {
    /// The cache.
    pub cache: Cache,
    _dir: TempDir,
}

impl App {
    /// Creates the folder in `TMPDIR`.
    #[must_use]
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            cache: Cache::open(&config(dir.path())).unwrap(),
            _dir: dir,
        }
    }

    /// A cache with `count` saved values.
    #[must_use]
    pub fn with_entries(count: u64) -> Self {
        let app = Self::new();
        for _ in 0..count {
            app.cache.save_blocking("order", value()).unwrap();
        }
        app
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}
