//! What the `sse` command shares with the library, so that both read `.env` alike. This is not part of the
//! public API: it may change or go at any time.

use std::path::Path;

pub use crate::config::{
    EXAMPLE_EVENTS, EnvFile, EnvLine, EnvLineKind, SETTINGS, SettingInfo, rows as settings,
};
use crate::{Config, Error};

/// The configuration of the app in `app_dir`, whose `.env` was read before.
///
/// # Errors
///
/// Fails like [`Config::from_dir`].
pub fn config_from(app_dir: &Path, env_file: Option<&EnvFile>) -> Result<Config, Error> {
    Config::from_env_file(app_dir.to_owned(), env_file)
}
