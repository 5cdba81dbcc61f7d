//! Wakes the intake when a file in the cache folder was closed by a writer or renamed to its name,
//! and remembers which.

use std::time::Duration;

use crate::{journal::file::Dir, runtime::Interrupt};

#[cfg(target_os = "linux")]
pub(super) use self::linux::CacheWatch;
#[cfg(not(target_os = "linux"))]
pub(super) use self::other::CacheWatch;

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        collections::{HashMap, HashSet},
        mem::MaybeUninit,
        os::fd::OwnedFd,
    };

    use rustix::{
        fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init},
        io::Errno,
    };

    use super::{Dir, Duration, Interrupt};

    pub(in super::super) struct CacheWatch {
        inotify: Option<OwnedFd>,
        /// Folders of claims, by their watch.
        claims: HashMap<i32, String>,
        keys: HashSet<String>,
        /// Claims and keys whose file was closed.
        closed: HashSet<String>,
    }

    impl CacheWatch {
        /// Without notifications every wait lasts its whole time; drop-ins are late but not lost.
        pub(in super::super) fn new<'a>(folder: &Dir, keys: impl Iterator<Item = &'a str>) -> Self {
            let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
                .and_then(|inotify| {
                    add_watch(
                        &inotify,
                        folder.live_path(),
                        WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO,
                    )?;
                    Ok(inotify)
                })
                .inspect_err(|error| {
                    log::warn!(
                        "{}: no file notifications ({error}); drop-ins are seen at the next \
                         SSE_POLL_INTERVAL",
                        folder.path().display()
                    );
                })
                .ok();
            Self {
                inotify,
                claims: HashMap::new(),
                keys: keys.map(str::to_owned).collect(),
                closed: HashSet::new(),
            }
        }

        /// Watches a claim's folder, for as long as it exists.
        pub(in super::super) fn add(&mut self, claim: &str, folder: &Dir) {
            let Some(inotify) = &self.inotify else { return };
            if let Ok(watch) = add_watch(inotify, folder.live_path(), WatchFlags::CLOSE_WRITE) {
                self.claims.insert(watch, claim.to_owned());
            }
        }

        /// Whether a writer has closed this key's file, or this claim's, since it was last asked.
        pub(in super::super) fn take_closed(&mut self, name: &str) -> bool {
            self.closed.remove(name)
        }

        pub(in super::super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
            let Some(inotify) = &self.inotify else {
                return interrupt.wait(timeout);
            };
            interrupt.wait_or_readable(inotify, timeout);
            self.read();
        }

        /// Reads the notifications that are there, without waiting.
        pub(in super::super) fn read(&mut self) {
            let Some(inotify) = &self.inotify else { return };
            let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
            let mut events = Reader::new(inotify, &mut buffer);
            loop {
                let event = match events.next() {
                    Ok(event) => event,
                    Err(Errno::INTR) => continue,
                    Err(_) => return,
                };
                if event.events().contains(ReadFlags::IGNORED) {
                    // The folder is gone, and with it the claim.
                    if let Some(claim) = self.claims.remove(&event.wd()) {
                        self.closed.remove(&claim);
                    }
                    continue;
                }
                match self.claims.get(&event.wd()) {
                    Some(claim) => {
                        self.closed.insert(claim.clone());
                    }
                    // The folder may be a busy one, with names that are none of ours.
                    None => {
                        let name = event.file_name().and_then(|name| name.to_str().ok());
                        self.closed
                            .extend(name.and_then(|name| self.keys.get(name)).cloned());
                    }
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{Dir, Duration, Interrupt};

    /// Looking ten times a second stands in for notifications.
    pub(in super::super) struct CacheWatch;

    impl CacheWatch {
        pub(in super::super) fn new<'a>(
            _folder: &Dir,
            _keys: impl Iterator<Item = &'a str>,
        ) -> Self {
            Self
        }

        pub(in super::super) fn add(&mut self, _claim: &str, _folder: &Dir) {}

        pub(in super::super) fn take_closed(&mut self, _name: &str) -> bool {
            false
        }

        pub(in super::super) fn read(&mut self) {}

        pub(in super::super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
            interrupt.wait(timeout.min(Duration::from_millis(100)));
        }
    }
}
