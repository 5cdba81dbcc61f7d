//! A thread that works until its handle is dropped.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use crate::platform::Interrupt;

/// The pause before a thread that panicked starts again, so that a panic that repeats at once
/// neither fills the log nor occupies a core.
const PANIC_RESTART_DELAY: Duration = Duration::from_secs(2);

/// Stops its thread when dropped, without waiting for the thread to end: the handle may be dropped
/// on an actix worker, which must not block.
pub(crate) struct BackgroundThread {
    interrupt: Interrupt,
}

impl BackgroundThread {
    /// Calls `work` on a new thread. `work` must return when the interrupt is raised.
    ///
    /// If `work` panics, which is a bug in this library, it is called again: a server without this
    /// thread would look healthy and deliver nothing.
    pub(crate) fn start(
        name: &str,
        mut work: impl FnMut(&Interrupt) + Send + 'static,
    ) -> io::Result<Self> {
        let interrupt = Interrupt::new()?;
        let thread_interrupt = interrupt.clone();
        let thread_name = name.to_owned();
        thread::Builder::new().name(name.into()).spawn(move || {
            while catch_unwind(AssertUnwindSafe(|| work(&thread_interrupt))).is_err() {
                tracing::error!(
                    "the thread `{thread_name}` panicked and is started again; please report this"
                );
                thread_interrupt.wait(PANIC_RESTART_DELAY);
            }
        })?;
        Ok(Self { interrupt })
    }

    /// Ends the current wait of the thread, so that it checks for changes at once.
    pub(crate) fn wake(&self) {
        self.interrupt.wake();
    }

    /// Does the same, also from another thread.
    #[cfg(feature = "actix")]
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let interrupt = self.interrupt.clone();
        move || interrupt.wake()
    }
}

impl Drop for BackgroundThread {
    fn drop(&mut self) {
        self.interrupt.raise();
    }
}
