//! Stands in for notifications of changes in folders: short waits.

#[cfg(feature = "actix")]
use std::os::fd::OwnedFd;
use std::{io, path::Path, time::Duration};

use super::interrupt::Interrupt;
use crate::platform::change::{ChangeKinds, Notification};

/// The caller checks the folders after each wait, so this is the longest delay of a change. Ten checks
/// a second cost little, and a person hardly notices a tenth of a second.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// Wakes a thread so often that it finds every change soon.
pub(crate) struct FolderWatcher;

/// Identifies a watched folder; none is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum WatchId {}

impl FolderWatcher {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn without_notifications() -> Self {
        Self
    }

    pub(crate) fn add(&self, _folder: &Path, _changes: ChangeKinds) -> io::Result<Option<WatchId>> {
        Ok(None)
    }

    pub(crate) fn remove(&self, watch: WatchId) {
        match watch {}
    }

    #[cfg(feature = "actix")]
    pub(crate) fn notifications(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    /// Never `true`: nothing is notified.
    pub(crate) fn wait(&self, timeout: Duration, interrupt: &Interrupt) -> bool {
        interrupt.wait(timeout.min(MAX_WAIT));
        false
    }

    pub(crate) fn read(&self, _handle: impl FnMut(Notification<'_, WatchId>)) {}
}
