//! Wakes a reader when an entry gets its number.

use std::time::Duration;

use super::layout::Layout;
use crate::journal::{Interrupt, Watch};

/// Watches the folder of the next entry, and the one in which folders are born, for renames. Not
/// for reads: a reader would wake itself.
pub(super) struct FolderWatch {
    layout: Layout,
    notifications: imp::Notifications,
    watched: Option<u64>,
}

impl FolderWatch {
    pub(super) fn new(layout: Layout) -> Self {
        let notifications = imp::Notifications::new(layout.entries());
        Self {
            layout,
            notifications,
            watched: None,
        }
    }
}

impl Watch for FolderWatch {
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) {
        let folder = self.layout.folder_of(next);
        if self.watched != Some(folder) && self.notifications.watch(&self.layout.folder(folder)) {
            self.watched = Some(folder);
            // What came before the watch was set is not notified: look again first.
            return;
        }
        self.notifications.wait(timeout, interrupt);
    }
}

#[cfg(target_os = "linux")]
pub(crate) mod imp {
    use std::{mem::MaybeUninit, os::fd::OwnedFd, path::Path, time::Duration};

    use rustix::{
        fs::inotify::{self, CreateFlags, Reader, WatchFlags},
        io::Errno,
    };

    use crate::journal::Interrupt;

    /// Renames into one folder that stays and one that changes.
    pub(in super::super) struct Notifications {
        inotify: Option<OwnedFd>,
        changing: Option<i32>,
    }

    impl Notifications {
        /// Without notifications (the kernel's limits are reached) every wait lasts its whole
        /// time, and readers are late but miss nothing.
        pub(in super::super) fn new(staying: &Path) -> Self {
            let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
                .and_then(|inotify| {
                    inotify::add_watch(&inotify, staying, WatchFlags::MOVED_TO)?;
                    Ok(inotify)
                })
                .map_err(|error| {
                    log::warn!(
                        "{}: no file notifications ({error}); saves are seen at the next SSE_POLL_INTERVAL. \
                         The limits are in /proc/sys/fs/inotify",
                        staying.display()
                    );
                })
                .ok();
            Self {
                inotify,
                changing: None,
            }
        }

        /// Watches `folder` in the place of the one before. `false`: it is not there.
        pub(in super::super) fn watch(&mut self, folder: &Path) -> bool {
            let Some(inotify) = &self.inotify else {
                return false;
            };
            let Ok(added) = inotify::add_watch(inotify, folder, WatchFlags::MOVED_TO) else {
                return false;
            };
            if let Some(before) = self.changing.replace(added)
                && before != added
            {
                // It fails where the folder was removed, and its watch with it.
                let _ = inotify::remove_watch(inotify, before);
            }
            true
        }

        pub(in super::super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
            match &self.inotify {
                None => interrupt.wait(timeout),
                Some(inotify) => {
                    interrupt.wait_or_readable(inotify, timeout);
                    drain(inotify);
                }
            }
        }
    }

    /// What happened does not matter, only that something did.
    pub(crate) fn drain(inotify: &OwnedFd) {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut events = Reader::new(inotify, &mut buffer);
        loop {
            match events.next() {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) mod imp {
    use std::{path::Path, time::Duration};

    use crate::journal::Interrupt;

    /// Looking ten times a second stands in for notifications.
    const POLL: Duration = Duration::from_millis(100);

    pub(in super::super) struct Notifications;

    impl Notifications {
        pub(in super::super) fn new(_staying: &Path) -> Self {
            Self
        }

        pub(in super::super) fn watch(&mut self, _folder: &Path) -> bool {
            false
        }

        pub(in super::super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
            interrupt.wait(timeout.min(POLL));
        }
    }
}
