//! Opens a cache's journal when it is first used.

use std::sync::{Arc, Mutex, PoisonError};

use super::journal_handle::JournalHandle;
use crate::{config::Config, error::Error};

/// Where a cache gets its journal from. Clones share one handle.
#[derive(Clone)]
pub(super) struct JournalSource(Arc<OpenMode>);

enum OpenMode {
    Opened(Arc<JournalHandle>),
    /// The app's `.env`. A failure to open is not kept, so the next use tries again.
    Env(Mutex<Option<Arc<JournalHandle>>>),
}

impl JournalSource {
    pub(super) fn opened(handle: JournalHandle) -> Self {
        Self(Arc::new(OpenMode::Opened(Arc::new(handle))))
    }

    pub(super) fn from_env() -> Self {
        Self(Arc::new(OpenMode::Env(Mutex::new(None))))
    }

    /// The handle, with the configuration of the last edit of `.env`.
    pub(super) fn journal(&self) -> Result<Arc<JournalHandle>, Error> {
        let handle = match &*self.0 {
            OpenMode::Opened(handle) => Arc::clone(handle),
            OpenMode::Env(opened) => open_once(opened)?,
        };
        handle.config_watcher().reload_if_due();
        Ok(handle)
    }
}

fn open_once(opened: &Mutex<Option<Arc<JournalHandle>>>) -> Result<Arc<JournalHandle>, Error> {
    let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*opened {
        return Ok(Arc::clone(handle));
    }
    let handle = Arc::new(JournalHandle::open(Config::from_env()?)?);
    *opened = Some(Arc::clone(&handle));
    Ok(handle)
}
