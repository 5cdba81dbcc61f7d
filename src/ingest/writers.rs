//! Whether a program may still be writing a file.

use std::{
    fs::File,
    time::{Duration, Instant, SystemTime},
};

use crate::platform;

/// After one writer has closed the file, another may have opened it meanwhile. Such a writer writes at
/// once, so a quiet period is enough that is longer than it takes to open a file and write to it. A
/// longer one would delay every drop-in.
const QUIET_AFTER_CLOSE: Duration = Duration::from_millis(50);

/// If no writer was seen to close the file, one may only have paused, for example to compute the rest
/// of the value. Ten seconds are longer than most such pauses; a longer period would make values late.
/// Tests have no such writers.
const QUIET_WITHOUT_CLOSE: Duration = Duration::from_millis(if cfg!(test) { 500 } else { 10_000 });

/// An empty file may have a writer that has just created it, and is waiting for its first data. This is
/// longer than [`QUIET_WITHOUT_CLOSE`], because the writer may compute the whole value meanwhile, and
/// because an empty file has no value that would be late. Tests have no such writers.
const QUIET_WHEN_EMPTY: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 30_000 });

/// What is known about the writers of one file.
#[derive(Debug)]
pub(super) struct WriterCheck {
    was_closed: bool,
    last_state: Option<SeenState>,
}

/// The state of a file, and when it was first seen in that state.
#[derive(Debug)]
struct SeenState {
    bytes: u64,
    modified: SystemTime,
    first_seen_at: Instant,
}

impl WriterCheck {
    /// `was_closed`: a writer was seen to close the file.
    pub(super) fn new(was_closed: bool) -> Self {
        Self {
            was_closed,
            last_state: None,
        }
    }

    /// A writer was seen to close the file.
    pub(super) fn writer_closed(&mut self) {
        self.was_closed = true;
    }

    /// Asks the kernel. If it cannot tell, a file has no writer once it has not changed for long
    /// enough. Without a close, that is at least five times `poll_interval`, the time between two
    /// checks.
    pub(super) fn has_no_writer(&mut self, file: &File, poll_interval: Duration) -> bool {
        if let Some(has_writer) = platform::has_writer(file) {
            return !has_writer;
        }
        let was_closed = self.was_closed;
        self.is_quiet(file, |bytes| match (bytes, was_closed) {
            (0, _) => QUIET_WHEN_EMPTY,
            (_, true) => QUIET_AFTER_CLOSE,
            (_, false) => QUIET_WITHOUT_CLOSE.max(5 * poll_interval),
        })
    }

    fn is_quiet(&mut self, file: &File, required_quiet: impl Fn(u64) -> Duration) -> bool {
        let Ok(metadata) = file.metadata() else {
            return false;
        };
        let bytes = metadata.len();
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        match &self.last_state {
            Some(last) if (last.bytes, last.modified) == (bytes, modified) => {
                last.first_seen_at.elapsed() >= required_quiet(bytes)
            }
            _ => {
                self.last_state = Some(SeenState {
                    bytes,
                    modified,
                    first_seen_at: Instant::now(),
                });
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
        let mut check = WriterCheck::new(false);
        assert!(!check.has_no_writer(&reader, Duration::ZERO));
        drop(writer);
        if platform::IS_LINUX {
            assert!(check.has_no_writer(&reader, Duration::ZERO));
        }
    }

    #[test]
    fn without_leases_a_file_must_be_quiet_for_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        let mut check = WriterCheck::new(false);
        let (long, none) = (Duration::from_secs(60), Duration::ZERO);
        let mut is_quiet = |when_empty, otherwise| {
            check.is_quiet(
                &file,
                |bytes| if bytes == 0 { when_empty } else { otherwise },
            )
        };
        assert!(!is_quiet(none, none), "seen for the first time");
        assert!(!is_quiet(long, none), "empty for a moment");
        assert!(is_quiet(none, long), "empty for long");
        fs::write(&path, "1").unwrap();
        assert!(!is_quiet(none, none), "it has changed");
        assert!(!is_quiet(none, long));
        assert!(is_quiet(long, none));
    }
}
