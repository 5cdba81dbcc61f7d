//! Ends a wait from another thread.

use std::{io, sync::Arc, time::Duration};

use crate::platform::WakeFlag;

/// Tells one thread to stop, and ends the wait it is in. Once raised, it stays raised.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<WakeFlag>);

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(WakeFlag::new()?)))
    }

    pub(crate) fn raise(&self) {
        self.0.raise();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.is_raised()
    }

    /// Ends the current or the next wait, without raising the interrupt.
    pub(crate) fn wake(&self) {
        self.0.wake();
    }

    /// Sleeps until `timeout`, or until the interrupt is raised or woken. May return spuriously.
    pub(crate) fn wait(&self, timeout: Duration) {
        self.0.wait(timeout);
    }

    /// Whether both interrupt the same thread.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// For waits that something else can end as well.
    pub(crate) fn flag(&self) -> &WakeFlag {
        &self.0
    }
}
