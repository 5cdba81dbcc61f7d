//! What the oracle's processes have in common.

use std::{
    env,
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use actix_web_sse::{Config, Error};
use support::oracle::{CACHE, SSE_EVENTS};

pub(crate) fn config() -> Config {
    let config = Config::new(env::var("ORACLE_APP").unwrap(), SSE_EVENTS).unwrap();
    match env::var(CACHE) {
        Ok(url) => config.with_redis(&url).unwrap(),
        Err(_) => config,
    }
}

pub(crate) fn is_in_redis() -> bool {
    env::var_os(CACHE).is_some()
}

/// Set when the input of this process has ended.
pub(crate) fn input_end() -> Arc<AtomicBool> {
    let has_ended = Arc::<AtomicBool>::default();
    thread::spawn({
        let has_ended = Arc::clone(&has_ended);
        move || {
            let _ = std::io::stdin().read(&mut [0]);
            // Nothing else is shared through this flag, so any ordering would do.
            has_ended.store(true, Ordering::Relaxed);
        }
    });
    has_ended
}

/// Tries again while Redis is away, as a service that is restarted.
pub(crate) fn start<T>(start: impl Fn() -> Result<T, Error>) -> T {
    loop {
        match start() {
            Err(error) if is_in_redis() => {
                log::warn!("{error}");
                thread::sleep(Duration::from_millis(50));
            }
            started => return started.unwrap(),
        }
    }
}
