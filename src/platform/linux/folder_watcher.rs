//! Notifications of changes in folders, by inotify.

use std::{io, mem::MaybeUninit, os::fd::OwnedFd, path::Path, time::Duration};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};

use super::interrupt::Interrupt;
use crate::platform::change::{ChangeKinds, Notification};

/// Room for several notifications, so that a busy folder costs few system calls. One needs at most
/// 272 bytes: a header and a name of 255 bytes.
const INOTIFY_BUFFER_BYTES: usize = 4096;

/// Wakes a thread when something changes in a folder.
pub(crate) struct FolderWatcher {
    /// `None`: no notifications, so every wait lasts until its timeout.
    inotify: Option<OwnedFd>,
}

/// Identifies a watched folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatchId(i32);

impl FolderWatcher {
    /// Fails if a limit in `/proc/sys/fs/inotify` is reached.
    pub(crate) fn new() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self {
            inotify: Some(inotify),
        })
    }

    /// A watcher whose waits all last until their timeout.
    pub(crate) fn without_notifications() -> Self {
        Self { inotify: None }
    }

    /// Watches a folder too. `None`: it is not watched, because there are no notifications.
    pub(crate) fn add(&self, folder: &Path, changes: ChangeKinds) -> io::Result<Option<WatchId>> {
        let Some(inotify) = &self.inotify else {
            return Ok(None);
        };
        let flags = match changes {
            ChangeKinds::Renames => WatchFlags::MOVED_TO,
            ChangeKinds::Writes => WatchFlags::CLOSE_WRITE,
            ChangeKinds::RenamesWritesAndRemovals => {
                WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE
            }
        };
        Ok(Some(WatchId(inotify::add_watch(inotify, folder, flags)?)))
    }

    pub(crate) fn remove(&self, watch: WatchId) {
        if let Some(inotify) = &self.inotify {
            // Fails if the folder was removed, and its watch with it.
            let _ = inotify::remove_watch(inotify, watch.0);
        }
    }

    /// A descriptor that becomes readable after a notification. `None` if there are none.
    #[cfg(feature = "actix")]
    pub(crate) fn notifications(&self) -> io::Result<Option<OwnedFd>> {
        self.inotify.as_ref().map(OwnedFd::try_clone).transpose()
    }

    /// Returns after a notification, after `timeout`, when `interrupt` is raised or woken, or spuriously.
    /// `true`: only a notification ended the wait. Otherwise the folders may have changed without one, and
    /// notifications that came at the same time end the next wait.
    pub(crate) fn wait(&self, timeout: Duration, interrupt: &Interrupt) -> bool {
        let Some(inotify) = &self.inotify else {
            interrupt.wait(timeout);
            return false;
        };
        interrupt.wait_until_readable(inotify, timeout)
    }

    /// Passes on the pending notifications that one system call reads, without waiting. If more are pending, the next
    /// wait ends at once.
    pub(crate) fn read(&self, mut handle: impl FnMut(Notification<'_, WatchId>)) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::<u8>::uninit(); INOTIFY_BUFFER_BYTES];
        let mut events = Reader::new(inotify, &mut buffer);
        loop {
            match events.next() {
                Ok(event) => handle(Notification {
                    watch: WatchId(event.wd()),
                    name: event.file_name().and_then(|name| name.to_str().ok()),
                    is_removal: is_removal_of_file(event.events()),
                    is_watch_removed: event.events().contains(ReadFlags::IGNORED),
                }),
                Err(Errno::INTR) => continue,
                Err(_) => return,
            }
            if events.is_buffer_empty() {
                return;
            }
        }
    }
}

fn is_removal_of_file(flags: ReadFlags) -> bool {
    flags.contains(ReadFlags::DELETE) && !flags.contains(ReadFlags::ISDIR)
}
