//! Wakes the intake when a file in the cache folder was closed by a writer or renamed to its name.

use std::{path::Path, time::Duration};

use crate::journal::Interrupt;

#[cfg(target_os = "linux")]
pub(super) struct CacheWatch {
    inotify: Option<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl CacheWatch {
    /// Without notifications every wait lasts its whole time; drop-ins are late but not lost.
    pub(super) fn new(folder: &Path) -> Self {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).and_then(|inotify| {
            add_watch(
                &inotify,
                folder,
                WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO,
            )?;
            Ok(inotify)
        });
        if let Err(error) = &inotify {
            log::warn!(
                "{}: no file notifications ({error}); drop-ins are seen at the next SSE_POLL_INTERVAL",
                folder.display()
            );
        }
        Self {
            inotify: inotify.ok(),
        }
    }

    pub(super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
        match &self.inotify {
            None => interrupt.wait(timeout),
            Some(inotify) => {
                interrupt.wait_or_readable(inotify, timeout);
                crate::journal::file::drain_notifications(inotify);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) struct CacheWatch;

#[cfg(not(target_os = "linux"))]
impl CacheWatch {
    pub(super) fn new(_folder: &Path) -> Self {
        Self
    }

    pub(super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
        interrupt.wait(timeout.min(Duration::from_millis(100)));
    }
}
