//! The thread that removes old entries: removing a thousand files takes longer than an event may wait.

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    error::Error,
    journal::Journal,
    runtime::{BackgroundThread, Interrupt, RepeatedError},
};

/// Only a request ends a wait, so the time does not matter.
const IDLE_WAIT: Duration = Duration::from_secs(3600);

/// Sweeps journals on request. Its thread ends after the current step when this is dropped.
pub(super) struct Sweeper {
    requested: Arc<RequestedSweep>,
    thread: BackgroundThread,
}

/// The journal that is swept next. A later request takes the place of an earlier one: that is for the
/// same journal, or for one that was replaced.
#[derive(Default)]
struct RequestedSweep(Mutex<Option<Arc<dyn Journal>>>);

impl Sweeper {
    /// `sweep_step` removes some old entries, and returns whether more are left to remove.
    pub(super) fn start(
        mut sweep_step: impl FnMut(&dyn Journal) -> Result<bool, Error> + Send + 'static,
    ) -> io::Result<Self> {
        let requested = Arc::<RequestedSweep>::default();
        let thread = BackgroundThread::start("sse-sweep", {
            let requested = Arc::clone(&requested);
            move |interrupt| run(&requested, interrupt, &mut sweep_step)
        })?;
        Ok(Self { requested, thread })
    }

    /// Has the journal swept soon, without waiting for it.
    pub(super) fn request(&self, journal: Arc<dyn Journal>) {
        *self.requested.lock() = Some(journal);
        self.thread.waker().wake();
    }
}

impl RequestedSweep {
    /// A journal is stored or taken in one step, so a panic leaves it usable.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Journal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Arc<dyn Journal>> {
        self.lock().take()
    }
}

fn run(
    requested: &RequestedSweep,
    interrupt: &Interrupt,
    mut sweep_step: impl FnMut(&dyn Journal) -> Result<bool, Error>,
) {
    let mut last_error = RepeatedError::new(
        "old entries are not removed",
        "the removal of old entries has resumed",
    );
    while !interrupt.is_raised() {
        let Some(journal) = requested.take() else {
            interrupt.wait(IDLE_WAIT);
            continue;
        };
        match sweep(&*journal, interrupt, &mut sweep_step) {
            Ok(()) => last_error.note_success(),
            // The next request repeats the sweep.
            Err(error) => last_error.report(&error),
        }
    }
}

fn sweep(
    journal: &dyn Journal,
    interrupt: &Interrupt,
    mut sweep_step: impl FnMut(&dyn Journal) -> Result<bool, Error>,
) -> Result<(), Error> {
    while sweep_step(journal)? && !interrupt.is_raised() {}
    Ok(())
}
