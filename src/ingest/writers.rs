//! Whether a file still has a writer.

use std::{
    fs::File,
    time::{Duration, Instant, SystemTime},
};

use crate::platform;

/// After a writer has closed the file, another may have opened it meanwhile: it must be quiet for
/// this long as well.
const QUIET_AFTER_CLOSE: Duration = Duration::from_millis(50);

/// Without any word of a writer's end, a file must be quiet for so long at least.
const QUIET: Duration = Duration::from_secs(10);

/// So long an empty file may be one that is about to be written.
const QUIET_WHEN_EMPTY: Duration = Duration::from_secs(30);

/// Watches one file until its writers have gone.
#[derive(Debug)]
pub(super) struct Stillness {
    closed: bool,
    /// Length and time of change when it was last seen to change, and when that was.
    last_change: Option<(u64, SystemTime, Instant)>,
}

impl Stillness {
    /// `closed`: a writer was seen to close the file.
    pub(super) fn new(closed: bool) -> Self {
        Self {
            closed,
            last_change: None,
        }
    }

    /// A writer was seen to close the file.
    pub(super) fn writer_closed(&mut self) {
        self.closed = true;
    }

    /// Asks the kernel. Where it cannot say, a file counts as finished that was closed, or has not
    /// changed for long: five times `poll` at least.
    pub(super) fn has_no_writer(&mut self, file: &File, poll: Duration) -> bool {
        if let Some(has_writer) = platform::has_writer(file) {
            return !has_writer;
        }
        let closed = self.closed;
        self.is_quiet(file, |length| match (length, closed) {
            (0, _) => QUIET_WHEN_EMPTY,
            (_, true) => QUIET_AFTER_CLOSE,
            (_, false) => QUIET.max(5 * poll),
        })
    }

    fn is_quiet(&mut self, file: &File, enough: impl Fn(u64) -> Duration) -> bool {
        let Ok(found) = file.metadata() else {
            return false;
        };
        let now = (
            found.len(),
            found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        );
        match self.last_change {
            Some((length, modified, since)) if (length, modified) == now => {
                since.elapsed() >= enough(length)
            }
            _ => {
                self.last_change = Some((now.0, now.1, Instant::now()));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    #[test]
    fn a_file_that_is_open_for_writing_has_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"1").unwrap();
        let reader = File::open(&path).unwrap();
        let mut stillness = Stillness::new(false);
        assert!(!stillness.has_no_writer(&reader, Duration::ZERO));
        drop(writer);
        if platform::IS_LINUX {
            assert!(stillness.has_no_writer(&reader, Duration::ZERO));
        }
    }

    #[test]
    fn without_leases_a_file_must_be_quiet_for_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        let mut stillness = Stillness::new(false);
        let (long, none) = (Duration::from_secs(60), Duration::ZERO);
        let mut quiet = |when_empty, otherwise| {
            stillness.is_quiet(
                &file,
                |length| if length == 0 { when_empty } else { otherwise },
            )
        };
        assert!(!quiet(none, none), "seen for the first time");
        assert!(!quiet(long, none), "empty for a moment");
        assert!(quiet(none, long), "empty for long");
        fs::write(&path, "1").unwrap();
        assert!(!quiet(none, none), "it has changed");
        assert!(!quiet(none, long));
        assert!(quiet(long, none));
    }
}
