//! The type [`Config`], and how it is read.

use std::path::{Path, PathBuf};

use super::{
    app_dir::app_dir,
    env_file::EnvFile,
    events::Events,
    options::Options,
    raw_settings::RawSettings,
    settings::{Origin, RawValue},
    table::{Settings, settings_in_markdown},
};
#[cfg(feature = "actix")]
use super::{
    authority::Authority,
    events::EXAMPLE_EVENTS,
    table::{Lookup, rows},
};
use crate::error::Error;

/// The settings of an app's streams and of its cache.
///
/// [`from_env`](Config::from_env) reads these settings:
///
#[doc = settings_in_markdown!()]
///
/// A real environment variable overrides the line in `.env`. The `with_…` methods override both,
/// and set everything that `.env` cannot set.
///
/// A server or cache started with a configuration from `.env` follows the file: an edit takes effect
/// within about two seconds, even on open streams. An edit that cannot be used is logged and changes
/// nothing.
///
/// ```no_run
/// use std::time::Duration;
/// use actix_web_sse::Config;
///
/// # fn main() -> Result<(), actix_web_sse::Error> {
/// let config = Config::from_env()?.with_heartbeat(Duration::from_secs(10));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) app_dir: PathBuf,
    /// Whether the settings were read from `.env`, so that an edit changes them.
    pub(super) is_from_env: bool,
    pub(super) settings: Settings,
    pub(super) options: Options,
}

impl Config {
    /// Reads the configuration of the app in [`app_dir()`].
    ///
    /// # Errors
    ///
    /// Fails if `SSE_EVENTS` is missing or a value cannot be used. The error names file and line.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_dir(app_dir())
    }

    /// Reads the configuration of the app in `app_dir`, from its `.env` and the environment.
    ///
    /// # Errors
    ///
    /// Fails like [`from_env`](Config::from_env).
    pub fn from_dir(app_dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let app_dir = app_dir.into();
        let file = EnvFile::read(&app_dir.join(".env"))?;
        Self::from_env_file(app_dir, file.as_ref())
    }

    /// `file` is the `.env` in `app_dir`.
    pub(crate) fn from_env_file(app_dir: PathBuf, file: Option<&EnvFile>) -> Result<Self, Error> {
        let config = Self::parse(app_dir, file)?;
        config.settings.check_drop_in_names()?;
        Ok(config)
    }

    fn parse(app_dir: PathBuf, file: Option<&EnvFile>) -> Result<Self, Error> {
        let raw = RawSettings::new(&app_dir, file)?;
        let settings = Settings::parse(&|info| raw.get(info))?;
        settings.check_redis_only(&raw)?;
        Ok(Self {
            settings,
            is_from_env: true,
            options: Options::default(),
            app_dir,
        })
    }

    /// The configuration after an edit of `.env`. The values that code has set stay.
    pub(super) fn with_edited_env(&self, file: Option<&EnvFile>) -> Result<Self, Error> {
        let mut edited = Self {
            options: self.options.clone(),
            ..Self::parse(self.app_dir.clone(), file)?
        };
        edited.settings.keep_values_from_code(&self.settings);
        edited.settings.check_drop_in_names()?;
        Ok(edited)
    }

    /// Returns the app's folder.
    #[must_use]
    pub fn app_dir(&self) -> &Path {
        &self.app_dir
    }

    /// Creates a configuration from the defaults and from `events`, which has the form of
    /// `SSE_EVENTS`. It reads neither `.env` nor the environment.
    ///
    /// # Errors
    ///
    /// Fails if `events` does not have that form.
    pub fn new(app_dir: impl Into<PathBuf>, events: &str) -> Result<Self, Error> {
        let app_dir = app_dir.into();
        let events: Events = events.parse()?;
        let required = || (events.to_string(), Origin::Code);
        let settings = Settings::parse(&|info| {
            let default = info.default.map(|text| (text.to_owned(), Origin::Default));
            let (text, origin) = default.unwrap_or_else(required);
            Ok(RawValue {
                info,
                text,
                origin,
                app_dir: &app_dir,
            })
        })?;
        Ok(Self {
            settings,
            is_from_env: false,
            options: Options::default(),
            app_dir,
        })
    }
}

#[cfg(feature = "actix")]
impl Config {
    /// Only the allowed hosts and origins of `.env`, and defaults: an error in another setting must neither lock
    /// out the app's visitors nor hide itself from allowed pages. If the hosts cannot be used, only loopback
    /// names and addresses are allowed; if the origins cannot, none is.
    pub(crate) fn with_access_of_env(app_dir: PathBuf) -> Result<Self, Error> {
        let mut config = Self::new(app_dir, EXAMPLE_EVENTS)?;
        config.is_from_env = true;
        match config.read_alone(Settings::allowed_hosts) {
            Ok(hosts) => config.settings.allowed_hosts = hosts,
            Err(_) => config.settings.allowed_hosts.value = vec![Authority::localhost()],
        }
        if let Ok(origins) = config.read_alone(Settings::allowed_origins) {
            config.settings.allowed_origins = origins;
        }
        Ok(config)
    }

    /// The folder of public files that `.env` names, whatever else is in it. The default, if it cannot be used.
    pub(crate) fn public_dir_of_env(app_dir: PathBuf) -> PathBuf {
        let default = app_dir.join(rows::public.default.unwrap_or_default());
        Self::new(app_dir, EXAMPLE_EVENTS)
            .and_then(|config| config.read_alone(Settings::public))
            .map_or(default, |public| public.value.0)
    }

    fn read_alone<T>(&self, parse: fn(&Lookup<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let file = EnvFile::read(&self.app_dir.join(".env"))?;
        let raw = RawSettings::new(&self.app_dir, file.as_ref())?;
        parse(&|info| raw.get(info))
    }
}
