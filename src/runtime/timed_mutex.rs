//! A mutex whose callers do not wait for ever.

use std::{
    ops::{Deref, DerefMut},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::lock;

/// A value that one thread at a time uses.
#[derive(Debug, Default)]
pub(crate) struct TimedMutex<T> {
    is_held: Mutex<bool>,
    released: Condvar,
    /// Locked only by the thread that holds the flag, so without waiting.
    value: Mutex<T>,
}

/// Releases the value when it is dropped.
pub(crate) struct TimedGuard<'a, T> {
    value: MutexGuard<'a, T>,
    _flag: Flag<'a>,
}

struct Flag<'a> {
    is_held: &'a Mutex<bool>,
    released: &'a Condvar,
}

impl<T> TimedMutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            is_held: Mutex::new(false),
            released: Condvar::new(),
            value: Mutex::new(value),
        }
    }

    /// `None`: other threads have used the value until the deadline.
    pub(crate) fn lock_until(&self, deadline: Instant) -> Option<TimedGuard<'_, T>> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let waited = self
            .released
            .wait_timeout_while(lock(&self.is_held), timeout, |is_held| *is_held);
        let (mut is_held, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *is_held, true) {
            return None;
        }
        drop(is_held);
        Some(TimedGuard {
            value: lock(&self.value),
            _flag: Flag {
                is_held: &self.is_held,
                released: &self.released,
            },
        })
    }
}

impl Drop for Flag<'_> {
    fn drop(&mut self) {
        *lock(self.is_held) = false;
        self.released.notify_one();
    }
}

impl<T> Deref for TimedGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for TimedGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    #[test]
    fn one_thread_at_a_time_uses_the_value_and_others_give_up_at_their_deadline() {
        let count = TimedMutex::<u64>::default();
        let late = || Instant::now() + Duration::from_secs(60);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let mut count = count.lock_until(late()).unwrap();
                        let read = *count;
                        thread::yield_now();
                        *count = read + 1;
                    }
                });
            }
        });
        let held = count.lock_until(late()).unwrap();
        assert_eq!(*held, 400);
        let soon = Instant::now() + Duration::from_millis(20);
        assert!(count.lock_until(soon).is_none());
        assert!(Instant::now() >= soon);
        drop(held);
        assert!(count.lock_until(soon).is_some(), "it is free");
    }
}
