//! A flag that ends a thread's wait.

use std::{
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(crate) struct WakeFlag {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_raised: bool,
    is_woken: bool,
}

impl WakeFlag {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    pub(crate) fn raise(&self) {
        self.state().is_raised = true;
        self.changed.notify_all();
    }

    pub(crate) fn wake(&self) {
        self.state().is_woken = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.state().is_raised
    }

    pub(crate) fn wait(&self, timeout: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), timeout, |state| {
                !state.is_raised && !state.is_woken
            });
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_woken = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
