//! A test of inotify, Linux's notifications of changed files.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::fs::{CWD, Mode, OFlags, openat, renameat};
use rustix::io::Errno;

/// Notifications arrive within milliseconds. A slower one is of no use to the server, which
/// polls every two seconds by default.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(1);

/// The result of renaming a file inside a watched folder.
pub(super) enum WatchResult {
    Notified,
    NotNotified,
    /// A limit of the kernel is reached.
    LimitReached(InotifyLimit),
    Failed(String),
}

/// A limit of inotify for each user.
pub(super) struct InotifyLimit {
    /// The setting below `fs.inotify` in sysctl.
    pub(super) setting: &'static str,
    /// What it limits.
    pub(super) resource: &'static str,
}

/// Watches a temporary folder inside `folder`, so that no watch of a server is triggered.
pub(super) fn try_watch(folder: &Path) -> WatchResult {
    let result = (|| {
        let inner = tempfile::Builder::new()
            .prefix(".sse-doctor-")
            .tempdir_in(folder)?;
        let result = watch_rename(inner.path());
        inner.close()?;
        result
    })();
    result.unwrap_or_else(|error| WatchResult::Failed(error.to_string()))
}

fn watch_rename(folder: &Path) -> io::Result<WatchResult> {
    let inotify = match init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
        Ok(inotify) => inotify,
        Err(Errno::MFILE) => {
            return Ok(limit_reached("max_user_instances", "inotify instances"));
        }
        Err(error) => return Err(error.into()),
    };
    // By its descriptor, because other users who can write to the cache folder could replace
    // the temporary folder with a link.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(CWD, folder, flags, Mode::empty())?;
    let fd_path = format!("/proc/self/fd/{}", folder.as_raw_fd());
    match add_watch(&inotify, fd_path, WatchFlags::MOVED_TO) {
        Ok(_) => {}
        Err(Errno::NOSPC) => {
            return Ok(limit_reached("max_user_watches", "inotify watches"));
        }
        Err(error) => return Err(error.into()),
    }
    create_and_rename(&folder)?;
    wait_for_notification(&inotify)
}

fn limit_reached(setting: &'static str, resource: &'static str) -> WatchResult {
    WatchResult::LimitReached(InotifyLimit { setting, resource })
}

fn create_and_rename(folder: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(folder, "a", flags, Mode::RUSR | Mode::WUSR)?;
    Ok(renameat(folder, "a", folder, "b")?)
}

fn wait_for_notification(inotify: &OwnedFd) -> io::Result<WatchResult> {
    let mut descriptors = [PollFd::new(inotify, PollFlags::IN)];
    let timeout = Timespec::try_from(NOTIFICATION_TIMEOUT).ok();
    let ready = poll(&mut descriptors, timeout.as_ref())?;
    Ok(if ready > 0 {
        WatchResult::Notified
    } else {
        WatchResult::NotNotified
    })
}
