//! Whether the file system reports a save at once.

#[cfg(all(target_os = "linux", not(portable)))]
mod inotify;

use std::path::Path;

#[cfg(all(target_os = "linux", not(portable)))]
use self::inotify::{InotifyLimit, WatchResult};
use crate::doctor::finding::Finding;

const CHECK: &str = "notifications";

#[cfg(all(target_os = "linux", not(portable)))]
pub(super) fn check(folder: &Path) -> Vec<Finding> {
    if !folder.is_dir() {
        return Vec::new();
    }
    vec![judge(inotify::try_watch(folder))]
}

#[cfg(any(not(target_os = "linux"), portable))]
pub(super) fn check(_: &Path) -> Vec<Finding> {
    let message = "the library uses no notifications on this system: it checks the cache folder \
                   several times a second";
    vec![Finding::note(CHECK, message)]
}

#[cfg(all(target_os = "linux", not(portable)))]
fn judge(result: WatchResult) -> Finding {
    const CONSEQUENCE: &str = "new values are found only once per SSE_POLL_INTERVAL";
    match result {
        WatchResult::Notified => Finding::ok(CHECK, "the file system reports a save at once"),
        WatchResult::NotNotified => Finding::note(
            CHECK,
            format!("the file system does not report a save within a second: {CONSEQUENCE}"),
        )
        .with_help("lower SSE_POLL_INTERVAL, or set SSE_CACHE to a folder on a local disk"),
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

#[cfg(test)]
#[cfg(all(target_os = "linux", not(portable)))]
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
