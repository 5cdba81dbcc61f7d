//! Whether the file system tells of saves at once.

use std::path::Path;

use crate::doctor::finding::Finding;

const CHECK: &str = "notifications";

#[cfg(target_os = "linux")]
pub(super) fn check(folder: &Path) -> Vec<Finding> {
    if !folder.is_dir() {
        return Vec::new();
    }
    vec![judge(imp::try_out(folder))]
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_: &Path) -> Vec<Finding> {
    let what =
        "this system has no notifications that the library uses: it looks ten times a second";
    vec![Finding::note(CHECK, what)]
}

/// What came of renaming a file into a watched folder.
#[cfg(target_os = "linux")]
enum Outcome {
    Notified,
    Silent,
    /// A limit of the kernel is reached: its name, and what it counts.
    Exhausted(&'static str, &'static str),
    Failed(String),
}

#[cfg(target_os = "linux")]
fn judge(outcome: Outcome) -> Finding {
    const LATE: &str = "saves are seen at each SSE_POLL_INTERVAL";
    match outcome {
        Outcome::Notified => Finding::ok(CHECK, "the file system tells of a save at once"),
        Outcome::Silent => Finding::note(
            CHECK,
            format!("the file system does not tell of a save within a second: {LATE}"),
        )
        .help("lower SSE_POLL_INTERVAL, or name a folder on a disk of this machine in SSE_CACHE"),
        Outcome::Exhausted(limit, what) => Finding::warning(
            CHECK,
            format!("this user's {what} are all in use: {LATE}"),
            format!("raise the limit: sysctl fs.inotify.{limit}=…"),
        ),
        Outcome::Failed(why) => Finding::note(
            CHECK,
            format!("notifications could not be tried out: {why}"),
        ),
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::Path;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use rustix::fs::{CWD, Mode, OFlags, openat, renameat};
    use rustix::io::Errno;

    use super::Outcome;

    /// The longest wait for the notification.
    const WAIT: Duration = Duration::from_secs(1);

    /// In a folder of its own inside, so that nobody who watches the cache is woken.
    pub(super) fn try_out(folder: &Path) -> Outcome {
        let outcome = (|| {
            let inside = tempfile::Builder::new()
                .prefix(".sse-doctor-")
                .tempdir_in(folder)?;
            let outcome = watch_a_rename(inside.path());
            inside.close()?;
            outcome
        })();
        outcome.unwrap_or_else(|error| Outcome::Failed(error.to_string()))
    }

    fn watch_a_rename(folder: &Path) -> io::Result<Outcome> {
        let inotify = match init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
            Ok(inotify) => inotify,
            Err(Errno::MFILE) => {
                return Ok(Outcome::Exhausted(
                    "max_user_instances",
                    "inotify instances",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        // Through a descriptor: others who may write in the cache folder can put a link in the place
        // of this one.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(CWD, folder, flags, Mode::empty())?;
        let watched = format!("/proc/self/fd/{}", folder.as_raw_fd());
        match add_watch(&inotify, watched, WatchFlags::MOVED_TO) {
            Ok(_) => {}
            Err(Errno::NOSPC) => {
                return Ok(Outcome::Exhausted("max_user_watches", "inotify watches"));
            }
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        openat(&folder, "a", flags, Mode::RUSR | Mode::WUSR)?;
        renameat(&folder, "a", &folder, "b")?;
        let mut descriptors = [PollFd::new(&inotify, PollFlags::IN)];
        let ready = poll(&mut descriptors, Timespec::try_from(WAIT).ok().as_ref())?;
        Ok(if ready > 0 {
            Outcome::Notified
        } else {
            Outcome::Silent
        })
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn a_rename_is_noticed_and_nothing_stays_behind() {
        let dir = tempfile::tempdir().expect("a folder");
        let findings = check(dir.path());
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("it is there").count(),
            0
        );
        assert_eq!(check(&dir.path().join("none")), []);
    }

    #[test]
    fn what_keeps_notifications_away_is_said() {
        let finding = judge(Outcome::Exhausted("max_user_watches", "inotify watches"));
        assert!(finding.is_bad() && finding.what.contains("inotify watches"));
        assert!(
            finding
                .help
                .is_some_and(|help| help.contains("max_user_watches"))
        );
        let finding = judge(Outcome::Silent);
        assert_eq!(finding.level, Level::Note);
        assert!(finding.what.contains("SSE_POLL_INTERVAL"));
    }
}
