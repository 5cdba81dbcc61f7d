//! What the `sse` command shares with the library, so that both read `.env`, watch folders and escape text
//! alike. This is not part of the public API: it may change or go at any time.

mod redis;

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

pub use self::redis::{RedisCache, RedisFacts, StoredJournal};
pub use crate::cache::KeyedSave;
pub use crate::config::{
    EXAMPLE_EVENTS, EnvFile, EnvLine, EnvLineKind, SETTINGS, SettingInfo, rows as settings,
};
pub use crate::error::{is_control, one_line};
use crate::{
    Cache, CacheAddress, Config, Error, ErrorKind, EventId, audience,
    cache::Save,
    journal::{Backend, may_be_at},
    platform::{ChangeKinds, FolderWatcher, Interrupt},
    trace_parent::TraceParent,
};

/// The configuration of the app in `app_dir`, whose `.env` was read before.
///
/// # Errors
///
/// Fails like [`Config::from_dir`].
pub fn config_from(app_dir: &Path, env_file: Option<&EnvFile>) -> Result<Config, Error> {
    Config::from_env_file(app_dir.to_owned(), env_file)
}

/// Fails if one of these texts cannot name an audience, or if there are too many.
///
/// # Errors
///
/// The error is that of a save for these audiences.
pub fn check_audiences(names: &[String]) -> Result<(), Error> {
    match names {
        [] => Ok(()),
        names => audience::check_all(names, ErrorKind::Audience),
    }
}

/// Whether a save accepts this text as its [trace context](Save::trace_parent).
#[must_use]
pub fn is_trace_parent(text: &str) -> bool {
    TraceParent::parse(text).is_ok()
}

/// Checks what does not depend on the audiences that the app will grant, and reserves the place of the stream, which
/// the limits count from now on.
///
/// # Errors
///
/// Fails like [`Sse::subscribe`](crate::Sse::subscribe), and if the streams are closing. The client must get the
/// refusal, which counts then.
#[cfg(feature = "actix")]
pub fn reserve_stream(
    sse: &crate::Sse,
    request: &actix_web::HttpRequest,
    subscription: crate::Subscription,
) -> Result<crate::Subscription, crate::StreamRefusal> {
    sse.reserve(request, subscription)
}

/// Where the cache of this configuration is.
#[must_use]
pub fn cache_address(config: &Config) -> CacheAddress {
    Backend::Configured.address(config)
}

/// The cache that `config` describes, which is opened when it is first used: so also a save that opens it waits while
/// Redis is away.
#[must_use]
pub fn cache_of(config: &Config) -> Cache {
    let config = config.clone();
    Cache::lazy(Some(config.app_dir().into()), move || Ok(config.clone()))
}

/// Saves on this thread, once, however often this is repeated with the same idempotency key, in whatever process, and
/// by several at once, as long as the entry is in the journal.
///
/// # Errors
///
/// Fails like [`Save::blocking`](crate::cache::Save::blocking). Repeat the call to learn whether the value was saved.
pub fn save_once(save: Save, idempotency_key: &str) -> Result<KeyedSave, Error> {
    save.blocking_once(idempotency_key)
}

/// Whether a save that has failed with this error may have been done nevertheless.
#[must_use]
pub fn may_be_saved(error: &Error) -> bool {
    error.must_not_be_repeated()
}

/// The error, with another sentence about what to do.
#[must_use]
pub fn with_more_help(error: &Error, advice: &str) -> Error {
    let help = match error.help() {
        Some(help) => format!("{help}; {advice}"),
        None => advice.to_owned(),
    };
    error.clone().with_help(help)
}

/// Whether the key has a value, for everyone or for an audience. Reads the whole cache if it has none.
///
/// # Errors
///
/// Fails if the key is not valid or the cache cannot be read.
pub fn has_any_value(cache: &Cache, key: &str) -> Result<bool, Error> {
    cache.has_any_value(key)
}

/// Whether clients of the configured journal may be at this id, if they have received everything. `None` if there
/// is no journal.
///
/// # Errors
///
/// Fails if the journal cannot be read.
pub fn journal_may_be_at(config: &Config, id: EventId) -> Result<Option<bool>, Error> {
    may_be_at(config, id)
}

/// Whether a rename in the folder, which `rename` makes, is noticed within the timeout. `None`: this system
/// has no notifications.
///
/// # Errors
///
/// Fails with the system's error, for example if one of its limits is reached.
pub fn notices_rename(
    folder: &Path,
    timeout: Duration,
    rename: impl FnOnce() -> io::Result<()>,
) -> io::Result<Option<bool>> {
    let watcher = FolderWatcher::new()?;
    if watcher.add(folder, ChangeKinds::Renames)?.is_none() {
        return Ok(None);
    }
    rename()?;
    let flag = Interrupt::new()?;
    let deadline = Instant::now() + timeout;
    let mut is_noticed = false;
    loop {
        watcher.read(|_| is_noticed = true);
        let time_left = deadline.saturating_duration_since(Instant::now());
        if is_noticed || time_left.is_zero() {
            return Ok(Some(is_noticed));
        }
        watcher.wait(time_left, &flag);
    }
}
