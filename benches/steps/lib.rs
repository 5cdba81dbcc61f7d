//! What both kinds of measurement begin with.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::{path::Path, time::Duration};

use actix_web_sse::{Cache, Config, bench_support::Document};
use tempfile::TempDir;

/// 200 bytes, as JSON.
#[must_use]
pub fn value() -> String {
    "x".repeat(198)
}

/// The entry of such a value.
#[must_use]
pub fn document() -> Document {
    Document::new("order", &format!("\"{}\"", value()))
}

/// What all caches here are opened with.
#[must_use]
pub fn config(dir: &Path) -> Config {
    let config = Config::new(dir, "order:order").unwrap();
    config
        .with_signal_handling(false)
        .with_stream_duration(Duration::ZERO)
}

/// An empty cache, in a folder that goes with it.
pub struct App {
    /// The cache.
    pub cache: Cache,
    _dir: TempDir,
}

impl App {
    /// Makes the folder among the temporary files.
    #[must_use]
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            cache: Cache::open(&config(dir.path())).unwrap(),
            _dir: dir,
        }
    }

    /// The same with so many saved values.
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
