//! Opens a cache's journal when it is first used.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use super::journal_handle::JournalHandle;
use crate::{
    error::Error,
    journal::CacheAddress,
    observe::Observations,
    runtime::{lock, try_lock},
};

/// Where a cache gets its journal from. Clones share one handle.
#[derive(Clone)]
pub(super) struct JournalSource {
    origin: Arc<HandleOrigin>,
    observations: Observations,
}

impl fmt::Debug for JournalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address_if_open() {
            Some(address) => address.fmt(f),
            None => f.write_str("not opened yet"),
        }
    }
}

enum HandleOrigin {
    Opened(Arc<JournalHandle>),
    Lazy(LazyHandle),
    /// Of a test, which may have ended.
    #[cfg(any(test, feature = "testing"))]
    OfTest(std::sync::Weak<JournalHandle>),
}

/// A failure to open is not kept, so the next use tries again.
struct LazyHandle {
    open: Box<dyn Fn(Observations) -> Result<JournalHandle, Error> + Send + Sync>,
    opened: Mutex<Option<Arc<JournalHandle>>>,
}

impl JournalSource {
    pub(super) fn opened(handle: JournalHandle) -> Self {
        Self {
            observations: handle.observations().clone(),
            origin: Arc::new(HandleOrigin::Opened(Arc::new(handle))),
        }
    }

    /// Opens the journal when it is first used.
    pub(super) fn lazy(
        open: impl Fn(Observations) -> Result<JournalHandle, Error> + Send + Sync + 'static,
    ) -> Self {
        let lazy = LazyHandle {
            open: Box::new(open),
            opened: Mutex::new(None),
        };
        Self {
            origin: Arc::new(HandleOrigin::Lazy(lazy)),
            observations: Observations::new(),
        }
    }

    /// Does not keep the journal open.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn of_test(handle: &Arc<JournalHandle>) -> Self {
        Self {
            origin: Arc::new(HandleOrigin::OfTest(Arc::downgrade(handle))),
            observations: handle.observations().clone(),
        }
    }

    pub(super) fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The handle, with the configuration of the last edit of `.env`.
    pub(super) fn journal_handle(&self) -> Result<Arc<JournalHandle>, Error> {
        let handle = match &*self.origin {
            HandleOrigin::Opened(handle) => Arc::clone(handle),
            HandleOrigin::Lazy(lazy) => lazy.get_or_open(&self.observations)?,
            #[cfg(any(test, feature = "testing"))]
            HandleOrigin::OfTest(handle) => handle.upgrade().ok_or_else(|| {
                Error::new(
                    crate::error::ErrorKind::Cache,
                    "the `TestSse` of this cache was dropped",
                )
                .with_help("keep the `TestSse` until the code under test has ended")
            })?,
        };
        handle.reload_config_if_due();
        Ok(handle)
    }

    /// Waits for nothing, so that a log line can show the cache while it is opened.
    fn address_if_open(&self) -> Option<CacheAddress> {
        match &*self.origin {
            HandleOrigin::Opened(handle) => Some(handle.address()),
            HandleOrigin::Lazy(lazy) => Some(try_lock(&lazy.opened)?.as_ref()?.address()),
            #[cfg(any(test, feature = "testing"))]
            HandleOrigin::OfTest(handle) => Some(handle.upgrade()?.address()),
        }
    }
}

impl LazyHandle {
    fn get_or_open(&self, observations: &Observations) -> Result<Arc<JournalHandle>, Error> {
        let mut opened = lock(&self.opened);
        if let Some(handle) = &*opened {
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new((self.open)(observations.clone())?);
        *opened = Some(Arc::clone(&handle));
        Ok(handle)
    }
}
