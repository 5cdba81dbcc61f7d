//! What the `sse` command shares with the library, so that both read `.env`, watch folders and escape text
//! alike. This is not part of the public API: it may change or go at any time.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

pub use crate::config::{
    EXAMPLE_EVENTS, EnvFile, EnvLine, EnvLineKind, SETTINGS, SettingInfo, rows as settings,
};
pub use crate::error::{is_control, one_line};
use crate::{
    Cache, Config, Error, ErrorKind, EventId, audience,
    journal::file::may_be_at,
    platform::{ChangeKinds, FolderWatcher, Interrupt},
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

/// Whether the key has a value, for everyone or for an audience. Reads the whole cache if it has none.
///
/// # Errors
///
/// Fails if the key is not valid or the cache cannot be read.
pub fn has_any_value(cache: &Cache, key: &str) -> Result<bool, Error> {
    cache.has_any_value(key)
}

/// Whether clients of the journal in the configured folder may be at this id, if they have received
/// everything. `None` if there is no journal.
///
/// # Errors
///
/// Fails if the folder cannot be read.
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
