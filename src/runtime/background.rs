//! Threads that work as long as somebody holds them.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use super::interrupt::Interrupt;

/// How long a thread that has panicked rests before it begins again.
const REST: Duration = Duration::from_secs(2);

/// A thread that is told to end when this is dropped. Nobody waits for its end: the one who drops
/// this may be an actix worker.
pub(crate) struct Background {
    interrupt: Interrupt,
}

impl Background {
    /// Calls `work` on a thread of its own. It returns when the interrupt is raised. Should it
    /// panic, which is a defect of ours, it is called again: a server that goes on without it
    /// would look well and deliver nothing.
    pub(crate) fn start(
        name: &str,
        mut work: impl FnMut(&Interrupt) + Send + 'static,
    ) -> io::Result<Self> {
        let interrupt = Interrupt::new()?;
        let raised = interrupt.clone();
        thread::Builder::new().name(name.into()).spawn(move || {
            while catch_unwind(AssertUnwindSafe(|| work(&raised))).is_err() {
                log::error!("the thread above has panicked and begins again; please report this");
                raised.wait(REST);
            }
        })?;
        Ok(Self { interrupt })
    }

    /// What ends the wait that the thread is in.
    pub(crate) fn nudger(&self) -> Nudger {
        Nudger(self.interrupt.clone())
    }
}

/// Ends a thread's wait: there is something else to look at.
pub(crate) struct Nudger(Interrupt);

impl Nudger {
    pub(crate) fn nudge(&self) {
        self.0.nudge();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.interrupt.raise();
    }
}
