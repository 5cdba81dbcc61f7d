//! Wakes a reader when an entry appears in the stream.
//!
//! A thread waits with `XREAD BLOCK`, because the reader must also notice interrupts. The answer only wakes: an old
//! master, or a stream that was emptied, sends no error but nothing at all, or entries that are lost later. The
//! reader looks for itself.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use redis::{Connection, RedisResult, Value, cmd};

use super::{
    error::Failure,
    server::{COMMAND_TIMEOUT, CommandError, RedisServer},
};
use crate::{
    journal::contract::{EntryWatcher, Notified},
    runtime::{Interrupt, RepeatedError},
};

/// The reader looks after this time, whatever happens: nothing else shows that the stream was emptied.
const MAX_BLOCK: Duration = Duration::from_secs(2);

/// While Redis is away, the thread tries again after this time.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// When the server refuses to let it wait, only a change of permissions helps.
const REFUSED_INTERVAL: Duration = Duration::from_secs(30);

const OPERATION: &str = "wait for entries";

pub(super) struct RedisWatcher(Arc<Shared>);

struct Shared {
    server: Arc<RedisServer>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the entry that the reader waits for.
    wanted: Option<u64>,
    reader: Option<Interrupt>,
    is_notified: bool,
    /// The thread ends.
    is_dropped: bool,
}

impl RedisWatcher {
    pub(super) fn start(server: Arc<RedisServer>) -> Self {
        let shared = Arc::new(Shared {
            server,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        let started = thread::Builder::new()
            .name("sse-redis".into())
            .spawn(move || of_thread.run());
        if let Err(error) = started {
            tracing::warn!(
                "{}: no thread to wait for entries ({error}), so they are found only once per SSE_POLL_INTERVAL",
                shared.server.address()
            );
        }
        Self(shared)
    }
}

impl Drop for RedisWatcher {
    fn drop(&mut self) {
        self.0.lock().is_dropped = true;
        self.0.changed.notify_all();
    }
}

impl EntryWatcher for RedisWatcher {
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) -> Notified {
        let mut state = self.0.lock();
        let mut is_notified = std::mem::take(&mut state.is_notified);
        if !is_notified {
            state.wanted = Some(next);
            state.reader = Some(interrupt.clone());
            drop(state);
            self.0.changed.notify_all();
            interrupt.wait(timeout);
            is_notified = std::mem::take(&mut self.0.lock().is_notified);
        }
        match is_notified {
            true => Notified::Other,
            false => Notified::Nothing,
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut connection = None;
        let mut last_found = None;
        let mut last_error = RepeatedError::new(
            "saved values are delivered late, once per SSE_POLL_INTERVAL",
            "saved values are delivered at once",
        );
        while let Some(wanted) = self.next_wanted() {
            // The reader does not find what XREAD has found, for example an entry of another program.
            if last_found.take() == Some(wanted) {
                thread::sleep(RETRY_INTERVAL);
            }
            let (generation, mut open, is_used) = match connection.take() {
                Some((generation, open)) if generation == self.server.generation() => {
                    (generation, open, true)
                }
                // After an outage, the reader looks as soon as the server can be reached.
                _ => match self.server.open(OPERATION, COMMAND_TIMEOUT) {
                    Ok((generation, open)) => {
                        self.notify();
                        (generation, open, false)
                    }
                    Err(CommandError {
                        failure: Failure::Refused,
                        ..
                    }) => {
                        // The reader reports it.
                        self.pause(MAX_BLOCK);
                        continue;
                    }
                    Err(_) => {
                        thread::sleep(RETRY_INTERVAL);
                        continue;
                    }
                },
            };
            match self.block(&mut open, wanted) {
                Ok(has_found) => {
                    last_error.note_success();
                    last_found = has_found.then_some(wanted);
                    connection = Some((generation, open));
                    self.notify();
                }
                // The server may have closed the connection, and be there.
                Err(error) if is_used && error.is_io_error() && !error.is_timeout() => {
                    self.server.forget(generation);
                }
                Err(error) => {
                    let CommandError { error, failure, .. } =
                        self.server.note_failure(&error, generation, OPERATION);
                    if failure == Failure::Refused {
                        last_error.report(&error);
                        self.pause(REFUSED_INTERVAL);
                        continue;
                    }
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
    }

    /// Waits until the reader waits for an entry; `None` if it has gone.
    fn next_wanted(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.is_dropped {
                return None;
            }
            if let Some(wanted) = state.wanted {
                return Some(wanted);
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether there is such an entry, or a later one.
    fn block(&self, connection: &mut Connection, wanted: u64) -> RedisResult<bool> {
        connection.set_read_timeout(Some(MAX_BLOCK + COMMAND_TIMEOUT))?;
        let found: Value = cmd("XREAD")
            .arg("COUNT")
            .arg(1)
            .arg("BLOCK")
            .arg(u64::try_from(MAX_BLOCK.as_millis()).unwrap_or(u64::MAX))
            .arg("STREAMS")
            .arg(&self.server.keys.stream)
            .arg(format!("{}-0", wanted.saturating_sub(1)))
            .query(connection)?;
        Ok(found != Value::Nil)
    }

    /// Ends early if the reader has gone.
    fn pause(&self, time: Duration) {
        let has_reader = |state: &mut State| !state.is_dropped;
        let paused = (self.changed).wait_timeout_while(self.lock(), time, has_reader);
        drop(paused.unwrap_or_else(PoisonError::into_inner));
    }

    fn notify(&self) {
        let mut state = self.lock();
        state.wanted = None;
        state.is_notified = true;
        if let Some(reader) = &state.reader {
            reader.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
