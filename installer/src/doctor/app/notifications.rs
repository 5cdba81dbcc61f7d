//! Whether the file system notifies of a save at once.

use std::path::Path;

use crate::doctor::finding::Finding;

const CHECK: &str = "notifications";

#[cfg(target_os = "linux")]
pub(super) fn check(folder: &Path) -> Vec<Finding> {
    if !folder.is_dir() {
        return Vec::new();
    }
    vec![judge(inotify::try_watch(folder))]
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_: &Path) -> Vec<Finding> {
    let message = "the library uses no notifications on this system: it checks the cache folder \
                   ten times a second";
    vec![Finding::note(CHECK, message)]
}

/// The result of renaming a file inside a watched folder.
#[cfg(target_os = "linux")]
enum WatchResult {
    Notified,
    NotNotified,
    /// A limit of the kernel is reached.
    LimitReached(InotifyLimit),
    Failed(String),
}

/// A limit of inotify for each user.
#[cfg(target_os = "linux")]
struct InotifyLimit {
    /// The setting below `fs.inotify` in sysctl.
    setting: &'static str,
    /// What it limits.
    resource: &'static str,
}

#[cfg(target_os = "linux")]
fn judge(result: WatchResult) -> Finding {
    const CONSEQUENCE: &str = "saves are noticed once every SSE_POLL_INTERVAL only";
    match result {
        WatchResult::Notified => Finding::ok(CHECK, "the file system notifies of a save at once"),
        WatchResult::NotNotified => Finding::note(
            CHECK,
            format!("the file system does not notify of a save within a second: {CONSEQUENCE}"),
        )
        .help("lower SSE_POLL_INTERVAL, or set SSE_CACHE to a folder on a local disk"),
        WatchResult::LimitReached(InotifyLimit { setting, resource }) => Finding::warning(
            CHECK,
            format!("this user has no {resource} left: {CONSEQUENCE}"),
            format!("raise the limit: sysctl fs.inotify.{setting}=…"),
        ),
        WatchResult::Failed(error) => {
            Finding::note(CHECK, format!("notifications could not be tested: {error}"))
        }
    }
}

#[cfg(target_os = "linux")]
mod inotify {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::path::Path;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use rustix::fs::{CWD, Mode, OFlags, openat, renameat};
    use rustix::io::Errno;

    use super::{InotifyLimit, WatchResult};

    /// Notifications arrive within milliseconds. A slower one is of no use to the server, which
    /// polls every two seconds by default.
    const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(1);

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
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn a_rename_is_noticed_and_no_file_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let findings = check(dir.path());
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
        let entries = std::fs::read_dir(dir.path()).expect("it exists");
        assert_eq!(entries.count(), 0);
        assert_eq!(check(&dir.path().join("none")), []);
    }

    #[test]
    fn a_limit_that_is_reached_is_a_warning_with_its_setting() {
        let finding = judge(WatchResult::LimitReached(InotifyLimit {
            setting: "max_user_watches",
            resource: "inotify watches",
        }));
        assert!(finding.is_problem() && finding.message.contains("inotify watches"));
        let help = finding.help.unwrap_or_default();
        assert!(help.contains("max_user_watches"), "{help}");
    }

    #[test]
    fn a_missing_notification_is_noted() {
        let finding = judge(WatchResult::NotNotified);
        assert_eq!(finding.level, Level::Note);
        assert!(finding.message.contains("SSE_POLL_INTERVAL"));
    }
}
