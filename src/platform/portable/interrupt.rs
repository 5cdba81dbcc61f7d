//! Ends a wait from another thread.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Tells one thread to stop, and ends the wait it is in. Once raised, it stays raised.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_raised: bool,
    is_woken: bool,
}

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::default()))
    }

    pub(crate) fn raise(&self) {
        self.state().is_raised = true;
        self.0.changed.notify_all();
    }

    /// Ends the current or the next wait, without raising the interrupt.
    pub(crate) fn wake(&self) {
        self.state().is_woken = true;
        self.0.changed.notify_all();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.state().is_raised
    }

    /// Sleeps until `timeout`, or until the interrupt is raised or woken. May return spuriously.
    pub(crate) fn wait(&self, timeout: Duration) {
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.state(), timeout, |state| {
                !state.is_raised && !state.is_woken
            });
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_woken = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
