//! Where the apps of tests keep their journals.

#[cfg(feature = "tools")]
use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

#[cfg(feature = "tools")]
use crate::redis::{RedisOptions, RedisServer};

/// Where an app keeps its journal. What is promised about delivery is tested on each, see [`on_every_backend`].
///
/// [`on_every_backend`]: crate::on_every_backend
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// In a folder of the app.
    Folder,
    /// In a Redis server that all tests of the process share. Each app has a prefix of its own.
    #[cfg(feature = "tools")]
    Redis,
}

impl Backend {
    /// The URL of an empty cache in Redis.
    #[must_use]
    pub fn redis_url(self) -> Option<String> {
        match self {
            Self::Folder => None,
            #[cfg(feature = "tools")]
            Self::Redis => {
                static SERVER: LazyLock<RedisServer> =
                    LazyLock::new(|| RedisServer::start(RedisOptions::new()));
                static NUMBER: AtomicU64 = AtomicU64::new(0);
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let address = SERVER.address();
                Some(format!("redis://{address}?prefix=app-{number}"))
            }
        }
    }
}

/// Runs these tests, functions of a [`Backend`], on each backend.
#[macro_export]
macro_rules! on_every_backend {
    ($($test:ident)*) => {
        mod in_a_folder {
            $(#[test] fn $test() { super::$test($crate::Backend::Folder); })*
        }
        #[cfg(feature = "tools")]
        mod in_redis {
            $(#[test] fn $test() { super::$test($crate::Backend::Redis); })*
        }
    };
}
