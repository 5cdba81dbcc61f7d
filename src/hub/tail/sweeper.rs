//! The thread that removes old entries: removing a thousand files takes longer than an event may wait.

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    error::Error,
    journal::Journal,
    runtime::{BackgroundThread, Interrupt, RepeatedError, lock},
};

/// Only a request ends a wait, so the time does not matter.
const IDLE_WAIT: Duration = Duration::from_secs(3600);

/// Sweeps journals on request. Its thread ends after the current step when this is dropped.
pub(super) struct Sweeper {
    requested: Arc<Mutex<RequestedSweep>>,
    thread: BackgroundThread,
}

/// The journal that is swept next. A later request takes the place of an earlier one: that is for the
/// same journal, or for one that was replaced.
type RequestedSweep = Option<Arc<dyn Journal>>;

impl Sweeper {
    /// `sweep_step` removes some old entries, and returns whether more are left to remove.
    pub(super) fn start(
        mut sweep_step: impl FnMut(&dyn Journal) -> Result<bool, Error> + Send + 'static,
    ) -> io::Result<Self> {
        let requested = Arc::<Mutex<RequestedSweep>>::default();
        let thread = BackgroundThread::start("sse-sweep", {
            let requested = Arc::clone(&requested);
            move |interrupt| run(&requested, interrupt, &mut sweep_step)
        })?;
        Ok(Self { requested, thread })
    }

    /// Has the journal swept soon, without waiting for it.
    pub(super) fn request(&self, journal: Arc<dyn Journal>) {
        *lock(&self.requested) = Some(journal);
        self.thread.wake();
    }
}

fn run(
    requested: &Mutex<RequestedSweep>,
    interrupt: &Interrupt,
    mut sweep_step: impl FnMut(&dyn Journal) -> Result<bool, Error>,
) {
    let mut last_error = RepeatedError::new(
        "old entries are not removed",
        "the removal of old entries has resumed",
    );
    while !interrupt.is_raised() {
        let Some(journal) = lock(requested).take() else {
            interrupt.wait(IDLE_WAIT);
            continue;
        };
        // After an error, the next request repeats the sweep.
        last_error.note(loop {
            match sweep_step(&*journal) {
                Ok(true) if !interrupt.is_raised() => {}
                result => break result.map(drop),
            }
        });
    }
}
