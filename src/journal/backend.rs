//! Opens the journal that a configuration names. Code above this module does not know how entries are
//! stored.

use std::sync::Arc;

#[cfg(any(test, feature = "actix", feature = "testing"))]
use super::memory::MemoryStore;
#[cfg(feature = "redis")]
use super::redis;
use super::{
    address::CacheAddress,
    contract::Journal,
    file::{self, CacheFolder, FileJournal},
};
use crate::{
    config::{CacheLocation, Config, RedisLocation},
    error::{Error, ErrorKind},
    event_id::EventId,
    observe::Observations,
};

/// How often a read or save is repeated because the journal was replaced meanwhile. One repetition is
/// enough for one replacement, so only a program that replaces the cache folder in a loop needs more
/// than 20.
pub(crate) const MAX_REPLACEMENT_RETRIES: u32 = 20;

/// Where a cache keeps its journal.
pub(crate) enum Backend {
    /// Where the configuration says.
    Configured,
    /// In the memory of this process, for tests and for what nobody else needs.
    #[cfg(any(test, feature = "actix", feature = "testing"))]
    Memory(MemoryStore),
}

/// A journal with what belongs to the place where it was opened.
#[derive(Clone)]
pub(crate) struct OpenedJournal {
    pub(crate) journal: Arc<dyn Journal>,
    /// The configuration that has named it; `None` for a journal in memory.
    config: Option<Arc<Config>>,
    pub(crate) drop_ins: DropInSource,
}

/// Where other programs put drop-ins for a journal.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "redis"),
    allow(dead_code, reason = "only a cache in Redis has its drop-ins elsewhere")
)]
pub(crate) enum DropInSource {
    Nowhere,
    /// In the folder of the journal.
    CacheFolder(Arc<CacheFolder>),
    /// In a folder that has no journal. It is opened by the thread that ingests them, because a server whose cache
    /// is elsewhere must not depend on it.
    OwnFolder,
}

impl Backend {
    /// Where a cache of this configuration is.
    pub(crate) fn address(&self, config: &Config) -> CacheAddress {
        match self {
            Self::Configured => match config.cache_location() {
                CacheLocation::Folder(path) => CacheAddress::Folder(path.clone()),
                CacheLocation::Redis(location) => CacheAddress::Redis(location.to_string()),
            },
            #[cfg(any(test, feature = "actix", feature = "testing"))]
            Self::Memory(_) => CacheAddress::Memory,
        }
    }

    /// Opens the journal, and creates it if it does not exist.
    pub(crate) fn open(
        &self,
        config: &Config,
        observations: &Observations,
    ) -> Result<OpenedJournal, Error> {
        match self {
            Self::Configured => match config.cache_location() {
                CacheLocation::Folder(_) => Ok(in_folder(open_folder(config)?, config)),
                CacheLocation::Redis(location) => open_redis(location, config, observations),
            },
            #[cfg(any(test, feature = "actix", feature = "testing"))]
            Self::Memory(store) => Ok(OpenedJournal {
                journal: store.open()?,
                config: None,
                drop_ins: DropInSource::Nowhere,
            }),
        }
    }

    /// Opens the journal that an edit of `.env` names, and checks that this process can use it.
    pub(crate) fn open_changed(
        &self,
        config: &Config,
        observations: &Observations,
    ) -> Result<OpenedJournal, Error> {
        match self {
            Self::Configured => {
                let opened = match config.cache_location() {
                    CacheLocation::Folder(_) => open_usable_folder(config),
                    CacheLocation::Redis(location) => {
                        let opened = || open_redis(location, config, observations);
                        check_existing(config).and_then(|()| opened())
                    }
                };
                opened.map_err(|error| unusable_cache(error, config))
            }
            #[cfg(any(test, feature = "actix", feature = "testing"))]
            Self::Memory(_) => self.open(config, observations),
        }
    }
}

#[cfg(feature = "redis")]
fn open_redis(
    location: &RedisLocation,
    config: &Config,
    observations: &Observations,
) -> Result<OpenedJournal, Error> {
    Ok(OpenedJournal {
        journal: redis::open(location, config, observations)?,
        config: Some(Arc::new(config.clone())),
        drop_ins: match config.has_drop_ins() {
            true => DropInSource::OwnFolder,
            false => DropInSource::Nowhere,
        },
    })
}

/// The configuration refuses such a location without the feature.
#[cfg(not(feature = "redis"))]
fn open_redis(
    location: &RedisLocation,
    _: &Config,
    _: &Observations,
) -> Result<OpenedJournal, Error> {
    Err(without_redis(location))
}

#[cfg(not(feature = "redis"))]
fn without_redis(location: &RedisLocation) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("this program was built without support for {location}"),
    )
}

impl OpenedJournal {
    /// Whether the configuration names the place where this journal was opened, and would open it in the same way.
    pub(crate) fn is_configured(&self, config: &Config) -> bool {
        let opened = self.config.as_ref();
        opened.is_none_or(|opened| opened.has_cache_of(config))
    }
}

/// Checks the journal that the configuration names, if it exists. Creates and repairs no journal.
pub(crate) fn check_existing(config: &Config) -> Result<(), Error> {
    match config.cache_location() {
        CacheLocation::Folder(_) => file::check_existing(config),
        #[cfg(feature = "redis")]
        CacheLocation::Redis(location) => redis::check(location),
        #[cfg(not(feature = "redis"))]
        CacheLocation::Redis(location) => Err(without_redis(location)),
    }
}

/// Whether clients of the configured journal may be at this id, if they have received everything; `None` if there
/// is no usable journal.
pub(crate) fn may_be_at(config: &Config, id: EventId) -> Result<Option<bool>, Error> {
    match config.cache_location() {
        CacheLocation::Folder(_) => file::may_be_at(config, id),
        #[cfg(feature = "redis")]
        CacheLocation::Redis(location) => redis::may_be_at(location, id),
        #[cfg(not(feature = "redis"))]
        CacheLocation::Redis(location) => Err(without_redis(location)),
    }
}

fn in_folder(journal: FileJournal, config: &Config) -> OpenedJournal {
    OpenedJournal {
        config: Some(Arc::new(config.clone())),
        drop_ins: DropInSource::CacheFolder(Arc::clone(journal.cache_folder())),
        journal: Arc::new(journal),
    }
}

/// If the folder is moved away at the same moment, it tries again.
fn open_folder(config: &Config) -> Result<FileJournal, Error> {
    let mut retries = 0..MAX_REPLACEMENT_RETRIES;
    loop {
        let opened = CacheFolder::prepare(config).map(Arc::new);
        match opened.and_then(|folder| FileJournal::open(&folder)) {
            Err(error) if error.is_not_found() && retries.next().is_some() => {}
            opened => return opened,
        }
    }
}

fn open_usable_folder(config: &Config) -> Result<OpenedJournal, Error> {
    let journal = open_folder(config)?;
    journal.check_usable()?;
    Ok(in_folder(journal, config))
}

fn unusable_cache(error: Error, config: &Config) -> Error {
    let other = match config.cache_location() {
        CacheLocation::Folder(_) => "set SSE_CACHE to another folder",
        CacheLocation::Redis(_) => "correct SSE_CACHE",
    };
    match config.cache_setting_location() {
        None => error,
        Some(location) => Error::new(
            ErrorKind::Cache,
            format!("SSE_CACHE cannot be used: {error}"),
        )
        .with_location(location.clone())
        .with_help(error.help().unwrap_or(other)),
    }
}
