//! Opens a cache's journal when it is first used.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::journal_handle::JournalHandle;
use crate::{config::Config, error::Error};

/// Where a cache gets its journal from. Clones share one handle.
#[derive(Clone)]
pub(super) struct JournalSource(Arc<HandleOrigin>);

impl fmt::Debug for JournalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalSource").finish_non_exhaustive()
    }
}

enum HandleOrigin {
    Opened(Arc<JournalHandle>),
    Lazy(LazyHandle),
}

/// A failure to open is not kept, so the next use tries again.
struct LazyHandle {
    config: Box<dyn Fn() -> Result<Config, Error> + Send + Sync>,
    opened: Mutex<Option<Arc<JournalHandle>>>,
}

impl JournalSource {
    pub(super) fn opened(handle: JournalHandle) -> Self {
        Self(Arc::new(HandleOrigin::Opened(Arc::new(handle))))
    }

    /// Opens the journal that `config` describes when it is first used.
    pub(super) fn lazy(config: impl Fn() -> Result<Config, Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(HandleOrigin::Lazy(LazyHandle {
            config: Box::new(config),
            opened: Mutex::new(None),
        })))
    }

    /// The handle, with the configuration of the last edit of `.env`.
    pub(super) fn journal_handle(&self) -> Result<Arc<JournalHandle>, Error> {
        let handle = match &*self.0 {
            HandleOrigin::Opened(handle) => Arc::clone(handle),
            HandleOrigin::Lazy(lazy) => lazy.get_or_open()?,
        };
        handle.reload_config_if_due();
        Ok(handle)
    }
}

impl LazyHandle {
    fn get_or_open(&self) -> Result<Arc<JournalHandle>, Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*opened {
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new(JournalHandle::open((self.config)()?)?);
        *opened = Some(Arc::clone(&handle));
        Ok(handle)
    }
}
