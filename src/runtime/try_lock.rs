//! Locks without waiting.

use std::sync::{Mutex, MutexGuard, TryLockError};

/// Returns `None` while another thread holds the lock. A lock whose holder has panicked is free: otherwise one
/// panic would end for good what the lock's holders do.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
