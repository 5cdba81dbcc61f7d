//! Whether a program may still be writing a file.

use std::{
    fs::File,
    time::{Duration, Instant, SystemTime},
};

use rustix::{fs::FlockOperation, io::Errno};

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

/// The delay before the second check of a file that has a writer; each check doubles it. Most writers
/// close their file soon.
const MIN_CHECK_DELAY: Duration = Duration::from_millis(10);

/// The longest delay between two checks. Five checks a second cost little, and if no file notification
/// reports that the writer has closed the file, the value is at most this late.
const MAX_CHECK_DELAY: Duration = Duration::from_millis(200);

/// What is known about the writers of one file.
#[derive(Debug)]
pub(super) struct WriterCheck {
    was_closed: bool,
    last_state: Option<SeenState>,
    next_delay: Duration,
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
            next_delay: MIN_CHECK_DELAY,
        }
    }

    pub(super) fn was_closed(&self) -> bool {
        self.was_closed
    }

    /// A writer was seen to close the file.
    pub(super) fn writer_closed(&mut self) {
        self.was_closed = true;
        self.next_delay = MIN_CHECK_DELAY;
    }

    /// `None`: the file has no writer. Otherwise the delay before the next check.
    ///
    /// Asks the kernel. If it cannot tell, a file has no writer once no program has locked it, and it
    /// has not changed for long enough. Without a close, that is at least five times `poll_interval`.
    pub(super) fn has_writer(&mut self, file: &File, poll_interval: Duration) -> Option<Duration> {
        match platform::has_writer(file) {
            Some(false) => None,
            Some(true) => Some(self.double_delay()),
            None if is_locked(file) => {
                // The quiet period begins when the lock is released.
                self.last_state = None;
                Some(self.double_delay())
            }
            None => {
                let was_closed = self.was_closed;
                self.missing_quiet(file, |bytes| match (bytes, was_closed) {
                    (0, _) => QUIET_WHEN_EMPTY,
                    (_, true) => QUIET_AFTER_CLOSE,
                    (_, false) => QUIET_WITHOUT_CLOSE.max(5 * poll_interval),
                })
            }
        }
    }

    fn double_delay(&mut self) -> Duration {
        let delay = self.next_delay;
        self.next_delay = (delay * 2).min(MAX_CHECK_DELAY);
        delay
    }

    /// `None`: the file has been quiet for as long as is required for its length.
    fn missing_quiet(
        &mut self,
        file: &File,
        required_quiet: impl Fn(u64) -> Duration,
    ) -> Option<Duration> {
        let Ok(metadata) = file.metadata() else {
            return Some(MAX_CHECK_DELAY);
        };
        let bytes = metadata.len();
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let is_same = |last: &SeenState| (last.bytes, last.modified) == (bytes, modified);
        let last_state = self.last_state.take().filter(is_same).unwrap_or(SeenState {
            bytes,
            modified,
            first_seen_at: Instant::now(),
        });
        let quiet = last_state.first_seen_at.elapsed();
        self.last_state = Some(last_state);
        let missing = required_quiet(bytes).saturating_sub(quiet);
        (!missing.is_zero()).then(|| missing.min(MAX_CHECK_DELAY))
    }
}

/// Whether another program holds an exclusive lock (`flock`), as PHP's `LOCK_EX` does while it writes.
/// This lock is released at once, so that it delays no writer.
fn is_locked(file: &File) -> bool {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            // Closing the file would also release the lock, but later.
            let _ = rustix::fs::flock(file, FlockOperation::Unlock);
            false
        }
        Err(error) => error == Errno::WOULDBLOCK,
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
        assert!(check.has_writer(&reader, Duration::ZERO).is_some());
        drop(writer);
        if platform::IS_LINUX {
            assert!(check.has_writer(&reader, Duration::ZERO).is_none());
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
            let required = |bytes| if bytes == 0 { when_empty } else { otherwise };
            check.missing_quiet(&file, required).is_none()
        };
        assert!(!is_quiet(long, none), "empty for a moment");
        assert!(is_quiet(none, long), "empty for long");
        let short = Duration::from_millis(20);
        std::thread::sleep(short);
        fs::write(&path, "1").unwrap();
        assert!(!is_quiet(none, short), "it has changed");
        std::thread::sleep(short);
        assert!(is_quiet(long, short));
        assert!(!is_quiet(none, long));
    }

    #[test]
    fn a_file_that_another_program_has_locked_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        writer.lock().unwrap();
        assert!(is_locked(&reader));
        writer.unlock().unwrap();
        assert!(!is_locked(&reader));
        writer.try_lock().unwrap();
    }
}
