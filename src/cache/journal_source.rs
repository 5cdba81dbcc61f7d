//! Opens a cache's journal when it is first used.

use std::sync::{Arc, Mutex, PoisonError};

use super::journal_handle::JournalHandle;
use crate::{config::Config, error::Error};

/// Where a cache gets its journal from. Clones share one handle.
#[derive(Clone)]
pub(super) struct JournalSource(Arc<HandleOrigin>);

enum HandleOrigin {
    Opened(Arc<JournalHandle>),
    /// A failure to open is not kept, so the next use tries again.
    FromEnv(Mutex<Option<Arc<JournalHandle>>>),
}

impl JournalSource {
    pub(super) fn opened(handle: JournalHandle) -> Self {
        Self(Arc::new(HandleOrigin::Opened(Arc::new(handle))))
    }

    pub(super) fn from_env() -> Self {
        Self(Arc::new(HandleOrigin::FromEnv(Mutex::new(None))))
    }

    /// The handle, with the configuration of the last edit of `.env`.
    pub(super) fn journal_handle(&self) -> Result<Arc<JournalHandle>, Error> {
        let handle = match &*self.0 {
            HandleOrigin::Opened(handle) => Arc::clone(handle),
            HandleOrigin::FromEnv(opened) => get_or_open(opened)?,
        };
        handle.reload_config_if_due();
        Ok(handle)
    }
}

fn get_or_open(opened: &Mutex<Option<Arc<JournalHandle>>>) -> Result<Arc<JournalHandle>, Error> {
    let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*opened {
        return Ok(Arc::clone(handle));
    }
    let handle = Arc::new(JournalHandle::open(Config::from_env()?)?);
    *opened = Some(Arc::clone(&handle));
    Ok(handle)
}
