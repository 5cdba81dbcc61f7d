//! Locks on files and folders, which the kernel releases when the process ends.

use std::{os::fd::AsFd, thread, time::Duration};

use rustix::{fs::FlockOperation, io::Errno};

/// A second in all, with [`LOCK_RETRY_DELAY`]: longer than any process holds a lock that others wait for,
/// so a lock that is held longer belongs to a process that was stopped, and is ignored.
const MAX_LOCK_ATTEMPTS: u32 = 200;

/// About as long as a repair takes.
const LOCK_RETRY_DELAY: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LockResult {
    Locked,
    /// Another process holds a lock that excludes this one.
    Busy,
    /// The file system has no locks.
    Unsupported,
}

/// Locks without waiting. A lock belongs to one opening of a file.
pub(super) fn try_lock(file: &impl AsFd, operation: FlockOperation) -> LockResult {
    match rustix::fs::flock(file, operation) {
        Ok(()) => LockResult::Locked,
        Err(Errno::WOULDBLOCK | Errno::INTR) => LockResult::Busy,
        Err(_) => LockResult::Unsupported,
    }
}

/// Waits for the lock, but not for ever.
pub(super) fn lock_within_a_second(file: &impl AsFd, operation: FlockOperation) -> LockResult {
    for _ in 0..MAX_LOCK_ATTEMPTS {
        let result = try_lock(file, operation);
        if result != LockResult::Busy {
            return result;
        }
        thread::sleep(LOCK_RETRY_DELAY);
    }
    LockResult::Busy
}
