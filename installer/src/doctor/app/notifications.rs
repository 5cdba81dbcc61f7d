//! Whether the file system reports a save at once.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use actix_web_sse::cli_support::notices_rename;
use rustix::fs::{CWD, Mode, OFlags, openat, renameat};
use rustix::io::Errno;

use super::drop_in_folder::DropInFolder;
use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("notifications");

/// Notifications arrive within milliseconds. A slower one is of no use to the server, which
/// polls every two seconds by default.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn check(folder: DropInFolder<'_>) -> Vec<Finding> {
    if !folder.path.is_dir() {
        return Vec::new();
    }
    vec![judge(try_rename(folder.path), folder)]
}

/// Renames a file in a temporary folder inside `folder`, so that no watch of a server is triggered.
fn try_rename(folder: &Path) -> io::Result<Option<bool>> {
    let inner = tempfile::Builder::new()
        .prefix(".sse-doctor-")
        .tempdir_in(folder)?;
    // By its descriptor, because other users who can write to the cache folder could replace
    // the temporary folder with a link.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(CWD, inner.path(), flags, Mode::empty())?;
    let fd_path = format!("/proc/self/fd/{}", opened.as_raw_fd());
    let is_noticed = notices_rename(Path::new(&fd_path), NOTIFICATION_TIMEOUT, || {
        create_and_rename(&opened)
    })?;
    inner.close()?;
    Ok(is_noticed)
}

fn create_and_rename(folder: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(folder, "a", flags, Mode::RUSR | Mode::WUSR)?;
    Ok(renameat(folder, "a", folder, "b")?)
}

fn judge(result: io::Result<Option<bool>>, folder: DropInFolder<'_>) -> Finding {
    let (save, consequence) = match folder.is_cache {
        true => (
            "a save",
            "new values are found only once per SSE_POLL_INTERVAL",
        ),
        false => (
            "a drop-in",
            "drop-ins are found only once per SSE_POLL_INTERVAL",
        ),
    };
    match result {
        Ok(Some(true)) => CHECK.ok(format!("the file system reports {save} at once")),
        Ok(Some(false)) => CHECK.tip(
            format!("the file system does not report {save} within a second: {consequence}"),
            format!(
                "lower SSE_POLL_INTERVAL, or set {} to a folder on a local disk",
                folder.setting()
            ),
        ),
        Ok(None) => CHECK.note(format!(
            "the library uses no notifications on this system: it checks {} several times a second",
            folder.path.display()
        )),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::MFILE) => {
                limit_reached("max_user_instances", "inotify instances", consequence)
            }
            Some(Errno::NOSPC) => limit_reached("max_user_watches", "inotify watches", consequence),
            _ => CHECK.note(format!("notifications could not be tested: {error}")),
        },
    }
}

/// A limit of the kernel for each user, by its name below `fs.inotify` in sysctl.
fn limit_reached(setting: &str, resource: &str, consequence: &str) -> Finding {
    CHECK.warning(
        format!("this user has no {resource} left: {consequence}"),
        format!("raise the limit: sysctl fs.inotify.{setting}=…"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn cache(path: &Path) -> DropInFolder<'_> {
        let is_cache = true;
        DropInFolder { path, is_cache }
    }

    #[test]
    fn a_rename_is_noticed_and_no_file_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let findings = check(cache(dir.path()));
        let is_linux = cfg!(all(target_os = "linux", not(portable)));
        let expected = if is_linux { Level::Ok } else { Level::Note };
        assert_eq!(findings[0].level, expected, "{findings:?}");
        let entries = std::fs::read_dir(dir.path()).expect("it exists");
        assert_eq!(entries.count(), 0);
        assert_eq!(check(cache(&dir.path().join("none"))), []);
    }

    #[test]
    fn a_limit_that_is_reached_is_a_warning_with_its_setting() {
        let finding = judge(Err(Errno::NOSPC.into()), cache(Path::new("")));
        assert!(finding.is_problem() && finding.message.contains("inotify watches"));
        let help = finding.help.unwrap_or_default();
        assert!(help.contains("max_user_watches"), "{help}");
    }

    #[test]
    fn a_missing_notification_is_noted() {
        let finding = judge(Ok(Some(false)), cache(Path::new("")));
        assert_eq!(finding.level, Level::Note);
        assert!(finding.message.contains("SSE_POLL_INTERVAL"));
    }
}
