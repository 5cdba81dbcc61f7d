//! The threads that read the journal for streams.
//!
//! A client asks for a replay with one short request, and the server may have to read thousands of
//! files for it. So a few threads take turns at all replays: a replay that needs more than one turn waits
//! behind all others before its next. They are threads of the hub's own, so that saves, which run in the
//! runtime's pool, never wait for a replay.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use super::replay::{ReplayRequest, ReplayResult};
use crate::{error::Error, runtime::lock};

/// Replays of closed streams are removed from the queue when it has this many items, and then whenever it
/// has doubled. So it holds at most about twice as many as there are streams.
const MIN_ITEMS_TO_PURGE: usize = 64;

/// Half of the cores, so that replays never take the cores on which events are delivered. At least two:
/// one thread may wait for the disk while another reads from memory. More than 16 would wait for each other
/// in the file system.
pub(super) fn thread_count() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(2, 16)
}

type Answer = Result<ReplayResult, Error>;

/// Ends its threads when dropped, without waiting for them.
pub(super) struct ReplayThreads {
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<WaitingReplay>,
    /// The number of items at which those of closed streams are removed.
    purge_at: usize,
    has_ended: bool,
}

struct WaitingReplay {
    request: ReplayRequest,
    /// Closed once the stream was dropped.
    reply: oneshot::Sender<Answer>,
}

impl ReplayThreads {
    /// Each thread calls `read`, which must take no longer than one turn.
    pub(super) fn start(
        count: usize,
        read: impl Fn(&ReplayRequest) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let threads = Self {
            queue: Arc::default(),
        };
        let read = Arc::new(read);
        for _ in 0..count {
            let (queue, read) = (Arc::clone(&threads.queue), Arc::clone(&read));
            thread::Builder::new()
                .name("sse-replay".into())
                .spawn(move || {
                    while let Some(replay) = queue.next() {
                        replay.run(&*read);
                    }
                })?;
        }
        Ok(threads)
    }

    /// Queues a request. Drop the receiver to cancel it.
    pub(super) fn add(&self, request: ReplayRequest) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.queue.add(WaitingReplay { request, reply });
        answer
    }
}

impl Drop for ReplayThreads {
    fn drop(&mut self) {
        lock(&self.queue.state).has_ended = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn add(&self, replay: WaitingReplay) {
        let mut state = lock(&self.state);
        if state.waiting.len() >= state.purge_at.max(MIN_ITEMS_TO_PURGE) {
            state.waiting.retain(|waiting| !waiting.reply.is_closed());
            state.purge_at = 2 * state.waiting.len();
        }
        state.waiting.push_back(replay);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for the next replay whose stream is open. `None`: the thread must end.
    fn next(&self) -> Option<WaitingReplay> {
        let mut state = lock(&self.state);
        while !state.has_ended {
            match state.waiting.pop_front() {
                Some(replay) if replay.reply.is_closed() => {}
                Some(replay) => return Some(replay),
                None => {
                    let woken = self.changed.wait(state);
                    state = woken.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        None
    }
}

impl WaitingReplay {
    /// A panic ends this stream, whose reply is dropped, and no thread.
    fn run(self, read: &dyn Fn(&ReplayRequest) -> Answer) {
        if let Ok(answer) = catch_unwind(AssertUnwindSafe(|| read(&self.request))) {
            // The stream may have been dropped meanwhile.
            let _ = self.reply.send(answer);
        }
    }
}
