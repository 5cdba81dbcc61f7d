//! The check that idle servers use no processor time.

use std::{thread, time::Duration};

use crate::run::Run;

/// How long the processor time of idle servers is measured, and how often.
const IDLE_CHECK_DURATION: Duration = Duration::from_millis(600);
const MAX_IDLE_CHECKS: u32 = 8;

impl Run {
    /// Idle servers use no processor time, once they have removed swept and damaged journals.
    pub(super) fn check_idle(&self) -> Result<(), String> {
        let mut busy = None;
        for _ in 0..MAX_IDLE_CHECKS {
            busy = self.busy_thread();
            if busy.is_none() {
                return Ok(());
            }
        }
        Err(format!(
            "busy: the servers are idle, and in {IDLE_CHECK_DURATION:?} this thread used most time: {busy:?}"
        ))
    }

    /// The busiest thread of a server, if it uses much time, and its time.
    fn busy_thread(&self) -> Option<(usize, String, Duration)> {
        let used = || self.servers.iter().map(|server| server.process.time_used());
        let before: Vec<_> = used().collect();
        thread::sleep(IDLE_CHECK_DURATION);
        let servers = (0..).zip(before).zip(used());
        let threads = servers.flat_map(|((index, before), after)| {
            after.into_iter().map(move |(name, used)| {
                let earlier = before.iter().find(|(earlier, _)| *earlier == name);
                let earlier = earlier.map_or(used, |(_, earlier)| *earlier);
                (index, name, used.saturating_sub(earlier))
            })
        });
        threads
            .max_by_key(|(.., used)| *used)
            .filter(|(.., used)| *used > IDLE_CHECK_DURATION / 4)
    }
}
