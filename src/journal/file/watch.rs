//! Wakes a reader when an entry gets its number.

use std::{sync::Arc, time::Duration};

use super::{CacheFolder, dir::Dir, entry_folder::EntryFolder, numbering::Numbering};
use crate::{journal::contract::Watch, runtime::Interrupt};

/// Watches for renames into three directories: that of the next entry, the journal, where the next
/// directory appears, and `.sse/`, where another journal does. Not for reads: a reader would wake
/// itself.
pub(super) struct FolderWatch {
    journal: Arc<Dir>,
    numbering: Numbering,
    notifications: imp::Notifications,
    watched: Option<u64>,
}

impl FolderWatch {
    pub(super) fn new(folder: &CacheFolder, journal: Arc<Dir>, numbering: Numbering) -> Self {
        let notifications = imp::Notifications::new(&[folder.own(), &journal]);
        Self {
            journal,
            numbering,
            notifications,
            watched: None,
        }
    }
}

impl Watch for FolderWatch {
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) -> bool {
        let folder = self.numbering.folder_of(next);
        if self.watched != Some(folder)
            // Something else may have the name until the folder is created.
            && let Ok(Some(found)) = EntryFolder::open(&self.journal, self.numbering, folder)
            && self.notifications.watch(found.dir())
        {
            self.watched = Some(folder);
            // What came before the watch was set is not notified: look again first.
            return false;
        }
        self.notifications.wait(timeout, interrupt)
    }
}

#[cfg(target_os = "linux")]
pub(crate) mod imp {
    use std::{mem::MaybeUninit, os::fd::OwnedFd, time::Duration};

    use rustix::{
        fs::inotify::{self, CreateFlags, Reader, WatchFlags},
        io::Errno,
    };

    use crate::{journal::file::dir::Dir, runtime::Interrupt};

    /// Renames into directories that stay and one that changes.
    pub(in super::super) struct Notifications {
        inotify: Option<OwnedFd>,
        changing: Option<i32>,
    }

    impl Notifications {
        /// Without notifications (the kernel's limits are reached) every wait lasts its whole
        /// time, and readers are late but miss nothing.
        pub(in super::super) fn new(staying: &[&Dir]) -> Self {
            let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
                .and_then(|inotify| {
                    for dir in staying {
                        inotify::add_watch(&inotify, dir.live_path(), WatchFlags::MOVED_TO)?;
                    }
                    Ok(inotify)
                })
                .map_err(|error| {
                    log::warn!(
                        "no file notifications ({error}); saves are seen at the next \
                         SSE_POLL_INTERVAL. The limits are in /proc/sys/fs/inotify"
                    );
                })
                .ok();
            Self {
                inotify,
                changing: None,
            }
        }

        /// Watches this directory instead of the one before.
        pub(in super::super) fn watch(&mut self, dir: &Dir) -> bool {
            let Some(inotify) = &self.inotify else {
                return false;
            };
            let Ok(added) = inotify::add_watch(inotify, dir.live_path(), WatchFlags::MOVED_TO)
            else {
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

        /// `true`: there was a notification.
        pub(in super::super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) -> bool {
            match &self.inotify {
                None => {
                    interrupt.wait(timeout);
                    false
                }
                Some(inotify) => {
                    interrupt.wait_or_readable(inotify, timeout);
                    drain(inotify)
                }
            }
        }
    }

    /// What happened does not matter, only whether something did.
    fn drain(inotify: &OwnedFd) -> bool {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut events = Reader::new(inotify, &mut buffer);
        let mut any = false;
        loop {
            match events.next() {
                Ok(_) => any = true,
                Err(Errno::INTR) => {}
                Err(_) => return any,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) mod imp {
    use std::time::Duration;

    use crate::{journal::file::dir::Dir, runtime::Interrupt};

    /// Looking ten times a second stands in for notifications.
    const POLL: Duration = Duration::from_millis(100);

    pub(in super::super) struct Notifications;

    impl Notifications {
        pub(in super::super) fn new(_staying: &[&Dir]) -> Self {
            Self
        }

        pub(in super::super) fn watch(&mut self, _dir: &Dir) -> bool {
            false
        }

        pub(in super::super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) -> bool {
            interrupt.wait(timeout.min(POLL));
            false
        }
    }
}
